import { badRequest, forbidden } from '../../fhir/error.ts';
import { isId } from '../../fhir/references.ts';
import type { Grant } from '../grant.ts';
import type { Role } from '../roles.ts';

/** What a request says of itself beside who makes it: for what, and whether in an emergency. */
export type Circumstances = {
  /** Codes of v3-ActReason, such as `TREAT`; none: it isn't said. */
  readonly purposes: readonly string[];
  readonly breakGlass?: BreakGlass;
};

/** One patient's record opened in an emergency, for this request alone. The reason may tell of the patient: it is never logged. */
export type BreakGlass = { readonly patient: string; readonly reason: string };

export type CircumstanceHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const reasonCharacters = { min: 10, max: 500 };
const purposesMax = 10;
/** Of v3-ActReason: break the glass, and treatment in an emergency. */
const emergencies = new Set(['BTG', 'ETREAT']);

/**
 * Reads `X-Purpose-Of-Use` and `X-Break-Glass`. A purpose in the token goes before the header's.
 *
 * @param breakers  the roles that may break the glass
 * @throws          FhirError 400 if a header can't be read, 403 if the caller may not break the glass
 * @see             https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
 */
export function circumstancesOf(grant: Grant, headers: CircumstanceHeaders, breakers: readonly string[]): Circumstances {
  const purposes = grant.purposes ?? purposesOf(headers['x-purpose-of-use']);
  const reason = headers['x-break-glass'];
  if (reason === undefined) return purposes.length === 0 ? noCircumstances : { purposes };
  return { purposes, breakGlass: breakGlassOf(grant, purposes, String(reason).trim(), headers['x-break-glass-patient'], breakers) };
}

export const noCircumstances: Circumstances = { purposes: [] };

function purposesOf(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  const codes = String(header)
    .split(',')
    .map((code) => code.trim().replace(/^http:\/\/terminology\.hl7\.org\/CodeSystem\/v3-ActReason\|/, ''));
  if (codes.length > purposesMax || !codes.every((code) => /^[A-Z][A-Z0-9]{1,31}$/.test(code)))
    throw badRequest('purpose-invalid', 'X-Purpose-Of-Use holds codes of v3-ActReason, such as TREAT, between commas.');
  return codes;
}

function breakGlassOf(
  grant: Grant,
  purposes: readonly string[],
  reason: string,
  named: string | readonly string[] | undefined,
  breakers: readonly string[],
): BreakGlass {
  const isPermitted = grant.roles.some((role: Role) => breakers.includes(role));
  if (!isPermitted || !grant.scopes.some(({ level }) => level !== 'system'))
    throw forbidden('break-glass-refused', 'This caller may not break the glass.');
  if (!purposes.some((code) => emergencies.has(code)))
    throw forbidden('break-glass-without-purpose', 'Breaking the glass needs the purpose of use BTG or ETREAT, in X-Purpose-Of-Use.');
  if (reason.length < reasonCharacters.min || reason.length > reasonCharacters.max || !/\p{L}{2}/u.test(reason))
    throw badRequest(
      'break-glass-reason',
      `X-Break-Glass holds the reason, in ${reasonCharacters.min} to ${reasonCharacters.max} characters.`,
    );
  const patient = named === undefined ? grant.patient : String(named).replace(/^Patient\//, '');
  if (patient === undefined || !isId(patient))
    throw badRequest('break-glass-patient', 'Name the one patient whose record is needed: X-Break-Glass-Patient holds his id.');
  if (grant.patient !== undefined && grant.patient !== patient)
    throw forbidden('break-glass-refused', 'The token is about another patient.');
  return { patient, reason };
}

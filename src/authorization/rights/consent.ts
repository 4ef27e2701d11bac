import { parseFhirDate } from '../../fhir/dates.ts';
import { isRecord, textOf } from '../../search/sink.ts';
import { localTarget } from '../../search/types/reference.ts';

export type Coded = { readonly system?: string; readonly code: string };

/** One provision, as far as access can be decided by it. Empty lists bound nothing. */
export type ConsentRule = {
  readonly type: 'permit' | 'deny' | undefined;
  /** Epoch ms, half open. `unreadable` where a bound is there that can't be read. */
  readonly period: { readonly from: number; readonly until: number } | 'unreadable' | undefined;
  /** `Type/id` of ours; undefined for someone who isn't known here. */
  readonly actors: readonly (string | undefined)[];
  /** Of these and the next ones, '' stands for what has no code. */
  readonly actions: readonly string[];
  readonly purposes: readonly string[];
  /** Codes of `class`: resource types, or what is none and can't be decided by. */
  readonly classes: readonly string[];
  /** undefined for a concept that has no code. */
  readonly codes: readonly (Coded | undefined)[];
  readonly labels: readonly (Coded | undefined)[];
  readonly data: readonly { readonly meaning: string; readonly target: { readonly type: string; readonly id: string } | undefined }[];
  readonly hasDataPeriod: boolean;
  readonly rules: readonly ConsentRule[];
};

/** What one patient's Consent says of who may use his record. */
export type PatientConsent = { readonly id: string; readonly patient: string; readonly rule: ConsentRule };

const rulesDepthMax = 5;

/**
 * Reads a Consent. Only one that is active, about privacy and of a patient of ours has an effect.
 *
 * @see https://hl7.org/fhir/R4/consent.html
 */
export function consentOf(resource: unknown, base: string): PatientConsent | undefined {
  if (!isRecord(resource) || resource.resourceType !== 'Consent' || resource.status !== 'active') return undefined;
  if (!codesOf(resource.scope).some(({ code }) => code === 'patient-privacy')) return undefined;
  const patient = targetOf(resource.patient, base);
  const id = textOf(resource.id);
  if (patient?.type !== 'Patient' || id === undefined) return undefined;
  const rule = ruleOf(isRecord(resource.provision) ? resource.provision : {}, base, rulesDepthMax);
  // R4 lets a root rule have no type: then the policy tells what holds by default.
  return { id, patient: patient.id, rule: rule.type === undefined ? { ...rule, type: baseOf(resource.policyRule) } : rule };
}

function baseOf(policyRule: unknown): ConsentRule['type'] {
  const codes = codesOf(policyRule).map(({ code }) => code);
  if (codes.some((code) => code.startsWith('OPTOUT'))) return 'deny';
  return codes.some((code) => code.startsWith('OPTIN')) ? 'permit' : undefined;
}

function ruleOf(provision: Readonly<Record<string, unknown>>, base: string, depth: number): ConsentRule {
  const { type } = provision;
  return {
    type: type === 'deny' || type === 'permit' ? type : undefined,
    period: periodOf(provision.period),
    actors: listOf(provision.actor).map((actor) => nameOf(targetOf(isRecord(actor) ? actor.reference : undefined, base))),
    actions: listOf(provision.action).flatMap((action) => orUnknown(codesOf(action))),
    purposes: listOf(provision.purpose).flatMap((purpose) => orUnknown(codingOf(purpose))),
    classes: listOf(provision.class).flatMap((each) => orUnknown(codingOf(each))),
    codes: listOf(provision.code).flatMap((concept): (Coded | undefined)[] => {
      const codes = codesOf(concept);
      return codes.length === 0 ? [undefined] : codes;
    }),
    labels: listOf(provision.securityLabel).flatMap((each): (Coded | undefined)[] => {
      const codes = codingOf(each);
      return codes.length === 0 ? [undefined] : codes;
    }),
    data: listOf(provision.data).map((each) => ({
      meaning: (isRecord(each) ? textOf(each.meaning) : undefined) ?? 'related',
      target: targetOf(isRecord(each) ? each.reference : undefined, base),
    })),
    hasDataPeriod: provision.dataPeriod !== undefined,
    // Deeper than any consent goes: what isn't looked at denies all that its parent is about.
    rules:
      depth === 0
        ? listOf(provision.provision).map(() => ({ ...denyAll }))
        : listOf(provision.provision).map((each) => ruleOf(isRecord(each) ? each : {}, base, depth - 1)),
  };
}

const denyAll: ConsentRule = {
  type: 'deny',
  period: undefined,
  actors: [],
  actions: [],
  purposes: [],
  classes: [],
  codes: [],
  labels: [],
  data: [],
  hasDataPeriod: false,
  rules: [],
};

function periodOf(period: unknown): ConsentRule['period'] {
  if (!isRecord(period)) return undefined;
  const [from, until] = [period.start, period.end].map((text) => (text === undefined ? null : parseFhirDate(textOf(text) ?? '')));
  if (from === undefined || until === undefined) return 'unreadable';
  return { from: from?.from ?? Number.NEGATIVE_INFINITY, until: until?.until ?? Number.POSITIVE_INFINITY };
}

const orUnknown = (codes: readonly Coded[]): string[] => (codes.length === 0 ? [''] : codes.map(({ code }) => code));

function codesOf(concept: unknown): Coded[] {
  return isRecord(concept) ? listOf(concept.coding).flatMap(codingOf) : [];
}

function codingOf(coding: unknown): Coded[] {
  const code = isRecord(coding) ? textOf(coding.code) : undefined;
  const system = isRecord(coding) ? textOf(coding.system) : undefined;
  if (code === undefined) return [];
  return [system === undefined ? { code } : { system, code }];
}

function targetOf(reference: unknown, base: string): { readonly type: string; readonly id: string } | undefined {
  const text = isRecord(reference) ? textOf(reference.reference) : undefined;
  return text === undefined ? undefined : localTarget(text, base);
}

const nameOf = (target: { readonly type: string; readonly id: string } | undefined): string | undefined =>
  target === undefined ? undefined : `${target.type}/${target.id}`;

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

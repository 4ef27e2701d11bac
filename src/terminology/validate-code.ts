import type { JsonObject } from '../fhir/json.ts';
import { isNode, type Node, readCodeSystem, textOf } from './code-system.ts';
import { designationsFor, displayOf, isDisplay } from './display.ts';
import { conceptIn, type Member, memberOf, memberOfSet } from './membership.ts';
import { nearestCode, nearestOf } from './nearest.ts';
import { misasked, unknown, untellable } from './refusals.ts';
import type { Coding, ValidateCodeRequest, ValidateSystemCodeRequest } from './requests.ts';
import { settled, type Stock } from './stock.ts';
import type { System } from './system.ts';
import { readValueSet } from './value-set.ts';
import type { Nearest } from './verdict.ts';

/** What came out for one of the codes that were asked about. */
type Judged = { readonly valid: boolean; readonly message?: string; readonly display?: string };

/**
 * Whether a code, a Coding or one of a CodeableConcept's is in a value set, and called rightly.
 *
 * @throws FhirError 404 if the value set isn't known, 422 if it can't be told, as a code system isn't loaded
 * @see    https://hl7.org/fhir/R4/valueset-operation-validate-code.html
 */
export async function validateCode(request: ValidateCodeRequest, stock: Stock): Promise<JsonObject> {
  const { valueSet, url, valueSetVersion } = request;
  const inline = isNode(valueSet) ? readValueSet(valueSet) : undefined;
  if (inline === undefined && url === undefined) throw misasked('Name the value set by "url", or give it as "valueSet".');
  const canonical = url === undefined || valueSetVersion === undefined || url.includes('|') ? url : `${url}|${valueSetVersion}`;
  const name = canonical ?? inline?.url ?? 'that was sent';
  const known = await settled(stock, (needs) => inline ?? stock.valueSet(canonical ?? '', needs));
  if (known === 'absent' || known === undefined) throw unknown(`The value set ${name} is not known here.`);
  const codings = codingsOf(request);
  const judged = await settled(stock, (needs) =>
    codings.map((coding): Judged => {
      const look = { stock, needs };
      const { system, code = '' } = coding;
      const member = inline === undefined ? memberOf(canonical ?? '', system, code, look) : memberOfSet(inline, name, system, code, look);
      const outside = `is not in the value set ${name}`;
      const nearest = (): Nearest | undefined => nearestCode({ valueSet: canonical, system, code }, stock).found;
      return judge(member, coding, request, outside, nearest);
    }),
  );
  return answer(judged);
}

/**
 * Whether a code system has a code, a Coding's or one of a CodeableConcept's, and calls it so.
 *
 * @throws FhirError 404 if the code system isn't known, 422 if it can't be told, as only a part of it is here
 * @see    https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
 */
export async function validateSystemCode(request: ValidateSystemCodeRequest, stock: Stock): Promise<JsonObject> {
  const { codeSystem, version } = request;
  const inline = isNode(codeSystem) ? inlineSystem(codeSystem) : undefined;
  const codings = codingsOf(request);
  const url = request.url ?? (inline?.kind === 'memory' ? inline.system.url : codings[0]?.system);
  if (url === undefined) throw misasked('Name the code system by "url", or give it as "codeSystem".');
  const system = await settled(stock, (needs) => inline ?? stock.system(url, version, needs));
  if (system === undefined || system.kind === 'absent') throw unknown(system?.why ?? `The code system ${url} isn't loaded here.`);
  const judged = await settled(stock, (needs) =>
    codings.map((coding): Judged => {
      const { code = '' } = coding;
      if (coding.system !== undefined && coding.system !== url)
        return { valid: false, message: `The code is one of ${coding.system}, not of ${url}.` };
      const member = conceptIn(system, url, version, code, { stock, needs });
      return judge(member, coding, request, `is not in the code system ${url}`, () => nearestOf(system, url, code));
    }),
  );
  return answer(judged);
}

const inlineSystem = (resource: Node): System => ({ kind: 'memory', system: readCodeSystem(resource), otherVersion: false });

type Asked = Pick<ValidateCodeRequest, 'code' | 'system' | 'systemVersion' | 'display' | 'coding' | 'codeableConcept'>;

/** One and only one of the three ways to give a code. */
function codingsOf({ code, system, display, coding, codeableConcept }: Asked): readonly Coding[] {
  if ([code, coding, codeableConcept].filter((each) => each !== undefined).length !== 1)
    throw misasked('Give one of "code", "coding" and "codeableConcept", and only one.');
  const codings: readonly Coding[] =
    coding !== undefined
      ? [coding]
      : (codeableConcept?.coding ?? [
          {
            ...(code === undefined ? {} : { code }),
            ...(system === undefined ? {} : { system }),
            ...(display === undefined ? {} : { display }),
          },
        ]);
  const found = codings.filter((each) => textOf(each.code) !== undefined);
  if (codeableConcept !== undefined) return codeableConcept.coding === undefined ? [] : found;
  if (found.length === 0) throw misasked('There is no code to validate.');
  return found;
}

function judge(
  member: Member,
  coding: Coding,
  { abstract, displayLanguage }: Pick<ValidateCodeRequest, 'abstract' | 'displayLanguage'>,
  outside: string,
  nearest: () => Nearest | undefined,
): Judged {
  const { system, code, display } = coding;
  const named = `The code ${system === undefined ? '' : `${system}|`}${code}`;
  switch (member.kind) {
    case 'later':
      return { valid: false };
    case 'untold':
      throw untellable(member.why);
    case 'out': {
      const near = nearest();
      const hint =
        near === undefined ? '' : ` Did you mean ${near.system}|${near.code}${near.display === undefined ? '' : ` (${near.display})`}?`;
      return { valid: false, message: `${named} ${outside}.${hint}` };
    }
    default: {
      const { concept, listed } = member;
      const preferred = displayOf({ concept, listed }, displayLanguage);
      const shown = preferred === undefined ? {} : { display: preferred };
      if (abstract === false && (concept?.abstract === true || listed?.abstract === true))
        return { valid: false, ...shown, message: `${named} only groups others, and can't be used itself.` };
      const own = concept?.informal === true ? [] : [concept?.display, ...designationsFor({ concept, listed }).map(({ value }) => value)];
      const displays = [listed?.display, ...own].filter((each) => each !== undefined);
      if (display !== undefined && displays.length > 0 && !isDisplay(display, displays))
        return {
          valid: false,
          ...shown,
          message: `${named} isn't called as "display" says. It is called: ${displays.slice(0, 5).join('; ')}.`,
        };
      if (concept?.inactive === true) return { valid: true, ...shown, message: `${named} is inactive in its code system.` };
      return { valid: true, ...shown };
    }
  }
}

/** One right coding is enough. */
function answer(judged: readonly Judged[]): JsonObject {
  const best = judged.find(({ valid }) => valid);
  const messages = (best === undefined ? judged : [best]).flatMap(({ message = [] }) => message);
  const display = (best ?? judged[0])?.display;
  if (judged.length === 0) messages.push('The concept has no coding.');
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: best !== undefined },
      ...(messages.length === 0 ? [] : [{ name: 'message', valueString: messages.join(' ') }]),
      ...(display === undefined ? [] : [{ name: 'display', valueString: display }]),
    ],
  };
}

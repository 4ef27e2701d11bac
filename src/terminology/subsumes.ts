import type { JsonObject } from '../fhir/json.ts';
import type { Concept } from './code-system.ts';
import { conceptIn, hierarchyOf } from './membership.ts';
import { misasked, unknown, untellable } from './refusals.ts';
import type { SubsumesRequest } from './requests.ts';
import { settled, type Stock } from './stock.ts';
import type { System } from './system.ts';

/**
 * Whether one code is a kind of the other: `equivalent`, `subsumes`, `subsumed-by`, `not-subsumed`.
 *
 * @throws FhirError 404 for a code system or code that isn't here, 422 if its hierarchy tells nothing of kinds
 * @see    https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
 */
export async function subsumes(request: SubsumesRequest, stock: Stock): Promise<JsonObject> {
  const { codingA, codingB, version } = request;
  const [codeA, codeB] = [codingA?.code ?? request.codeA, codingB?.code ?? request.codeB];
  if (codeA === undefined || codeB === undefined) throw misasked('Give "codeA" and "codeB", or "codingA" and "codingB", and a "system".');
  const systems = new Set([request.system, codingA?.system, codingB?.system].filter((each) => each !== undefined));
  const [url, ...others] = systems;
  if (url === undefined) throw misasked('Name the code system by "system".');
  if (others.length > 0) throw misasked('Both codes must be of one code system, the one that "system" names.');
  const system = await settled(stock, (needs) => stock.system(url, version ?? codingA?.version, needs));
  if (system === undefined || system.kind === 'absent') throw unknown(system?.why ?? `The code system ${url} isn't loaded here.`);
  const [a, b] = [await found(codeA, url, system, stock), await found(codeB, url, system, stock)];
  return { resourceType: 'Parameters', parameter: [{ name: 'outcome', valueCode: outcomeOf(a, b, url, system) }] };
}

function outcomeOf(a: Concept, b: Concept, url: string, system: System): string {
  if (a.code === b.code) return 'equivalent';
  const told = system.kind === 'memory' ? system.system.subsumes : system.kind === 'table' ? system.table.subsumes : false;
  if (!told) throw untellable(`The hierarchy of the code system ${url} does not tell which codes are kinds of which.`);
  const { ancestors } = hierarchyOf(system);
  if (ancestors(b).has(a.code)) return 'subsumes';
  return ancestors(a).has(b.code) ? 'subsumed-by' : 'not-subsumed';
}

async function found(code: string, url: string, system: System, stock: Stock): Promise<Concept> {
  const member = await settled(stock, (needs) => conceptIn(system, url, undefined, code, { stock, needs }));
  if (member.kind === 'untold') throw untellable(member.why);
  if (member.kind !== 'in' || member.concept === undefined) throw unknown(`The code system ${url} has no code ${code}.`);
  return member.concept;
}

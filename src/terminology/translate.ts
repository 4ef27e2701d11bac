import type { Conformance } from '../fhir/conformance.ts';
import type { JsonObject } from '../fhir/json.ts';
import { isNode, listOf, type Node, textOf } from './code-system.ts';
import { memberOf } from './membership.ts';
import { misasked, unknown, untellable } from './refusals.ts';
import type { Coding, TranslateRequest } from './requests.ts';
import { settled, type Stock } from './stock.ts';

export type Translating = { readonly stock: Stock; readonly conformance: Pick<Conformance, 'find'> };

/**
 * What a code becomes by a concept map, or with `reverse` what becomes of it: every match with its equivalence, also those that say
 * there is none.
 *
 * @throws FhirError 404 if the concept map isn't known
 * @see    https://hl7.org/fhir/R4/conceptmap-operation-translate.html
 */
export async function translate(request: TranslateRequest, { stock, conformance }: Translating): Promise<JsonObject> {
  const codings = codingsOf(request);
  const map = await mapAsked(request, conformance);
  const found = (await Promise.all(codings.map((coding) => matchesOf(coding, map, request, conformance, 0)))).flat();
  const matches = await keepTargets(found, map, request, stock);
  const result = matches.some(({ equivalence }) => !['unmatched', 'disjoint'].includes(equivalence));
  const message = matches.length === 0 ? [{ name: 'message', valueString: `${nameOf(map)} has no match for the code.` }] : [];
  return {
    resourceType: 'Parameters',
    parameter: [{ name: 'result', valueBoolean: result }, ...message, ...matches.map(parameterOf)],
  };
}

type Match = {
  readonly equivalence: string;
  readonly concept?: Coding;
  readonly products: readonly Node[];
  readonly source: string | undefined;
};

function codingsOf({ code, system, coding, codeableConcept }: TranslateRequest): readonly Coding[] {
  if ([code, coding, codeableConcept].filter((each) => each !== undefined).length !== 1)
    throw misasked('Give one of "code", "coding" and "codeableConcept", and only one.');
  if (code !== undefined && system === undefined) throw misasked('Give the "system" of the code as well.');
  const codings =
    code !== undefined && system !== undefined ? [{ code, system }] : coding !== undefined ? [coding] : (codeableConcept?.coding ?? []);
  if (!codings.some((each) => each.code !== undefined)) throw misasked('There is no code to translate.');
  return codings;
}

async function mapAsked({ url, conceptMap, conceptMapVersion }: TranslateRequest, conformance: Pick<Conformance, 'find'>): Promise<Node> {
  if (isNode(conceptMap)) return conceptMap;
  if (url === undefined)
    throw untellable('Name the concept map by "url", or call the operation on it: maps are not looked for by their value sets here.');
  const canonical = conceptMapVersion === undefined || url.includes('|') ? url : `${url}|${conceptMapVersion}`;
  return findMap(canonical, conformance);
}

async function findMap(canonical: string, conformance: Pick<Conformance, 'find'>): Promise<Node> {
  const found = await conformance.find('ConceptMap', canonical);
  if (!isNode(found)) throw unknown(`The concept map ${canonical} is not known here.`);
  return found;
}

/** A map may refer to others for what it doesn't map itself, so deep. */
const depthMax = 4;

async function matchesOf(
  coding: Coding,
  map: Node,
  request: TranslateRequest,
  conformance: Pick<Conformance, 'find'>,
  depth: number,
): Promise<Match[]> {
  const groups = listOf(map['group']);
  if (request.reverse === true) return groups.flatMap((group) => reversed(coding, group, map, request));
  const matches: Match[] = [];
  for (const group of groups) {
    if (group['source'] !== undefined && coding.system !== undefined && group['source'] !== coding.system) continue;
    if (request.targetsystem !== undefined && group['target'] !== request.targetsystem) continue;
    const mapped = listOf(group['element']).filter(({ code }) => code === coding.code);
    for (const element of mapped)
      for (const target of listOf(element['target']))
        if (dependsMet(target, request)) matches.push(matchOf(textOf(target['equivalence']) ?? 'relatedto', target, group['target'], map));
    if (mapped.length > 0) continue;
    matches.push(...(await unmapped(coding, group, map, request, conformance, depth)));
  }
  return matches;
}

async function unmapped(
  coding: Coding,
  group: Node,
  map: Node,
  request: TranslateRequest,
  conformance: Pick<Conformance, 'find'>,
  depth: number,
): Promise<Match[]> {
  const { unmapped: rule } = group;
  if (!isNode(rule)) return [];
  // A group for any source has no code system whose codes it could leave out.
  if (group['source'] !== undefined && coding.system === undefined) return [];
  switch (rule['mode']) {
    case 'provided':
      return [matchOf('equal', { code: coding.code, display: coding.display }, group['target'], map)];
    case 'fixed':
      return [matchOf('relatedto', rule, group['target'], map)];
    case 'other-map': {
      const url = textOf(rule['url']);
      if (url === undefined || depth === depthMax) return [];
      return matchesOf(coding, await findMap(url, conformance), request, conformance, depth + 1);
    }
    default:
      return [];
  }
}

/** What the equivalence is called from the other side. */
const opposite: Readonly<Record<string, string>> = {
  wider: 'narrower',
  narrower: 'wider',
  subsumes: 'specializes',
  specializes: 'subsumes',
};

function reversed(coding: Coding, group: Node, map: Node, { targetsystem }: TranslateRequest): Match[] {
  if (group['target'] !== undefined && coding.system !== undefined && group['target'] !== coding.system) return [];
  if (targetsystem !== undefined && group['source'] !== targetsystem) return [];
  return listOf(group['element']).flatMap((element) =>
    listOf(element['target'])
      .filter(({ code }) => code === coding.code)
      .map((target) => {
        const equivalence = textOf(target['equivalence']) ?? 'relatedto';
        return matchOf(opposite[equivalence] ?? equivalence, { code: element['code'], display: element['display'] }, group['source'], map);
      }),
  );
}

/** A target that depends on other elements is meant only where these have the values it names. */
function dependsMet(target: Node, { dependency = [] }: TranslateRequest): boolean {
  return listOf(target['dependsOn']).every(({ property, system, value }) =>
    dependency.some(
      ({ element, concept }) =>
        element === property &&
        (concept?.text === value ||
          concept?.coding?.some((each) => each.code === value && (system === undefined || each.system === system)) === true),
    ),
  );
}

function matchOf(equivalence: string, { code, display, product }: Node, system: unknown, map: Node): Match {
  const [url, name, called] = [textOf(system), textOf(code), textOf(display)];
  const concept = {
    ...(url === undefined ? {} : { system: url }),
    ...(name === undefined ? {} : { code: name }),
    ...(called === undefined ? {} : { display: called }),
  };
  return { equivalence, ...(name === undefined ? {} : { concept }), products: listOf(product), source: textOf(map['url']) };
}

/** The target value set may be the map's own; of another one only codes that are in it are a match. */
async function keepTargets(
  matches: readonly Match[],
  map: Node,
  { target, source, reverse }: TranslateRequest,
  stock: Stock,
): Promise<readonly Match[]> {
  const wanted = reverse === true ? source : target;
  const [from, to] = [map['sourceUri'] ?? map['sourceCanonical'], map['targetUri'] ?? map['targetCanonical']];
  if (wanted === undefined || wanted === (reverse === true ? from : to)) return matches;
  return settled(stock, (needs) =>
    matches.filter(({ concept }) => {
      if (concept?.code === undefined) return true;
      const member = memberOf(wanted, concept.system, concept.code, { stock, needs });
      if (member.kind === 'untold') throw untellable(member.why);
      return member.kind === 'in';
    }),
  );
}

const nameOf = (map: Node): string => `The concept map ${textOf(map['url']) ?? 'that was sent'}`;

function parameterOf({ equivalence, concept, products, source }: Match): JsonObject {
  return {
    name: 'match',
    part: [
      { name: 'equivalence', valueCode: equivalence },
      ...(concept === undefined ? [] : [{ name: 'concept', valueCoding: concept as JsonObject }]),
      ...products.map(productOf),
      ...(source === undefined ? [] : [{ name: 'source', valueUri: source }]),
    ],
  };
}

function productOf({ property, system, value, display }: Node): JsonObject {
  const [url, code, called] = [textOf(system), textOf(value), textOf(display)];
  const concept = {
    ...(url === undefined ? {} : { system: url }),
    ...(code === undefined ? {} : { code }),
    ...(called === undefined ? {} : { display: called }),
  };
  return {
    name: 'product',
    part: [
      { name: 'element', valueUri: textOf(property) ?? '' },
      { name: 'concept', valueCoding: concept },
    ],
  };
}

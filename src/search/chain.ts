import { badRequest, FhirError } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import { paramOf, targetsOf } from './parameters.ts';
import type { Criterion, Link, SearchLimits, Step } from './query.ts';
import type { Registry, SearchParam, TypeSearch } from './registry.ts';

/** Where a name is read: at a type, after so many hops of the parameter that the client sent. */
export type Place = {
  readonly search: TypeSearch;
  readonly registry: Registry;
  readonly limits: SearchLimits;
  /** The whole parameter, for messages. */
  readonly asked: string;
  readonly hops: number;
  /** Shared by all types that the parameter may lead to. */
  readonly steps: { left: number };
};

/** What a name means at its last type; undefined where it asks nothing. */
export type Leaf = (name: string, place: Place) => Criterion | undefined;

/** A reference that may lead to more types must say which one is meant. */
const targetsMax = 30;
/** Types that are tried for all hops of one parameter. */
const stepsMax = 1_000;

export function placeOf(asked: string, search: TypeSearch, registry: Registry, limits: SearchLimits): Place {
  return { search, registry, limits, asked, hops: 0, steps: { left: stepsMax } };
}

/**
 * Reads a parameter's name hop by hop: `subject:Patient.name`, `_has:Observation:patient:code` and both inside each other.
 *
 * @param leaf  reads what is left at the last type: `name:exact`
 * @throws      FhirError 400 naming the parameter
 * @see         https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
 */
export function parsePath(path: string, place: Place, leaf: Leaf): Criterion | undefined {
  if (path.startsWith('_has:')) return parseHas(path, place, leaf);
  const dot = path.indexOf('.');
  if (dot === -1) return leaf(path, place);
  return parseHop(path.slice(0, dot), place, (next) => parsePath(path.slice(dot + 1), next, leaf));
}

/**
 * One hop along a reference parameter, `subject` or `subject:Patient`. Without a type it leads to all types the parameter may point to
 * that have what follows.
 */
export function parseHop(step: string, place: Place, follow: (next: Place) => Criterion | undefined): Criterion | undefined {
  const { search, registry, asked } = place;
  const [code = '', type, ...rest] = step.split(':');
  const param = referenceParam(code, search, asked);
  if (rest.length > 0) throw badRequest('search-invalid-chain', `"${asked}" has more than one modifier at "${code}".`);
  const possible = targetsOf(param, registry);
  if (type !== undefined) {
    assertType(type, place);
    if (!possible.includes(type)) throw neverPoints('search-unknown-modifier', { asked, from: search.type, code, possible }, type);
    const criterion = follow(placeAt(type, place));
    return criterion === undefined ? undefined : { kind: 'chain', to: [{ type, link: linkOf(param, search, type), criterion }] };
  }
  return alternatives(param, possible, place, follow);
}

function alternatives(
  param: SearchParam,
  types: readonly string[],
  place: Place,
  follow: (next: Place) => Criterion | undefined,
): Criterion | undefined {
  const to: Step[] = [];
  const refused: FhirError[] = [];
  let empty = false;
  for (const type of types) {
    try {
      const criterion = follow(placeAt(type, place));
      if (criterion === undefined) empty = true;
      else to.push({ type, link: linkOf(param, place.search, type), criterion });
    } catch (error) {
      if (!(error instanceof FhirError) || !doesNotHave.has(error.issues[0]?.id ?? '')) throw error;
      refused.push(error);
    }
  }
  if (to.length > targetsMax) throw ambiguous(place.asked, param.code, `leads to ${to.length} types`);
  if (to.length > 0) return { kind: 'chain', to };
  if (empty) return undefined;
  const [first] = refused;
  if (types.length === 1 && first !== undefined) throw first;
  throw badRequest(
    'search-unknown-parameter',
    `"${place.asked}": none of the types that "${param.code}" points to has it (${types.join(', ')}). ${first?.message ?? ''}`.trim(),
    undefined,
    'not-supported',
  );
}

/** Why a type is left out of those a chain may lead to. */
const doesNotHave = new Set(['search-unknown-parameter', 'search-unsupported-parameter', 'search-unknown-reference']);

function parseHas(path: string, place: Place, leaf: Leaf): Criterion | undefined {
  const { search, registry, asked } = place;
  const [, type = '', code = '', ...rest] = path.split(':');
  const inner = rest.join(':');
  if (type === '' || code === '' || inner === '') {
    throw badRequest('search-invalid-has', `"${asked}": write _has:Type:reference:parameter, as in _has:Observation:patient:code.`);
  }
  assertType(type, place);
  const from = registry.of(type);
  const param = referenceParam(code, from, asked);
  const possible = targetsOf(param, registry);
  if (!possible.includes(search.type)) throw neverPoints('search-unknown-reference', { asked, from: type, code, possible }, search.type);
  const criterion = parsePath(inner, placeAt(type, place), leaf);
  return criterion === undefined ? undefined : { kind: 'has', by: { type, link: linkOf(param, from, search.type), criterion } };
}

function placeAt(type: string, place: Place): Place {
  const { limits, asked, steps } = place;
  if (place.hops >= limits.searchChainDepthMax) {
    throw badRequest(
      'search-chain-too-deep',
      `"${asked}" follows more than ${limits.searchChainDepthMax} references. Search for what is in between first, and use its ids.`,
      undefined,
      'too-costly',
    );
  }
  if (steps.left-- <= 0) throw ambiguous(asked, undefined, 'may lead to too many types');
  return { ...place, search: place.registry.of(type), hops: place.hops + 1 };
}

function ambiguous(asked: string, code: string | undefined, why: string): FhirError {
  const where = code === undefined ? '' : ` "${code}"`;
  return badRequest(
    'search-chain-ambiguous',
    `"${asked}":${where} ${why}. Name the one you mean, as in "subject:Patient".`,
    undefined,
    'too-costly',
  );
}

function referenceParam(code: string, search: TypeSearch, asked: string): SearchParam {
  const param = paramOf(code, search);
  if (param.type === 'reference') return param;
  const references = [...search.params.values()].filter(({ type, elements }) => type === 'reference' && elements.length > 0);
  throw badRequest(
    'search-invalid-chain',
    `"${asked}": "${code}" is a ${param.type} parameter of ${search.type}, and only references can be followed: ${listOf(references)}.`,
  );
}

const listOf = (params: readonly SearchParam[]): string =>
  params
    .map(({ code }) => code)
    .sort()
    .join(', ') || 'it has none';

function assertType(type: string, { registry, asked }: Place): void {
  if (registry.isType(type)) return;
  const nearest = nearestName(type, registry.types);
  const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw badRequest('search-unknown-type', `"${asked}": "${type}" is no resource type.${advice}`);
}

type Pointing = { readonly asked: string; readonly from: string; readonly code: string; readonly possible: readonly string[] };

function neverPoints(id: string, { asked, from, code, possible }: Pointing, target: string): FhirError {
  return badRequest(id, `"${asked}": "${code}" of ${from} never points to ${target}; it points to ${possible.join(', ')}.`);
}

/**
 * How the parameter's references of `search.type` to a resource of type `target` are kept.
 *
 * @throws FhirError 400 for audit events: there are more of them than of all else, and no table has what they refer to
 */
export function linkOf({ code, elements, targets: all }: SearchParam, search: TypeSearch, target: string): Link {
  if (search.type === 'AuditEvent')
    throw badRequest(
      'search-chain-unsupported',
      `What AuditEvents refer to can't be followed, by chains, _has or _revinclude. Search AuditEvent?${code}=Type/id with the ids that another search found.`,
      undefined,
      'not-supported',
    );
  const pointing = elements.filter(({ targets = all }) => targets.length === 0 || targets.includes(target)).map(({ element }) => element);
  const column =
    target === 'Patient' &&
    search.namesOnePatient &&
    pointing.length === search.patientElements.length &&
    pointing.every((element) => search.patientElements.includes(element));
  return { params: pointing.map(({ number }) => number), column };
}

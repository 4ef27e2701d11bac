import { badRequest, type FhirError } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { SearchLimits } from './query.ts';
import { type BuildingParam, isAnswered, type Registry, type SearchParam, type TypeSearch } from './registry.ts';

/** Answered from columns or settings rather than from elements. */
export const columnParams = new Set(['_id', '_lastUpdated']);
/** Answered from the words of texts; no element is theirs. */
const textParams = new Set(['_text', '_content']);

export function paramOf(code: string, search: TypeSearch): SearchParam {
  const building = search.building.get(code);
  if (building !== undefined) throw stillBuilding(code, building);
  const param = search.params.get(code);
  if (param !== undefined && (isAnswered(param) || columnParams.has(code) || textParams.has(code))) return param;
  const known = [...search.params.values()].filter(isAnswered).map((each) => each.code);
  if (param !== undefined) {
    throw badRequest(
      'search-unsupported-parameter',
      `"${code}" is a search parameter of ${search.type} that this server doesn't answer yet.`,
      undefined,
      'not-supported',
    );
  }
  const nearest = nearestName(code, known);
  const advice = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw badRequest(
    'search-unknown-parameter',
    `${search.type} has no search parameter "${code}".${advice} Known: ${known.sort().join(', ')}.`,
    undefined,
    'not-supported',
  );
}

function stillBuilding(code: string, { id, progress }: BuildingParam): FhirError {
  const { done, total } = progress();
  return badRequest(
    'search-parameter-building',
    `"${code}" is being built: ${Math.min(done, total)} of ${total} resources are done. Search by it once it is ready; SearchParameter/${id}/$status tells.`,
    undefined,
    'incomplete',
  );
}

/** @throws FhirError 400 for `_text` and `_content` where the words of texts aren't indexed */
export function assertIndexed({ code }: SearchParam, { searchFullText }: SearchLimits): void {
  if (!textParams.has(code) || searchFullText === true) return;
  throw badRequest(
    'search-full-text-off',
    `"${code}" is not answered here: the words of texts are indexed only where the server is set up with SEARCH_FULL_TEXT=on.`,
    undefined,
    'not-supported',
  );
}

/** What each type of parameter may be modified by; reference parameters also by the type they point to. */
export const modifiersByType: Readonly<Record<string, readonly string[]>> = {
  string: ['exact', 'contains', 'missing'],
  token: ['not', 'text', 'in', 'not-in', 'above', 'below', 'of-type', 'missing'],
  reference: ['identifier', 'above', 'below', 'missing'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  uri: ['above', 'below', 'missing'],
  special: ['missing'],
  composite: ['missing'],
};

/** Parameters that take less than others of their type. */
const modifiersByCode: Readonly<Record<string, readonly string[]>> = {
  _id: ['not', 'missing'],
  _lastUpdated: ['missing'],
  _text: [],
  _content: [],
};

/**
 * @param asked  the whole parameter as the client sent it
 * @throws       FhirError 400 naming what the parameter takes
 */
export function assertModifier(asked: string, modifier: string, param: SearchParam, registry: Registry): void {
  const known = modifiersByCode[param.code] ?? modifiersByType[param.type] ?? [];
  if (known.includes(modifier)) return;
  const targets = param.type === 'reference' ? targetsOf(param, registry) : [];
  if (targets.includes(modifier)) return;
  if (param.type === 'reference' && registry.isType(modifier)) {
    const text = `"${asked}": "${param.code}" never points to ${modifier}; it points to ${targets.join(', ')}.`;
    throw badRequest('search-unknown-modifier', text);
  }
  const list = param.type === 'reference' ? [...known, 'a resource type'] : known;
  const nearest = nearestName(modifier, [...known, ...targets]);
  const advice = nearest === undefined ? '' : ` Did you mean "${param.code}:${nearest}"?`;
  throw badRequest(
    'search-unknown-modifier',
    `"${asked}" has a modifier that "${param.code}" (a ${param.type} parameter) doesn't take here.${advice} Known: ${list.join(', ') || 'none'}.`,
  );
}

/** The types that a reference parameter may point to; one that names none may point to all. */
export function targetsOf(param: SearchParam, registry: Registry): readonly string[] {
  const all = param.elements.flatMap(({ targets }) => targets ?? (param.targets.length === 0 ? registry.types : param.targets));
  return [...new Set(all)].filter(registry.isType);
}

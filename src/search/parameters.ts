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

export function assertModifier(name: string, modifier: string, param: SearchParam, registry: Registry): void {
  const known = columnParams.has(param.code) || textParams.has(param.code) ? [] : (modifiersByType[param.type] ?? []);
  if (known.includes(modifier)) return;
  if (param.type === 'reference' && registry.isType(modifier)) {
    if (param.targets.length === 0 || param.targets.includes(modifier)) return;
    throw badRequest('search-unknown-modifier', `"${param.code}" never points to ${modifier}; it points to ${param.targets.join(', ')}.`);
  }
  const list = param.type === 'reference' ? [...known, 'a resource type'] : known;
  throw badRequest(
    'search-unknown-modifier',
    `"${name}" has a modifier that ${param.type} parameters don't take here. Known: ${list.join(', ') || 'none'}.`,
  );
}

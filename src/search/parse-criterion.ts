import { badRequest } from '../fhir/error.ts';
import { linkOf, parsePath, type Place, placeOf } from './chain.ts';
import { parseFilter } from './filter.ts';
import { parseClause } from './parse-clause.ts';
import { paramOf } from './parameters.ts';
import type { Criterion, SearchLimits } from './query.ts';
import type { Registry, TypeSearch } from './registry.ts';

/**
 * Reads one parameter that says what to find: a clause, a chain, `_has`, `_list` or `_filter`. None where there is no value.
 *
 * @throws FhirError 400 naming the parameter
 */
export function parseCriterion(name: string, value: string, search: TypeSearch, registry: Registry, limits: SearchLimits): Criterion[] {
  if (name === '_filter') return value.trim() === '' ? [] : [parseFilter(value, search, registry, limits)];
  const criterion = parsePath(name, placeOf(name, search, registry, limits), (code, place) =>
    code === '_list' ? parseList(value, place) : parseTest(code, value, place),
  );
  return criterion === undefined ? [] : [criterion];
}

function parseTest(name: string, value: string, place: Place): Criterion | undefined {
  const clause = parseClause(name, value, place.search, place);
  return clause === undefined ? undefined : { kind: 'clause', clause };
}

/** `_list=42`: what the entries of List 42 name. It is found as if by `_has:List:item:_id`. @see https://hl7.org/fhir/R4/search.html#list */
function parseList(value: string, place: Place): Criterion | undefined {
  const { search, registry, asked } = place;
  const lists = registry.of('List');
  const ids = value.split(',').map((id) => id.replace(/^List\//, ''));
  if (ids.some((id) => id.startsWith('$'))) {
    throw badRequest(
      'search-list-unsupported',
      `"${asked}": lists that a server works out itself, such as $current-allergies, are not kept here. Name a List by its id.`,
      undefined,
      'not-supported',
    );
  }
  const clause = parseClause('_id', ids.join(','), lists, place);
  const link = linkOf(paramOf('item', lists), lists, search.type);
  return clause === undefined ? undefined : { kind: 'has', by: { type: 'List', link, criterion: { kind: 'clause', clause } } };
}

import { badRequest } from '../fhir/error.ts';
import { parseInclude } from './include-parse.ts';
import type { Include, Query, SearchLimits } from './query.ts';
import type { Registry, TypeSearch } from './registry.ts';
import { parseSort } from './sort.ts';

/** What the parameters that say how to answer ask for. @throws FhirError 400 naming the parameter */
export function resultOptions(
  result: ReadonlyMap<string, readonly string[]>,
  search: TypeSearch,
  registry: Registry,
  limits: SearchLimits,
) {
  const one = (name: string): string | undefined => result.get(name)?.at(-1);
  const included = (directive: string): Include[] =>
    [...result].flatMap(([name, values]) =>
      name.split(':')[0] === directive ? values.map((value) => parseInclude(name, value, registry)) : [],
    );
  assertNoModifiers([...result.keys()]);
  const page = one('_page');
  return {
    sort: parseSort(one('_sort'), search),
    count: parseCount(one('_count'), limits),
    total: choice('_total', one('_total'), ['none', 'estimate', 'accurate'] as const) ?? 'none',
    summary: choice('_summary', one('_summary'), ['true', 'text', 'data', 'count', 'false'] as const) ?? 'false',
    elements:
      one('_elements')
        ?.split(',')
        .filter((name) => name !== '') ?? [],
    explain: choice('_explain', one('_explain'), ['true', 'false'] as const) === 'true',
    ...containedOf(one('_contained'), one('_containedType')),
    includes: included('_include'),
    revincludes: included('_revinclude'),
    ...(page === undefined ? {} : { page }),
  };
}

/** @see https://hl7.org/fhir/R4/search.html#contained */
function containedOf(contained: string | undefined, type: string | undefined): Pick<Query, 'contained'> {
  const answer = choice('_containedType', type, ['container', 'contained'] as const) ?? 'container';
  const mode = choice('_contained', contained, ['false', 'true', 'both'] as const) ?? 'false';
  return mode === 'false' ? {} : { contained: { mode, answer } };
}

/** Only includes take modifiers: `_sort:desc` was an older version's, and to leave it out would be to answer something else. */
function assertNoModifiers(names: readonly string[]): void {
  const modified = names.find((name) => name.includes(':') && !/^_(?:rev)?include:/.test(name));
  if (modified === undefined) return;
  const advice = modified.startsWith('_sort:') ? ' Descending order is a hyphen: "_sort=-date".' : '';
  throw badRequest('search-unknown-modifier', `"${modified}" has a modifier, which "${modified.split(':')[0]}" doesn't take.${advice}`);
}

function choice<T extends string>(name: string, value: string | undefined, known: readonly T[]): T | undefined {
  if (value === undefined || value === '') return undefined;
  const found = known.find((each) => each === value);
  if (found === undefined) throw badRequest('search-invalid-value', `"${name}" takes ${known.join(', ')}.`);
  return found;
}

function parseCount(value: string | undefined, limits: SearchLimits): number {
  if (value === undefined || value === '') return limits.pageSizeDefault;
  if (!/^\d{1,9}$/.test(value)) throw badRequest('search-invalid-value', '"_count" takes a whole number from 0.');
  return Math.min(Number(value), limits.pageSizeMax);
}

import { badRequest } from '../fhir/error.ts';
import { parseInclude } from './include-parse.ts';
import { columnParams, paramOf } from './parameters.ts';
import type { Include, SearchLimits, SortKey } from './query.ts';
import type { Registry, TypeSearch } from './registry.ts';

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
    includes: included('_include'),
    revincludes: included('_revinclude'),
    ...(page === undefined ? {} : { page }),
  };
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

function parseSort(value: string | undefined, search: TypeSearch): SortKey[] {
  if (value === undefined || value === '') return [];
  const keys = value.split(',').map((name) => {
    const descending = name.startsWith('-');
    return { param: paramOf(descending ? name.slice(1) : name, search), descending };
  });
  if (keys.length > 1) {
    throw badRequest(
      'search-sort-unsupported',
      '"_sort" takes one parameter; sorting by several is not answered yet.',
      undefined,
      'not-supported',
    );
  }
  for (const { param } of keys) {
    if (!sortable.has(param.type) && !columnParams.has(param.code)) {
      throw badRequest(
        'search-sort-unsupported',
        `Sorting by "${param.code}" (a ${param.type} parameter) is not answered yet.`,
        undefined,
        'not-supported',
      );
    }
  }
  return keys;
}

const sortable = new Set(['date', 'string', 'number', 'quantity']);

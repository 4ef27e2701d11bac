import { badRequest } from '../fhir/error.ts';
import type { Fact } from './condition.ts';
import { columnParams, paramOf } from './parameters.ts';
import type { SortKey } from './query.ts';
import type { SearchParam, TypeSearch } from './registry.ts';
import { opensToSort, textsBy } from './sort-text.ts';
import { isBlindDate } from './types/blind-date.ts';

/** One of the values that rows are ordered by, and where it is. */
export type SortTerm = {
  readonly code: string;
  readonly descending: boolean;
  /** Where PostgreSQL has the value, or its beginning; absent where only the opened resource tells it. */
  readonly stored?: StoredValue;
  /** What decides after opening, where nothing is stored or only a coarse beginning of it; null: the resource has no value. */
  readonly textOf?: (resource: object) => string | null;
};

export type StoredValue =
  | { readonly kind: 'column'; readonly column: 'last_updated' | 'id' | 'clinical_at'; readonly cast: SortCast }
  | {
      readonly kind: 'fact';
      readonly table: 'fact_date' | 'fact_quantity' | 'fact_sort';
      readonly column: 'lo' | 'low' | 'high';
      readonly params: readonly number[];
      readonly cast: SortCast;
      /** The search asks this of the very facts that it sorts by, of which each row has one: only rows with such a fact are in the order. */
      readonly asked?: Fact;
    };

/** How a value is compared: as PostgreSQL's type of this name does. */
export type SortCast = 'timestamptz' | 'text' | 'float8' | 'int8';

const sortKeysMax = 8;

/** Reads `_sort=status,-date`. @throws FhirError 400 naming the parameter */
export function parseSort(value: string | undefined, search: TypeSearch): SortKey[] {
  const names = [...new Set((value ?? '').split(',').map((name) => name.trim()))].filter((name) => name !== '' && name !== '-');
  if (names.length > sortKeysMax)
    throw badRequest(
      'search-sort-too-many',
      `"_sort" names ${names.length} parameters; at most ${sortKeysMax} are taken.`,
      undefined,
      'too-costly',
    );
  const keys = names.map((name) => {
    const descending = name.startsWith('-');
    return { param: paramOf(descending ? name.slice(1) : name, search), descending };
  });
  for (const { param } of keys) {
    if (sortable.has(param.type) || columnParams.has(param.code)) continue;
    throw badRequest(
      'search-sort-unsupported',
      `"_sort" can't order by "${param.code}": a ${param.type} parameter has no order. It takes parameters of type ${[...sortable].join(', ')}.`,
      undefined,
      'not-supported',
    );
  }
  return keys;
}

const sortable = new Set<SearchParam['type']>(['date', 'string', 'number', 'quantity', 'token', 'uri', 'reference']);

/** Finds for each key where its values are. */
export function sortTerms(keys: readonly SortKey[], search: TypeSearch): SortTerm[] {
  return keys.map(({ param, descending }) => {
    const opened = opensToSort(param) ? { textOf: textsBy(param, descending) } : {};
    const stored = storedValue(param, descending, search);
    return { code: param.code, descending, ...(stored === undefined ? {} : { stored }), ...opened };
  });
}

function storedValue(param: SearchParam, descending: boolean, search: TypeSearch): StoredValue | undefined {
  if (param.code === '_lastUpdated') return { kind: 'column', column: 'last_updated', cast: 'timestamptz' };
  if (param.code === '_id') return { kind: 'column', column: 'id', cast: 'text' };
  const blind = param.elements.some(({ element }) => isBlindDate(element.path));
  if (param === search.mainDate && !blind) return { kind: 'column', column: 'clinical_at', cast: 'timestamptz' };
  if (param.elements.some(({ element }) => element.audited !== undefined)) return undefined;
  const params = param.elements.map(({ element }) => element.number);
  if (param.type === 'string' || blind)
    return { kind: 'fact', table: 'fact_sort', column: descending ? 'high' : 'low', params, cast: 'int8' };
  if (param.type === 'date') return { kind: 'fact', table: 'fact_date', column: 'lo', params, cast: 'timestamptz' };
  if (param.type === 'number' || param.type === 'quantity')
    return { kind: 'fact', table: 'fact_quantity', column: 'lo', params, cast: 'float8' };
  return undefined;
}

/** What is stored is the whole value: PostgreSQL's order is the order. */
export const isExact = (term: SortTerm): boolean => term.textOf === undefined;

export const mayBeMissing = ({ stored }: SortTerm): boolean => stored?.kind !== 'column' || stored.column === 'clinical_at';

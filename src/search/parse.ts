import { badRequest, FhirError, type Issue } from '../fhir/error.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import type { Clause, Include, Query, SortKey } from './query.ts';
import type { Registry, SearchParam, TypeSearch } from './registry.ts';
import { splitUnescaped } from './values.ts';

export type SearchLimits = {
  readonly pageSizeDefault: number;
  readonly pageSizeMax: number;
  readonly searchParametersMax: number;
  readonly searchOrValuesMax: number;
};

export type ParsedSearch = { readonly query: Query /** What lenient handling ignored. */; readonly warnings: readonly Issue[] };

/** Names that say how to answer, not what to find. */
const resultParameters = new Set(['_sort', '_count', '_total', '_include', '_revinclude', '_summary', '_elements', '_page']);
/** Names that other layers read. */
const ignoredHere = new Set(['_format', '_pretty']);

/**
 * Reads search parameters against the registry. Strict: what isn't known is refused with the nearest known name;
 * `lenient` turns that into a warning and leaves the parameter out.
 *
 * @param pairs  decoded names and values, in order
 * @throws       FhirError 400 naming the parameter
 * @see          https://hl7.org/fhir/R4/search.html
 */
export function parseSearch(
  type: string,
  pairs: readonly (readonly [string, string])[],
  registry: Registry,
  limits: SearchLimits,
  lenient: boolean,
): ParsedSearch {
  const search = registry.of(type);
  if (pairs.length > limits.searchParametersMax) {
    throw badRequest(
      'search-too-many-parameters',
      `The search has ${pairs.length} parameters; at most ${limits.searchParametersMax} are taken.`,
      undefined,
      'too-costly',
    );
  }
  const clauses: Clause[] = [];
  const result = new Map<string, string[]>();
  const understood: [string, string][] = [];
  const warnings: Issue[] = [];
  for (const [name, value] of pairs) {
    if (ignoredHere.has(name)) continue;
    try {
      const [code = ''] = name.split(/[:.]/, 1);
      if (resultParameters.has(code)) result.set(name, [...(result.get(name) ?? []), value]);
      else clauses.push(...parseClause(name, value, search, registry, limits));
      if (code !== '_page') understood.push([name, value]);
    } catch (error) {
      if (!lenient || !isUnknown(error)) throw error;
      warnings.push({ ...error.issues[0], severity: 'warning' } as Issue);
    }
  }
  return { query: { type, clauses, understood, ...resultOptions(result, search, registry, limits) }, warnings };
}

/** A modifier that isn't known is never left out: without it the search would mean something else. @see https://hl7.org/fhir/R4/search.html#modifiers */
const isUnknown = (error: unknown): error is FhirError => error instanceof FhirError && ignorable.has(error.issues[0]?.id ?? '');

const ignorable = new Set(['search-unknown-parameter', 'search-unsupported-parameter', 'search-chain-unsupported']);

/** No clause where there is no value: an empty parameter is as good as none, and so is an empty alternative. */
function parseClause(name: string, value: string, search: TypeSearch, registry: Registry, limits: SearchLimits): Clause[] {
  if (name.includes('.') || name.startsWith('_has:')) {
    throw badRequest(
      'search-chain-unsupported',
      `"${name}" is a chained search, which this server doesn't answer yet. Search for the targets first and use their ids.`,
      undefined,
      'not-supported',
    );
  }
  const colon = name.indexOf(':');
  const code = colon === -1 ? name : name.slice(0, colon);
  const modifier = colon === -1 ? undefined : name.slice(colon + 1);
  const param = paramOf(code, search);
  const values = splitUnescaped(value, ',').filter((text) => text !== '');
  if (values.length > limits.searchOrValuesMax) {
    throw badRequest(
      'search-too-many-values',
      `"${name}" has ${values.length} values; at most ${limits.searchOrValuesMax} are taken.`,
      undefined,
      'too-costly',
    );
  }
  if (modifier !== undefined) assertModifier(name, modifier, param, registry);
  if (modifier === 'missing' && value !== 'true' && value !== 'false' && value !== '') {
    throw badRequest('search-invalid-missing', `"${name}" takes true or false.`);
  }
  if (values.length === 0) return [];
  return [modifier === undefined ? { param, values } : { param, modifier, values }];
}

/** Answered from columns or settings rather than from elements. */
const columnParams = new Set(['_id', '_lastUpdated']);

function paramOf(code: string, search: TypeSearch): SearchParam {
  const param = search.params.get(code);
  if (param !== undefined && (param.elements.length > 0 || columnParams.has(code))) return param;
  const known = [...search.params.values()].filter(({ elements }) => elements.length > 0).map((each) => each.code);
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

const modifiersByType: Readonly<Record<string, readonly string[]>> = {
  string: ['exact', 'contains', 'missing'],
  token: ['not', 'missing'],
  reference: ['identifier', 'missing'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  uri: ['missing'],
};

function assertModifier(name: string, modifier: string, param: SearchParam, registry: Registry): void {
  const known = columnParams.has(param.code) ? [] : (modifiersByType[param.type] ?? []);
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

function resultOptions(result: ReadonlyMap<string, readonly string[]>, search: TypeSearch, registry: Registry, limits: SearchLimits) {
  const one = (name: string): string | undefined => result.get(name)?.at(-1);
  const includes = [...result].flatMap(([name, values]) =>
    name.split(':')[0] === '_include'
      ? values.map((value) => parseInclude(name, value === '*' ? `${search.type}:*` : value, registry))
      : [],
  );
  const revincludes = [...result].flatMap(([name, values]) =>
    name.split(':')[0] === '_revinclude' ? values.map((value) => parseInclude(name, value, registry)) : [],
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
    includes,
    revincludes,
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

function parseInclude(name: string, value: string, registry: Registry): Include {
  if (name.includes(':')) {
    throw badRequest(
      'search-include-unsupported',
      `"${name}": includes of included resources are not answered yet.`,
      undefined,
      'not-supported',
    );
  }
  const [type = '', code = '', target] = value.split(':');
  if (!registry.isType(type)) {
    const nearest = nearestName(type, registry.types);
    throw badRequest(
      'search-unknown-include',
      `"${name}=${value}": ${type} is no resource type.${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}`,
    );
  }
  if (target !== undefined && !registry.isType(target))
    throw badRequest('search-unknown-include', `"${name}=${value}": ${target} is no resource type.`);
  if (code === '*') return target === undefined ? { type } : { type, target };
  const param = paramOf(code, registry.of(type));
  if (param.type !== 'reference') throw badRequest('search-unknown-include', `"${name}=${value}": "${code}" is no reference parameter.`);
  return target === undefined ? { type, param } : { type, param, target };
}

import { badRequest, FhirError, type Issue } from '../fhir/error.ts';
import { parseCriterion } from './parse-criterion.ts';
import type { Criterion, Query, SearchLimits } from './query.ts';
import type { Registry } from './registry.ts';
import { resultOptions } from './result-options.ts';

export type ParsedSearch = { readonly query: Query /** What lenient handling ignored. */; readonly warnings: readonly Issue[] };

/** Names that say how to answer, not what to find. */
const resultParameters = new Set([
  '_sort',
  '_count',
  '_total',
  '_include',
  '_revinclude',
  '_summary',
  '_elements',
  '_page',
  '_explain',
  '_contained',
  '_containedType',
]);
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
  const asked: Criterion[] = [];
  const result = new Map<string, string[]>();
  const understood: [string, string][] = [];
  const warnings: Issue[] = [];
  for (const [name, value] of pairs) {
    if (ignoredHere.has(name)) continue;
    try {
      const [code = ''] = name.split(/[:.]/, 1);
      if (resultParameters.has(code)) result.set(name, [...(result.get(name) ?? []), value]);
      else asked.push(...parseCriterion(name, value, search, registry, limits));
      if (code !== '_page') understood.push([name, value]);
    } catch (error) {
      if (!lenient || !isUnknown(error)) throw error;
      warnings.push({ ...error.issues[0], severity: 'warning' } as Issue);
    }
  }
  const clauses = asked.flatMap((each) => (each.kind === 'clause' ? [each.clause] : []));
  const criteria = asked.filter(({ kind }) => kind !== 'clause');
  return { query: { type, clauses, criteria, understood, ...resultOptions(result, search, registry, limits) }, warnings };
}

/** A modifier that isn't known is never left out: without it the search would mean something else. @see https://hl7.org/fhir/R4/search.html#modifiers */
const isUnknown = (error: unknown): error is FhirError => error instanceof FhirError && ignorable.has(error.issues[0]?.id ?? '');

const ignorable = new Set(['search-unknown-parameter', 'search-unsupported-parameter', 'search-full-text-off']);

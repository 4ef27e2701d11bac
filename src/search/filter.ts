import { badRequest, type FhirError } from '../fhir/error.ts';
import { parseHop, parsePath, type Place, placeOf } from './chain.ts';
import { type FilterNode, type FilterStep, type FilterTest, parseFilterSyntax } from './filter-syntax.ts';
import { parseClause } from './parse-clause.ts';
import { columnParams, paramOf } from './parameters.ts';
import type { Criterion, SearchLimits } from './query.ts';
import type { Registry, TypeSearch } from './registry.ts';

/** Parentheses and brackets inside each other. */
const nestingMax = 20;

/**
 * Reads a `_filter`: comparisons of search parameters joined by and, or and not.
 *
 * @throws FhirError 400 that tells the place, the name or the operator
 * @see    https://hl7.org/fhir/R4/search_filter.html
 */
export function parseFilter(text: string, search: TypeSearch, registry: Registry, limits: SearchLimits): Criterion {
  const node = parseFilterSyntax(text, { testsMax: limits.searchParametersMax, nestingMax });
  return resolve(node, placeOf('_filter', search, registry, limits));
}

function resolve(node: FilterNode, place: Place): Criterion {
  switch (node.kind) {
    case 'test':
      return resolveTest(node, place);
    case 'not':
      return { kind: 'not', of: resolve(node.of, place) };
    default:
      return { kind: node.kind, of: node.of.map((part) => resolve(part, place)) };
  }
}

function resolveTest(test: FilterTest, place: Place): Criterion {
  const found = follow(test.path, test, {
    ...place,
    asked: `_filter: ${test.path.map(({ name }) => name).join('.')}`,
    steps: { ...place.steps },
  });
  if (found === undefined) throw badRequest('search-invalid-filter', `The "_filter" has no value at character ${test.at}.`);
  return found;
}

function follow(path: readonly FilterStep[], test: FilterTest, place: Place): Criterion | undefined {
  const [first, ...rest] = path;
  if (first === undefined || path.every(({ filter }) => filter === undefined)) {
    return parsePath(path.map(({ name }) => name).join('.'), place, (name, at) => compare(name, test, at));
  }
  if (rest.length === 0) return followLast(first, test, place);
  return parseHop(first.name, place, (next) => {
    const asked = follow(rest, test, next);
    if (asked === undefined || first.filter === undefined) return asked;
    return { kind: 'and', of: [resolve(first.filter, next), asked] };
  });
}

/** `subject[…] pr true`: there is one as the brackets say. */
function followLast({ name, filter }: FilterStep, test: FilterTest, place: Place): Criterion | undefined {
  if (test.operator !== 'pr') throw refusal(test, 'behind brackets takes a parameter of what they lead to, or pr');
  const present = parseHop(name, place, (next) => (filter === undefined ? undefined : resolve(filter, next)));
  return present === undefined || isPresent(test) ? present : { kind: 'not', of: present };
}

/** One comparison, as the clause that says the same. Operators that no modifier says have one of their own, which no client can name. */
function compare(name: string, test: FilterTest, place: Place): Criterion | undefined {
  if (name.includes(':')) throw refusal(test, `takes no modifiers ("${name}"): operators stand in their place`);
  const param = paramOf(name, place.search);
  const { operator } = test;
  const clause = (modifier: string | undefined, text: string): Criterion => ({
    kind: 'clause',
    clause: modifier === undefined ? { param, values: [text] } : { param, modifier, values: [text] },
  });
  const known = (modifier: string, text: string): Criterion | undefined => {
    const parsed = parseClause(`${name}:${modifier}`, text, place.search, place);
    return parsed === undefined ? undefined : { kind: 'clause', clause: parsed };
  };
  if (operator === 'pr') {
    return known('missing', String(!isPresent(test)));
  }
  const text = escaped(test, param.type);
  if (text === '') throw refusal(test, 'needs a value');
  const way = ways[param.type]?.[operator];
  if (way === undefined) throw unknownOperator(test, name, param.type);
  switch (way.kind) {
    case 'prefix':
      return clause(undefined, `${operator}${text}`);
    case 'plain':
      return clause(undefined, text);
    case 'modifier':
      return known(way.modifier, text);
    case 'own':
      if (columnParams.has(name)) throw unknownOperator(test, name, param.type);
      return clause(way.modifier, text);
  }
}

type Way =
  | { readonly kind: 'prefix' | 'plain' }
  | { readonly kind: 'modifier'; readonly modifier: string }
  | { readonly kind: 'own'; readonly modifier: OwnModifier };

/** Comparisons that only `_filter` has. */
export type OwnModifier = 'is' | 'is-not' | 'ends-with' | 'overlaps';

const prefix: Way = { kind: 'prefix' };
const plain: Way = { kind: 'plain' };
const modifier = (name: string): Way => ({ kind: 'modifier', modifier: name });
const own = (name: OwnModifier): Way => ({ kind: 'own', modifier: name });

const ordered = { eq: prefix, ne: prefix, gt: prefix, lt: prefix, ge: prefix, le: prefix, ap: prefix, sa: prefix, eb: prefix };

/** How each operator is said, by the parameter's type. @see https://hl7.org/fhir/R4/search_filter.html */
const ways: Readonly<Record<string, Readonly<Record<string, Way>>>> = {
  number: ordered,
  quantity: ordered,
  date: { ...ordered, po: own('overlaps') },
  string: { eq: own('is'), ne: own('is-not'), co: modifier('contains'), sw: plain, ew: own('ends-with') },
  token: { eq: plain, ne: own('is-not'), in: modifier('in'), ni: modifier('not-in'), ss: modifier('below'), sb: modifier('above') },
  reference: { eq: plain, re: plain, ne: own('is-not') },
  uri: { eq: plain, ne: own('is-not'), ss: modifier('below'), sb: modifier('above') },
  composite: { eq: plain },
  special: { eq: plain },
};

function isPresent(test: FilterTest): boolean {
  const { value } = test;
  if (value !== 'true' && value !== 'false') throw refusal(test, 'takes true or false behind pr');
  return value === 'true';
}

/** As a search value: what isn't a separator of its type's values stands for itself. */
function escaped({ value }: FilterTest, type: string): string {
  const signs = type === 'composite' ? /[\\,]/g : type === 'token' || type === 'quantity' ? /[\\,$]/g : /[\\,|$]/g;
  return value.replace(signs, '\\$&');
}

function unknownOperator(test: FilterTest, name: string, type: string): FhirError {
  const known = [...Object.keys(ways[type] ?? {}), 'pr'];
  return badRequest(
    'search-unknown-operator',
    `The "_filter" has the operator "${test.operator}" at character ${test.at}, which "${name}" (a ${type} parameter) doesn't take here. Known: ${known.join(', ')}.`,
    undefined,
    'not-supported',
  );
}

function refusal(test: FilterTest, why: string): FhirError {
  return badRequest('search-invalid-filter', `The comparison at character ${test.at} of the "_filter" ${why}.`);
}

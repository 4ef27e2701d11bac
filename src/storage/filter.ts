import { int8Array } from './binary.ts';
import type { Values } from './sql.ts';

/** A row fits a group if it holds at least one of its tokens; of `without`, if it holds none of them. */
export type Group = readonly bigint[] | { readonly without: readonly bigint[] };

/** Alternatives, each a list of groups: a row fits one if it fits all of its groups. */
export type Alternatives = readonly (readonly Group[])[];

/**
 * Which rows of one type a caller may touch, as tokens that a row must hold: `all`, or those that fit one of `anyOf` and none of
 * `noneOf`. No alternative in `anyOf`: no row. Dates and quantities can't restrict.
 */
export type RowFilter =
  | 'all'
  | {
      readonly anyOf: Alternatives;
      readonly noneOf?: Alternatives;
      /** Tokens that a write leaves as they are: it neither gives a row one of these nor takes one away. */
      readonly kept?: readonly bigint[];
      /** ref_keys of the patients whose rows may be written, where a row is of one patient: being named in another's is not enough. */
      readonly subjects?: readonly bigint[];
    };

/** The caller's filter for each type: no row comes out, and none has a say, that it doesn't pass. */
export type Restriction = (type: string) => RowFilter;

export const noRows: RowFilter = { anyOf: [] };

/** The rows that pass both. */
export function bothFilters(one: RowFilter, other: RowFilter): RowFilter {
  if (one === 'all') return other;
  if (other === 'all') return one;
  const anyOf = one.anyOf.flatMap((groups) => other.anyOf.map((more) => [...groups, ...more]));
  if (anyOf.length === 0) return noRows;
  const noneOf = [...(one.noneOf ?? []), ...(other.noneOf ?? [])];
  const kept = [...new Set([...(one.kept ?? []), ...(other.kept ?? [])])];
  const subjects = one.subjects === undefined ? other.subjects : one.subjects.filter((key) => other.subjects?.includes(key) ?? true);
  return {
    anyOf,
    ...(noneOf.length === 0 ? {} : { noneOf }),
    ...(kept.length === 0 ? {} : { kept }),
    ...(subjects === undefined ? {} : { subjects }),
  };
}

/** The rows that pass, without those that fit one of the alternatives. */
export function withoutRows(filter: RowFilter, alternatives: Alternatives): RowFilter {
  return alternatives.length === 0 ? filter : bothFilters(filter, { anyOf: [[]], noneOf: alternatives });
}

/**
 * How lists of many tokens are asked: `test` on rows that are found by something else, at a cost that doesn't grow with the list; `ride` so
 * that the index on tokens can find the rows, at a cost of each row times the list if it doesn't.
 */
export type FilterUse = 'test' | 'ride';

/** The filter as a condition on `alias.tokens`; `true` and `false` where nothing or everything is filtered out. */
export function filterSql(filter: RowFilter, alias: string, values: Values, use: FilterUse = 'test'): string {
  if (filter === 'all') return 'true';
  if (filter.anyOf.length === 0) return 'false';
  const kept = `(${oneOfSql(filter.anyOf, alias, values, use)})`;
  return isDenying(filter) ? `(${kept} and not (${oneOfSql(filter.noneOf, alias, values)}))` : kept;
}

/**
 * What a superseded version has to fulfil beside the filter itself: what takes the current version away takes its past away too.
 *
 * @param current  the relation where the current version is
 * @param alias    of the superseded one
 */
export function pastSql(filter: RowFilter, current: string, alias: string, values: Values): string {
  if (filter === 'all' || !isDenying(filter)) return 'true';
  return `not exists (select from ${current} c where c.type = ${alias}.type and c.ref_key = ${alias}.ref_key and (${oneOfSql(filter.noneOf, 'c', values)}))`;
}

type Denying = Exclude<RowFilter, 'all'> & { readonly noneOf: Alternatives };

const isDenying = (filter: Exclude<RowFilter, 'all'>): filter is Denying => filter.noneOf !== undefined && filter.noneOf.length > 0;

function oneOfSql(alternatives: Alternatives, alias: string, values: Values, use: FilterUse = 'test'): string {
  return alternatives
    .map((groups) => (groups.length === 0 ? 'true' : groups.map((group) => groupSql(group, alias, values, use)).join(' and ')))
    .join(' or ');
}

/** Filters live longer than the statements that are written from them. */
const written = new WeakMap<readonly bigint[], Buffer>();

function bytesOf(tokens: readonly bigint[]): Buffer {
  let bytes = written.get(tokens);
  if (bytes === undefined) {
    bytes = int8Array(tokens);
    written.set(tokens, bytes);
  }
  return bytes;
}

/** Comparing a row's tokens with so many others costs as much as looking each of them up in a hash. */
const comparedMax = 100;

function groupSql(group: Group, alias: string, values: Values, use: FilterUse): string {
  const holds = (tokens: readonly bigint[]): string => {
    const list = `${values.add(bytesOf(tokens))}::int8[]`;
    if (tokens.length <= comparedMax || use === 'ride') return `${alias}.tokens && ${list}`;
    // No token is null: it is there so that PostgreSQL hashes the list once instead of joining it to the tokens of each row.
    return `exists (select from unnest(${alias}.tokens) held where held is null or held in (select unnest(${list})))`;
  };
  return 'without' in group ? `not (${holds(group.without)})` : holds(group);
}

/** How many tokens the longest list of the alternatives has, where it is one that is not compared. */
export function longListOf(filter: RowFilter): number {
  if (filter === 'all') return 0;
  const sizes = filter.anyOf.flatMap((groups) => groups.map((group) => ('without' in group ? 0 : group.length)));
  const longest = Math.max(0, ...sizes);
  return longest > comparedMax ? longest : 0;
}

/** The same decision on the tokens of a version in hand: 64-bit values in network order, back to back. */
export function passesFilter(filter: RowFilter, tokens: Buffer): boolean {
  if (filter === 'all') return true;
  const held = new Set<bigint>();
  for (let at = 0; at < tokens.length; at += 8) held.add(tokens.readBigInt64BE(at));
  return passesWith(filter, (token) => held.has(token));
}

/** Whether a caller may write a row, as it is or as it is to be. */
export function passesWrite(filter: RowFilter, { tokens, patient }: { readonly tokens: Buffer; readonly patient: bigint | null }): boolean {
  if (!passesFilter(filter, tokens)) return false;
  return filter === 'all' || filter.subjects === undefined || patient === null || filter.subjects.includes(patient);
}

/** The same decision by whoever knows which tokens a row holds. */
export function passesWith(filter: RowFilter, holds: (token: bigint) => boolean): boolean {
  if (filter === 'all') return true;
  const fitsGroup = (group: Group): boolean => ('without' in group ? !group.without.some(holds) : group.some(holds));
  const fits = (alternatives: Alternatives): boolean => alternatives.some((groups) => groups.every(fitsGroup));
  return fits(filter.anyOf) && !fits(filter.noneOf ?? []);
}

/** Whether a write may turn a row of the tokens `before` (none: there was none) into one of `after`, as far as what it has to leave goes. */
export function leavesKept(filter: RowFilter, before: Buffer | undefined, after: Buffer): boolean {
  if (filter === 'all' || filter.kept === undefined) return true;
  return filter.kept.every((token) => (before !== undefined && holdsToken(before, token)) === holdsToken(after, token));
}

export function holdsToken(tokens: Buffer, token: bigint): boolean {
  for (let at = 0; at < tokens.length; at += 8) if (tokens.readBigInt64BE(at) === token) return true;
  return false;
}

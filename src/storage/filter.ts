import { int8Array } from './binary.ts';
import type { Values } from './sql.ts';

/** Alternatives, each a list of groups: a row fits one if it holds at least one token of each of its groups. */
export type Alternatives = readonly (readonly (readonly bigint[])[])[];

/**
 * Which rows of one type a caller may touch, as tokens that a row must hold: `all`, or those that fit one of `anyOf` and none of
 * `noneOf`. No alternative in `anyOf`: no row. Dates and quantities can't restrict.
 */
export type RowFilter = 'all' | { readonly anyOf: Alternatives; readonly noneOf?: Alternatives };

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
  return noneOf.length === 0 ? { anyOf } : { anyOf, noneOf };
}

/** The rows that pass, without those that fit one of the alternatives. */
export function withoutRows(filter: RowFilter, alternatives: Alternatives): RowFilter {
  return alternatives.length === 0 ? filter : bothFilters(filter, { anyOf: [[]], noneOf: alternatives });
}

/** The filter as a condition on `alias.tokens`; `true` and `false` where nothing or everything is filtered out. */
export function filterSql(filter: RowFilter, alias: string, values: Values): string {
  if (filter === 'all') return 'true';
  if (filter.anyOf.length === 0) return 'false';
  const oneOf = (alternatives: Alternatives): string =>
    alternatives
      .map((groups) =>
        groups.length === 0 ? 'true' : groups.map((group) => `${alias}.tokens && ${values.add(int8Array(group))}::int8[]`).join(' and '),
      )
      .join(' or ');
  const kept = `(${oneOf(filter.anyOf)})`;
  return filter.noneOf === undefined || filter.noneOf.length === 0 ? kept : `(${kept} and not (${oneOf(filter.noneOf)}))`;
}

/** The same decision on the tokens of a version in hand: 64-bit values in network order, back to back. */
export function passesFilter(filter: RowFilter, tokens: Buffer): boolean {
  return passesWith(filter, (token) => holdsToken(tokens, token));
}

/** The same decision by whoever knows which tokens a row holds. */
export function passesWith(filter: RowFilter, holds: (token: bigint) => boolean): boolean {
  if (filter === 'all') return true;
  const fits = (alternatives: Alternatives): boolean => alternatives.some((groups) => groups.every((group) => group.some(holds)));
  return fits(filter.anyOf) && !fits(filter.noneOf ?? []);
}

export function holdsToken(tokens: Buffer, token: bigint): boolean {
  for (let at = 0; at < tokens.length; at += 8) if (tokens.readBigInt64BE(at) === token) return true;
  return false;
}

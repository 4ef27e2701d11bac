import { int8Array } from './binary.ts';
import type { Values } from './sql.ts';

/**
 * Which rows of one type a caller may touch, as tokens that a row must hold: `all`, or alternatives, each a list of groups,
 * of which a row must hold at least one token each. No alternative: no row. Dates and quantities can't restrict.
 */
export type RowFilter = 'all' | { readonly anyOf: readonly (readonly (readonly bigint[])[])[] };

/** The caller's filter for each type: no row comes out, and none has a say, that it doesn't pass. */
export type Restriction = (type: string) => RowFilter;

export const noRows: RowFilter = { anyOf: [] };

/** The filter as a condition on `alias.tokens`; `true` and `false` where nothing or everything is filtered out. */
export function filterSql(filter: RowFilter, alias: string, values: Values): string {
  if (filter === 'all') return 'true';
  if (filter.anyOf.length === 0) return 'false';
  const alternatives = filter.anyOf.map((groups) =>
    groups.length === 0 ? 'true' : groups.map((group) => `${alias}.tokens && ${values.add(int8Array(group))}::int8[]`).join(' and '),
  );
  return `(${alternatives.join(' or ')})`;
}

/** The same decision on the tokens of a version in hand: 64-bit values in network order, back to back. */
export function passesFilter(filter: RowFilter, tokens: Buffer): boolean {
  if (filter === 'all') return true;
  return filter.anyOf.some((groups) => groups.every((group) => group.some((token) => holdsToken(tokens, token))));
}

export function holdsToken(tokens: Buffer, token: bigint): boolean {
  for (let at = 0; at < tokens.length; at += 8) if (tokens.readBigInt64BE(at) === token) return true;
  return false;
}

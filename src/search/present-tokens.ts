import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { relationOf } from '../storage/relations.ts';
import { sqlValues, statement } from '../storage/sql.ts';
import { shareMin, type Statistics } from '../storage/statistics.ts';
import type { Condition } from './condition.ts';

/** Lists of no more tokens are asked as they are. */
const tokensFew = 64;

/** Whether one of many tokens is asked for: of a value set, of a hierarchy, or of values that a client lists. */
export function asksManyTokens(condition: Condition): boolean {
  switch (condition.kind) {
    case 'any-token':
      return condition.tokens.length > tokensFew;
    case 'and':
    case 'or':
      return condition.of.some(asksManyTokens);
    case 'not':
      return asksManyTokens(condition.of);
    default:
      return false;
  }
}

/**
 * Leaves those tokens out of long lists that no row of the type holds. A value set has codes by the hundred, of which few are in use;
 * PostgreSQL takes each for as frequent as a rare one that it has seen, and would then compare row by row with all of them.
 */
export async function withPresentTokens(
  condition: Condition,
  type: string,
  { db, statistics }: { readonly db: Queryable; readonly statistics: Statistics | undefined },
): Promise<Condition> {
  switch (condition.kind) {
    case 'any-token':
      return condition.tokens.length > tokensFew
        ? { kind: 'any-token', tokens: await presentOf(condition.tokens, type, { db, statistics }) }
        : condition;
    case 'and':
    case 'or':
      return { ...condition, of: await Promise.all(condition.of.map((part) => withPresentTokens(part, type, { db, statistics }))) };
    case 'not':
      return { ...condition, of: await withPresentTokens(condition.of, type, { db, statistics }) };
    default:
      return condition;
  }
}

/**
 * Frequent tokens are there, as the statistics tell. Rides the relation's GIN, once a token: counting what holds it is what keeps
 * PostgreSQL from reading the relation until it meets one.
 */
async function presentOf(
  tokens: readonly bigint[],
  type: string,
  { db, statistics }: { readonly db: Queryable; readonly statistics: Statistics | undefined },
): Promise<readonly bigint[]> {
  const known = statistics?.of(relationOf(type));
  const all = [...new Set(tokens)];
  const frequent = all.filter((token) => known !== undefined && known.shareOf(token) >= shareMin);
  const rare = all.filter((token) => known === undefined || known.shareOf(token) < shareMin);
  const values = sqlValues();
  const text = `select k.token::text as token from unnest(${values.add(int8Array(rare))}::int8[]) k (token)
    where (select count(*) from ${relationOf(type)} r where r.tokens @> array[k.token]) > 0`;
  const { rows } = await db.query<{ token: string }>(statement(text, values.list));
  return [...frequent, ...rows.map(({ token }) => BigInt(token))];
}

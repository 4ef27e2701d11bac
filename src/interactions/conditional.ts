import { serverAccess } from '../authorization/server-access.ts';
import { token } from '../encryption/token.ts';
import { badRequest } from '../fhir/error.ts';
import { criterionText } from '../search/criterion.ts';
import { parseCriterion } from '../search/parse-criterion.ts';
import { parseSearch } from '../search/parse.ts';
import { planSearch } from '../search/plan.ts';
import type { Criterion, Query } from '../search/query.ts';
import { runSearch } from '../search/run.ts';
import { splitUnescaped } from '../search/values.ts';
import { LostRace, type Queryable } from '../storage/database.ts';
import { type LockedVersion, lockCurrent } from '../storage/read.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import { allRare } from '../storage/statistics.ts';
import type { Call, Context } from './context.ts';
import { resolveSearch } from './resolve-search.ts';
import { settleSearch } from './settle-search.ts';

/** Conditional writes fall into this many locks, so that a large bundle can't exhaust the lock table. */
const lockBuckets = 1024;
/** The first key of our two-part advisory locks; owners' locks use the one-part space. */
const lockClass = 7205;

/** Search criteria of a conditional interaction, understood, and the lock that all equal criteria share. */
export type Criteria = { readonly query: Query } & CriteriaLock;
export type CriteriaLock = { readonly bucket: number; readonly key: string };

/**
 * Reads the criteria of a conditional interaction: `identifier=system|value`, or with a leading `?` or `Type?`. Always strict,
 * and never empty: a condition that is ignored would match everything.
 */
export function parseCriteria(ctx: Context, type: string, criteria: string, where: string): Criteria {
  const [, named = '', text = ''] = /^(?:([A-Za-z]*)\?)?(.*)$/s.exec(criteria) ?? [];
  if (named !== '' && named !== type)
    throw badRequest('criteria-type-mismatch', `${where} is about ${type}: its criteria are search parameters of that type.`);
  const pairs = [...new URLSearchParams(text)];
  const empty = pairs.find(([, value]) => value === '' || splitUnescaped(value, ',').includes(''));
  if (empty !== undefined)
    throw badRequest(
      'criteria-value-empty',
      `${where} has the parameter ${JSON.stringify(empty[0].slice(0, 64))} with an empty value.`,
      undefined,
      'required',
    );
  const { query } = parseSearch(type, pairs, ctx.registry, ctx.config, false);
  if (query.clauses.length + query.criteria.length === 0)
    throw badRequest('criteria-empty', `${where} needs at least one search parameter with a value.`, undefined, 'required');
  if (query.contained !== undefined)
    throw badRequest(
      'criteria-contained',
      `${where} is about resources of their own: it takes no "_contained".`,
      undefined,
      'not-supported',
    );
  return { query, ...lockOf(ctx, type, [...query.clauses.map((clause) => ({ kind: 'clause', clause }) as const), ...query.criteria]) };
}

/** The lock of the criteria of one parameter, as `parseCriteria` gives it. @param value  as in a search, but decoded */
export function lockOfOne(ctx: Context, type: string, parameter: string, value: string): CriteriaLock {
  return lockOf(ctx, type, parseCriterion(parameter, value, ctx.registry.of(type), ctx.registry, ctx.config));
}

/** Equal criteria take the same lock, whatever their order and spelling; criteria that only overlap are not serialised. */
function lockOf(ctx: Context, type: string, criteria: readonly Criterion[]): CriteriaLock {
  const key = JSON.stringify([type, ...new Set(criteria.map(criterionText).sort())]);
  return { key, bucket: Number(BigInt.asUintN(32, token(ctx.planContext().key, 'lock', key)) % BigInt(lockBuckets)) };
}

/**
 * Serialises conditional writes with equal criteria until the transaction ends. A statement of its own, before the search:
 * the search's snapshot must be younger than the lock. Buckets are taken in ascending order.
 */
export async function lockCriteria(client: Queryable, criteria: readonly Pick<CriteriaLock, 'bucket'>[]): Promise<void> {
  const buckets = [...new Set(criteria.map(({ bucket }) => bucket))].sort((a, b) => a - b);
  await client.query({
    name: 'lock_criteria',
    text: 'select count(pg_advisory_xact_lock($1, k)) from unnest($2::int4[]) k',
    values: [lockClass, buckets],
  });
}

/** What the caller sees of the matches, at most `limit`, on the primary and inside the caller's transaction. */
export async function findMatches(
  ctx: Context,
  call: Call,
  db: Queryable,
  criteria: Criteria,
  limit: number,
): Promise<readonly OpenedFound[]> {
  const query = await resolveSearch(ctx, call, db, criteria.query);
  const planned = planSearch(query, (type) => call.access.filter('s', type), ctx.registry, ctx.planContext());
  const plan = await settleSearch(ctx, call, db, planned);
  const page = await runSearch(db, plan, undefined, limit, ctx.open, ctx.statistics);
  return page.rows;
}

/**
 * All that match, whoever may see them: for what guards a write, once it is sure that the caller may write there. Of them he is told no more
 * than that he is refused.
 */
export function findAnybodys(ctx: Context, call: Call, db: Queryable, criteria: Criteria, limit: number): Promise<readonly OpenedFound[]> {
  return findMatches(ctx, { ...call, access: serverAccess(call.access.caller) }, db, criteria, limit);
}

/**
 * All that hold one of these values, each of which few hold, whoever may see them.
 *
 * @param criteria  one parameter with values that tokens decide
 */
export async function findHolders(
  ctx: Context,
  call: Call,
  db: Queryable,
  criteria: Criteria,
  limit: number,
): Promise<readonly OpenedFound[]> {
  const { filter } = serverAccess(call.access.caller);
  const plan = planSearch(criteria.query, (type) => filter('s', type), ctx.registry, ctx.planContext());
  return (await runSearch(db, { ...plan, anew: true }, undefined, limit, ctx.open, allRare)).rows;
}

/** The first two matches, found once no one else works on equal criteria. Lock and search travel together, in this order. */
export async function matchUnderLock(ctx: Context, call: Call, client: Queryable, criteria: Criteria): Promise<readonly OpenedFound[]> {
  const [, matches] = await Promise.all([lockCriteria(client, [criteria]), findMatches(ctx, call, client, criteria, 2)]);
  return matches;
}

/**
 * Locks what matched, and asks the criteria again: while a lock was waited for, its row may have become one that doesn't match.
 * Both travel together, in this order; as each statement sees what was committed before it began, the second answer is what is
 * true of the locked rows.
 */
export async function lockMatches(
  ctx: Context,
  call: Call,
  client: Queryable,
  criteria: Criteria,
  found: readonly { readonly id: string }[],
  limit: number,
): Promise<{ readonly locked: readonly LockedVersion[]; readonly matches: readonly OpenedFound[] }> {
  const { type } = criteria.query;
  const addresses = found.map(({ id }) => ({ type, id, refKey: ctx.refKeyOf(type, id) }));
  const [locked, matches] = await Promise.all([lockCurrent(client, addresses), findMatches(ctx, call, client, criteria, limit)]);
  return { locked, matches };
}

/** As `matchUnderLock`, and a single match is locked for writing and still matches. @throws LostRace if that changed meanwhile */
export async function lockMatch(ctx: Context, call: Call, client: Queryable, criteria: Criteria): Promise<readonly OpenedFound[]> {
  const found = await matchUnderLock(ctx, call, client, criteria);
  if (found.length !== 1) return found;
  const { matches } = await lockMatches(ctx, call, client, criteria, found, 2);
  assertSameMatch(found[0]?.id, matches);
  return matches;
}

/** @throws LostRace unless the one match is what it was before it was locked */
export function assertSameMatch(id: string | undefined, matches: readonly { readonly id: string }[]): void {
  if (matches.length !== 1 || matches[0]?.id !== id) throw new LostRace('what matches changed before it was locked');
}

import type { RowFilter } from '../storage/filter.ts';
import type { RelationStatistics } from '../storage/statistics.ts';
import { allOf, asksRows, type Condition, partsOf, type Rows } from './condition.ts';
import { isDrivenByFacts, isLazy, isOfTokens } from './lazy.ts';
import { isJoined } from './order.ts';
import type { Plan } from './plan.ts';
import { isExact } from './sort.ts';

/**
 * How the rows of a page are looked for. `walk`: in the order asked for, until the page is full, through at most so many rows, and
 * `otherwise` where that didn't fill it. `gather`: all that match, by their tokens, and put in order then. `free`: as PostgreSQL thinks best.
 */
export type Way =
  | { readonly kind: 'free' | 'gather' }
  | { readonly kind: 'walk'; readonly rows: number; readonly otherwise: 'free' | 'gather' };

/** So many rows are gathered and sorted in a few milliseconds. */
const gatheredRows = 2_000;
/** So many rows are gathered where it is the last resort, and each one's facts looked at. */
const gatheredRowsMax = 100_000;
/** A walk in vain through so many rows costs about ten milliseconds. */
const walkRowsMax = 10_000;
/** Where nothing is known of how frequent the tokens are. */
const walkRowsUnknown = 1_000;

/**
 * Whether a page is found sooner by walking an ordered index or by gathering. The decision rests on how frequent the tokens are and is
 * ours, because a walk through a table for something rare, which PostgreSQL begins where it misjudges, can take seconds: a walk of ours ends.
 */
export function wayOf(plan: Plan, limit: number, statistics: RelationStatistics | undefined): Way {
  if (plan.patient !== undefined) return { kind: 'free' };
  if (asksRows(plan.condition)) return wayAmongOthers(plan, statistics);
  if (isDrivenByFacts(plan)) return { kind: 'walk', rows: walkRowsUnknown, otherwise: 'gather' };
  const parts = partsOf(plan.condition);
  const tokens = shareOfRows({ ...plan, condition: allOf(parts.filter(({ kind }) => kind !== 'fact')) }, statistics);
  const share = shareOfRows(plan, statistics);
  if (share === undefined || tokens === undefined) return { kind: 'free' };
  if (statistics === undefined) return isWalkable(plan) ? { kind: 'walk', rows: walkRowsUnknown, otherwise: 'gather' } : { kind: 'free' };
  const gathered = tokens * statistics.rows;
  if (gathered <= gatheredRows) return { kind: 'gather' };
  // PostgreSQL may find few facts where there are many rows of these tokens.
  const otherwise = gathered > gatheredRowsMax && parts.some(({ kind }) => kind === 'fact') ? 'free' : 'gather';
  const needed = limit / share;
  if (!isWalkable(plan)) return { kind: 'free' };
  if (needed > walkRowsMax) return { kind: otherwise };
  // More than expected, since what matches doesn't lie evenly, and the more the dearer it is to gather.
  const rows = Math.max(walkRowsUnknown, Math.min(Math.max(4 * needed, gathered / 4), walkRowsMax));
  return { kind: 'walk', rows: Math.ceil(rows), otherwise };
}

/** So many candidates are looked through in about twenty milliseconds. */
const shortRowsMax = 10_000;

/**
 * Whether the statement's way is fixed by fences, so that a plan made without its values is as good, and has few rows to go through: it may
 * be sent with others over one connection, which it won't hold up.
 */
export function isShort(plan: Plan, limit: number, statistics: RelationStatistics | undefined): boolean {
  if (asksRows(plan.condition)) return false;
  if (plan.patient !== undefined) return true;
  if (plan.sort.some(({ stored }) => stored?.kind !== 'column')) return false;
  const isFenced = plan.sort.length === 0 && isLazy(plan);
  if (statistics === undefined) return isFenced;
  // The clauses themselves: of a pair, its code.
  const clauses = allOf(plan.clauses.map(({ condition }) => condition).filter((condition) => partsOf(condition).every(isOfTokens)));
  const share = shareOfRows({ condition: clauses, filter: plan.filter }, statistics);
  if (share === undefined || share * statistics.rows > shortRowsMax) return false;
  return isFenced || wayOf(plan, limit, statistics).kind === 'gather';
}

/** A walk in vain past so many rows, each of which refers to few others, costs about ten milliseconds. */
const walkRowsAmongOthers = 1_000;
/** So many rows of a hop, found already, are where to begin. */
const foundRowsFew = 100;
/** The same of places, each of which is one row. */
const placesFew = 1_000;

/**
 * Where other rows have a say and they are many, PostgreSQL knows too little of how many rows they leave to choose between the order and
 * gathering: a short walk finds the page where many match, and where few do there are not many to gather. What refers to a row
 * may be thousands of others, so that is never asked row by row.
 */
function wayAmongOthers(plan: Plan, statistics: RelationStatistics | undefined): Way {
  if (gatheredShare(plan, statistics) !== undefined) return { kind: 'gather' };
  if (!isWalkable(plan) || partsOf(plan.condition).some(isNarrow) || !isForwards(plan.condition)) return { kind: 'free' };
  return { kind: 'walk', rows: walkRowsAmongOthers, otherwise: 'free' };
}

/** It begins at few rows, that were found or are named. */
function isNarrow(condition: Condition): boolean {
  const few = (rows: Rows): boolean => 'rids' in rows && rows.rids.length <= foundRowsFew;
  switch (condition.kind) {
    case 'ids':
      return true;
    case 'refers':
      return condition.to.every(({ rows }) => few(rows));
    case 'placed':
      return condition.keys.length <= placesFew;
    case 'among':
      return few(condition.rows);
    case 'or':
      return condition.of.every(isNarrow);
    case 'and':
      return condition.of.some(isNarrow);
    default:
      return false;
  }
}

/** It follows references in their direction only. */
function isForwards(condition: Condition): boolean {
  switch (condition.kind) {
    case 'referred':
      return false;
    case 'refers':
      return condition.to.every(({ rows }) => 'rids' in rows || isForwards(rows.where));
    case 'and':
    case 'or':
      return condition.of.every(isForwards);
    case 'not':
      return isForwards(condition.of);
    default:
      return true;
  }
}

/**
 * Where other rows have a say: what share of the type's rows its own tokens select, if that is so little that the others are asked for each
 * of them.
 */
export function gatheredShare({ condition, filter }: Plan, statistics: RelationStatistics | undefined): number | undefined {
  const own = shareOfRows({ condition: allOf(partsOf(condition).filter((part) => !asksRows(part))), filter }, statistics);
  return statistics !== undefined && own !== undefined && own * statistics.rows <= gatheredRows ? own : undefined;
}

/** There is an index in the order asked for: of rows, of updates, of main dates, of one element's facts. */
function isWalkable({ sort }: Plan): boolean {
  const [first, ...others] = sort;
  if (first === undefined) return true;
  if (first.stored === undefined || !isExact(first) || others.some(({ stored }) => stored?.kind !== 'column')) return false;
  return first.stored.kind === 'fact' ? isJoined(first.stored) : first.stored.column !== 'id';
}

/** What share of the type's rows match, roughly; undefined where no token selects, or something else does that can't be told. */
export function shareOfRows(
  { condition, filter }: Pick<Plan, 'condition' | 'filter'>,
  statistics: RelationStatistics | undefined,
): number | undefined {
  const of = (token: bigint): number => statistics?.shareOf(token) ?? 1;
  const parts = partsOf(condition);
  const selects = filter !== 'all' || parts.some(({ kind }) => kind === 'all-tokens' || kind === 'any-token');
  const shares = parts.map((part) => shareOf(part, of));
  if (!selects || shares.some((share) => share === undefined)) return undefined;
  // Tokens of a row go together rather than not, so the rarest alone counts; facts thin out what is left.
  const tokens = [filterShare(filter, of), ...parts.flatMap((part, at) => (part.kind === 'fact' ? [] : (shares[at] ?? [])))];
  const facts = parts.flatMap((part, at) => (part.kind === 'fact' ? (shares[at] ?? []) : []));
  return Math.max(
    facts.reduce((product, share) => product * share, Math.min(...tokens)),
    Number.MIN_VALUE,
  );
}

/** A range of facts, of which nothing is known. */
const factShare = 0.25;

function shareOf(condition: Condition, of: (token: bigint) => number): number | undefined {
  switch (condition.kind) {
    case 'all-tokens':
      return Math.min(1, ...condition.tokens.map(of));
    case 'any-token':
      return Math.min(1, sum(condition.tokens.map(of)));
    case 'fact':
      return condition.pairs === undefined ? factShare : undefined;
    case 'updated':
      // It bounds the walk where it has the walk's order; elsewhere it may leave next to nothing.
      return 1;
    case 'and':
    case 'or': {
      const shares = condition.of.map((part) => shareOf(part, of));
      const known = shares.filter((share) => share !== undefined);
      if (known.length < shares.length) return undefined;
      return condition.kind === 'and' ? Math.min(1, ...known) : Math.min(1, sum(known));
    }
    case 'not': {
      const share = shareOf(condition.of, of);
      return share === undefined ? undefined : 1 - share;
    }
    default:
      return undefined;
  }
}

function filterShare(filter: RowFilter, of: (token: bigint) => number): number {
  if (filter === 'all') return 1;
  return Math.min(
    1,
    sum(filter.anyOf.map((groups) => Math.min(1, ...groups.map((group) => ('without' in group ? 1 : sum(group.map(of))))))),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

import { FhirError, type Issue } from '../fhir/error.ts';
import { type Queryable, sqlStateOf } from '../storage/database.ts';
import type { Opener } from '../storage/sealing.ts';
import { statement } from '../storage/sql.ts';
import type { Condition, Rows } from './condition.ts';
import type { Plan } from './plan.ts';
import { countMatches } from './run.ts';
import { countStatement, matchesStatement } from './statements.ts';

export type Total = { readonly total?: number /** Why there is none. */; readonly issue?: Issue };

/** How many resources `_total=accurate` may open to count where tokens can't decide. */
export const countCandidatesMax = 10_000;
/** Fewer matches than this are counted rather than estimated. */
const countedRows = 1_000;

/**
 * How many resources match, counted or estimated, in the time that statements of `db` have. What takes longer is left out, and why is said.
 *
 * @throws FhirError 400 where too many resources would have to be opened to count them
 */
export async function totalOf(db: Queryable, plan: Plan, kind: 'estimate' | 'accurate', open: Opener): Promise<Total> {
  try {
    if (kind === 'accurate' || isRestricted(plan)) return { total: await countMatches(db, plan, open, countCandidatesMax) };
    const estimated = await estimateOf(db, plan);
    return { total: estimated >= countedRows ? estimated : await countedOr(estimated, db, plan, open) };
  } catch (error) {
    if (sqlStateOf(error) !== '57014') throw error;
    return { issue: totalTimeout };
  }
}

/** A few are counted exactly, unless the estimate was far too low: then it is a better guess than nothing. */
async function countedOr(estimated: number, db: Queryable, plan: Plan, open: Opener): Promise<number> {
  if (plan.rechecks.length > 0) {
    return countMatches(db, plan, open, 10 * countedRows).catch((error: unknown) => {
      if (error instanceof FhirError) return estimated;
      throw error;
    });
  }
  const max = 10 * countedRows;
  const { text, values } = countStatement(plan, max);
  const { rows } = await db.query<{ n: string }>(statement(text, values));
  return Math.max(Number(rows[0]?.n), Number(rows[0]?.n) === max ? estimated : 0);
}

type Explained = { readonly 'QUERY PLAN': readonly [{ readonly Plan: { readonly 'Plan Rows': number } }] };

/** PostgreSQL's estimate, from its statistics: it plans the search for its values and runs nothing. */
async function estimateOf(db: Queryable, plan: Plan): Promise<number> {
  const { text, values } = matchesStatement(plan);
  const { rows } = await db.query<Explained>(`explain (format json) ${text}`, values);
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/**
 * Whether the caller may not see all that statistics were made of: an estimate would tell him of rows that he must learn nothing of, so
 * for him there is none.
 */
function isRestricted({ filter, condition }: Plan): boolean {
  return filter !== 'all' || restrictsRows(condition);
}

function restrictsRows(condition: Condition): boolean {
  switch (condition.kind) {
    case 'refers':
      return condition.to.some(({ rows }) => isRestrictedReach(rows));
    case 'referred':
      return isRestrictedReach(condition.by.rows);
    case 'and':
    case 'or':
      return condition.of.some(restrictsRows);
    case 'not':
      return restrictsRows(condition.of);
    default:
      return false;
  }
}

/** Rows that were found before have passed the filter already. */
function isRestrictedReach(rows: Rows): boolean {
  return 'where' in rows && (rows.filter !== 'all' || restrictsRows(rows.where));
}

const totalTimeout: Issue = {
  severity: 'warning',
  code: 'timeout',
  id: 'search-total-timeout',
  text: 'The matches were not counted: it would have taken too long. Ask for _total=estimate, or add a parameter that selects fewer.',
};

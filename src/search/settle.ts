import { badRequest, type FhirError } from '../fhir/error.ts';
import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { onlyType, relationOf } from '../storage/relations.ts';
import { findVersions, foundColumns, type FoundRow, foundVersion } from '../storage/rows.ts';
import type { Opener } from '../storage/sealing.ts';
import { sqlValues, statement } from '../storage/sql.ts';
import { asksRows, type Condition, type FoundRows, type Hop, type Reach, type Rows } from './condition.ts';
import { reachSql, typeSql } from './condition-sql.ts';
import type { Plan } from './plan.ts';

/** How many resources may be opened to learn which of them a hop or an alternative means. */
const candidatesMax = 10_000;
/** How many of them are in memory at a time. */
const batchRows = 1_000;

/**
 * Finds the rows that parts of the search mean where tokens and facts can't tell, innermost first: they are opened and tested, and
 * stand in the plan from then on. Nothing is asked where nothing needs to be opened.
 *
 * @throws FhirError 400 `too-costly` where too many resources would have to be opened
 */
export async function settlePlan(db: Queryable, plan: Plan, open: Opener): Promise<Plan> {
  if (!asksRows(plan.condition)) return plan;
  return { ...plan, condition: await settle(plan.condition, db, open) };
}

async function settle(condition: Condition, db: Queryable, open: Opener): Promise<Condition> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const of: Condition[] = [];
      // One after the other: each may hold many opened resources.
      for (const part of condition.of) of.push(asksRows(part) ? await settle(part, db, open) : part);
      return { ...condition, of };
    }
    case 'not':
      return { ...condition, of: await settle(condition.of, db, open) };
    case 'refers': {
      const to: Hop[] = [];
      for (const hop of condition.to) to.push(await settleHop(hop, db, open));
      return { ...condition, to };
    }
    case 'referred':
      return { ...condition, by: await settleHop(condition.by, db, open) };
    case 'among':
      return { ...condition, rows: await settleRows(condition.rows, db, open) };
    default:
      return condition;
  }
}

async function settleHop(hop: Hop, db: Queryable, open: Opener): Promise<Hop> {
  return { ...hop, rows: await settleRows(hop.rows, db, open) };
}

async function settleRows(rows: Rows, db: Queryable, open: Opener): Promise<Rows> {
  if ('rids' in rows) return rows;
  const reach = asksRows(rows.where) ? { ...rows, where: await settle(rows.where, db, open) } : rows;
  return reach.rechecks.length === 0 ? reach : findRows(reach, db, open);
}

async function findRows(reach: Reach, db: Queryable, open: Opener): Promise<FoundRows> {
  const rids: number[] = [];
  const keys: bigint[] = [];
  const candidates = await candidatesOf(reach, db);
  for (let at = 0; at < candidates.length; at += batchRows) {
    const rows = await readRows(reach, candidates.slice(at, at + batchRows), db);
    const opened = await open(rows.map(foundVersion));
    opened.forEach((row, place) => {
      if (row.erased || !passes(reach, row.json)) return;
      rids.push(row.rid);
      keys.push(BigInt(String(rows[place]?.[6])));
    });
  }
  return { rids, keys };
}

function passes({ rechecks }: Reach, json: Buffer): boolean {
  const resource = JSON.parse(json.toString('utf8')) as object;
  return rechecks.every((recheck) => recheck(resource));
}

/** Rides what the conditions ride. */
async function candidatesOf(reach: Reach, db: Queryable): Promise<number[]> {
  const values = sqlValues();
  const type = typeSql('r', reach.type, reach.where);
  const text = `select r.rid from ${relationOf(reach.type)} r where ${type} and ${reachSql(reach, 'r', values)}
    limit ${values.add(candidatesMax + 1)}::int`;
  const { rows } = await db.query<{ rid: string }>(statement(text, values.list));
  if (rows.length > candidatesMax) throw tooManyCandidates(reach.type);
  return rows.map(({ rid }) => Number(rid));
}

/** Rides the relation's index on rid. What has changed since it was a candidate is asked again. */
function readRows(reach: Reach, rids: readonly number[], db: Queryable): Promise<FoundRow[]> {
  const values = sqlValues();
  const text = `select ${foundColumns('r')}, r.ref_key from ${relationOf(reach.type)} r
    where ${onlyType('r', reach.type)} and r.rid = any(${values.add(int8Array(rids))}::int8[]) and ${reachSql(reach, 'r', values)}`;
  return findVersions(db, text, values.list);
}

function tooManyCandidates(type: string): FhirError {
  return badRequest(
    'search-too-many-candidates',
    `More than ${candidatesMax} resources of type ${type} would have to be opened to answer a part of this search. Add a condition on ${type} that selects fewer, or search by a longer part of the text.`,
    undefined,
    'too-costly',
  );
}

import { badRequest, type FhirError } from '../fhir/error.ts';
import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { longListOf } from '../storage/filter.ts';
import { onlyType, relationOf } from '../storage/relations.ts';
import { findVersions, foundColumns, type FoundRow, foundVersion } from '../storage/rows.ts';
import type { OpenedFound, Opener } from '../storage/sealing.ts';
import { sqlValues, statement } from '../storage/sql.ts';
import { shareMin, type Statistics } from '../storage/statistics.ts';
import {
  allOf,
  anyOf,
  asksRows,
  type Chain,
  type Condition,
  type FoundRows,
  type Hop,
  partsOf,
  type Reach,
  type Rows,
} from './condition.ts';
import { reachSql, typeSql } from './condition-sql.ts';
import type { Plan } from './plan.ts';
import { asksManyTokens, withPresentTokens } from './present-tokens.ts';
import { gatheredShare, shareOfRows } from './way.ts';

/** How many resources may be opened to learn which of them a hop or an alternative means. */
const candidatesMax = 10_000;
/** So many rows stand in a plan better by themselves than by what they are. */
const fewMax = 1_000;
/** How many of them are in memory at a time. */
const batchRows = 1_000;

/**
 * Finds the rows that parts of the search mean before the rest is asked, innermost first, and lets them stand in the plan:
 * where tokens and facts can't tell, so that they are opened and tested; and where they are few, because PostgreSQL knows too
 * little of rare tokens to begin there, and a page that begins at the other end can cost a thousand times more.
 *
 * @param statistics  how frequent tokens are: without them only what must be opened is found first
 * @param inside      finds what meets a chain by what it contains: without it chains lead to stored resources alone
 * @throws            FhirError 400 `too-costly` where too many resources would have to be opened
 */
export async function settlePlan(db: Queryable, planned: Plan, open: Opener, statistics?: Statistics, inside?: Inside): Promise<Plan> {
  const plan = await settleParts(db, planned, open, statistics, inside);
  return ridesFilter(plan, statistics) ? { ...plan, rides: true } : plan;
}

/** A list of patients that is so much of all of them is better tested than ridden, whatever else is asked. */
const riddenShare = 0.05;

/** Whether a filter by many patients leaves fewer rows than the rest of the search. */
function ridesFilter({ type, filter, condition }: Plan, statistics: Statistics | undefined): boolean {
  const listed = longListOf(filter);
  const patients = statistics?.of(relationOf('Patient'))?.rows;
  if (listed === 0 || patients === undefined) return false;
  const share = listed / Math.max(patients, 1);
  return share < riddenShare && share < (shareOfRows({ condition, filter: 'all' }, statistics?.of(relationOf(type))) ?? 1);
}

async function settleParts(
  db: Queryable,
  planned: Plan,
  open: Opener,
  statistics: Statistics | undefined,
  inside: Inside | undefined,
): Promise<Plan> {
  const plan = asksManyTokens(planned.condition)
    ? { ...planned, condition: await withPresentTokens(planned.condition, planned.type, { db, statistics }) }
    : planned;
  if (!asksRows(plan.condition)) return plan;
  // The few rows of one patient, or of some ids, are quicker asked themselves.
  const narrow = plan.patient !== undefined || partsOf(plan.condition).some(({ kind }) => kind === 'ids');
  const own = partsOf(plan.condition).filter((part) => !asksRows(part));
  // Of one patient's rows the column tells what a clause was.
  const beside = plan.patient === undefined ? own : plan.clauses.map(({ condition }) => condition);
  const settled: Condition[] = [];
  for (const part of partsOf(plan.condition)) {
    const apart = narrow || statistics === undefined || isNearer(plan, part, statistics);
    const settling = { db, open, statistics: apart ? undefined : statistics, inside, beside };
    const found = asksRows(part) ? await settle(part, settling) : part;
    settled.push(found.kind === 'referred' && apart && statistics !== undefined ? { ...found, each: true } : found);
  }
  return ofOnePatient({ ...plan, condition: allOf(settled) });
}

/**
 * Whether the search's own rows, each with those that it refers to or that refer to it, are fewer than the rows at the other end. What
 * refers to a share of the rows is about that share of what refers to any.
 */
function isNearer(plan: Plan, part: Condition, statistics: Statistics): boolean {
  const known = statistics.of(relationOf(plan.type));
  const own = gatheredShare(plan, known);
  if (own === undefined || known === undefined) return false;
  const rowsOf = ({ rows }: Hop, share: number, all: (there: number) => number): boolean => {
    if ('rids' in rows) return false;
    const there = statistics.of(relationOf(rows.type));
    const selected = shareOfRows({ condition: rows.where, filter: rows.filter }, there);
    return there !== undefined && selected !== undefined && share * all(there.rows) < selected * there.rows;
  };
  if (part.kind === 'referred') return rowsOf(part.by, own, (there) => there);
  return part.kind === 'refers' && part.to.every((hop) => rowsOf(hop, own, () => known.rows));
}

/** What refers to one patient that was found, by the element that the patient column stands for, is that patient's rows. */
function ofOnePatient(plan: Plan): Plan {
  if (plan.patient !== undefined) return plan;
  const parts = partsOf(plan.condition);
  for (const part of parts) {
    const patient = part.kind === 'refers' ? onlyPatient(part.to) : undefined;
    if (patient !== undefined) return { ...plan, patient, condition: allOf(parts.filter((each) => each !== part)) };
  }
  return plan;
}

function onlyPatient([hop, ...others]: readonly Hop[]): bigint | undefined {
  if (hop === undefined || others.length > 0 || !hop.link.column || !('keys' in hop.rows)) return undefined;
  const [key, ...more] = hop.rows.keys;
  return more.length === 0 ? key : undefined;
}

/** All rows of a hop, opened where they must be. @throws FhirError 400 `too-costly` where they are too many */
export async function findReach(reach: Reach, settling: Settling): Promise<FoundRows> {
  const where = asksRows(reach.where) ? await settleWhere(reach, settling) : reach.where;
  if (reach.rechecks.length > 0) return findRows({ ...reach, where }, settling);
  const found = await readFound({ ...reach, where }, settling.db, candidatesMax);
  if (found === undefined) throw tooManyCandidates(reach.type);
  return found;
}

export type Settling = {
  readonly db: Queryable;
  readonly open: Opener;
  readonly statistics: Statistics | undefined;
  readonly inside?: Inside | undefined;
  /** What is asked beside of the same rows. */
  readonly beside?: readonly Condition[];
};

/** Finds the rows that meet a chain by what they contain, among those that hold what is asked beside it. */
export type Inside = (chain: Chain, settling: Settling) => Promise<readonly number[]>;

async function settle(condition: Condition, settling: Settling): Promise<Condition> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const of: Condition[] = [];
      // One after the other: each may hold many opened resources.
      for (const part of condition.of) of.push(asksRows(part) ? await settle(part, settling) : part);
      return { ...condition, of };
    }
    case 'not':
      return { ...condition, of: await settle(condition.of, settling) };
    case 'refers': {
      const { chain } = condition;
      const [to, rids] = await Promise.all([
        settleHops(condition.to, settling),
        chain === undefined || settling.inside === undefined ? [] : settling.inside(chain, settling),
      ]);
      const stored: Condition = { ...condition, to };
      return rids.length === 0 ? stored : anyOf([stored, { kind: 'among', rows: { rids, keys: [] } }]);
    }
    case 'referred':
      return settleReferred(await settleHop(condition.by, settling), settling.db);
    case 'among':
      return { ...condition, rows: await settleRows(condition.rows, settling) };
    default:
      return condition;
  }
}

function settleWhere({ where }: Reach, settling: Settling): Promise<Condition> {
  return settle(where, { ...settling, beside: partsOf(where).filter((part) => part.kind === 'placed' || !asksRows(part)) });
}

async function settleHops(hops: readonly Hop[], settling: Settling): Promise<Hop[]> {
  const settled: Hop[] = [];
  for (const hop of hops) settled.push(await settleHop(hop, settling));
  return settled;
}

async function settleHop(hop: Hop, settling: Settling): Promise<Hop> {
  return { ...hop, rows: await settleRows(hop.rows, settling) };
}

/** What found rows refer to is looked up at once, rather than for each row that they may refer to. Rides the key of fact_reference. */
async function settleReferred(by: Hop, db: Queryable): Promise<Condition> {
  if (!('rids' in by.rows)) return { kind: 'referred', by };
  const values = sqlValues();
  const text = `select distinct f.target from fact_reference f where f.rid = any(${values.add(int8Array(by.rows.rids))}::int8[])
    and f.param = any(${values.add(by.link.params)}::int2[]) limit ${values.add(candidatesMax + 1)}::int`;
  const { rows } = await db.query<{ target: string }>(statement(text, values.list));
  return rows.length > candidatesMax ? { kind: 'referred', by } : { kind: 'placed', keys: rows.map(({ target }) => BigInt(target)) };
}

async function settleRows(rows: Rows, settling: Settling): Promise<Rows> {
  if ('rids' in rows) return rows;
  const pruned = asksManyTokens(rows.where) ? { ...rows, where: await withPresentTokens(rows.where, rows.type, settling) } : rows;
  const reach = asksRows(pruned.where) ? { ...pruned, where: await settleWhere(pruned, settling) } : pruned;
  if (reach.rechecks.length > 0) return findRows(reach, settling);
  return maybeFew(reach, settling.statistics) ? ((await readFound(reach, settling.db, fewMax)) ?? reach) : reach;
}

/**
 * Whether to look for its rows is cheap, and they may be few: a token is rare, or a range of facts decides, whose rows come one
 * after the other until they are too many. A relation that was never analysed holds next to nothing.
 */
function maybeFew({ type, where, filter }: Reach, statistics: Statistics | undefined): boolean {
  if (statistics === undefined) return false;
  if (partsOf(where).some(({ kind }) => kind === 'fact')) return true;
  const known = statistics.of(relationOf(type));
  const share = shareOfRows({ condition: where, filter }, known);
  return share !== undefined && (known === undefined || share < shareMin || share * known.rows <= fewMax);
}

/** The rows, if they are no more than `max`. */
async function readFound(reach: Reach, db: Queryable, max: number): Promise<FoundRows | undefined> {
  const values = sqlValues();
  const type = typeSql('r', reach.type, reach.where);
  const text = `select r.rid, r.ref_key from ${relationOf(reach.type)} r where ${type} and ${reachSql(reach, 'r', values)} limit ${values.add(max + 1)}::int`;
  const { rows } = await db.query<{ rid: string; ref_key: string }>(statement(text, values.list));
  if (rows.length > max) return undefined;
  return { rids: rows.map(({ rid }) => Number(rid)), keys: rows.map(({ ref_key }) => BigInt(ref_key)) };
}

/** @param sift  decides on opened rows, where not the rechecks do */
export async function findRows(
  reach: Reach,
  { db, open }: Settling,
  sift = (rows: readonly OpenedFound[]): Promise<readonly boolean[]> =>
    Promise.resolve(rows.map((row) => !row.erased && passes(reach, row.json))),
): Promise<FoundRows> {
  const rids: number[] = [];
  const keys: bigint[] = [];
  const candidates = await candidatesOf(reach, db);
  for (let at = 0; at < candidates.length; at += batchRows) {
    const rows = await readRows(reach, candidates.slice(at, at + batchRows), db);
    const opened = await open(rows.map(foundVersion));
    const kept = await sift(opened);
    opened.forEach((row, place) => {
      if (kept[place] !== true) return;
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

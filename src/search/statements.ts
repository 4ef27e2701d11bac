import { filterSql } from '../storage/filter.ts';
import { onlyType, relationOf } from '../storage/relations.ts';
import { foundColumns } from '../storage/rows.ts';
import { sqlValues, type Values } from '../storage/sql.ts';
import type { Statistics } from '../storage/statistics.ts';
import { allOf, type Condition, partsOf } from './condition.ts';
import { conditionSql, factSql, type Look, typeSql } from './condition-sql.ts';
import { isLazy, lazyParts } from './lazy.ts';
import { beyondGroup, beyondSql, orderBy, type OrderSql, orderSql } from './order.ts';
import { type Plan, unsorted } from './plan.ts';
import { type From, isOpened, type Segment, segmentsFrom } from './position.ts';
import { type Way, wayOf } from './way.ts';

export type Statement = { readonly text: string; readonly values: unknown[] };

/** The statement that counts all matches, or as many as `max`. */
export function countStatement(plan: Plan, max?: number): Statement {
  const values = sqlValues();
  const matching = `${relationOf(plan.type)} r where ${matchSql(unsorted(plan), values)}`;
  const text =
    max === undefined
      ? `select count(*)::int8 as n from ${matching}`
      : `select count(*)::int8 as n from (select from ${matching} limit ${values.add(max)}::int) m`;
  return { text, values: values.list };
}

/**
 * The ids of the Patients, known here, whose data the matches are: those of whom the newest rows are first. A match that is of no patient
 * or of several names none; a Patient is his own.
 */
export function patientsStatement(plan: Plan, limit: number): Statement {
  const values = sqlValues();
  const matching = `${relationOf(plan.type)} r where ${matchSql(unsorted(plan), values)}`;
  const text =
    plan.type === 'Patient'
      ? `select r.id from ${matching} order by r.rid desc limit ${values.add(limit)}::int`
      : `select p.id from (select r.patient, max(r.rid) as newest from ${matching} and r.patient is not null group by r.patient) m
          join ${relationOf('Patient')} p on p.type = 'Patient' and p.ref_key = m.patient and not p.deleted
          order by m.newest desc limit ${values.add(limit)}::int`;
  return { text, values: values.list };
}

/** All matches, for PostgreSQL to estimate how many there are. */
export function matchesStatement(plan: Plan): Statement {
  const values = sqlValues();
  return { text: `select from ${relationOf(plan.type)} r where ${matchSql(unsorted(plan), values)}`, values: values.list };
}

/**
 * The statement for one page of an order that PostgreSQL knows: rows in the order of the terms and then rid, from `from` on. A row of the
 * answer holds what is found and each term's value. Rows with a value of the first term and rows without are two parts, the second of
 * which runs only if the first doesn't fill the page.
 */
export function pageStatement(plan: Plan, from: From | undefined, limit: number, way: Way = { kind: 'free' }): Statement {
  const values = sqlValues();
  const parts = segmentsFrom(plan.sort, from).map((segment) => waySql(plan, segment, from, limit, way, values));
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return { text: only, values: values.list };
  const text = `${parts.map((part) => `(${part})`).join(' union all ')} limit ${values.add(limit)}::int`;
  return { text, values: values.list };
}

/** The same for one segment. */
export function segmentStatement(plan: Plan, segment: Segment, from: From | undefined, limit: number, way: Way): Statement {
  const values = sqlValues();
  return { text: segmentSql(plan, segment, from, limit, way.kind === 'free', values), values: values.list };
}

/**
 * Like a page, where what PostgreSQL can order by leaves groups of equal rows: whole groups, at least `limit` rows where there are as
 * many, at most `rowsMax`: more than that means that the last group is too large. Inside a group the opened resources decide.
 */
export function groupsStatement(
  plan: Plan,
  segment: Segment,
  from: From | undefined,
  { limit, rowsMax }: { readonly limit: number; readonly rowsMax: number },
  way: Way = { kind: 'free' },
): Statement {
  const values = sqlValues();
  const order = orderSql(plan.sort, segment, values);
  const where = [...order.within, ...beyondGroup(segment, order, from, values)];
  const selected = selectSql(plan, { segment, order, from, fenced: way.kind === 'gather' }, where, values);
  const by = orderBy(segment, order, from?.backwards === true);
  const groups = by === '' ? '' : `${by} fetch first (${values.add(limit)}::int) rows with ties`;
  const text = `select * from (${selected}${groups}) b limit ${values.add(rowsMax)}::int`;
  return { text, values: values.list };
}

/** The statement that looks for the first rows of a page. */
export function firstStatement(plan: Plan, from: From | undefined, size: number, statistics: Statistics): Statement {
  const [segment] = segmentsFrom(plan.sort, from);
  const way = wayOf(plan, size + 1, statistics.of(relationOf(plan.type)));
  if (segment === undefined || !isOpened(segment)) return pageStatement(plan, from, size + 1, way);
  return groupsStatement(plan, segment, from, { limit: size + 1, rowsMax: size + 1 + groupRowsMax + 1 }, way);
}

/** Rows that the stored values don't tell apart: more than these are not sorted by opening them. */
export const groupRowsMax = 2000;

function waySql(plan: Plan, segment: Segment, from: From | undefined, limit: number, way: Way, values: Values): string {
  if (way.kind !== 'walk') return segmentSql(plan, segment, from, limit, way.kind === 'free', values);
  if (segment.first === 'missing') return segmentSql(plan, segment, from, limit, way.otherwise === 'free', values);
  // The walk ends after so many rows, whatever it found. Where it didn't fill the page, what matches is gathered after all.
  const order = orderSql(plan.sort, segment, values);
  const where = [onlyType('r', plan.type), ...order.within, ...beyondSql(segment, order, from, values), ...boundsOfWalk(plan, values)];
  const by = orderBy(segment, order, from?.backwards === true);
  const full = values.add(limit);
  // Outside, a fact that was walked is a column of the row.
  const outside = { ...order, columns: order.columns.map((column) => (column.startsWith('f.') ? 'r.walked' : column)) };
  const lead = order.columns.find((column) => column.startsWith('f.'));
  return `with walked as materialized (
      select ${columnsSql(outside)} from (select r.*${lead === undefined ? '' : `, ${lead} as walked`} from ${relationOf(plan.type)} r${order.joins}
        where ${where.join(' and ')}${by} limit ${values.add(way.rows)}::int) r
      where ${matchSql(plan, values, 'probe')}${orderBy(segment, outside, from?.backwards === true)} limit ${full}::int)
    select * from walked where (select count(*) from walked) >= ${full}::int
    union all
    select * from (${segmentSql(plan, segment, from, limit, way.otherwise === 'free', values)}) g where (select count(*) from walked) < ${full}::int`;
}

/** Of a walk by a time of the row's own, the bounds that the search itself gives it. */
function boundsOfWalk({ sort, condition }: Plan, values: Values): string[] {
  const [first] = sort;
  if (first?.stored?.kind !== 'column') return [];
  const { column } = first.stored;
  return partsOf(condition).flatMap((part) => (part.kind === 'updated' && part.column === column ? conditionSql(part, 'r', values) : []));
}

/** @param free  PostgreSQL may look for the rows in their order; else it gathers what matches and puts it in order then */
function segmentSql(plan: Plan, segment: Segment, from: From | undefined, limit: number, free: boolean, values: Values): string {
  if (plan.sort.length === 0 && isLazy(plan)) return `${lazySql(plan, from, values)} limit ${values.add(limit)}::int`;
  const order = orderSql(plan.sort, segment, values);
  const fenced = !free && plan.patient === undefined;
  const where = [...order.within, ...beyondSql(segment, order, from, values)];
  const selected = selectSql(plan, { segment, order, from, fenced }, where, values);
  return `${selected}${orderBy(segment, order, from?.backwards === true)} limit ${values.add(limit)}::int`;
}

type Selected = {
  readonly segment: Segment;
  readonly order: OrderSql;
  readonly from: From | undefined;
  /** What matches, as far as the row's own columns tell, is found without regard to the order, to facts and to other rows. */
  readonly fenced: boolean;
};

/** Select, from and where of a page. */
function selectSql(plan: Plan, { segment, order, from, fenced }: Selected, also: readonly string[], values: Values): string {
  const relation = relationOf(plan.type);
  const [own, others] = fenced ? ownParts(plan.condition) : [[], []];
  const source = fenced
    ? `(select * from ${relation} r where ${matchSql({ ...plan, condition: allOf(own) }, values, 'gather')} offset 0)`
    : plan.patient === undefined
      ? relation
      : patientsRows(plan, plan.patient, segment, from?.backwards === true, values);
  const where = [...(fenced ? others.map((part) => conditionSql(part, 'r', values)) : [matchSql(plan, values)]), ...also];
  return `select ${columnsSql(order)} from ${source} r${order.joins} where ${where.length === 0 ? 'true' : where.join(' and ')}`;
}

/** What the row's own columns decide, and what facts and other rows do. */
function ownParts(condition: Condition): [own: Condition[], others: Condition[]] {
  const parts = partsOf(condition);
  return [parts.filter(isPlain), parts.filter((part) => !isPlain(part))];
}

const columnsSql = ({ columns }: OrderSql): string =>
  [foundColumns('r'), ...columns.map((column, at) => `${column}::text as v${at}`)].join(', ');

/**
 * A patient's own rows are read through a fence: with its values unknown, the planner would join the patient's rows with a
 * frequent code's whole posting list instead of filtering the few rows of one patient. The fence keeps the order of the
 * index (patient, clinical_at, rid), so that a page by date stops when it is full.
 */
function patientsRows(plan: Plan, patient: bigint, { first }: Segment, backwards: boolean, values: Values): string {
  const [term] = plan.sort;
  const byDate = first === 'present' && term?.stored?.kind === 'column' && term.stored.column === 'clinical_at';
  const direction = term?.descending === backwards ? 'asc' : 'desc';
  const sorted = byDate ? ` and p.clinical_at is not null order by p.clinical_at ${direction}, p.rid ${direction}` : '';
  return `(select * from ${relationOf(plan.type)} p where ${onlyType('p', plan.type)} and p.patient = ${values.add(patient.toString())}::int8${sorted} offset 0)`;
}

/**
 * Where tokens or a range of facts select and other facts only thin out: the candidates are found and put in order first, behind a
 * fence, and their facts are then looked at one by one until the page is full, instead of for all of them.
 */
function lazySql(plan: Plan, from: From | undefined, values: Values): string {
  const { driver, selecting, thinning } = lazyParts(plan);
  const relation = relationOf(plan.type);
  const descends = from?.backwards === true;
  const beyond = (alias: string): string =>
    from === undefined
      ? ''
      : ` and ${alias}.rid ${descends ? '<' : '>'}${from.inclusive ? '=' : ''} ${values.add(from.position.rid)}::int8`;
  const direction = descends ? ' desc' : '';
  const matching = matchSql({ ...plan, condition: allOf(selecting) }, values);
  const facts = conditionSql(allOf(thinning), 'c', values, 'probe');
  const [candidates, onRow] =
    driver === undefined
      ? [`select r.rid from ${relation} r where ${matching}${beyond('r')} order by r.rid${direction}`, onlyType('r', plan.type)]
      : // A row may have several such facts. The sum keeps PostgreSQL from walking the key for its order.
        [
          `select distinct f.rid + 0 as rid from ${driver.table} f where ${factSql(driver, values)}${beyond('f')} order by 1${direction}`,
          matching,
        ];
  return `select ${foundColumns('r')} from (${candidates} offset 0) c
    join ${relation} r on r.rid = c.rid and ${onRow} where ${facts} order by c.rid${direction}`;
}

/** The row's own columns decide the condition. */
function isPlain(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.every(isPlain);
  if (condition.kind === 'not') return isPlain(condition.of);
  return condition.kind === 'all-tokens' || condition.kind === 'any-token' || condition.kind === 'updated' || condition.kind === 'ids';
}

function matchSql(plan: Plan, values: Values, look?: Look): string {
  const patient = plan.patient === undefined ? [] : [`r.patient = ${values.add(plan.patient.toString())}::int8`];
  return [
    typeSql('r', plan.type, plan.condition),
    'not r.deleted',
    ...patient,
    conditionSql(plan.condition, 'r', values, look),
    filterSql(plan.filter, 'r', values, plan.rides === true && look !== 'probe' ? 'ride' : 'test'),
  ].join(' and ');
}

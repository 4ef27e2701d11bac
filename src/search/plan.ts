import { filterSql, type RowFilter } from '../storage/filter.ts';
import { onlyType, relationOf, typeIs } from '../storage/relations.ts';
import { foundColumns } from '../storage/rows.ts';
import { sqlValues, type Values } from '../storage/sql.ts';
import { assertSelective, planClauses, type Recheck } from './clauses.ts';
import { allOf, type Condition, conditionSql, type Fact, factSql } from './condition.ts';
import { pairedFact } from './paired.ts';
import type { Query, SortKey } from './query.ts';
import type { Registry, SearchParam } from './registry.ts';
import type { PlanContext } from './sink.ts';
import { isBlindDate } from './types/blind-date.ts';
import { refKeyOf } from './types/reference.ts';

/** What a search asks of a row, its access restriction beside it, not yet SQL. */
export type Plan = {
  readonly type: string;
  readonly condition: Condition;
  readonly filter: RowFilter;
  /** The one Patient all results belong to, when the search names just one: rides (patient, clinical_at, rid). */
  readonly patient?: bigint;
  readonly sort?: SortKey;
  /** The sort parameter is the type's main date, whose start is a column of the row. */
  readonly sortsByMainDate: boolean;
  readonly rechecks: readonly Recheck[];
};

/** Plans the search of one type. It can't be called without the caller's filter for that type. */
export function planSearch(query: Query, filter: RowFilter, registry: Registry, context: PlanContext): Plan {
  const planned = planClauses(query, context);
  assertSelective(query, planned);
  const patient = patientOf(query, registry, context);
  // One patient's rows are few: looking at their tokens and facts is cheapest.
  const paired = patient === undefined ? pairedFact(query, planned, registry, context) : undefined;
  const said = new Set<number | undefined>([patient?.clause, ...(paired?.clauses ?? [])]);
  const rest = planned.filter((_, at) => !said.has(at)).map(({ condition }) => condition);
  const [sort] = query.sort;
  return {
    type: query.type,
    // The patient column and the pair say the same as the clauses they stand for.
    condition: allOf(paired === undefined ? rest : [...rest, paired.fact]),
    filter,
    rechecks: planned.flatMap(({ recheck }) => recheck ?? []),
    sortsByMainDate: sort !== undefined && sort.param === registry.of(query.type).mainDate && !sortsByBucket(sort.param),
    ...(patient === undefined ? {} : { patient: patient.key }),
    ...(sort === undefined ? {} : { sort }),
  };
}

/** A clause that names exactly one Patient by the parameter that the patient column stands for. */
function patientOf(query: Query, registry: Registry, context: PlanContext): { readonly key: bigint; readonly clause: number } | undefined {
  const { patientElements: columns, namesOnePatient } = registry.of(query.type);
  if (!namesOnePatient) return undefined;
  for (const [clause, { param, modifier, values }] of query.clauses.entries()) {
    const [text] = values;
    if (param.type !== 'reference' || values.length !== 1 || text === undefined || (modifier !== undefined && modifier !== 'Patient'))
      continue;
    if (!param.elements.every(({ element }) => columns.includes(element)) || columns.length !== param.elements.length) continue;
    const id = /^(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/.exec(text)?.[1];
    const only = param.elements.every(({ targets }) => (targets ?? param.targets).join() === 'Patient');
    if (id !== undefined && (only || modifier === 'Patient' || text.startsWith('Patient/'))) {
      return { key: refKeyOf(context.key, 'Patient', id), clause };
    }
  }
  return undefined;
}

/**
 * Where a page begins: after the row `rid` with this sort value. `value` null: among the rows without a value.
 * With a bucket, `value` is its number and `text` the opened string inside it.
 */
export type Position = { readonly value: string | null; readonly rid: number; readonly text?: string };

export type Statement = { readonly text: string; readonly values: unknown[] };

/** The statement that counts all matches. */
export function countStatement(plan: Plan): Statement {
  const values = sqlValues();
  return { text: `select count(*)::int8 as n from ${relationOf(plan.type)} r where ${matchSql(plan, values)}`, values: values.list };
}

/**
 * The statement for one page: rows in the order of the sort value and then rid, rows without a value last, from `after` on.
 * A row of the answer holds what is found and, in a sorted one, `sort_value`. Values and missing values are two phases, because an
 * index scanned backwards gives nulls first; the second runs only if the first doesn't fill the page.
 */
export function pageStatement(plan: Plan, after: Position | undefined, limit: number): Statement {
  const values = sqlValues();
  const order = orderOf(plan, values);
  if (order === undefined) {
    const text = lazyStatement(plan, after, values) ?? `${selectSql(plan, noOrder, values)}${beyond('r', after, values)} order by r.rid`;
    return { text: `${text} limit ${values.add(limit)}::int`, values: values.list };
  }
  const missing = missingPhase(plan, order, after?.value === null ? after : undefined, limit, values);
  if (after?.value === null) return { text: missing, values: values.list };
  const present = valuePhase(plan, order, after, limit, values);
  return { text: `(${present}) union all (${missing}) limit ${values.add(limit)}::int`, values: values.list };
}

/** Where whole buckets are read from: this one or, not included, the next. */
export type Bucket = { readonly value: string; readonly included: boolean };

/**
 * Like a page, for a blind string: whole buckets, at least `limit` rows where there are as many, at most `rowsMax`: more than
 * that means the last bucket is too large. Inside a bucket the opened strings decide.
 */
export function bucketStatement(plan: Plan, from: Bucket | undefined, limit: number, rowsMax: number): Statement {
  const values = sqlValues();
  const order = orderOf(plan, values);
  if (order === undefined) throw new Error('a bucket page needs a sort');
  const direction = order.descending ? 'desc' : 'asc';
  const operator = `${order.descending ? '<' : '>'}${from?.included ? '=' : ''}`;
  const bound = from === undefined ? '' : ` and ${order.column} ${operator} ${values.add(from.value)}::int8`;
  const text = `select * from (${selectSql(plan, order, values)} and ${order.column} is not null${bound}
    order by ${order.column} ${direction} fetch first (${values.add(limit)}::int) rows with ties) b limit ${values.add(rowsMax)}::int`;
  return { text, values: values.list };
}

/** The rows without a value, in the order of rid: what follows the last bucket. */
export function missingStatement(plan: Plan, after: Position | undefined, limit: number): Statement {
  const values = sqlValues();
  const order = orderOf(plan, values);
  if (order === undefined) throw new Error('a page of missing values needs a sort');
  return { text: missingPhase(plan, order, after?.value === null ? after : undefined, limit, values), values: values.list };
}

/** The rows after the last one of the page before. */
function beyond(alias: string, after: Position | undefined, values: Values): string {
  return after === undefined ? '' : ` and ${alias}.rid > ${values.add(after.rid)}::int8`;
}

/**
 * Where tokens or a pair select and facts only thin out: the candidates are found and put in order first, behind a fence, and
 * their facts are then looked at one by one until the page is full, instead of for all of them.
 */
function lazyStatement(plan: Plan, after: Position | undefined, values: Values): string | undefined {
  if (!isLazy(plan)) return undefined;
  const { pair, selecting, thinning } = partsOf(plan);
  const relation = relationOf(plan.type);
  const matching = matchSql({ ...plan, condition: allOf(selecting) }, values);
  const facts = conditionSql(allOf(thinning), 'c', values, 'probe');
  const [candidates, onRow] =
    pair === undefined
      ? [`select r.rid from ${relation} r where ${matching}${beyond('r', after, values)} order by r.rid`, onlyType('r', plan.type)]
      : // A row has several facts of one pair where it has several codes. The sum keeps PostgreSQL from walking the key for its order.
        [
          `select distinct f.rid + 0 as rid from ${pair.table} f where ${factSql(pair, values)}${beyond('f', after, values)} order by 1`,
          matching,
        ];
  return `select ${foundColumns('r')} from (${candidates} offset 0) c
    join ${relation} r on r.rid = c.rid and ${onRow} where ${facts} order by c.rid`;
}

function namesIds(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(namesIds);
  return condition.kind === 'ids';
}

/** The statement's way is fixed by a fence, so that a plan made without its values is as good. */
export function isFenced(plan: Plan): boolean {
  return plan.patient !== undefined || (plan.sort === undefined && isLazy(plan));
}

function isLazy(plan: Plan): boolean {
  const { pair, selecting, thinning } = partsOf(plan);
  if (plan.patient !== undefined) return false;
  return pair !== undefined || (thinning.length > 0 && selecting.some(({ kind }) => kind === 'all-tokens' || kind === 'any-token'));
}

function partsOf(plan: Plan): { pair: Fact | undefined; selecting: Condition[]; thinning: Condition[] } {
  const parts = plan.condition.kind === 'and' ? plan.condition.of : [plan.condition];
  const pair = parts.find((part): part is Fact => part.kind === 'fact' && part.pairs !== undefined);
  return {
    pair,
    selecting: parts.filter((part) => !asksFacts(part)),
    thinning: parts.filter((part) => part !== pair && asksFacts(part)),
  };
}

function asksFacts(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(asksFacts);
  return condition.kind === 'not' ? asksFacts(condition.of) : condition.kind === 'fact';
}

function matchSql(plan: Plan, values: Values): string {
  const patient = plan.patient === undefined ? [] : [`r.patient = ${values.add(plan.patient.toString())}::int8`];
  return [
    // Ids are found by type and ref_key together.
    namesIds(plan.condition) ? typeIs('r', plan.type) : onlyType('r', plan.type),
    'not r.deleted',
    ...patient,
    conditionSql(plan.condition, 'r', values),
    filterSql(plan.filter, 'r', values),
  ].join(' and ');
}

type Order = { readonly column: string; readonly descending: boolean; readonly join: string; readonly cast: string };

const noOrder: Order = { column: 'null', descending: false, join: '', cast: 'text' };

/** Select, from and where of a page, to be continued with `and …`. */
function selectSql(plan: Plan, order: Order, values: Values): string {
  const sortValue = order === noOrder ? '' : `, ${order.column}::text as sort_value`;
  return `select ${foundColumns('r')}${sortValue} from ${source(plan, order, values)} r${order.join} where ${matchSql(plan, values)}`;
}

/**
 * A patient's own rows are read through a fence: with its values unknown, the planner would join the patient's rows with a
 * frequent code's whole posting list instead of filtering the few rows of one patient. The fence keeps the order of the
 * index (patient, clinical_at, rid), so that a page by date stops when it is full.
 */
function source(plan: Plan, order: Order, values: Values): string {
  const relation = relationOf(plan.type);
  if (plan.patient === undefined) return relation;
  const direction = order.descending ? 'desc' : 'asc';
  const sorted =
    order.column === 'r.clinical_at' ? ` and p.clinical_at is not null order by p.clinical_at ${direction}, p.rid ${direction}` : '';
  return `(select * from ${relation} p where ${onlyType('p', plan.type)} and p.patient = ${values.add(plan.patient.toString())}::int8${sorted} offset 0)`;
}

/** What to order by: a column of the row, or the smallest (ascending) or largest (descending) value among the row's facts. */
function orderOf(plan: Plan, values: Values): Order | undefined {
  if (plan.sort === undefined) return undefined;
  const { param, descending } = plan.sort;
  if (param.code === '_lastUpdated') return { column: 'r.last_updated', descending, join: '', cast: 'timestamptz' };
  if (param.code === '_id') return { column: 'r.id', descending, join: '', cast: 'text' };
  if (plan.sortsByMainDate) return { column: 'r.clinical_at', descending, join: '', cast: 'timestamptz' };
  const { table, low, high, cast } = factOrder(plan.sort);
  const numbers = values.add(param.elements.map(({ element }) => element.number));
  const value = descending ? `max(f.${high})` : `min(f.${low})`;
  return {
    column: 's.value',
    descending,
    join: ` left join lateral (select ${value} as value from ${table} f where f.rid = r.rid and f.param = any(${numbers}::int2[])) s on true`,
    cast,
  };
}

function factOrder({ param }: SortKey): { table: string; low: string; high: string; cast: string } {
  if (sortsByBucket(param)) return { table: 'fact_sort', low: 'low', high: 'high', cast: 'int8' };
  if (param.type === 'date') return { table: 'fact_date', low: 'lo', high: 'hi', cast: 'timestamptz' };
  return { table: 'fact_quantity', low: 'lo', high: 'hi', cast: 'float8' };
}

/** Strings and blind dates sort by a coarse bucket and, inside it, after opening. */
export function sortsByBucket(param: SearchParam): boolean {
  return param.type === 'string' || (param.type === 'date' && param.elements.some(({ element }) => isBlindDate(element.path)));
}

function valuePhase(plan: Plan, order: Order, after: Position | undefined, limit: number, values: Values): string {
  const direction = order.descending ? 'desc' : 'asc';
  const select = `${selectSql(plan, order, values)} and ${order.column} is not null`;
  const keyset =
    after === undefined
      ? ''
      : ` and (${order.column}, r.rid) ${order.descending ? '<' : '>'} (${values.add(after.value)}::${order.cast}, ${values.add(after.rid)}::int8)`;
  return `${select}${keyset} order by ${order.column} ${direction}, r.rid ${direction} limit ${values.add(limit)}::int`;
}

function missingPhase(plan: Plan, order: Order, after: Position | undefined, limit: number, values: Values): string {
  // The fence would leave the rows without a date out: this phase reads them unordered.
  const select = selectSql(plan, { ...order, column: order.column === 'r.clinical_at' ? 'null' : order.column }, values);
  const keyset = after === undefined ? '' : ` and r.rid > ${values.add(after.rid)}::int8`;
  return `${select} and ${order.column} is null${keyset} order by r.rid limit ${values.add(limit)}::int`;
}

import { int8Array } from '../storage/binary.ts';
import { filterSql } from '../storage/filter.ts';
import { onlyType, relationOf, typeIs } from '../storage/relations.ts';
import type { Values } from '../storage/sql.ts';
import { asksKeys, type Condition, type Fact, type FoundRows, type Hop, type Reach, type Rows } from './condition.ts';
import type { Link } from './query.ts';

/**
 * How facts are looked at: as a join that PostgreSQL is free to turn round, or row by row, each by the primary key. `gather`: as a join, where
 * it is decided that rows are found by their tokens.
 */
export type Look = 'join' | 'probe' | 'gather';

/**
 * PostgreSQL takes each of a list's tokens for as frequent as a rare one that it has seen, and would soon rather compare row by row with all of
 * them than ride the index. Lists that are longer are hidden from it where we know better.
 */
const shownTokensMax = 8;

/** The condition on the row `alias` as SQL. Token conditions ride the partition's GIN, facts their covering index or primary key. */
export function conditionSql(condition: Condition, alias: string, values: Values, look: Look = 'join'): string {
  switch (condition.kind) {
    case 'all-tokens':
      return `${alias}.tokens @> ${values.add(int8Array(condition.tokens))}::int8[]`;
    case 'any-token':
      return `${alias}.tokens && ${tokenList(condition.tokens, values, look)}`;
    case 'fact':
      return `exists (select from ${condition.table} f where f.rid = ${alias}.rid and ${factSql(condition, values, look)}${fence(look)})`;
    case 'ids':
      return `${alias}.ref_key = any(${values.add(int8Array(condition.keys))}::int8[]) and ${alias}.id = any(${values.add(condition.ids)}::text[])`;
    case 'updated':
      return `${alias}.${condition.column} ${condition.operator} ${timeSql(condition.ms, values)}`;
    case 'refers':
      return refersSql(condition.to, alias, values, look);
    case 'referred':
      return referredSql(condition, alias, values, look);
    case 'placed':
      return `${alias}.ref_key = any(${values.add(int8Array(condition.keys))}::int8[])`;
    case 'among':
      return `${alias}.rid = any(${values.add(int8Array(foundOf(condition.rows).rids))}::int8[])`;
    case 'and':
      return condition.of.length === 0 ? 'true' : condition.of.map((part) => conditionSql(part, alias, values, look)).join(' and ');
    case 'or':
      return condition.of.length === 0 ? 'false' : `(${condition.of.map((part) => conditionSql(part, alias, values, look)).join(' or ')})`;
    case 'not':
      return `not (${conditionSql(condition.of, alias, values, look)})`;
  }
}

function tokenList(tokens: readonly bigint[], values: Values, look: Look): string {
  const list = `${values.add(int8Array(tokens))}::int8[]`;
  return look === 'gather' && tokens.length > shownTokensMax ? `(select ${list})` : list;
}

/**
 * The condition on the fact `f` as SQL. A join rides the table's index by value, whose order is (param, pair, lo, …). For a
 * probe the sum keeps PostgreSQL from it: without statistics that index looks as good as the key, and costs a hundred times more.
 */
export function factSql(fact: Fact, values: Values, look: Look = 'join'): string {
  const one = fact.params.length === 1;
  const params = one ? `= ${values.add(fact.params[0])}::int2` : `= any(${values.add(fact.params)}::int2[])`;
  const param = look === 'probe' ? `f.param + 0::int2 ${params}` : `f.param ${params}`;
  // An element's facts that are no pairs have pair 0: only the index needs to be told.
  const plain = look === 'probe' ? [] : ['f.pair = 0'];
  const pair = fact.pairs === undefined ? plain : [`f.pair = any(${values.add(int8Array(fact.pairs))}::int8[])`];
  const bounds = fact.bounds.map(({ column, operator, value }) => {
    const bound = fact.table === 'fact_date' ? timeSql(value, values) : `${values.add(value)}::float8`;
    return `f.${column} ${operator} ${bound}`;
  });
  const unit = fact.unit === undefined ? [] : [`f.unit = ${values.add(fact.unit.toString())}::int8`];
  return [param, ...pair, ...bounds, ...unit].join(' and ');
}

function timeSql(ms: number, values: Values): string {
  const text = ms === Number.POSITIVE_INFINITY ? 'infinity' : ms === Number.NEGATIVE_INFINITY ? '-infinity' : instantText(ms);
  return `${values.add(text)}::timestamptz`;
}

/** An instant tells the years 1 to 9999; zones and `ap` reach beyond either end. */
function instantText(ms: number): string {
  if (ms >= 253_402_300_800_000) return 'infinity';
  return ms < -62_135_596_800_000 ? '-infinity' : new Date(ms).toISOString();
}

/**
 * A chain. It is one EXISTS over all types it may lead to, so that PostgreSQL can join from either side: alternatives of several
 * would each be asked of every row. Rides the primary key of fact_reference and unique (type, ref_key); from the other side the
 * types' GIN and fact_reference (param, target, rid). Types of several partitions are read through their parent.
 */
function refersSql(hops: readonly Hop[], alias: string, values: Values, look: Look): string {
  const found = hops.filter(({ rows }) => isFound(rows));
  const reaching = hops.filter(({ rows }) => !isFound(rows));
  const byColumn = reaching.filter(({ link }) => link.column);
  // Audit events stand apart from the other relations.
  const byFacts = Map.groupBy(
    reaching.filter(({ link }) => !link.column),
    ({ rows }) => reachOf(rows).type === 'AuditEvent',
  );
  const parts = [
    ...foundTogether(found).map(({ link, keys }) => pointsSql(link, keys, alias, values, look)),
    ...byColumn.map(({ rows }) => {
      const { type } = reachOf(rows);
      const hop = nextAlias(alias);
      return `exists (select from ${relationOf(type)} ${hop} where ${typeIs(hop, type)} and ${hop}.ref_key = ${alias}.patient and ${reachSql(reachOf(rows), hop, values, look)}${fence(look)})`;
    }),
    ...[...byFacts.values()].map((group) => pointsToSql(group, alias, values, look)),
  ];
  return parts.length === 1 ? parts.join() : `(${parts.join(' or ') || 'false'})`;
}

/** Found rows of several types in one look at the references: alternatives would each be asked of every row. */
function foundTogether(hops: readonly Hop[]): { readonly link: Link; readonly keys: readonly bigint[] }[] {
  const found = hops.map(({ link, rows }) => ({ link, keys: foundOf(rows).keys })).filter(({ keys }) => keys.length > 0);
  if (found.length < 2) return found;
  const together = Map.groupBy(found, ({ link }) => link.params.join());
  return [...together.values()].map((group) => ({
    link: { params: group[0]?.link.params ?? [], column: group.every(({ link }) => link.column) },
    keys: group.flatMap(({ keys }) => keys),
  }));
}

function pointsToSql(hops: readonly Hop[], alias: string, values: Values, look: Look): string {
  const hop = nextAlias(alias);
  const reaches = hops.map(({ link, rows }) => ({ link, reach: reachOf(rows) }));
  const relations = new Set(reaches.map(({ reach }) => relationOf(reach.type)));
  const [relation = ''] = relations;
  const [only] = reaches;
  const where =
    reaches.length === 1 && only !== undefined
      ? `${typeIs(hop, only.reach.type)} where ${paramsSql(only.link, values)} and ${reachSql(only.reach, hop, values, look)}`
      : `${hop}.type = any(${values.add(reaches.map(({ reach }) => reach.type))}::text[]) where (${reaches
          .map(({ link, reach }) => `${typeIs(hop, reach.type)} and ${paramsSql(link, values)} and ${reachSql(reach, hop, values, look)}`)
          .join(' or ')})`;
  const source = relations.size === 1 ? relation : 'resource';
  return `exists (select from fact_reference f join ${source} ${hop} on ${hop}.ref_key = f.target and ${where} and f.rid = ${alias}.rid${fence(look)})`;
}

function pointsSql(link: Link, keys: readonly bigint[], alias: string, values: Values, look: Look): string {
  const targets = `any(${values.add(int8Array(keys))}::int8[])`;
  // Never null, so that its negation holds for rows without a patient.
  if (link.column) return `(${alias}.patient is not null and ${alias}.patient = ${targets})`;
  return `exists (select from fact_reference f where f.rid = ${alias}.rid and ${paramsSql(link, values)} and f.target = ${targets}${fence(look)})`;
}

type Referred = Extract<Condition, { kind: 'referred' }>;

/** `_has`. Rides fact_reference (param, target, rid) and the type's index on rid; from the other side its GIN and the facts' key. */
function referredSql({ by: { link, rows }, each }: Referred, alias: string, values: Values, look: Look): string {
  if (isFound(rows)) {
    const rids = `any(${values.add(int8Array(rows.rids))}::int8[])`;
    return `exists (select from fact_reference f where f.rid = ${rids} and ${paramsSql(link, values)} and f.target = ${alias}.ref_key${fence(look)})`;
  }
  const hop = nextAlias(alias);
  const relation = relationOf(rows.type);
  const type = typeSql(hop, rows.type, rows.where);
  const reach = reachSql(rows, hop, values, look);
  if (link.column && each === true) {
    // A frequent token's whole list would be read for each row.
    const own = `select * from ${relation} ${hop} where ${type} and ${hop}.patient = ${alias}.ref_key offset 0`;
    return `exists (select from (${own}) ${hop} where ${reach}${fence(look)})`;
  }
  if (link.column)
    return `exists (select from ${relation} ${hop} where ${type} and ${hop}.patient = ${alias}.ref_key and ${reach}${fence(look)})`;
  return `exists (select from fact_reference f join ${relation} ${hop} on ${hop}.rid = f.rid and ${type}
    where ${paramsSql(link, values)} and f.target = ${alias}.ref_key and ${reach}${fence(look)})`;
}

/** What every row of a hop must be: living, visible to the caller, and as it is asked for. */
export function reachSql({ filter, where }: Reach, alias: string, values: Values, look: Look = 'join'): string {
  return `not ${alias}.deleted and ${filterSql(filter, alias, values)} and ${conditionSql(where, alias, values, look)}`;
}

/** The condition on the type for rows that are found by `condition`. */
export function typeSql(alias: string, type: string, condition: Condition): string {
  return asksKeys(condition) ? typeIs(alias, type) : onlyType(alias, type);
}

function paramsSql({ params }: Link, values: Values): string {
  return params.length === 1 ? `f.param = ${values.add(params[0])}::int2` : `f.param = any(${values.add(params)}::int2[])`;
}

/** Keeps what is probed from becoming a join. */
const fence = (look: Look): string => (look === 'probe' ? ' offset 0' : '');

/** Each hop has an alias of its own: its conditions stand inside those of the row it starts from. */
const nextAlias = (alias: string): string => `${alias}h`;

const isFound = (rows: Rows): rows is FoundRows => 'rids' in rows;

function foundOf(rows: Rows): FoundRows {
  if (!isFound(rows)) throw new Error('rows that must be opened are found before the statement is written');
  return rows;
}

function reachOf(rows: Rows): Reach {
  if (isFound(rows)) throw new Error('these rows were found already');
  if (rows.rechecks.length > 0) throw new Error('rows that must be opened are found before the statement is written');
  return rows;
}

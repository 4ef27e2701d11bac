import type { Queryable } from './database.ts';
import { filterSql, pastSql, type RowFilter } from './filter.ts';
import type { Address } from './read.ts';
import { relationOf, typeIs } from './relations.ts';
import { storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';
import { sqlValues, statement, type Values } from './sql.ts';

/** A position in a history, newest first: the last row of the page before. */
export type HistoryPosition = { readonly lastUpdated: string; readonly rid: number; readonly version: number };

export type HistoryQuery = {
  /** What to list: one resource, or the types with the filter of each. */
  readonly of:
    | { readonly address: Address; readonly filter: RowFilter }
    | { readonly types: readonly { readonly type: string; readonly filter: RowFilter }[] };
  /** Only versions at or after this instant. */
  readonly since?: string;
  /** Only versions that were current at some time in this interval, end excluded. */
  readonly at?: { readonly from: string; readonly until: string };
  readonly after?: HistoryPosition;
  readonly limit: number;
};

/**
 * Lists versions newest first: the current rows and the superseded ones, merged by (last_updated, rid, version).
 * One resource rides its keys; types ride (type, last_updated, rid) or (last_updated, rid) scanned backwards.
 */
export async function listHistory(db: Queryable, query: HistoryQuery): Promise<StoredVersion[]> {
  const values = sqlValues();
  const parts = sources(query, values).map(
    ({ relation, where }) => `(select ${versionColumns('v')} from ${relation} v where ${[where, ...bounds(query, values)].join(' and ')}
      order by v.last_updated desc, v.rid desc, v.version desc limit ${values.add(query.limit)}::int)`,
  );
  const text = `select * from (${parts.join(' union all ')}) v order by last_updated desc, rid desc, version desc limit ${values.add(query.limit)}::int`;
  const { rows } = await db.query<VersionRow>(statement(text, values.list));
  return rows.map(storedVersion);
}

/** How many versions there are in all, for Bundle.total; bounds by page position don't count. */
export async function countHistory(db: Queryable, query: Omit<HistoryQuery, 'limit' | 'after'>): Promise<number> {
  const values = sqlValues();
  const parts = sources(query, values).map(
    ({ relation, where }) => `select count(*) as n from ${relation} v where ${[where, ...bounds(query, values)].join(' and ')}`,
  );
  const { rows } = await db.query<{ n: string }>(statement(`select sum(n) as n from (${parts.join(' union all ')}) c`, values.list));
  return Number(rows[0]?.n);
}

type Source = { readonly relation: string; readonly where: string };

function sources(query: Pick<HistoryQuery, 'of'>, values: Values): Source[] {
  const { of } = query;
  if ('address' in of) {
    const { address, filter } = of;
    const where = `${typeIs('v', address.type)} and v.ref_key = ${values.add(address.refKey.toString())}::int8
      and v.id = ${values.add(address.id)} and ${filterSql(filter, 'v', values)}`;
    const past = pastSql(filter, relationOf(address.type), 'v', values);
    return [
      { relation: relationOf(address.type), where },
      { relation: superseded, where: `${where} and ${past}` },
    ];
  }
  const groups = Map.groupBy(of.types, ({ filter }) => filter);
  const each = [...groups].map(([filter, types]) => ({
    now: `v.type = any(${values.add(types.map(({ type }) => type))}::text[]) and ${filterSql(filter, 'v', values)}`,
    past: pastSql(filter, types.length === 1 && types[0] !== undefined ? relationOf(types[0].type) : 'resource', 'v', values),
  }));
  const where = `(${each.map(({ now }) => now).join(' or ')})`;
  const wherePast = `(${each.map(({ now, past }) => `${now} and ${past}`).join(' or ')})`;
  const relations = new Set(of.types.length === 1 ? of.types.map(({ type }) => relationOf(type)) : ['resource']);
  if (of.types.some(({ type }) => type === 'AuditEvent')) relations.add('audit_event');
  return [...[...relations].map((relation) => ({ relation, where })), { relation: superseded, where: wherePast }];
}

/** Without what was erased: of an erased resource only the last version, which says so, is listed. */
const superseded = `(select * from resource_version where interaction <> 'e')`;

function bounds(query: Pick<HistoryQuery, 'since' | 'at' | 'after'>, values: Values): string[] {
  const conditions: string[] = [];
  if (query.since !== undefined) conditions.push(`v.last_updated >= ${values.add(query.since)}::timestamptz`);
  if (query.at !== undefined) {
    conditions.push(
      `v.last_updated < ${values.add(query.at.until)}::timestamptz`,
      `not exists (${supersededBefore(query.at.from, values)})`,
    );
  }
  if (query.after !== undefined) {
    const { lastUpdated, rid, version } = query.after;
    conditions.push(
      `(v.last_updated, v.rid, v.version) < (${values.add(lastUpdated)}::timestamptz, ${values.add(rid)}::int8, ${values.add(version)}::int4)`,
    );
  }
  return conditions;
}

/** The next version of the row, when it had come by the given time: then the row was not current any more. */
function supersededBefore(from: string, values: Values): string {
  const time = values.add(from);
  return `select from resource_version s where s.ref_key = v.ref_key and s.version = v.version + 1 and s.last_updated <= ${time}::timestamptz
    union all
    select from resource c where c.type = v.type and c.ref_key = v.ref_key and c.version = v.version + 1 and c.last_updated <= ${time}::timestamptz`;
}

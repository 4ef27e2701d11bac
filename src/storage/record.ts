import type { Queryable } from './database.ts';
import { filterSql, pastSql, type RowFilter } from './filter.ts';
import { storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';
import { sqlValues, statement } from './sql.ts';

export type RecordQuery = {
  readonly types: readonly { readonly type: string; readonly filter: RowFilter }[];
  /** The token that all of a compartment have. */
  readonly compartment: bigint;
  /** An instant. */
  readonly at: string;
  /** The rid of the last row of the page before. */
  readonly after?: number;
  readonly limit: number;
};

/**
 * What was in a compartment at an instant, in the order in which it came to be: of each resource that is in it now, deleted since or not,
 * the version that was current then. Rides the tokens of the current rows, then (ref_key, version).
 */
export async function recordAt(db: Queryable, { types, compartment, at, after, limit }: RecordQuery): Promise<StoredVersion[]> {
  const values = sqlValues();
  const time = `${values.add(at)}::timestamptz`;
  const member = `array[${values.add(compartment.toString())}::int8]`;
  const groups = [...Map.groupBy(types, ({ filter }) => filter)].map(([filter, part]) => ({
    filter,
    types: `${values.add(part.map(({ type }) => type))}::text[]`,
  }));
  const now = groups.map(({ filter, types: of }) => `r.type = any(${of}) and ${filterSql(filter, 'r', values)}`);
  const past = groups.map(
    ({ filter, types: of }) => `v.type = any(${of}) and ${filterSql(filter, 'v', values)} and ${pastSql(filter, 'resource', 'v', values)}`,
  );
  const text = `select * from (
      select ${versionColumns('r')} from resource r
      where r.tokens @> ${member} and r.last_updated <= ${time} and not r.deleted and (${now.join(' or ')})
      union all
      select ${versionColumns('v')} from resource r cross join lateral (
        select * from resource_version s where s.ref_key = r.ref_key and s.last_updated <= ${time} order by s.version desc limit 1
      ) v
      where r.tokens @> ${member} and r.last_updated > ${time} and not v.deleted and v.interaction <> 'e' and v.tokens @> ${member}
        and (${past.join(' or ')})
    ) c where c.rid > ${values.add(after ?? 0)}::int8 order by c.rid limit ${values.add(limit)}::int`;
  const { rows } = await db.query<VersionRow>(statement(text, values.list));
  return rows.map(storedVersion);
}

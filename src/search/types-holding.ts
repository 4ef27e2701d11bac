import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { relationOf } from '../storage/relations.ts';
import { sqlValues, statement } from '../storage/sql.ts';

/**
 * Which of the types have a living row that holds the token: the others needn't be searched for it. It says nothing of who may see them.
 * The token is of the type: audit events may have another one than all others. A type at a time rides its partition's GIN and ends at the first row.
 */
export async function typesHolding(
  db: Queryable,
  tokenIn: (type: string) => bigint,
  types: readonly string[],
): Promise<ReadonlySet<string>> {
  const values = sqlValues();
  const parts = [...Map.groupBy(types, (type) => (relationOf(type) === 'audit_event' ? 'audit_event' : 'resource'))].map(
    ([relation, part]) => {
      const held = values.add(int8Array([tokenIn(part[0] ?? '')]));
      return `select t.type from unnest(${values.add(part)}::text[]) t(type)
      where exists (select from ${relation} r where r.type = t.type and r.tokens @> ${held}::int8[] and not r.deleted offset 0)`;
    },
  );
  if (parts.length === 0) return new Set();
  const { rows } = await db.query<{ type: string }>(statement(parts.join(' union all '), values.list));
  return new Set(rows.map(({ type }) => type));
}

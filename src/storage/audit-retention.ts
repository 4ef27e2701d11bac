import type { ClientBase } from 'pg';
import { monthOf } from './audit-keys.ts';
import type { Queryable } from './database.ts';

/** A month of audit events, with how many there are. */
export type AuditMonth = { readonly month: number; readonly relation: string; readonly rows: number };

/** The month partitions that lie wholly before a month, oldest first. */
export async function monthsBefore(db: Queryable, month: number): Promise<AuditMonth[]> {
  const { rows } = await db.query<{ relation: string }>(
    `select relname as relation from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'audit_event'::regclass and relname ~ '^audit_event_\\d{4}_\\d\\d$' order by relname`,
  );
  const due = rows
    .map(({ relation }) => ({ relation, month: Number(relation.slice(-7).replace('_', '')) }))
    .filter((each) => each.month < month);
  return Promise.all(
    due.map(async (each) => {
      const counted = await db.query<{ n: string }>(`select count(*) as n from ${each.relation}`);
      return { ...each, rows: Number(counted.rows[0]?.n) };
    }),
  );
}

/** What is left of a block when a month is gone, and whether the month held anything of it. */
export type Remainder = { readonly n: number; readonly count: number; readonly root: string; readonly touched: boolean };

/** For the blocks that may hold events of a month, what is left of each without it. In the order of blocks. Rides (last_at). */
export async function remaindersOf(db: Queryable, { relation }: AuditMonth): Promise<Remainder[]> {
  const { rows } = await db.query<{ n: string; count: string; root: string; touched: boolean }>(
    `select b.n, r.count, r.root, r.touched
     from audit_block b cross join lateral (
       select count(*) filter (where e.tableoid <> '${relation}'::regclass) as count,
         encode(sha256(coalesce(string_agg(xid8send(e.xid) || int8send(e.rid) || coalesce(e.mac, ''), ''::bytea order by e.xid, e.rid)
           filter (where e.tableoid <> '${relation}'::regclass), '')), 'hex') as root,
         coalesce(bool_or(e.tableoid = '${relation}'::regclass), false) as touched
       from audit_event e where (e.xid, e.rid) > (b.after_xid, b.after_rid) and (e.xid, e.rid) <= (b.last_xid, b.last_rid)
     ) r
     where b.kind = 'b' and b.first_at < (select max(last_updated) from ${relation}) + interval '1 microsecond'
     order by b.n`,
  );
  return rows.map(({ n, count, root, touched }) => ({ n: Number(n), count: Number(count), root, touched }));
}

/** Runs as the owner: nobody else may. The trigger that keeps blocks as they are is off for this transaction alone. */
export async function dropMonth(owner: ClientBase, { relation }: AuditMonth, throughBlock: number): Promise<void> {
  // Only events that others sent have facts.
  for (const table of ['fact_date', 'fact_quantity', 'fact_reference', 'fact_sort'])
    await owner.query(`delete from ${table} where rid in (select rid from ${relation} where get_byte(content, 0) < 2)`);
  await owner.query(`drop table ${relation}`);
  if (throughBlock === 0) return;
  await owner.query('alter table audit_block disable trigger audit_block_unchanged');
  await owner.query('delete from audit_block where n <= $1', [throughBlock]);
  await owner.query('alter table audit_block enable trigger audit_block_unchanged');
}

/** The first month that is still kept. */
export function firstKept(now: number, years: number): number {
  return monthOf(now) - years * 100;
}

import type { Queryable } from './database.ts';

/** A place in the order of sealing: the transaction that wrote an event, then its row id. Both as PostgreSQL writes them. */
export type Position = { readonly xid: string; readonly rid: string };

/** A block of the chain over the audit events, as stored. Times are microseconds since 1970, as text. */
export type AuditBlock = {
  readonly n: number;
  /** b seals events; d tells which were dropped. */
  readonly kind: 'b' | 'd';
  readonly at: string;
  readonly count: number;
  readonly after: Position;
  readonly last: Position;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly root: Buffer;
  readonly dropped: string | null;
  readonly h: Buffer;
};

/** What a block says but for its place in the chain. */
export type Sealable = Pick<AuditBlock, 'at' | 'count' | 'last' | 'firstAt' | 'lastAt' | 'root'>;

type BlockRow = {
  readonly n: string;
  readonly kind: 'b' | 'd';
  readonly at: string;
  readonly count: string;
  readonly after_xid: string;
  readonly after_rid: string;
  readonly last_xid: string;
  readonly last_rid: string;
  readonly first_at: string | null;
  readonly last_at: string | null;
  readonly root: Buffer;
  readonly dropped: string | null;
  readonly h: Buffer;
};

const micros = (column: string): string => `(extract(epoch from ${column}) * 1000000)::int8`;
const fromMicros = (parameter: string): string => `timestamptz 'epoch' + ${parameter}::int8 * interval '1 microsecond'`;

const columns = `n, kind, ${micros('at')} as at, count, after_xid, after_rid, last_xid, last_rid, ${micros('first_at')} as first_at,
  ${micros('last_at')} as last_at, root, dropped, h`;

export async function lastBlock(db: Queryable): Promise<AuditBlock | undefined> {
  const { rows } = await db.query<BlockRow>({
    name: 'last_audit_block',
    text: `select ${columns} from audit_block order by n desc limit 1`,
  });
  return rows.map(blockOf)[0];
}

/** Blocks behind the given number, in order. */
export async function blocksAfter(db: Queryable, n: number, limit: number): Promise<AuditBlock[]> {
  const { rows } = await db.query<BlockRow>(`select ${columns} from audit_block where n > $1 order by n limit $2`, [n, limit]);
  return rows.map(blockOf);
}

/** The blocks that tell what was dropped, the newest first, each with the link of the block before if that is there. */
export async function droppingBlocks(
  db: Queryable,
): Promise<readonly { readonly block: AuditBlock; readonly before: Buffer | undefined }[]> {
  const { rows } = await db.query<BlockRow & { readonly before: Buffer | null }>(
    `select ${columns}, (select p.h from audit_block p where p.n = b.n - 1) as before from audit_block b where kind = 'd' order by n desc`,
  );
  return rows.map(({ before, ...row }) => ({ block: blockOf(row), before: before ?? undefined }));
}

/** Epoch ms, both ends within. Without `from`: since the trail begins, whatever the times of its first blocks say. */
export type Span = { readonly from?: number; readonly to: number };

/** The first and the last block that hold an event of this interval. Rides (last_at). */
export async function blocksOf(db: Queryable, { from, to }: Span): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const { rows } = await db.query<{ first: string | null; last: string | null }>(
    `select case when $1::int8 is null then 1 else min(n) filter (where last_at >= ${fromMicros('$1')}) end as first,
       max(n) filter (where $1::int8 is null or last_at >= ${fromMicros('$1')}) as last
     from audit_block where first_at <= ${fromMicros('$2')}`,
    [from === undefined ? null : from * 1000, to * 1000],
  );
  const [found] = rows;
  return found?.first == null || found.last === null ? undefined : { first: Number(found.first), last: Number(found.last) };
}

/**
 * What the next block seals: the events behind a position that no running transaction can add to any more. The digest is made
 * in the database, so that no event travels. Rides (xid, rid) of each partition.
 */
export async function sealable(db: Queryable, after: Position, limit: number): Promise<Sealable | undefined> {
  const { rows } = await db.query<Pick<BlockRow, 'at' | 'count' | 'last_xid' | 'last_rid' | 'first_at' | 'last_at' | 'root'>>({
    name: 'sealable_audit',
    text: `with part as materialized (
        select xid, rid, mac, last_updated from audit_event
        where (xid, rid) > ($1::xid8, $2::int8) and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, rid limit $3::int4
      )
      select ${micros('clock_timestamp()')} as at, count(*) as count, ${micros('min(last_updated)')} as first_at, ${micros('max(last_updated)')} as last_at,
        sha256(string_agg(xid8send(xid) || int8send(rid) || coalesce(mac, ''), ''::bytea order by xid, rid)) as root,
        (select xid from part order by xid desc, rid desc limit 1) as last_xid, (select rid from part order by xid desc, rid desc limit 1) as last_rid
      from part having count(*) > 0`,
    values: [after.xid, after.rid, limit],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    at: row.at,
    count: Number(row.count),
    last: { xid: row.last_xid, rid: row.last_rid },
    firstAt: row.first_at,
    lastAt: row.last_at,
    root: row.root,
  };
}

/** Adds a block. Two with one number can't be. */
export async function insertBlock(db: Queryable, block: AuditBlock): Promise<void> {
  await db.query({
    name: 'insert_audit_block',
    text: `insert into audit_block (n, kind, at, count, after_xid, after_rid, last_xid, last_rid, first_at, last_at, root, dropped, h)
      values ($1, $2, ${fromMicros('$3')}, $4, $5, $6, $7, $8, ${fromMicros('$9')}, ${fromMicros('$10')}, $11, $12, $13)`,
    values: [
      block.n,
      block.kind,
      block.at,
      block.count,
      block.after.xid,
      block.after.rid,
      block.last.xid,
      block.last.rid,
      block.firstAt,
      block.lastAt,
      block.root,
      block.dropped,
      block.h,
    ],
  });
}

/**
 * Whether the order of transactions has gone back behind the chain's end: the data was copied into a server whose counter is lower, and what is
 * written there could never be sealed.
 */
export async function isBehind(db: Queryable, { xid }: Position): Promise<boolean> {
  const { rows } = await db.query<{ behind: boolean }>('select pg_snapshot_xmax(pg_current_snapshot()) < $1::xid8 as behind', [xid]);
  return rows[0]?.behind === true;
}

function blockOf(row: BlockRow): AuditBlock {
  return {
    n: Number(row.n),
    kind: row.kind,
    at: row.at,
    count: Number(row.count),
    after: { xid: row.after_xid, rid: row.after_rid },
    last: { xid: row.last_xid, rid: row.last_rid },
    firstAt: row.first_at,
    lastAt: row.last_at,
    root: row.root,
    dropped: row.dropped,
    h: row.h,
  };
}

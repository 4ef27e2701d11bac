import type { Pool } from 'pg';

/** A standby as the primary sees it. What the role of the server may not see is null. */
export type Replica = {
  /** Its application_name. */
  readonly name: string;
  readonly state: string | null;
  readonly sync: string | null;
  readonly replayLsn: string | null;
  readonly lagBytes: number | null;
  /** How far behind its replay is; null while nobody knows. */
  readonly lagMs: number | null;
  /** Since it was last heard of. */
  readonly silentMs: number | null;
};

export type Replication = {
  readonly isPrimary: boolean;
  readonly isVisible: boolean;
  readonly lsn: string;
  readonly replicas: readonly Replica[];
};

type Row = {
  readonly name: string;
  readonly state: string | null;
  readonly sync: string | null;
  readonly replay: string | null;
  readonly bytes: string | null;
  readonly lag: number | null;
  readonly silent: number | null;
};

const nothingKnown = { standby: false, visible: false, lsn: '0/0' };
const replicasMax = 100;

/**
 * Who follows the main database, and how closely. Only a role with `pg_read_all_stats` sees more than the names.
 * @see https://www.postgresql.org/docs/18/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
 */
export async function replicationOf(pool: Pool): Promise<Replication> {
  const { rows: own } = await pool.query<{ standby: boolean; visible: boolean; lsn: string }>(`
    select pg_is_in_recovery() as standby, pg_has_role('pg_read_all_stats', 'usage') as visible,
      (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`);
  const [{ standby, visible, lsn } = nothingKnown] = own;
  // A view over shared memory: there is no index. A copy that is being made (state backup) follows nobody.
  const { rows } = await pool.query<Row>(
    `select coalesce(nullif(application_name, ''), 'unnamed') as name, state, sync_state as sync, replay_lsn::text as replay,
      greatest(0, pg_wal_lsn_diff($1::pg_lsn, replay_lsn))::text as bytes,
      (extract(epoch from replay_lag) * 1000)::float8 as lag, (extract(epoch from clock_timestamp() - reply_time) * 1000)::float8 as silent
    from pg_stat_replication where state is distinct from 'backup' order by application_name, pid limit ${replicasMax}`,
    [lsn],
  );
  return { isPrimary: !standby, isVisible: visible, lsn, replicas: rows.map(replicaOf) };
}

function replicaOf({ name, state, sync, replay, bytes, lag, silent }: Row): Replica {
  const lagBytes = bytes === null ? null : Number(bytes);
  // One that has replayed everything is not behind, however long ago something was written.
  const lagMs = lagBytes === 0 ? 0 : lag;
  return { name, state, sync, replayLsn: replay, lagBytes, lagMs, silentMs: silent };
}

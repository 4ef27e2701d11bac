import type { Pool } from 'pg';
import type { Log } from '../telemetry/log.ts';

const pendingListsMs = 1_000;
const partitionsMs = 3_600_000;

/**
 * What the store needs done beside requests: GIN pending lists emptied every second (a long one costs every search), and the
 * month partitions of audit events made ahead. A failed turn is logged and the next one tries again.
 */
export function keepHouse(pool: Pool, log: Log): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();

  function turn(work: () => Promise<unknown>): void {
    running = running.then(work).catch((error: unknown) => log.warn({}, 'housekeeping failed', error));
  }

  async function ensurePartitions(): Promise<void> {
    await pool.query(`select ensure_audit_partition(now()), ensure_audit_partition(now() + interval '1 month')`);
  }

  turn(ensurePartitions);
  const lists = setInterval(() => turn(() => pool.query('select clean_pending_lists()')), pendingListsMs);
  const partitions = setInterval(() => turn(ensurePartitions), partitionsMs);
  return {
    async stop() {
      clearInterval(lists);
      clearInterval(partitions);
      await running.catch(() => {});
    },
  };
}

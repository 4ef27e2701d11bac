import type { Pool } from 'pg';
import type { Log } from '../telemetry/log.ts';
import type { Statistics } from './statistics.ts';

const pendingListsMs = 1_000;
const partitionsMs = 3_600_000;
const statisticsMs = 15_000;

/**
 * What the store needs done beside requests: GIN pending lists emptied every second (a long one costs every search), and the
 * month partitions of audit events made ahead. Tables that were filled are analysed soon, and what that tells is read. A failed turn is logged and the next one tries again.
 */
export function keepHouse(pool: Pool, statistics: Statistics, log: Log): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();

  function turn(work: () => Promise<unknown>): void {
    running = running.then(work).catch((error: unknown) => log.warn({}, 'housekeeping failed', error));
  }

  async function ensurePartitions(): Promise<void> {
    await pool.query(`select ensure_audit_partition(now()), ensure_audit_partition(now() + interval '1 month')`);
  }

  async function lookAgain(): Promise<void> {
    await pool.query('select analyze_filled()');
    await statistics.refresh();
  }

  turn(ensurePartitions);
  const lists = setInterval(() => turn(() => pool.query('select clean_pending_lists()')), pendingListsMs);
  const partitions = setInterval(() => turn(ensurePartitions), partitionsMs);
  const looks = setInterval(() => turn(lookAgain), statisticsMs);
  return {
    async stop() {
      clearInterval(looks);
      clearInterval(lists);
      clearInterval(partitions);
      await running.catch(() => {});
    },
  };
}

import type { Pool } from 'pg';
import type { Log } from '../telemetry/log.ts';
import { sweepFiles } from './files.ts';
import { sweepIdempotency } from './idempotency.ts';
import { forgetUnusedClients } from './oauth-clients.ts';
import { sweepOauth } from './oauth-items.ts';
import { forgetFailures } from './sign-in-failures.ts';
import type { Statistics } from './statistics.ts';

const pendingListsMs = 1_000;
const partitionsMs = 3_600_000;
const statisticsMs = 15_000;
const sweepMs = 600_000;
/** Tables that are analysed in one turn. */
const analysedMax = 50;

/**
 * What the store needs done beside requests: GIN pending lists emptied every second (a long one costs every search), the month
 * partitions of audit events made ahead, tables that have grown analysed, and what has expired of the authorization server and files that nobody took removed. A failed turn is logged and the next one tries again.
 */
export function keepHouse(pool: Pool, statistics: Statistics, log: Log): { stop(): Promise<void> } {
  const chores = inTurn(log);
  // Apart from the others, which it would hold up.
  const looking = inTurn(log);

  async function lookAgain(): Promise<void> {
    for (let turns = 0; turns < analysedMax; turns++) {
      const { rows } = await pool.query<{ analysed: number }>('select analyze_filled() as analysed');
      if (rows[0]?.analysed !== 1) break;
    }
    await statistics.refresh();
  }

  const lists = setInterval(() => chores.add(() => pool.query('select clean_pending_lists()')), pendingListsMs);
  const partitions = setInterval(() => {
    chores.add(() => ensureAuditPartitions(pool));
    chores.add(() => forgetFailures(pool));
  }, partitionsMs);
  const sweeps = setInterval(
    () => looking.add(() => Promise.all([sweepOauth(pool), forgetUnusedClients(pool), sweepIdempotency(pool), sweepFiles(pool)])),
    sweepMs,
  );
  const looks = setInterval(() => looking.add(lookAgain), statisticsMs);
  return {
    async stop() {
      clearInterval(looks);
      clearInterval(sweeps);
      clearInterval(lists);
      clearInterval(partitions);
      await Promise.all([chores.done(), looking.done()]);
    },
  };
}

/** The month partitions of audit events: this month's and the next. */
export async function ensureAuditPartitions(pool: Pool): Promise<void> {
  await pool.query(`select ensure_audit_partition(now()), ensure_audit_partition(now() + interval '1 month')`);
}

/** Work that is done one piece after the other. */
function inTurn(log: Log) {
  let running: Promise<unknown> = Promise.resolve();
  return {
    add(work: () => Promise<unknown>): void {
      running = running.then(work).catch((error: unknown) => log.warn({}, 'housekeeping failed', error));
    },
    done: () => running,
  };
}

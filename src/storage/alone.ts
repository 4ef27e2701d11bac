import type { Pool } from 'pg';
import { inTransaction } from './database.ts';

const turns = new WeakMap<Pool, Map<number, Promise<unknown>>>();

/**
 * Does the work while nobody else, in whatever process, does what is under the same advisory lock. Those of one process wait for each
 * other without connections: the lock takes one, and the work needs more of the same pool.
 */
export function alone<T>(pool: Pool, lock: number, work: () => Promise<T>): Promise<T> {
  const waiting = turns.get(pool) ?? new Map<number, Promise<unknown>>();
  turns.set(pool, waiting);
  const turn = (waiting.get(lock) ?? Promise.resolve()).then(() =>
    inTransaction(pool, { retriesMax: 0 }, async ({ client }) => {
      await client.query('select pg_advisory_xact_lock($1)', [lock]);
      return work();
    }),
  );
  waiting.set(
    lock,
    turn.catch(() => {}),
  );
  return turn;
}

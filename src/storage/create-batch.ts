import type { Pool } from 'pg';
import { inTransaction, isUnavailable } from './database.ts';
import type { NewVersion } from './rows.ts';
import { insertVersions, lockOwners, type Written } from './write.ts';

/** Adds first versions with ids of ours; resolves to when the row was written, or undefined if it was refused (id taken, owner erased). */
export type CreateBatch = { add(row: NewVersion): Promise<string | undefined> };

export type CreateBatchOptions = {
  readonly pool: Pool;
  readonly retriesMax: number;
  readonly rowsMax: number;
  readonly inFlightMax: number;
};

type Waiting = { readonly row: NewVersion; readonly resolve: (at: string | undefined) => void; readonly reject: (error: unknown) => void };

/**
 * Creates that arrive together share one statement and one commit. There is no timer: a batch is what gathered while the
 * batches before it were in flight. If the statement itself fails, its rows are repeated one by one, so that one bad row
 * harms nobody else.
 */
export function createBatch({ pool, retriesMax, rowsMax, inFlightMax }: CreateBatchOptions): CreateBatch {
  let waiting: Waiting[] = [];
  let inFlight = 0;

  function write(rows: readonly NewVersion[]): Promise<Written> {
    return inTransaction(pool, { retriesMax }, (tx) =>
      tx.final(() => {
        const locked = lockOwners(tx.client, rows);
        const written = insertVersions(tx.client, rows);
        return locked === undefined ? written : Promise.all([written, locked]).then(([result]) => result);
      }),
    );
  }

  async function flush(batch: readonly Waiting[]): Promise<void> {
    const rows = batch.map(({ row }) => row).sort((a, b) => (a.type === b.type ? (a.id < b.id ? -1 : 1) : a.type < b.type ? -1 : 1));
    try {
      const written = await write(rows);
      for (const { row, resolve } of batch) resolve(written.get(row.rid));
    } catch (error) {
      // Whether a commit that got no answer took effect is not known: repeating it could answer wrongly.
      if (batch.length === 1 || isUnavailable(error)) for (const { reject } of batch) reject(error);
      else await Promise.all(batch.map((one) => flush([one])));
    }
  }

  function next(): void {
    while (waiting.length > 0 && inFlight < inFlightMax) {
      // Audit events go into a table of their own, so a batch holds either only them or none.
      const audit = waiting[0]?.row.type === 'AuditEvent';
      const batch = waiting.filter(({ row }) => (row.type === 'AuditEvent') === audit).slice(0, rowsMax);
      const taken = new Set(batch);
      waiting = waiting.filter((one) => !taken.has(one));
      inFlight++;
      void flush(batch).finally(() => {
        inFlight--;
        next();
      });
    }
  }

  return {
    add: (row) =>
      new Promise((resolve, reject) => {
        waiting.push({ row, resolve, reject });
        // Rows that arrive in the same turn of the event loop go together.
        if (waiting.length === 1) setImmediate(next);
      }),
  };
}

import type { Pool } from 'pg';
import { inTransaction } from './database.ts';
import { gather } from './gather.ts';
import type { NewVersion } from './rows.ts';
import { insertVersions, lockOwners } from './write.ts';

/** Adds first versions with ids of ours; resolves to when the row was written, or undefined if it was refused (id taken, owner erased). */
export type CreateBatch = { readonly add: (row: NewVersion) => Promise<string | undefined> };

export type BatchOptions = {
  readonly pool: Pool;
  readonly retriesMax: number;
  readonly rowsMax: number;
  readonly inFlightMax: number;
};

/** Creates that arrive together share one statement and one commit. */
export function createBatch({ pool, retriesMax, ...limits }: BatchOptions): CreateBatch {
  async function write(batch: readonly NewVersion[]): Promise<(row: NewVersion) => string | undefined> {
    const rows = batch.toSorted((a, b) => (a.type === b.type ? (a.id < b.id ? -1 : 1) : a.type < b.type ? -1 : 1));
    const [written] = await inTransaction(pool, { retriesMax }, (tx) =>
      tx.final(() => {
        const locked = lockOwners(tx.client, rows);
        return Promise.all([insertVersions(tx.client, rows), locked]);
      }),
    );
    return (row) => written.get(row.rid);
  }
  return { add: gather({ ...limits, keyOf: ({ rid }) => rid, write }) };
}

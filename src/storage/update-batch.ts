import type { BatchOptions } from './create-batch.ts';
import { inTransaction, type Queryable } from './database.ts';
import { gather } from './gather.ts';
import { type Address, type LockedVersion, lockCurrent } from './read.ts';
import type { NewVersion } from './rows.ts';
import { lockOwners, replaceVersions } from './write.ts';

/** What one request makes of the current version: the next one to write, if any, and its answer once that is done. */
export type Decision<T> = {
  readonly row?: NewVersion;
  /** @param lastUpdated  when the row was written; undefined if there is none, or the store refused it (an owner is erased) */
  readonly answer: (lastUpdated: string | undefined) => T;
};

/** Decides under the row's lock. May be asked again if the transaction has to be repeated. */
export type Decide<T> = (current: LockedVersion) => Promise<Decision<T>>;

export type UpdateBatch = {
  /** Resolves to the answer; or to `alone` where the resource isn't there or somebody else holds it: then the request goes by itself. */
  readonly add: <T>(address: Address, decide: Decide<T>) => Promise<T | 'alone'>;
};

type Request = { readonly address: Address; readonly decide: Decide<unknown> };

/**
 * Updates of different resources that arrive together share their locks, one statement a type and one commit. Nobody in a batch
 * waits for a lock that somebody else holds, and what one request's decision throws is that request's alone.
 */
export function updateBatch({ pool, retriesMax, ...limits }: BatchOptions): UpdateBatch {
  function write(batch: readonly Request[]): Promise<(request: Request) => unknown> {
    return inTransaction(pool, { retriesMax }, async (tx) => {
      const addresses = batch.map(({ address }) => address);
      const locked = new Map((await lockCurrent(tx.client, addresses, 'skip locked')).map((row) => [nameOf(row), row]));
      const settled = await Promise.allSettled(batch.map(({ address, decide }) => decideOn(locked.get(nameOf(address)), decide)));
      const decided = new Map(settled.map((decision, at) => [batch[at], decision]));
      const rows = settled.flatMap((each) => (each.status === 'fulfilled' ? (each.value.row ?? []) : []));
      rows.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
      const written = rows.length === 0 ? undefined : (await tx.final(() => writeRows(tx.client, rows)))[1];
      return (request) => {
        const each = decided.get(request);
        if (each?.status !== 'fulfilled') throw each?.reason;
        const { row, answer } = each.value;
        return answer(row && written?.get(row.rid));
      };
    });
  }
  const add = gather({ ...limits, keyOf: ({ address }) => nameOf(address), write });
  return { add: <T>(address: Address, decide: Decide<T>) => add({ address, decide }) as Promise<T | 'alone'> };
}

async function decideOn(current: LockedVersion | undefined, decide: Decide<unknown>): Promise<Decision<unknown>> {
  return current === undefined ? { answer: () => 'alone' } : decide(current);
}

const writeRows = (client: Queryable, rows: readonly NewVersion[]) =>
  Promise.all([lockOwners(client, rows), replaceVersions(client, rows)]);

const nameOf = ({ type, id }: { readonly type: string; readonly id: string }): string => `${type}/${id}`;

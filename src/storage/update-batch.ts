import type { Pool } from 'pg';
import { inTransaction, isUnavailable } from './database.ts';
import { type Address, type LockedVersion, lockCurrent } from './read.ts';
import type { NewVersion } from './rows.ts';
import { lockOwners, replaceVersions, type Written } from './write.ts';

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

export type UpdateBatchOptions = {
  readonly pool: Pool;
  readonly retriesMax: number;
  readonly rowsMax: number;
  readonly inFlightMax: number;
};

type Waiting = {
  readonly address: Address;
  readonly decide: Decide<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Updates of different resources that arrive together share their locks, one statement a type and one commit, without a timer:
 * a batch is what gathered while the ones before it were in flight. Nobody in a batch waits for a lock that somebody else
 * holds, and what one request's decision throws is that request's alone. If the transaction fails, each goes by itself.
 */
export function updateBatch({ pool, retriesMax, rowsMax, inFlightMax }: UpdateBatchOptions): UpdateBatch {
  let waiting: Waiting[] = [];
  let inFlight = 0;

  function run(batch: readonly Waiting[]): Promise<Outcome> {
    return inTransaction(pool, { retriesMax }, async (tx) => {
      const locked = await lockCurrent(
        tx.client,
        batch.map(({ address }) => address),
        'skip locked',
      );
      const found = new Map(locked.map((row) => [nameOf(row), row]));
      const decided = await Promise.all(batch.map((one) => decideOne(one, found.get(nameOf(one.address)))));
      const rows = decided.flatMap(({ decision }) => decision?.row ?? []).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
      const written =
        rows.length === 0
          ? new Map<number, string>()
          : await tx.final(async () => (await Promise.all([lockOwners(tx.client, rows), replaceVersions(tx.client, rows)]))[1]);
      return { decided, written };
    });
  }

  async function flush(batch: readonly Waiting[]): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await run(batch);
    } catch (error) {
      // Whether a commit that got no answer took effect is not known: repeating it could answer wrongly.
      if (batch.length === 1 || isUnavailable(error)) for (const one of batch) one.reject(error);
      else for (const one of batch) one.resolve('alone');
      return;
    }
    for (const decided of outcome.decided) settle(decided, outcome.written);
  }

  function next(): void {
    while (waiting.length > 0 && inFlight < inFlightMax) {
      const batch = distinct(waiting).slice(0, rowsMax);
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
    add: <T>(address: Address, decide: Decide<T>) =>
      new Promise<T | 'alone'>((resolve, reject) => {
        waiting.push({ address, decide, resolve: resolve as (answer: unknown) => void, reject });
        if (waiting.length === 1) setImmediate(next);
      }),
  };
}

type Outcome = { readonly decided: readonly Decided[]; readonly written: Written };

/** After the commit: nothing here may touch the other requests of the batch. */
function settle({ one, decision, error }: Decided, written: Written): void {
  try {
    if (error !== undefined) throw error.cause;
    one.resolve(decision === undefined ? 'alone' : decision.answer(decision.row && written.get(decision.row.rid)));
  } catch (cause) {
    one.reject(cause);
  }
}

type Decided = { readonly one: Waiting; readonly decision?: Decision<unknown>; readonly error?: { readonly cause: unknown } };

async function decideOne(one: Waiting, current: LockedVersion | undefined): Promise<Decided> {
  if (current === undefined) return { one };
  try {
    return { one, decision: await one.decide(current) };
  } catch (cause) {
    return { one, error: { cause } };
  }
}

/** The first request for each resource; the others wait for the next batch. */
function distinct(waiting: readonly Waiting[]): Waiting[] {
  const names = new Map<string, Waiting>();
  for (const one of waiting) if (!names.has(nameOf(one.address))) names.set(nameOf(one.address), one);
  return [...names.values()];
}

const nameOf = ({ type, id }: { readonly type: string; readonly id: string }): string => `${type}/${id}`;

import type { AuditRow } from '../storage/audit-rows.ts';
import { isUnavailable, sqlStateOf } from '../storage/database.ts';
import { TookTooLong, within } from '../storage/within.ts';
import type { SpoolFile, SpoolFiles } from './spool-files.ts';
import type { Lot, Store } from './store.ts';

/** What was brought in from files: how many, and of which time, epoch ms. */
export type BroughtIn = { readonly rows: number; readonly from: number; readonly to: number };

export type SpoolingOptions = {
  readonly files: SpoolFiles;
  /** Writes and commits. */
  readonly insert: (rows: readonly AuditRow[]) => Promise<void>;
  /** The same with those that aren't there yet. */
  readonly insertMissing: (rows: readonly AuditRow[]) => Promise<void>;
  /** How long the database may take before a file does. */
  readonly patienceMs: number;
  /** How often it is tried to bring files in. */
  readonly turnMs: number;
  readonly onBegun: (error: unknown) => void;
  readonly onEnded: (brought: BroughtIn) => void;
  /** Files don't fit their macs: somebody was at them, or the disk fails. What fits of them is brought in. */
  readonly onAltered: (faults: number) => void;
  /** A crash cut the end of a file short. */
  readonly onTorn: (bytes: number) => void;
};

export type Spooling = {
  readonly store: Store;
  /**
   * Brings in what earlier processes left. To be awaited before anything is answered.
   *
   * @throws what hindered it, and goes on trying
   */
  readonly recover: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const rowsPerStatement = 500;

/**
 * Writes to the database, and to files where that doesn't take it. From then on all goes to files, so that their order is that of what
 * happened, until the database has taken those: the last of them while what is new waits.
 */
export function makeSpooling(options: SpoolingOptions): Spooling {
  const { files, insert, insertMissing, patienceMs, turnMs } = options;
  let isSpooling = false;
  let isStopped = false;
  let gate: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turning: Promise<void> = Promise.resolve();
  let brought: BroughtIn = { rows: 0, from: Infinity, to: -Infinity };

  function begin(error: unknown): void {
    if (isSpooling) return;
    isSpooling = true;
    options.onBegun(error);
    again();
  }

  function again(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      turning = turn().catch(again);
    }, turnMs);
  }

  async function turn(): Promise<void> {
    await bringIn(await files.close());
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    try {
      await within(patienceMs, files.close().then(bringIn));
      isSpooling = false;
    } finally {
      gate = undefined;
      resolve();
    }
    const done = brought;
    brought = { rows: 0, from: Infinity, to: -Infinity };
    options.onEnded(done);
  }

  async function bringIn(list: readonly SpoolFile[]): Promise<void> {
    for (const file of list) {
      const { rows, faults, torn } = await files.read(file);
      let refused = faults;
      for (let at = 0; at < rows.length; at += rowsPerStatement) refused += await add(rows.slice(at, at + rowsPerStatement));
      if (torn > 0) options.onTorn(torn);
      if (refused > 0) options.onAltered(refused);
      await (refused > 0 ? files.putAside(file) : files.remove(file));
      for (const { at } of rows) brought = { rows: brought.rows + 1, from: Math.min(brought.from, at), to: Math.max(brought.to, at) };
    }
  }

  /** @returns how many the database will never take: they stay in their file, and hold up nothing */
  async function add(rows: readonly AuditRow[]): Promise<number> {
    try {
      await insertMissing(rows);
      return 0;
    } catch (error) {
      if (isOutage(error)) throw error;
      if (rows.length === 1) return 1;
      let refused = 0;
      for (const row of rows) refused += await add([row]);
      return refused;
    }
  }

  async function spool(lots: readonly Lot[], why: unknown): Promise<ReadonlyMap<Lot, unknown>> {
    const lost = new Map<Lot, unknown>(lots.filter((lot) => !lot.maySpool).map((lot) => [lot, why]));
    const kept = lots.filter((lot) => lot.maySpool);
    if (kept.length === 0) return lost;
    try {
      await files.append(kept.flatMap(({ rows }) => rows));
    } catch (error) {
      for (const lot of kept) lost.set(lot, error);
    }
    return lost;
  }

  return {
    async store(lots) {
      await gate;
      if (isSpooling) return spool(lots, new Error('the database does not take events at the moment'));
      try {
        await within(patienceMs, insert(lots.flatMap(({ rows }) => rows)));
        return new Map();
      } catch (error) {
        if (!isOutage(error)) throw error;
        begin(error);
        return spool(lots, error);
      }
    },
    async recover() {
      await files.takeOver();
      if ((await files.close()).length === 0) return;
      isSpooling = true;
      try {
        await turn();
      } catch (error) {
        again();
        throw error;
      }
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await turning;
      await files.close();
    },
  };
}

/** Not where the fault is that of an event. */
function isOutage(error: unknown): boolean {
  const state = sqlStateOf(error);
  return error instanceof TookTooLong || isUnavailable(error) || (state !== undefined && !/^(?:22|23)/.test(state));
}

import type { Pool } from 'pg';
import { insertBlock, lastBlock, sealable } from '../storage/audit-blocks.ts';
import { inTransaction } from '../storage/database.ts';
import type { Log } from '../telemetry/log.ts';
import { type Anchors, anchorOf } from './anchors.ts';
import { type Chain, genesis } from './chain.ts';
import { watchWholeness } from './wholeness.ts';

export type SealerOptions = {
  readonly pool: Pool;
  readonly chain: Chain;
  readonly anchors: Anchors;
  readonly anchorMs: number;
  readonly log: Log;
  readonly everyMs?: number;
};

export type Sealer = {
  /** Seals and anchors what there is to seal, then ends. */
  readonly stop: () => Promise<void>;
};

/** Any number that is ours: one process at a time seals. */
export const sealingLock = 7_205_140_332;
/** Events of one block: what its digest is made of fits in memory. */
const eventsMax = 100_000;

/**
 * Seals the events in blocks, each second, whichever process comes first; and tells the chain's end to the world outside at intervals.
 * A turn that fails is logged and made up for by the next: a block takes all that has come since the last.
 */
export function startSealer({ pool, chain, anchors, anchorMs, log, everyMs = 1_000 }: SealerOptions): Sealer {
  const lookAt = watchWholeness({ pool, chain, anchors, log });
  let running: Promise<void> = Promise.resolve();
  let anchoredAt = Number.NEGATIVE_INFINITY;
  let anchored = 0;
  let stopped = false;

  async function turn(isLast: boolean): Promise<void> {
    while ((await sealNext(pool, chain)) === 'more');
    if (!isLast && performance.now() - anchoredAt < anchorMs) return;
    const block = await lastBlock(pool);
    if (block === undefined || block.n === anchored) return;
    // Before there is a newer anchor, that the last one still fits.
    await lookAt();
    await anchors.write(anchorOf(block, new Date()));
    anchoredAt = performance.now();
    anchored = block.n;
  }

  function add(isLast: boolean): Promise<void> {
    running = running.then(() => turn(isLast)).catch((error: unknown) => log.error({}, 'the audit trail was not sealed', error));
    return running;
  }

  running = lookAt().catch((error: unknown) => log.error({}, 'the audit trail was not looked at', error));
  let idle = true;
  const timer = setInterval(() => {
    // A turn that takes longer than a second is not queued up behind.
    if (!idle || stopped) return;
    idle = false;
    void add(false).finally(() => (idle = true));
  }, everyMs);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
      await add(true);
    },
  };
}

/** Seals one block, if there is something to seal and nobody else is at it. @returns whether there may be more at once */
export function sealNext(pool: Pool, chain: Chain): Promise<'more' | 'done'> {
  return inTransaction(pool, { retriesMax: 0 }, async ({ client }) => {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [sealingLock]);
    if (rows[0]?.locked !== true) return 'done';
    const before = (await lastBlock(client)) ?? genesis;
    const events = await sealable(client, before.last, eventsMax);
    if (events === undefined) return 'done';
    await insertBlock(client, chain.link(before, { kind: 'b', dropped: null, ...events }));
    return events.count === eventsMax ? 'more' : 'done';
  });
}

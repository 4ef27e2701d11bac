import type { Queryable } from './database.ts';
import { within } from './within.ts';

/** Must be the increment of the sequence resource_rid. */
const blockSize = 1000;

/** Hands out row ids from blocks, one `nextval` per thousand. */
export type RowIds = { take(count: number): Promise<number[]> };

export function rowIds(pool: Queryable): RowIds {
  let next = 0;
  let end = 0;
  let refill: Promise<void> | undefined;

  async function fetchBlock(): Promise<void> {
    const { rows } = await pool.query<{ start: string }>({ name: 'next_rid', text: `select nextval('resource_rid') as start` });
    next = Number(rows[0]?.start);
    end = next + blockSize;
  }

  return {
    async take(count) {
      const taken: number[] = [];
      while (taken.length < count) {
        if (next < end) {
          taken.push(next++);
          continue;
        }
        refill ??= fetchBlock().finally(() => {
          refill = undefined;
        });
        await refill;
      }
      return taken;
    },
  };
}

export type ReservedRowIds = RowIds & {
  /** Has as many at hand as there may be. */
  readonly fill: () => Promise<void>;
};

const askAgainMs = 5_000;

/** Row ids of a stock, for as long as the database gives none: after `waitMs`, and then for five seconds at a time. */
export function reservedRowIds(rids: RowIds, { size, waitMs }: { readonly size: number; readonly waitMs: number }): ReservedRowIds {
  const stock: number[] = [];
  let silentUntil = Number.NEGATIVE_INFINITY;
  return {
    async take(count) {
      if (performance.now() >= silentUntil) {
        try {
          return await within(waitMs, rids.take(count));
        } catch (error) {
          silentUntil = performance.now() + askAgainMs;
          if (stock.length < count) throw error;
        }
      }
      if (stock.length < count) throw new Error('there are no row ids left');
      return stock.splice(0, count);
    },
    async fill() {
      if (stock.length < size) stock.push(...(await rids.take(size - stock.length)));
    },
  };
}

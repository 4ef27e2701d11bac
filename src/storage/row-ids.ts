import type { Queryable } from './database.ts';

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

import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowIds } from '../../src/storage/row-ids.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore();
});
afterAll(() => store?.close());

test('row ids are each given once, to all processes and callers, across blocks', async () => {
  const processes = [rowIds(store.pool), rowIds(store.pool), rowIds(store.pool)];
  const asked = [1, 999, 2, 1500, 0, 3, 1000, 1001];
  const taken = await Promise.all(processes.flatMap((ids) => asked.map((count) => ids.take(count))));
  expect(taken.map((ids) => ids.length)).toEqual(processes.flatMap(() => asked));
  const all = taken.flat();
  expect(new Set(all).size).toBe(all.length);
  expect(Math.min(...all)).toBeGreaterThan(0);
});

test('one caller’s ids rise within a process, and a block costs one statement', async () => {
  let statements = 0;
  const counting = rowIds({
    query: ((...args: Parameters<typeof store.pool.query>) => {
      statements++;
      return store.pool.query(...args);
    }) as typeof store.pool.query,
  });
  const first = await Promise.all(Array.from({ length: 50 }, () => counting.take(20)));
  expect(statements).toBe(1);
  const flat = first.flat();
  expect(flat.toSorted((a, b) => a - b)).toEqual(flat);
});

test('a failed fetch fails its callers and not the next ones', async () => {
  let broken = true;
  const ids = rowIds({
    query: ((...args: Parameters<typeof store.pool.query>) =>
      broken ? Promise.reject(new Error('down')) : store.pool.query(...args)) as typeof store.pool.query,
  });
  await expect(Promise.all([ids.take(1), ids.take(1)])).rejects.toThrow('down');
  broken = false;
  expect(await ids.take(1)).toHaveLength(1);
});

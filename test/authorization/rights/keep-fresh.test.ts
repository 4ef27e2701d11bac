import { expect, test } from 'vitest';
import { keepFresh } from '../../../src/authorization/rights/keep-fresh.ts';

test('what was loaded is given until it is old or has changed', async () => {
  let loads = 0;
  const fresh = keepFresh(60_000, () => Promise.resolve({ load: ++loads }));
  expect((await fresh.get()).load).toBe(1);
  expect((await fresh.get()).load).toBe(1);
  fresh.changed();
  expect((await fresh.get()).load).toBe(2);
});

test('what began to load before a change is not given to who asks after it, nor kept', async () => {
  const ends: ((value: { load: number }) => void)[] = [];
  const fresh = keepFresh(60_000, () => new Promise<{ load: number }>((resolve) => ends.push(resolve)));
  const before = fresh.get();
  fresh.changed();
  const after = fresh.get();
  expect(ends).toHaveLength(2);
  ends[1]?.({ load: 2 });
  expect((await after).load).toBe(2);
  ends[0]?.({ load: 1 });
  expect((await before).load).toBe(1);
  expect((await fresh.get()).load).toBe(2);
});

test('who asks at the same time waits for the same', async () => {
  let loads = 0;
  const fresh = keepFresh(60_000, () => Promise.resolve({ load: ++loads }));
  expect(await Promise.all([fresh.get(), fresh.get()])).toEqual([{ load: 1 }, { load: 1 }]);
});

test('what failed is tried again', async () => {
  let loads = 0;
  const fresh = keepFresh(60_000, () => (++loads === 1 ? Promise.reject(new Error('once')) : Promise.resolve({ loads })));
  await expect(fresh.get()).rejects.toThrow('once');
  expect((await fresh.get()).loads).toBe(2);
});

test('what is older than it may be is loaded again', async () => {
  let loads = 0;
  const fresh = keepFresh(0, () => Promise.resolve({ load: ++loads }));
  await fresh.get();
  expect((await fresh.get()).load).toBe(2);
});

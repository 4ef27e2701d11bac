import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inParallel } from '../../../src/cli/load/parallel.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('inParallel', () => {
  test('works on every item once, never on more than its workers at once', async () => {
    let [now, most] = [0, 0];
    const done: number[] = [];
    await inParallel(numbers(50), { workers: 4 }, async (item) => {
      most = Math.max(most, ++now);
      for (let i = 0; i <= item % 7; i++) await turn();
      now--;
      done.push(item);
    });
    expect(most).toBe(4);
    expect(done.sort((a, b) => a - b)).toEqual(numbers(50));
  });

  test('works on a barrier alone, after all before it and before all after it', async () => {
    const log: string[] = [];
    await inParallel(numbers(9), { workers: 8, isBarrier: (item) => item === 4 }, async (item) => {
      log.push(`+${item}`);
      await turn();
      await turn();
      log.push(`-${item}`);
    });
    const at = log.indexOf('+4');
    expect(log[at + 1]).toBe('-4');
    expect(log.slice(0, at).map((entry) => Math.abs(Number(entry)))).toEqual(expect.arrayContaining([0, 1, 2, 3]));
    expect(log.slice(at + 2).every((entry) => Math.abs(Number(entry)) > 4)).toBe(true);
    expect(log.slice(0, at)).toHaveLength(8);
  });

  test('takes an item only when a worker is free', async () => {
    let taken = 0;
    const items = function* () {
      for (; taken < 100; ) yield taken++;
    };
    let open: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const working = inParallel(items(), { workers: 3 }, () => gate);
    for (let i = 0; i < 20; i++) await turn();
    expect(taken).toBeLessThanOrEqual(4);
    open?.();
    await working;
    expect(taken).toBe(100);
  });

  test('ends with the first error, after those under way, and takes no more items', async () => {
    let ended = 0;
    let closed = false;
    const items = function* () {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    };
    const working = inParallel(items(), { workers: 3 }, async (item) => {
      await turn();
      if (item === 5) throw new Error('five');
      for (let i = 0; i < 5; i++) await turn();
      ended++;
    });
    await expect(working).rejects.toThrow('five');
    const after = ended;
    for (let i = 0; i < 20; i++) await turn();
    expect({ closed, more: ended - after }).toEqual({ closed: true, more: 0 });
  });
});

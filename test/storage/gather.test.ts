import { describe, expect, test } from 'vitest';
import { gather } from '../../src/storage/gather.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';

type Batches = { readonly batches: string[][]; readonly add: (item: string) => Promise<string>; readonly release: () => void };

/** Batches of items whose key is their first letter; each is written when it is released. */
function gathered(
  answer: (item: string) => string = (item) => item.toUpperCase(),
  fail: (items: readonly string[]) => Error | undefined = () => undefined,
  besideAfterMs = 0,
): Batches {
  const batches: string[][] = [];
  const held: (() => void)[] = [];
  const add = gather<string, string>({
    rowsMax: 3,
    inFlightMax: 2,
    besideAfterMs,
    keyOf: (item) => item[0],
    write: async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => held.push(resolve));
      const error = fail(items);
      if (error !== undefined) throw error;
      return answer;
    },
  });
  return { batches, add, release: () => held.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('what arrives together', () => {
  test('goes together up to the limit, in order, in as many batches at a time as allowed', async () => {
    const { batches, add, release } = gathered();
    const answers = Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(add));
    await turn();
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ]);
    release();
    await turn();
    expect(batches[2]).toEqual(['g', 'h']);
    release();
    release();
    expect(await answers).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']);
  });

  test('gathers while a batch is under way, until it is full or that takes long', async () => {
    const { batches, add, release } = gathered(undefined, undefined, 200);
    const answers = [add('a')];
    await turn();
    answers.push(add('b'), add('c'));
    await turn();
    expect(batches).toEqual([['a']]);
    release();
    await turn();
    expect(batches).toEqual([['a'], ['b', 'c']]);
    answers.push(add('d'), add('e'), add('f'));
    await turn();
    expect(batches[2]).toEqual(['d', 'e', 'f']);
    release();
    release();
    await Promise.all(answers);
    answers.push(add('g'));
    await turn();
    answers.push(add('h'));
    await turn();
    expect(batches).toHaveLength(4);
    await expect.poll(() => batches[4], { timeout: 2_000 }).toEqual(['h']);
    release();
    release();
    expect(await Promise.all(answers)).toHaveLength(8);
  });

  test('under one key waits for a later batch, behind others', async () => {
    const { batches, add, release } = gathered();
    const answers = Promise.all(['a1', 'a2', 'a3', 'b1', 'c1', 'd1'].map(add));
    await turn();
    expect(batches).toEqual([
      ['a1', 'b1', 'c1'],
      ['d1', 'a2'],
    ]);
    release();
    await turn();
    expect(batches[2]).toEqual(['a3']);
    release();
    release();
    expect(await answers).toHaveLength(6);
  });

  test('an item’s own fault is its alone', async () => {
    const { add, release } = gathered((item) => {
      if (item === 'b') throw new RangeError('b');
      return item;
    });
    const answers = Promise.allSettled(['a', 'b', 'c'].map(add));
    await turn();
    release();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  test('is repeated one by one if the batch fails, so that only the bad item does', async () => {
    const { batches, add, release } = gathered(undefined, (items) => (items.includes('b') ? new RangeError('bad') : undefined));
    const answers = Promise.allSettled(['a', 'b', 'c'].map(add));
    await turn();
    release();
    await turn();
    expect(batches.slice(1)).toEqual([['a'], ['b'], ['c']]);
    for (let n = 0; n < 3; n++) release();
    expect(await answers).toMatchObject([{ value: 'A' }, { status: 'rejected', reason: { message: 'bad' } }, { value: 'C' }]);
  });

  test('is not repeated when the database went away, as the commit may have taken effect', async () => {
    const { batches, add, release } = gathered(undefined, () => Object.assign(new Error('gone'), { code: 'ECONNRESET' }));
    const answers = Promise.allSettled(['a', 'b'].map(add));
    await turn();
    release();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(batches).toHaveLength(1);
  });

  test('costs what it holds, not what waits: a hundred thousand of one key and of many', async () => {
    for (const keyOf of [(item: number) => item, () => 'one']) {
      const add = gather<number, number>({ rowsMax: 50, inFlightMax: 3, keyOf, write: () => Promise.resolve((item) => item) });
      const before = cpuTimeMs();
      await Promise.all(Array.from({ length: 100_000 }, (_, n) => add(n)));
      expect(cpuTimeMs() - before).toBeLessThan(1_500);
    }
  });
});

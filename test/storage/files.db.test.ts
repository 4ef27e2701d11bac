import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chunkBytes, type Files, makeFiles } from '../../src/storage/files.ts';
import { openStore, type Store } from '../support/store.ts';

let store: Store;
let pool: Pool;
let files: Files;

beforeAll(async () => {
  store = await openStore();
  ({ pool } = store);
  files = makeFiles(pool, pool);
});
afterAll(() => store.close());

const stored = async (): Promise<number> =>
  Number((await pool.query<{ n: string }>('select coalesce(sum(length(sealed)), 0) as n from binary_chunk')).rows[0]?.n);

test('no more of a file than two pieces is ever in hand while it comes and goes', async () => {
  const part = randomBytes(10_000);
  let given = 0;
  let ahead = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (let n = 0; n < 300; n++) {
      ahead = Math.max(ahead, given - (n % 10 === 0 ? await stored() : given));
      given += part.length;
      yield part;
    }
  }
  const file = await files.write(source());
  expect([file.size, ahead > 0, ahead <= 2 * chunkBytes]).toEqual([given, true, true]);
  let read = 0;
  let asked = 0;
  const counting: Pick<Pool, 'query'> = {
    query: ((config: string) => {
      asked++;
      return pool.query(config);
    }) as Pool['query'],
  };
  for await (const piece of makeFiles(pool, counting).read(file)) {
    read += piece.length;
    expect(asked * chunkBytes - read).toBeLessThan(chunkBytes);
  }
  expect([read, asked]).toEqual([given, Math.ceil(given / chunkBytes)]);
  await files.discard(file);
  expect(await stored()).toBe(0);
});

test('a source that fails leaves nothing, and its fault is told', async () => {
  async function* source(): AsyncGenerator<Buffer> {
    yield randomBytes(3 * chunkBytes);
    expect(await stored()).toBeGreaterThan(0);
    throw new Error('gone');
  }
  await expect(files.write(source())).rejects.toThrow('gone');
  expect(await stored()).toBe(0);
});

test('a file that was removed while it came takes no further piece', async () => {
  async function* source(): AsyncGenerator<Buffer> {
    yield randomBytes(2 * chunkBytes);
    await pool.query('delete from binary_file');
    yield randomBytes(2 * chunkBytes);
  }
  await expect(files.write(source())).rejects.toMatchObject({ status: 409 });
  expect(await stored()).toBe(0);
});

test('of an empty file nothing is stored', async () => {
  const file = await files.write([] as unknown as AsyncIterable<Buffer>);
  expect([file.size, await stored(), await Array.fromAsync(files.read(file))]).toEqual([0, 0, []]);
});

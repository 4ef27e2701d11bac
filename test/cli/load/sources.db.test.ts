import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundlesOf } from '../../../src/cli/load/sources.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-sources-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What bundlesOf reads from a file of that name and content, and its error if it ends with one. */
async function readBack(name: string, content: Buffer | string): Promise<{ texts: string[]; names: string[]; error?: string }> {
  const file = join(folder, name);
  await writeFile(file, content);
  const [texts, names]: [string[], string[]] = [[], []];
  try {
    for await (const source of bundlesOf(file)) {
      texts.push(source.bytes.toString('utf8'));
      names.push(source.name.slice(folder.length + 1));
    }
  } catch (error) {
    return { texts, names, error: (error as Error).message };
  }
  return { texts, names };
}

/** Two lines, `{"n":1}` and `{"n":2}`, as one stream of bzip2, and as two streams that part the second line. */
const ONE_STREAM = Buffer.from('QlpoOTFBWSZTWV8/k9cAAAZZgAAQEAAwEAABAAogADEMCBKAeonCJoaL4u5IpwoSC+fyeuA=', 'base64');
const TWO_STREAMS = Buffer.from(
  'QlpoMTFBWSZTWWLQEDMAAARZgAAQEAAgEAABAAogADEMAQGyiNJfD4u5IpwoSDFoCBmAQlpoOTFBWSZTWRf45EEAAADYgAAQEAAQEAACIAAwzQDBoQxxdyRThQkBf45EEA==',
  'base64',
);
const NO_BYTES = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64');
/** 60,000 lines `{"n":0}` … `{"n":9}` over and over, 480,000 bytes in five blocks. */
const FIVE_BLOCKS = Buffer.from(
  'QlpoMTFBWSZTWRU7CKYAknVZgAAQEAB/8AABAAogAJApgAJoFKom1AY9UyEoLtEoLESgshKC0RKC21CUFkFR6QqPaFR8QqPqFR+QqOUKjqCo7gqMgqN/5igrJMprJ/0MWqALmCswAAICAA/+AAAgAUYAFwFMABNCmAAmgUqUPUYg/VMRKCzISgtQlBZKCo3ohUaQlBbRKC6xCo4QqOUKjpCo9oVG4Kj5BUfYKj8hUYhUfzFBWSZTWbEmSRgAhkBZgAAQEAB/8AABAAowALgKYACaFMABNApVE2oDHqmQlBdolBZCUFiJQWkqIjjaJQWoSgsQqPSFR7QqPkFR9gqP0FRyhUdIVHaFRiFR5/mKCskyms5PficoAE4WzAAAgIAD/4AACABRgAXAUwAE0KYACaBSqEGQe1MkFRvsUSVpEoLESgshKC8UJQXlEoLEKj3BUcwVHUFR8QqPqFR+QqP6FRpCoxCo7MUFZJlNZUYKI9QBQJ1mAABAQAH/wAAEACiAAkCmAAmgmqoT1DQz1TJFQrtRUKxRUKyRUK1Ug1tJSkrZRUKxSD0pB7Ug5Ug+KQfVIPykHSkHakGKQfxdyRThQkKo3uZQ',
  'base64',
);

describe('a .json file', () => {
  test('is one Bundle, whatever its lines', async () => {
    expect(await readBack('a.json', '{\n"n": 1\n}\n')).toEqual({ texts: ['{\n"n": 1\n}\n'], names: ['a.json'] });
  });

  test('is the same compressed', async () => {
    expect(await readBack('a.json.gz', gzipSync('{"n":1}'))).toEqual({ texts: ['{"n":1}'], names: ['a.json.gz'] });
    expect((await readBack('a.json.bz2', ONE_STREAM)).texts).toEqual(['{"n":1}\n{"n":2}\n']);
  });
});

describe('a .ndjson file', () => {
  test.each([
    ['with its last line ended', '{"n":1}\n{"n":2}\n'],
    ['with its last line open', '{"n":1}\n{"n":2}'],
  ])('is a Bundle a line, %s', async (_title, content) => {
    expect(await readBack('a.ndjson', content)).toEqual({ texts: ['{"n":1}', '{"n":2}'], names: ['a.ndjson:1', 'a.ndjson:2'] });
  });

  test('may have empty lines, which count as lines', async () => {
    expect(await readBack('b.ndjson', '\n{"n":1}\n \r\n\n{"n":2}\n')).toEqual({
      texts: ['{"n":1}', '{"n":2}'],
      names: ['b.ndjson:2', 'b.ndjson:5'],
    });
  });

  test('may have lines far longer than what is read at once, with letters of several bytes at the seams', async () => {
    const lines = [1, 700_001, 3, 250_007].map((length) => JSON.stringify({ text: 'é€𝄞'.repeat(length) }));
    expect((await readBack('c.ndjson', lines.join('\n'))).texts).toEqual(lines);
    expect((await readBack('c.ndjson.gz', gzipSync(lines.join('\n')))).texts).toEqual(lines);
  });

  test('may be of several compressed members, one after the other', async () => {
    const gzipped = Buffer.concat([gzipSync('{"n":1}\n{"n'), gzipSync('":2}\n')]);
    expect((await readBack('d.ndjson.gz', gzipped)).texts).toEqual(['{"n":1}', '{"n":2}']);
    expect((await readBack('d.ndjson.bz2', TWO_STREAMS)).texts).toEqual(['{"n":1}', '{"n":2}']);
  });

  test('may be of many blocks', async () => {
    const { texts, error } = await readBack('e.ndjson.bz2', FIVE_BLOCKS);
    expect(error).toBeUndefined();
    expect(texts).toHaveLength(60_000);
    expect(texts.every((text, i) => text === `{"n":${i % 10}}`)).toBe(true);
  });

  test('may hold nothing', async () => {
    expect((await readBack('f.ndjson', '')).texts).toEqual([]);
    expect(await readBack('f.ndjson.bz2', NO_BYTES)).toEqual({ texts: [], names: [] });
  });
});

describe('a damaged file', () => {
  const flipped = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    return copy;
  };
  const gzipped = gzipSync('{"n":1}\n{"n":2}\n');

  test.each([
    ['cut short', 'x.ndjson.gz', gzipped.subarray(0, -6), /unexpected end of file/],
    ['of another kind', 'x.ndjson.gz', Buffer.from('{"n":1}\n'), /incorrect header check/],
    ['with a wrong checksum', 'x.ndjson.gz', flipped(gzipped, gzipped.length - 7), /incorrect data check/],
    ['cut short', 'x.ndjson.bz2', ONE_STREAM.subarray(0, -6), /not a sound bzip2 file/],
    ['cut short within a block', 'x.ndjson.bz2', FIVE_BLOCKS.subarray(0, 300), /not a sound bzip2 file/],
    ['of another kind', 'x.ndjson.bz2', Buffer.from('{"n":1}\n'), /not a sound bzip2 file/],
    ['with a wrong checksum', 'x.ndjson.bz2', flipped(ONE_STREAM, 11), /not a sound bzip2 file/],
    ['with nothing in it', 'x.ndjson.bz2', Buffer.alloc(0), /not a sound bzip2 file/],
  ])('%s (%s) ends with an error', async (_title, name, content, error) => {
    expect((await readBack(name, content)).error).toMatch(error);
  });

  test('gives what came before the damage', async () => {
    const { texts, error } = await readBack('y.ndjson.bz2', flipped(FIVE_BLOCKS, 400));
    expect(error).toMatch(/not a sound bzip2 file/);
    expect(texts.length).toBeGreaterThan(10_000);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readCacheFile, readFromCache, writeCacheFile } from '../../src/definitions/cache-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'anamnesis-cache-file-'));
const path = join(folder, 'made', 'cache.bin');
const sections = {
  summary: Buffer.from('the summary'),
  types: Buffer.from('the types'),
  catalogue: Buffer.from('the catalogue'),
  documents: Buffer.from('one document, another document'),
};

beforeEach(() => writeCacheFile(path, sections));
afterAll(() => rmSync(folder, { recursive: true }));

test('what was written is read, and parts of sections by their place', async () => {
  const read = await readCacheFile(path);
  expect(read?.summary.toString()).toBe('the summary');
  expect(read?.types.toString()).toBe('the types');
  if (read === undefined) return;
  expect((await readFromCache(path, read.header.spans.catalogue)).toString()).toBe('the catalogue');
  expect((await readFromCache(path, read.header.spans.documents, { offset: 14, length: 7 })).toString()).toBe('another');
});

test('empty sections are sections', async () => {
  const none = Buffer.alloc(0);
  await writeCacheFile(path, { summary: none, types: none, catalogue: none, documents: none });
  expect((await readCacheFile(path))?.summary).toHaveLength(0);
});

test('a writer leaves no draft behind, whether it replaces a file or fails', async () => {
  await writeCacheFile(path, sections);
  expect(readdirSync(join(folder, 'made'))).toEqual(['cache.bin']);
  const occupied = join(folder, 'occupied');
  await expect(writeCacheFile(join(path, 'below'), sections)).rejects.toThrow('EEXIST');
  await writeCacheFile(join(occupied, 'inner'), sections);
  await expect(writeCacheFile(occupied, sections)).rejects.toThrow('occupied'); // A folder stands where the file should.
  expect(readdirSync(folder).sort()).toEqual(['made', 'occupied']);
});

describe('a file that is not whole is as good as none', () => {
  const intactBytes = (): Buffer => readFileSync(path);

  test.each([
    ['missing', () => rmSync(path)],
    ['empty', () => writeFileSync(path, '')],
    ['shorter than a header', () => truncateSync(path, 59)],
    ['something else', () => writeFileSync(path, 'no definitions'.repeat(100))],
    ['cut short', () => truncateSync(path, intactBytes().length - 1)],
    ['longer than it says', () => writeFileSync(path, Buffer.concat([intactBytes(), Buffer.from([0])]))],
  ])('%s', async (_what, damage) => {
    damage();
    expect(await readCacheFile(path)).toBeUndefined();
  });

  test('with any bit of the header, the summary or the types turned', async () => {
    const intact = intactBytes();
    const checked = 60 + sections.summary.length + sections.types.length;
    for (let bit = 0; bit < checked * 8; bit += 3) {
      const damaged = Buffer.from(intact);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      writeFileSync(path, damaged);
      expect(await readCacheFile(path), `bit ${bit}`).toBeUndefined();
    }
  });
});

import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { describe, expect, test } from 'vitest';
import { readCell, writeCell } from '../../src/bulk/cells.ts';
import { readCsv } from '../../src/bulk/csv.ts';
import { NotAnArray, splitItems } from '../../src/bulk/json-items.ts';
import { splitRecords } from '../../src/bulk/records.ts';
import { utf8Of } from '../../src/bulk/texts.ts';

/** A text in pieces: how it is cut must not matter. */
async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const cells = fc.array(
  fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\n', '\r\n', ' ', '=') }), { minLength: 2, maxLength: 2 }),
);

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of list) found.push(each);
  return found;
}

describe('CSV', () => {
  test('is read as it was written, however it is cut', () =>
    fc.assert(
      fc.asyncProperty(cells, sizes, async (rows, each) => {
        const table = [['first', 'second'], ...rows];
        const text = Buffer.from(stringify(table, { record_delimiter: '\r\n', quoted: true }));
        const read = await all(readCsv(cut(text, each), 1_000));
        expect(read.map((record) => record.cells)).toEqual(table);
      }),
    ));

  test('with a quote amiss spoils its own record only', async () => {
    const text = Buffer.from('a,b\n1"x,2\n"3"x,4\n5,6\n');
    const read = await all(readCsv(cut(text, [4]), 1_000));
    expect(read.map(({ line, cells: found, fault }) => [line, found?.join() ?? fault])).toEqual([
      [1, 'a,b'],
      [2, 'malformed'],
      [3, 'malformed'],
      [4, '5,6'],
    ]);
  });

  test('keeps nothing of a record that is too long', async () => {
    const text = Buffer.from(`a,b\n${'x'.repeat(5_000)},1\n1,2\n`);
    const read = await all(readCsv(cut(text, [7]), 100));
    expect(read.map(({ bytes, fault }) => fault ?? bytes?.toString())).toEqual(['a,b', 'too_long', '1,2']);
  });
});

describe('lines', () => {
  test('are the same however they are cut', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '{', '"') })), sizes, async (lines, each) => {
        const found = await all(splitRecords(cut(Buffer.from(lines.join('\n')), each), 1_000));
        expect(found.map(({ bytes }) => bytes?.toString())).toEqual(lines.filter((line) => line !== ''));
        expect(found.map(({ line }) => lines[line - 1])).toEqual(lines.filter((line) => line !== ''));
      }),
    ));
});

describe('a JSON array', () => {
  test('is split into its items however it is cut and written', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), sizes, async (items, space, each) => {
        const text = JSON.stringify(items, undefined, space);
        const found = await all(splitItems(cut(Buffer.from(text), each), 100_000));
        expect(found.map(({ bytes }) => JSON.parse(bytes?.toString() ?? '') as unknown)).toEqual(JSON.parse(text));
      }),
    ));

  test.each(['', '{', '{}', '[', '[1', '[1,', '[1,]', '[,1]', '[1]]', '[1] x', '1'])('is not: %s', async (text) => {
    await expect(all(splitItems(cut(Buffer.from(text), [1]), 100))).rejects.toThrow(NotAnArray);
  });
});

test('a cell is never a formula, and is read as it was', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', "'", '=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n', '1') }),
      (text) => {
        const cell = writeCell(text);
        expect(cell).not.toMatch(/^[=+\-@＝＋－＠\t\r\n]/);
        expect(readCell(cell)).toBe(text);
      },
    ),
  );
});

test.each(['utf-8', 'utf-16le', 'utf-16be'] as const)('text of %s is the same however it is cut', (encoding) =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), sizes, async (text, each) => {
      const marked = `\uFEFF${text}`;
      const bytes = Buffer.from(marked, encoding === 'utf-8' ? 'utf8' : 'utf16le');
      const found = await all(utf8Of(cut(encoding === 'utf-16be' ? bytes.swap16() : bytes, each), undefined));
      expect(Buffer.concat(found).toString()).toBe(Buffer.from(text).toString());
    }),
  ),
);

import { describe, expect, test } from 'vitest';
import { makeRowMac } from '../../src/audit/row-mac.ts';
import { makeSpoolFrames } from '../../src/audit/spool-frames.ts';
import type { AuditRow } from '../../src/storage/audit-rows.ts';

const secret = Buffer.alloc(32, 7);
const frames = makeSpoolFrames(secret);
const rowMac = makeRowMac(secret);

function row(rid: number): AuditRow {
  const bare = {
    rid,
    id: `id-${rid}`,
    refKey: -5n - BigInt(rid),
    at: 1_800_000_000_000 + rid,
    patient: rid % 2 === 0 ? null : 2n ** 62n,
    tokens: Buffer.alloc(24, rid),
    content: Buffer.from(`content of ${rid}`),
  };
  return { ...bare, mac: rowMac.of(bare) };
}

const rows = [1, 2, 3, 4, 5].map(row);

/** A file of a frame each, and where those begin. */
function fileOf(groups: readonly (readonly AuditRow[])[]): { readonly file: Buffer; readonly at: readonly number[] } {
  const { head, link: first } = frames.begin();
  const [parts, at] = [[head], [] as number[]];
  let link = first;
  for (const group of groups) {
    at.push(Buffer.concat(parts).length);
    const next = frames.frame(link, group);
    parts.push(next.bytes);
    link = next.link;
  }
  return { file: Buffer.concat(parts), at };
}

const whole = fileOf([rows.slice(0, 2), rows.slice(2, 4), rows.slice(4)]);

test('a file gives back the rows that were written, in order', () => {
  expect(frames.read(whole.file)).toEqual({ rows, faults: 0, torn: 0 });
  expect(frames.read(fileOf([]).file)).toEqual({ rows: [], faults: 0, torn: 0 });
});

describe('an end that a crash cut short is dropped, and what stands before it is not', () => {
  const last = whole.at[2] ?? 0;
  test.each(Array.from({ length: whole.file.length - last - 1 }, (_, n) => n + 1))('after %i bytes', (kept) => {
    expect(frames.read(whole.file.subarray(0, last + kept))).toEqual({ rows: rows.slice(0, 4), faults: 0, torn: kept });
  });

  test('where the length is there and the bytes are not', () => {
    const file = Buffer.from(whole.file).fill(0, last + 20);
    expect(frames.read(file)).toEqual({ rows: rows.slice(0, 4), faults: 0, torn: file.length - last });
  });

  test('within the head', () => {
    for (let length = 0; length < 24; length++)
      expect(frames.read(whole.file.subarray(0, length))).toEqual({ rows: [], faults: 0, torn: length });
  });
});

describe('what was done to a file is found', () => {
  const read = (file: Buffer) => frames.read(file);
  const [a = 0, b = 0, c = 0] = whole.at;

  test('any byte altered: no row but one that was written is given back', () => {
    for (let at = 0; at < whole.file.length; at++) {
      const file = Buffer.from(whole.file);
      file[at] = (file[at] ?? 0) ^ 0x01;
      const { rows: got, faults } = read(file);
      expect(faults, `byte ${at}`).toBeGreaterThan(0);
      for (const each of got) expect(rows).toContainEqual(each);
    }
  });

  test('a byte of a complete frame at the end is no crash', () => {
    const file = Buffer.from(whole.file);
    file[c + 30] = (file[c + 30] ?? 0) ^ 0x01;
    expect(read(file)).toMatchObject({ rows: rows.slice(0, 4), faults: 1, torn: 0 });
  });

  test('a frame taken out, moved, doubled, or brought from another file', () => {
    const part = (from: number, to?: number) => whole.file.subarray(from, to);
    const other = fileOf([[row(9)]]);
    for (const file of [
      Buffer.concat([part(0, b), part(c)]),
      Buffer.concat([part(0, a), part(b, c), part(a, b), part(c)]),
      Buffer.concat([part(0, b), part(a, b), part(b)]),
      Buffer.concat([part(0, c), other.file.subarray(other.at[0])]),
    ])
      expect(read(file).faults).toBeGreaterThan(0);
  });

  test('a row of somebody who has not the secret is refused, in a frame that is well made too', () => {
    const stranger = makeSpoolFrames(Buffer.alloc(32, 8));
    const { head, link } = stranger.begin();
    const forged = { ...row(6), mac: Buffer.alloc(32, 1) };
    expect(read(Buffer.concat([head, stranger.frame(link, [forged]).bytes]))).toEqual({ rows: [], faults: 1, torn: 0 });
    const altered = { ...row(6), patient: 7n };
    const ours = frames.begin();
    expect(read(Buffer.concat([ours.head, frames.frame(ours.link, [row(5), altered]).bytes]))).toEqual({
      rows: [row(5)],
      faults: 1,
      torn: 0,
    });
  });
});

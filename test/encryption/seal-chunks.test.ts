import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newFileKey, openChunk, sealChunk } from '../../src/encryption/seal-chunks.ts';
import { splitFileHead, withFileHead } from '../../src/storage/stored-file.ts';

const broken = 'the sealed bytes, their key or their place were altered';

test('a piece opens at its own place in its own file, and nowhere else', () => {
  const key = newFileKey();
  const piece = randomBytes(1_000);
  const place = { seq: 3, isLast: false };
  const sealed = sealChunk(key, place, piece);
  expect(openChunk(key, place, sealed).equals(piece)).toBe(true);
  expect(sealed.includes(piece.subarray(0, 16))).toBe(false);
  const others = [
    [newFileKey(), place],
    [{ ...key, id: newFileKey().id }, place],
    [{ ...key, secret: newFileKey().secret }, place],
    [key, { seq: 2, isLast: false }],
    [key, { seq: 3, isLast: true }],
  ] as const;
  for (const [otherKey, otherPlace] of others) expect(() => openChunk(otherKey, otherPlace, sealed)).toThrow(broken);
  for (const at of [0, 12, sealed.length - 1]) {
    const altered = Buffer.from(sealed);
    altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
    expect(() => openChunk(key, place, altered)).toThrow(broken);
  }
  expect(() => openChunk(key, place, sealed.subarray(0, -1))).toThrow(broken);
  expect(() => openChunk(key, place, sealed.subarray(0, 20))).toThrow('no known format');
});

test('what leads to a file stands before the resource, where no resource can bring it', () => {
  const file = { key: newFileKey(), size: 2 ** 40 + 1 };
  const json = '{"resourceType":"Binary","id":"1","meta":{},"contentType":"a/b"}';
  const split = splitFileHead(withFileHead(json, file));
  expect([split.json.toString(), split.file?.size, split.file?.key.id.equals(file.key.id)]).toEqual([json, file.size, true]);
  const sealed = sealChunk(file.key, { seq: 0, isLast: true }, Buffer.from('x'));
  expect(openChunk(split.file?.key ?? newFileKey(), { seq: 0, isLast: true }, sealed).toString()).toBe('x');
  expect(splitFileHead(withFileHead(json, undefined))).toEqual({ json: Buffer.from(json) });
  expect(() => splitFileHead(withFileHead(json, file).subarray(0, 40))).toThrow('the sealed text cannot be expanded');
});

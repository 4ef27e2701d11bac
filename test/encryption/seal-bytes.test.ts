import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeCodec } from '../../src/encryption/codec.ts';
import { makeDataKey, open, seal } from '../../src/encryption/seal.ts';
import { keyIdOf, openBytes, sealBytes } from '../../src/encryption/seal-bytes.ts';

const key = makeDataKey(randomBytes(16), randomBytes(32));
const altered = expect.objectContaining({ name: 'SealBroken', code: 'seal-altered' });
const wrongKey = expect.objectContaining({ name: 'SealBroken', code: 'seal-key' });
const noFormat = expect.objectContaining({ name: 'SealBroken', code: 'seal-format' });

test('sealed bytes open to what they were, for the same purpose', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, purpose, other) => {
      const sealed = sealBytes(key, purpose, Buffer.from(bytes));
      expect(sealed).toHaveLength(45 + bytes.length);
      expect(keyIdOf(sealed)).toEqual(key.id);
      expect(openBytes(key, purpose, sealed).equals(bytes)).toBe(true);
      if (other !== purpose) expect(() => openBytes(key, other, sealed)).toThrow(altered);
    }),
  );
});

test('sealed bytes do not open after any one byte was changed or taken away', () => {
  const sealed = sealBytes(key, 'job/1', Buffer.from('arguments'));
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 4;
    expect(() => openBytes(key, 'job/1', changed)).toThrow(at === 0 ? noFormat : at < 17 ? wrongKey : altered);
    expect(() => openBytes(key, 'job/1', sealed.subarray(0, at))).toThrow(at < 45 ? noFormat : altered);
  }
});

test('sealed bytes open with no other key', () => {
  const sealed = sealBytes(key, 'job/1', Buffer.from('arguments'));
  expect(() => openBytes(makeDataKey(randomBytes(16), randomBytes(32)), 'job/1', sealed)).toThrow(wrongKey);
  expect(() => openBytes(makeDataKey(key.id, randomBytes(32)), 'job/1', sealed)).toThrow(altered);
});

test('a content does not pass for sealed bytes, nor the other way round', () => {
  const codec = makeCodec({ encrypted: true, textBytesMax: 1000 });
  const address = { type: 'Basic', id: '1', version: 1 };
  const content = seal('{}', address, [key], codec);
  // Both boxes are moved behind the other's header.
  const asBytes = Buffer.concat([Buffer.from([1]), key.id, content.subarray(20)]);
  expect(() => openBytes(key, 'Basic/1/_history/1', asBytes)).toThrow(altered);
  const asContent = Buffer.concat([content.subarray(0, 20), sealBytes(key, 'Basic/1/_history/1', Buffer.from('{}')).subarray(17)]);
  expect(() => open(asContent, address, key, codec)).toThrow(altered);
});

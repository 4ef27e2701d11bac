import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readVarint, varintBytes, writeVarint } from '../../src/encryption/varint.ts';

test('every number from 0 to 2^32 - 1 is read as it was written, and takes the bytes it is said to', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 })), (value) => {
      const out = Buffer.alloc(8);
      const end = writeVarint(value, out, 1);
      expect(end).toBe(1 + varintBytes(value));
      expect(readVarint(out, 1)).toBe(value);
    }),
  );
});

test.each(['', '80', 'ffff', 'ffffffff7f', '808080808001', '8000', 'ff00', '8080808000'])('the bytes "%s" are no number', (hex) => {
  expect(readVarint(Buffer.from(hex, 'hex'), 0)).toBeUndefined();
});

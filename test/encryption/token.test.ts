import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { siphashModule } from '../../src/encryption/siphash-module.ts';
import { makeTokenKey, token, writeToken } from '../../src/encryption/token.ts';
import { layParts } from '../../src/encryption/token-message.ts';
import { assemble } from '../../tools/siphash.ts';
import { siphash24 } from './siphash-reference.ts';

const secret = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const key = makeTokenKey(secret, 'siphash');
const approved = makeTokenKey(secret, 'sha256');
// One to four bytes of UTF-8 each, and the edges of those ranges.
const letter = fc.constantFrom('\0', 'a', '\x7f', '\x80', 'é', '\u07ff', '\u0800', '漢', '\uffff', '\u{10000}', '😀');
const letters = fc.string({ unit: letter, maxLength: 20 });
const parts = fc.array(fc.oneof(letters, fc.string(), fc.string({ unit: letter, minLength: 100, maxLength: 250 })), { maxLength: 6 });

const messageOf = (list: readonly string[]): Buffer => {
  const buffer = Buffer.alloc(60_000);
  return buffer.subarray(0, layParts(list, buffer, 0));
};
const bytes = (from: number, to: number): string =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => from + i)).toString('latin1');

describe('SipHash-2-4', () => {
  // These lists of parts are laid out as the bytes 00 01 02 …, the messages of the paper and its reference implementation.
  const counting = ['', bytes(0x02, 0x02), bytes(0x04, 0x06), bytes(0x08, 0x0e), bytes(0x10, 0x1e), bytes(0x20, 0x3e)];
  test.each([
    [0, 0x726fdb47dd0e0e31n],
    [1, 0x74f839c593dc67fdn],
    [3, 0x85676696d7fb7e2dn],
    [7, 0xab0200f58b01d137n],
    [15, 0xa129ca6149be45e5n],
    [63, 0x958a324ceb064572n],
  ])('gives the published value for a message of %i bytes', (length, expected) => {
    const list = counting.slice(0, Math.log2(length + 1));
    expect(messageOf(list)).toEqual(Buffer.from(bytes(0, length - 1), 'latin1'));
    expect(BigInt.asUintN(64, token(key, ...list))).toBe(expected);
  });

  test('agrees with the plain algorithm for any key and any message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), parts, (seed, list) => {
        const own = makeTokenKey(Buffer.from(seed), 'siphash');
        expect(BigInt.asUintN(64, token(own, ...list))).toBe(siphash24(Buffer.from(seed), messageOf(list)));
      }),
    );
  });

  test('is the module that tools/siphash.ts assembles', () => {
    expect(Buffer.from(assemble()).toString('base64')).toBe(siphashModule);
  });
});

test('SHA-256 tokens are the first 64 bits of the hash of key block and message', () => {
  fc.assert(
    fc.property(parts, (list) => {
      const hash = createHash('sha256').update(secret).update(Buffer.alloc(48)).update(messageOf(list)).digest();
      expect(token(approved, ...list)).toBe(hash.readBigInt64BE(0));
    }),
  );
});

describe('the message', () => {
  test('differs for any two lists of parts that differ', () => {
    const short = fc.array(fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'é'), maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(messageOf(a).equals(messageOf(b))).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 2000 },
    );
  });

  test('can be cut into its parts again', () => {
    fc.assert(
      fc.property(parts, (list) => {
        expect(partsOf(messageOf(list))).toEqual(list);
      }),
    );
  });

  test('of a part over 1,024 bytes holds its length and SHA-256', () => {
    const long = 'ä'.repeat(600);
    const digest = createHash('sha256').update(long).digest();
    expect(messageOf(['a', long, 'b'])).toEqual(Buffer.concat([Buffer.from([1, 97, 0xb0, 0x09]), digest, Buffer.from([1, 98])]));
    expect(token(key, long)).not.toBe(token(key, `${long}.`));
  });

  test('that would not fit is refused', () => {
    const many = Array.from({ length: 100 }, () => 'x'.repeat(1000));
    expect(() => token(key, ...many)).toThrow(RangeError);
    expect(() => token(approved, ...many)).toThrow(RangeError);
    const nearlyFull = [...many.slice(0, 65), 'x'.repeat(362)];
    expect(() => token(key, ...nearlyFull)).not.toThrow();
    expect(() => key.computePrefixes(nearlyFull, 'abc', 3, () => {})).toThrow(RangeError);
  });
});

describe('prefix tokens', () => {
  const prefixes = (of: typeof key, before: readonly string[], text: string, max: number): bigint[] => {
    const found: bigint[] = [];
    of.computePrefixes(before, text, max, () => found.push((BigInt(of.high()) << 32n) | BigInt(of.low() >>> 0)));
    return found;
  };

  test.each([key, approved])('are those of the text cut after 1, 2, … code points', (of) => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 3 }), letters, fc.integer({ min: 0, max: 12 }), (before, text, max) => {
        const letters = [...text].slice(0, max);
        const expected = letters.map((_, i) => token(of, ...before, letters.slice(0, i + 1).join('')));
        expect(prefixes(of, before, text, max)).toEqual(expected);
      }),
    );
  });

  test('of more letters than one length byte allows are refused', () => {
    expect(prefixes(key, [], 'x'.repeat(50), 42)).toHaveLength(42);
    expect(() => prefixes(key, [], 'x'.repeat(50), 43)).toThrow(RangeError);
  });
});

test('a token is written as PostgreSQL sends int8', () => {
  const out = Buffer.alloc(24, 0xee);
  writeToken(key, ['Patient', 'name', 'smith'], out, 8);
  expect(out.readBigInt64BE(8)).toBe(token(key, 'Patient', 'name', 'smith'));
  expect(out.subarray(0, 8).toString('hex') + out.subarray(16).toString('hex')).toBe('ee'.repeat(16));
});

test('another key gives another token', () => {
  const other = makeTokenKey(Buffer.from('000102030405060708090a0b0c0d0e10', 'hex'), 'siphash');
  expect(token(other, 'a')).not.toBe(token(key, 'a'));
});

test('two keys in use at once do not disturb each other', () => {
  const other = makeTokenKey(Buffer.alloc(16, 7), 'siphash');
  const [first, second] = [token(key, 'a'), token(other, 'b')];
  key.compute(['a']);
  other.compute(['b']);
  expect((BigInt(key.high()) << 32n) | BigInt(key.low() >>> 0)).toBe(first);
  expect(token(other, 'b')).toBe(second);
});

test('a secret of another length is refused', () => {
  expect(() => makeTokenKey(Buffer.alloc(15), 'siphash')).toThrow(RangeError);
  expect(() => makeTokenKey(Buffer.alloc(32), 'sha256')).toThrow(RangeError);
});

test('printing a key shows neither secret nor message', () => {
  key.compute(['Patient', 'family', 'Canary']);
  const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  expect(shown).toContain('siphash');
  expect(shown).not.toMatch(/Canary|00 01 02|Uint8Array|ArrayBuffer/);
});

/** Reads the layout from the front; long parts don't occur here. */
function partsOf(message: Buffer): string[] {
  const list: string[] = [];
  for (let at = 0; at < message.length; ) {
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = message[at++] ?? 0;
      length += (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    if (length > 1024) throw new Error('a long part');
    list.push(message.toString('utf8', at, at + length));
    at += length;
  }
  return list;
}

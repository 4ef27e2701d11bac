import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTokenKey, type TokenKey, token } from '../../src/encryption/token.ts';
import { makeTokenSet } from '../../src/encryption/token-set.ts';

const key = makeTokenKey(Buffer.alloc(16, 1), 'siphash');
const values = (taken: Buffer): bigint[] => Array.from({ length: taken.length / 8 }, (_, i) => taken.readBigInt64BE(8 * i));
const sorted = (list: Iterable<bigint>): bigint[] => [...list].sort((a, b) => (a < b ? -1 : Number(a > b)));

describe('a token set', () => {
  test('holds each token once, however often and in whatever order it is added', () => {
    const set = makeTokenSet(key);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 600 }), (numbers) => {
        for (const number of numbers) set.add(['n', String(number)]);
        const expected = new Set(numbers.map((number) => token(key, 'n', String(number))));
        expect(set.size()).toBe(expected.size);
        expect(sorted(values(set.take()))).toEqual(sorted(expected));
        expect(set.size()).toBe(0);
      }),
    );
  });

  test('tells tokens apart that share a half', () => {
    // A key whose token is the number it is given, as no real key's is.
    let last = 0n;
    const plain: TokenKey = {
      algorithm: 'siphash',
      compute: ([number]) => {
        last = BigInt(number ?? 0);
      },
      computePrefixes: () => {},
      high: () => Number(BigInt.asIntN(32, last >> 32n)),
      low: () => Number(BigInt.asIntN(32, last)),
    };
    const numbers = [0n, 1n, 1n << 32n, (1n << 32n) + 1n, -1n, -1n << 32n, 2n << 32n, 256n, 512n];
    const set = makeTokenSet(plain);
    for (const number of [...numbers, ...numbers]) set.add([String(number)]);
    expect(sorted(values(set.take()))).toEqual(sorted(numbers));
  });

  test('grows for one large resource and serves small ones after it', () => {
    const set = makeTokenSet(key);
    for (let i = 0; i < 20_000; i++) set.add(['n', String(i % 10_000)]);
    expect(new Set(values(set.take())).size).toBe(10_000);
    expect(set.take()).toHaveLength(0);
    set.add(['a']);
    set.add(['a']);
    expect(values(set.take())).toEqual([token(key, 'a')]);
  });

  test('adds prefixes beside whole values', () => {
    const set = makeTokenSet(key);
    set.addPrefixes(['name'], 'Ann', 12);
    set.add(['name', 'An']);
    expect(sorted(values(set.take()))).toEqual(sorted(['A', 'An', 'Ann'].map((prefix) => token(key, 'name', prefix))));
  });

  test('hands tokens out in an order that does not tell in which they were added', () => {
    const names = Array.from({ length: 40 }, (_, i) => `value ${i}`);
    const set = makeTokenSet(key);
    const takeOf = (list: readonly string[]): bigint[] => {
      for (const name of list) set.add([name]);
      return values(set.take());
    };
    const forwards = takeOf(names);
    expect(forwards).not.toEqual(names.map((name) => token(key, name)));
    // Tokens that fall into neighbouring slots may change places; few do.
    const backwards = takeOf(names.toReversed());
    expect(forwards.filter((value, i) => value === backwards[i]).length).toBeGreaterThan(25);
  });
});

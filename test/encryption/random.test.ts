import { expect, test } from 'vitest';
import { fillRandom } from '../../src/encryption/random.ts';

test('fills the bytes that are asked for and no others, never twice the same', () => {
  const seen = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    const out = Buffer.alloc(16, 7);
    fillRandom(out, 2, 12);
    expect([out[0], out[1], out[14], out[15]]).toEqual([7, 7, 7, 7]);
    seen.add(out.toString('hex', 2, 14));
  }
  expect(seen.size).toBe(2_000);
  const all = Buffer.from([...seen].join(''), 'hex');
  const ones = all.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  expect(Math.abs(ones / (all.length * 8) - 0.5)).toBeLessThan(0.01);
});

test('fills a whole block', () => {
  const out = Buffer.alloc(4_096);
  fillRandom(out, 0, out.length);
  expect(new Set(out).size).toBeGreaterThan(200);
});

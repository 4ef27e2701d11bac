import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadContract } from '../../src/native/contract.ts';

const contract = await loadContract();

function takes(from: string): boolean {
  const found = contract.find('GET', '/appointments');
  if (Array.isArray(found)) throw new Error('there is no list of appointments');
  try {
    found.operation.parameters({ path: {}, query: [['from', from]], header: () => undefined });
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['2026-03-04T09:30:00Z', true],
  ['2026-03-04t09:30:00.123456789z', true],
  ['2024-02-29T23:59:59+14:00', true],
  ['2026-02-29T00:00:00Z', false],
  ['2026-03-04T24:00:00Z', false],
  ['2016-12-31T23:59:60Z', false],
  ['2026-03-04T09:30:00+01', false],
  ['2026-03-04T09:30:00+0100', false],
  ['2026-03-04 09:30:00Z', false],
  ['2026-03-04T09:30:00', false],
  ['2026-03-04T09:30Z', false],
  ['2026-03-04', false],
  ['2026-13-01T00:00:00Z', false],
])('%s is a time: %s', (text, is) => {
  expect(takes(text)).toBe(is);
});

test('whatever the contract takes for a time can be reckoned with', () => {
  const upTo = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));
  const year = fc.integer({ min: 0, max: 9999 }).map((value) => String(value).padStart(4, '0'));
  const offset = fc.tuple(fc.constantFrom('+', '-'), upTo(25), upTo(60)).map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`);
  const zone = fc.oneof(fc.constantFrom('Z', 'z', ''), offset);
  const text = fc.tuple(year, upTo(13), upTo(32), fc.constantFrom('T', 't'), upTo(24), upTo(60), upTo(60), zone);
  let taken = 0;
  fc.assert(
    fc.property(text, ([y, mo, d, t, h, mi, s, z]) => {
      const time = `${y}-${mo}-${d}${t}${h}:${mi}:${s}${z}`;
      if (!takes(time)) return;
      taken += 1;
      expect(new Date(time).toISOString()).toMatch(/Z$/);
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

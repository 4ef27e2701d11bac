import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { lockOfOne, parseCriteria } from '../../src/interactions/conditional.ts';
import type { Context } from '../../src/interactions/context.ts';
import { escape } from '../../src/search/values.ts';
import { limits, smallRegistry } from '../search/small-registry.ts';

const key = makeTokenKey(Buffer.alloc(16, 7), 'siphash');
const ctx = { registry: smallRegistry(), config: limits, planContext: () => ({ key }) } as unknown as Context;

test('one value has the lock that the same value has as criteria', () => {
  const values = fc.string({
    unit: fc.constantFrom('a', 'B', ',', '|', '$', '\\', '+', '%', '&', '=', ' ', 'é', '😀'),
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(values, (value) => {
      const { query: _, ...lock } = parseCriteria(ctx, 'Patient', `family=${encodeURIComponent(escape(value))}`, 'The value');
      expect(lockOfOne(ctx, 'Patient', 'family', escape(value))).toEqual(lock);
    }),
  );
});

test('other values have other locks', () => {
  expect(lockOfOne(ctx, 'Patient', 'family', 'a').key).not.toBe(lockOfOne(ctx, 'Patient', 'family', 'b').key);
});

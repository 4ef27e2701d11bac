import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { atMost } from '../../src/fhir/at-most.ts';

test('a cache of at most so many entries keeps those that were used last, and no more', () => {
  const cache = new LRUCache<number, string>(atMost(3));
  for (const key of [1, 2, 3]) cache.set(key, `value ${key}`);
  cache.get(1);
  cache.set(4, 'value 4');
  cache.set(4, 'value 4 again');
  expect([...cache.keys()].toSorted((a, b) => a - b)).toEqual([1, 3, 4]);
  expect(cache.get(4)).toBe('value 4 again');
});

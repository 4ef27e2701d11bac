import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitUnescaped, unescape } from '../../src/search/values.ts';

describe('splitUnescaped', () => {
  test.each([
    ['a,b', ',', ['a', 'b']],
    ['a\\,b,c', ',', ['a\\,b', 'c']],
    ['a\\\\,b', ',', ['a\\\\', 'b']],
    ['a\\', ',', ['a\\']],
    [',', ',', ['', '']],
    ['', ',', ['']],
    ['s\\|x|c', '|', ['s\\|x', 'c']],
  ])('cuts %j at %j', (text, separator, parts) => {
    expect(splitUnescaped(text, separator)).toEqual(parts);
  });
});

describe('unescape', () => {
  test.each([
    ['a\\,b', 'a,b'],
    ['a\\|b\\$c\\\\d', 'a|b$c\\d'],
    ['C:\\temp', 'C:\\temp'],
    ['\\', '\\'],
  ])('takes the escapes out of %j', (text, plain) => {
    expect(unescape(text)).toBe(plain);
  });
});

test('what is escaped, joined, split and unescaped comes back', () => {
  const escaped = (text: string): string => text.replace(/[,|$\\]/g, '\\$&');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', ',', '|', '$', '\\', 'é') }), { minLength: 1 }), (parts) => {
      const joined = parts.map(escaped).join(',');
      expect(splitUnescaped(joined, ',').map(unescape)).toEqual(parts);
    }),
  );
});

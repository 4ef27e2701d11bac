import { describe, expect, test } from 'vitest';
import { parsePath } from '../../src/fhirpath/parse.ts';
import { UnsupportedPath } from '../../src/fhirpath/syntax.ts';
import { sourceText } from '../../src/fhirpath/text.ts';

const written = (expression: string): string => sourceText(parsePath(expression), '$this');

describe('parsePath', () => {
  test.each([
    ['A.b.c', 'A.b.c'],
    ['A . b [ 0 ] . c', 'A.b[0].c'],
    ['(A.b as C).d', 'A.b.ofType(C).d'],
    ['A.b is C', 'A.b is C'],
    ['A.as(FHIR.C)', 'A.ofType(C)'],
    ['A.as(System.String)', 'A.ofType(string)'],
    ['A.as(FHIR.String)', 'A.ofType(String)'],
    ['((A | B) | (C | D)).e', '(A | B | C | D).e'],
    ['a | b as C', '(a | b.ofType(C))'],
    // Tighter first: comparison, membership, and, or, implies.
    ["a = 'x' and b or c implies d", "(((a='x') and b) or c) implies d"],
    ["a and b = 'x' in c", "a and ((b='x') in c)"],
    ["a = 'x' | 'y'", "a=('x' | 'y')"],
    ['a != true', 'a!=true'],
    ['a.first()', 'a[0]'],
    ['a.where(b.exists(c = 1.5))', 'a.where(b.exists(c=1.5))'],
    ['exists()', 'exists()'],
    ['$this.a', 'a'],
    ['a.where($this = 1)', 'a.where($this=1)'],
    ['`a b`.c.`d`', '`a b`.c.d'],
    [String.raw`a = 'it\'s \\ \n \u0041'`, "a='it\\'s \\\\ \n A'"],
    ['as.is.in.and.contains', 'as.is.in.and.contains'],
  ])('%s', (expression, expected) => {
    expect(written(expression)).toBe(expected);
  });

  test.each([
    '',
    'a.',
    '.a',
    'a b',
    'a[',
    'a[b]',
    'a[-1]',
    '(a',
    'a)',
    'a.where(b',
    'a + b',
    'a > 1',
    "a = 5 'mg'",
    'a = 5 years',
    '@2020-01-01',
    '%context',
    '$index',
    'a.$total',
    '{}',
    "'open",
    'a.as(B.C)',
    'a ~ b',
  ])('%j is left to the library', (expression) => {
    expect(() => parsePath(expression)).toThrow(UnsupportedPath);
  });
});

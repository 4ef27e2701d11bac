import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CannotTell } from '../../../src/fhirpath/evaluate/expression.ts';
import { matches, patternOf, replaceMatches } from '../../../src/fhirpath/evaluate/pattern.ts';

const isMatch = (pattern: string, text: string): boolean => matches(patternOf(pattern), text);

describe('matches', () => {
  test.each<[string, string, boolean]>([
    ['b', 'abc', true],
    ['^b', 'abc', false],
    ['^[A-Z]([A-Za-z0-9_]){0,254}$', 'Name_1', true],
    ['^[A-Z]([A-Za-z0-9_]){0,254}$', 'Name 1', false],
    ['^[0-9]{10}$', '0123456789', true],
    ['^[0-9]{10}$', '01234567890', false],
    ['^[0-9]{2}D[0-9]{7}$', '12D1234567', true],
    [String.raw`^[a-zA-Z0-9\/\-_\[\]\@]+$`, 'a/b-c_[d]@e', true],
    [String.raw`^http:\/\/hl7\.org\/fhirpath\/System\.[A-Z][A-Za-z]+$`, 'http://hl7.org/fhirpath/System.String', true],
    ['^(a|bc)*$', 'abcabc', true],
    ['^(?:a|)b$', 'b', true],
    ['^(?<year>\\d{4})-\\d\\d$', '2024-01', true],
    ['^a{2,}$', 'aaaa', true],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2}b??$', 'aa', true],
    ['^.$', '\n', true],
    ['^.$', '😀', true],
    ['^[^a]$', '😀', true],
    [String.raw`^\s\S\w\W\d\D$`, ' xw-1x', true],
    [String.raw`\bcat\b`, 'a cat!', true],
    [String.raw`\bcat\b`, 'concat', false],
    [String.raw`\Bcat`, 'concat', true],
    [String.raw`^\p{Lu}\P{L}$`, 'É1', true],
    [String.raw`^[\p{L}\d]+$`, 'é1', true],
    [String.raw`^\u0041\x42\t$`, 'AB\t', true],
    ['^[]a]$', ']', true],
    ['^[a-]$', '-', true],
    ['^{$', '{', true],
    ['', 'anything', true],
    ['^$', '', true],
    ['a|^$', '', true],
  ])('%s in %j is %s', (pattern, text, expected) => {
    expect(isMatch(pattern, text)).toBe(expected);
  });

  test.each([
    '(?=a)b',
    '(?!a)b',
    '(?<=a)b',
    '(a)\\1',
    'a**',
    'a++',
    '*a',
    '(a',
    'a)',
    '[a',
    'a\\',
    '[z-a]',
    'a{3,2}',
    '[a&&b]',
    '[[a]]',
    '(?i)a',
    '\\p{Foo}',
    '^*',
  ])('%s can’t be told', (pattern) => {
    expect(() => patternOf(pattern)).toThrow(CannotTell);
  });

  test('says what JavaScript says', () => {
    const letter = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\d', '1');
    const part = fc.letrec<{ part: string }>((tie) => ({
      part: fc.oneof(
        { depthSize: 'small' },
        letter,
        fc.tuple(tie('part'), tie('part')).map(([one, other]) => one + other),
        fc.tuple(tie('part'), tie('part')).map(([one, other]) => `(${one}|${other})`),
        fc.tuple(tie('part'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{1,}', '*?')).map(([one, count]) => `(?:${one})${count}`),
      ),
    })).part;
    const edged = fc.tuple(fc.constantFrom('', '^'), part, fc.constantFrom('', '$')).map((parts) => parts.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '-'), maxLength: 8 });
    fc.assert(
      fc.property(edged, text, (pattern, value) => {
        expect(isMatch(pattern, value)).toBe(new RegExp(pattern, 's').test(value));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['(a+)+$', '^(a|a)*$', '(a|aa)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a?){50}a{50}$'])(
    '%s takes no longer on a text made for it',
    (pattern) => {
      const start = performance.now();
      expect(isMatch(pattern, `${'a'.repeat(5000)}!`)).toBe(false);
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );

  test('what is too big can’t be told', () => {
    expect(() => patternOf('(((a{100}){100}){100}){100}')).toThrow(CannotTell);
    expect(() => patternOf('(((a?){1000}){1000}){1000}')).toThrow(CannotTell);
    expect(() => patternOf('a'.repeat(3000))).toThrow(CannotTell);
    expect(() => patternOf('('.repeat(500))).toThrow(CannotTell);
    expect(() => matches(patternOf('(a{0,1000}){0,5}$'), 'a'.repeat(10_000))).toThrow(CannotTell);
    expect(() => replaceMatches(patternOf('a+b'), 'a'.repeat(50_000), 'x')).toThrow(CannotTell);
  });
});

describe('replaceMatches', () => {
  test.each<[string, string, string, string]>([
    ['abcb', 'b', 'x', 'axcx'],
    ['a.b.c', String.raw`\..*`, '', 'a'],
    ['aaa', 'a+', 'b', 'b'],
    ['abc', 'x', 'y', 'abc'],
    ['', '^', 'y', 'y'],
  ])('%s, %s by %s is %s', (text, pattern, by, expected) => {
    expect(replaceMatches(patternOf(pattern), text, by)).toBe(expected);
  });

  test('groups in the replacement can’t be told', () => {
    expect(() => replaceMatches(patternOf('(a)'), 'a', '$1')).toThrow(CannotTell);
  });
});

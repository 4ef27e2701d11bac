import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainTarget } from '../../src/http/request-target.ts';

describe('the target of a request', () => {
  test.each([
    ['/fhir/R4/Patient/1?name=%61&x=/../y', '/fhir/R4/Patient/1?name=%61&x=/../y'],
    ['/', '/'],
    ['*', '*'],
    ['http://other.example/a/b?c=http://d/../e', '/a/b?c=http://d/../e'],
    ['HTTPS://user@other.example:81', '/'],
    ['http://other.example?x', '/?x'],
    ['/%6Fauth/sign%2din/%7e', '/oauth/sign-in/~'],
    ['/a%2Fb/%2f%5C%25%20%c3%a4', '/a%2Fb/%2f%5C%25%20%c3%a4'],
    ['/%256f', '/%256f'],
    ['/x/../a', '/a'],
    ['/x/%2e%2E/a', '/a'],
    ['/../../a/./b', '/a/b'],
    ['/..', '/'],
    ['/../oauth/token?a', '/oauth/token?a'],
    ['/./a', '/a'],
    ['/.', '/'],
    ['/a\\..\\b', '/b'],
    ['/a/...', '/a/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['//evil.example/a', '//evil.example/a'],
    ['//evil.example/../a', '//a'],
    ['/a#b', '/a'],
  ])('%s is %s', (written, meant) => {
    expect(plainTarget(written)).toBe(meant);
  });

  test('written plainly stays so, and hides no other way of writing', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%61',
      'a',
      'oauth',
      '\\',
      '%5c',
      '%25',
      '2e',
      '#',
      '?',
      'http://h',
      '~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = plainTarget(`/${pieces.join('')}`);
        expect(plainTarget(target)).toBe(target);
        const [path = ''] = target.split('?');
        expect(path).not.toMatch(/\/\.{1,2}(?:\/|$)|\\|%2e|%61/i);
      }),
    );
  });
});

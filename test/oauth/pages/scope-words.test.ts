import { describe, expect, test } from 'vitest';
import { pageHeaders } from '../../../src/http/oauth/pages/layout.ts';
import { askedScopes } from '../../../src/http/oauth/pages/scope-words.ts';
import { english } from '../../../src/http/oauth/pages/texts.ts';

const wordsOf = (scope: string): string | undefined => askedScopes([scope], english)[0]?.words;

describe('a scope in words', () => {
  test.each([
    ['patient/Patient.r', 'Read name, date of birth, address and other personal details'],
    ['patient/Patient.read', 'Read name, date of birth, address and other personal details'],
    ['patient/Goal.s', 'Search health goals'],
    ['patient/Goal.write', 'Add, change, and delete health goals'],
    ['patient/Goal.*', 'Read, add, change, and delete health goals'],
    ['user/*.cruds', 'Read, add, change, and delete everything that is recorded'],
    ['patient/DeviceUseStatement.rs', 'Read device use statement'],
    [
      'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
      'Read measurements, laboratory values and other observations: laboratory results',
    ],
    ['patient/Observation.rs?code=x', 'Read measurements, laboratory values and other observations: code “x”'],
    ['openid', 'Know that it is you who signs in'],
    ['launch/patient', 'Know which patient and visit this is about'],
    ['made/up', '“made/up”'],
  ])('%s: %s', (scope, words) => {
    expect(wordsOf(scope)).toBe(words);
  });

  test('of observations and conditions may be left in part, of others only as a whole', () => {
    const narrower = (scope: string): number => askedScopes([scope], english)[0]?.narrower.length ?? 0;
    expect(narrower('patient/Observation.rs')).toBeGreaterThanOrEqual(5);
    expect(narrower('patient/Condition.read')).toBe(3);
    expect(narrower('patient/Observation.rs?category=x')).toBe(0);
    expect(narrower('patient/Goal.rs')).toBe(0);
  });

  test('is narrowed to the same level and letters', () => {
    const [asked] = askedScopes(['user/Condition.read'], english);
    for (const { scope } of asked?.narrower ?? []) expect(scope).toMatch(/^user\/Condition\.rs\?category=\S+\|\S+$/);
  });
});

describe('the policy of a page', () => {
  test('names where an app’s code goes, and takes no words of an app for its own', () => {
    const policyOf = (leadsTo: readonly string[]): string =>
      pageHeaders({ title: '', body: '' as never, leadsTo })['content-security-policy'] ?? '';
    expect(policyOf(['https://app.example.org', 'org.example.app:', 'http://127.0.0.1:3000', 'http://[::1]:3000'])).toContain(
      "form-action 'self' https://app.example.org org.example.app: http://127.0.0.1:3000 http://[::1]:3000;",
    );
    for (const evil of ['*', "https://a; script-src 'unsafe-inline'", 'https://a https://b', "'unsafe-inline'", 'https://a/?;x'])
      expect(policyOf([evil])).toContain("form-action 'self';");
  });
});

import { describe, expect, test } from 'vitest';
import { makeFinds } from '../finds.ts';

const finds = makeFinds();
const withProfile = (...profile: string[]) => ({ resourceType: 'Patient', meta: { profile } });

/** @see https://hl7.org/fhir/R4/search.html#uri */
describe('uri', () => {
  test.each<[string, string, boolean]>([
    ['=http://acme.org/fhir/a', 'http://acme.org/fhir/a', true],
    ['=http://acme.org/fhir', 'http://acme.org/fhir/a', false],
    ['=http://acme.org/FHIR/a', 'http://acme.org/fhir/a', false],
    ['=http://acme.org/fhir/a/', 'http://acme.org/fhir/a', false],
    ['=urn:oid:1.2.3', 'urn:oid:1.2.3', true],
    ['=urn:oid:1.2', 'urn:oid:1.2.3', false],
    ['=http://acme.org/a', 'http://acme.org/a|1.0', true],
    ['=http://acme.org/a|1.0', 'http://acme.org/a|1.0', true],
    ['=http://acme.org/a|2.0', 'http://acme.org/a|1.0', false],
    [':below=http://acme.org/fhir/', 'http://acme.org/fhir/a', true],
    [':below=http://acme.org/fhir', 'http://acme.org/fhir/a', true],
    [':below=http://acme.org/fhir', 'http://acme.org/fhir/a/b?x=1', true],
    [':below=http://acme.org/fhir', 'http://acme.org/fhir', true],
    [':below=http://acme.org/fhir', 'http://acme.org/fhir/', true],
    [':below=http://acme.org/fhir/', 'http://acme.org/fhir', true],
    [':below=http://acme.org/fh', 'http://acme.org/fhir/a', false],
    [':below=http://acme.org', 'http://acme.org/fhir/a', true],
    [':below=http://acme.org/', 'http://acme.org/fhir/a', true],
    [':below=http://acme.or', 'http://acme.org/fhir/a', false],
    [':below=http://acme.org/fhir/a/b', 'http://acme.org/fhir/a', false],
    [':below=http://acme.org/fhir', 'http://acme.org/fhir/a|1.0', true],
    [':below=https://acme.org', 'http://acme.org/fhir', false],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org/fhir/a', true],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org/fhir/a/b', true],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org/fhir/', true],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org', true],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org/fhir/a/b/c', false],
    [':above=http://acme.org/fhir/a/b', 'http://acme.org/fhir/ab', false],
  ])('_profile%s and %s: %s', (query, stored, expected) => {
    expect(finds(`_profile${query}`, withProfile(stored))).toBe(expected);
  });

  test.each(['urn:oid:1.2.3', 'acme.org/fhir', 'http://', 'mailto:a@b'])(':above and :below are refused of %s', (value) => {
    expect(() => finds(`_profile:below=${value}`, withProfile())).toThrow(/takes URLs/);
    expect(() => finds(`_profile:above=${value}`, withProfile())).toThrow(/takes URLs/);
  });

  test('is cut into a bounded number of parts', () => {
    const url = `http://acme.org${'/x'.repeat(5000)}`;
    expect(finds('_profile:below=http://acme.org/x/x', withProfile(url))).toBe(true);
    expect(finds(`_profile=${url}`, withProfile(url))).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { makeExtractor } from '../../src/search/extract.ts';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const base = 'http://127.0.0.1:8080/fhir/R4';
const context = { key, base, now: Date.UTC(2024, 0, 1) };
const extract = makeExtractor({ registry, key, base });

/** Whether a resource is found by a search, by what extraction leaves and planning asks. The query stands as it is, undecoded. */
function finds(query: string, resource: { readonly resourceType: string } & Readonly<Record<string, unknown>>): boolean {
  const type = resource.resourceType;
  const pairs = query.split('&').map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  const parsed = parseSearch(type, pairs, registry, limits, false);
  return matcherOf(parsed.query, context)({ id: 'x', resource, extracted: extract(resource, type, 'x') });
}

const patient = (content: object) => ({ resourceType: 'Patient', ...content });
const observation = (content: object) => ({ resourceType: 'Observation', ...content });

describe('string', () => {
  const named = (name: object) => patient({ name: [name] });

  test.each<[string, object, boolean]>([
    ['family=eve', { family: 'Eve' }, true],
    ['family=EVE', { family: 'Everson' }, true],
    ['family=son', { family: 'Everson' }, false],
    ['family=Müller', { family: 'Muller' }, true],
    ['family=Muller', { family: 'MÜLLER' }, true],
    ['family=ﬁ', { family: 'Finch' }, true],
    ['family=van  der', { family: 'van der Berg' }, true],
    ['family=der', { family: 'van der Berg' }, false],
    ['family=%', { family: 'Smith' }, false],
    ['family=_mith', { family: 'Smith' }, false],
    ['family=50%', { family: '50% Off' }, true],
    ['family=a\\,b', { family: 'A,B' }, true],
    ['family=back\\\\sl', { family: 'Back\\slash' }, true],
    ['family=x,eve', { family: 'Everson' }, true],
    ['family=Wolfeschlegels', { family: 'Wolfeschlegelsteinhausen' }, true],
    ['family=Wolfeschlegelx', { family: 'Wolfeschlegelsteinhausen' }, false],
    ['family=Wolfeschlegelsteinhausenbergerdorff', { family: 'Wolfeschlegelsteinhausen' }, false],
  ])('%s in %j: %s', (query, name, expected) => {
    expect(finds(query, named(name))).toBe(expected);
  });

  test.each<[string, object, boolean]>([
    ['family:exact=Eve', { family: 'Eve' }, true],
    ['family:exact=eve', { family: 'Eve' }, false],
    ['family:exact=Eve', { family: 'Everson' }, false],
    ['family:exact=Muller', { family: 'Müller' }, false],
    ['family:exact=a\\,b', { family: 'a,b' }, true],
    [`family:exact=${'x'.repeat(2000)}`, { family: 'x'.repeat(2000) }, true],
    [`family:exact=${'x'.repeat(2000)}`, { family: 'x'.repeat(2001) }, false],
    ['family:contains=VERS', { family: 'Everson' }, true],
    ['family:contains=vor', { family: 'Everson' }, false],
    ['family:contains=eve', { family: 'Everson' }, true],
    ['family:contains=é', { family: 'Steven' }, true],
    ['family:contains=ev', { family: 'Stephen' }, false],
    ['family:contains=%', { family: 'Smith' }, false],
    ['family:contains=%', { family: '100%' }, true],
    ['family:contains=_', { family: 'Smith' }, false],
    ['family:contains=n_e', { family: 'Nine' }, false],
    ['family:contains=n_e', { family: 'N_e' }, true],
    ['family:contains=abcde', { family: 'abcd bcde' }, false],
    ['family:contains=needle', { family: `${'hay '.repeat(40)}needle${' hay'.repeat(40)}` }, true],
    ['family:contains=needle', { family: 'hay '.repeat(80) }, false],
  ])('%s in %j: %s', (query, name, expected) => {
    expect(finds(query, named(name))).toBe(expected);
  });

  test.each<[string, object, boolean]>([
    ['name=pet', { given: ['Peter', 'James'] }, true],
    ['name=jam', { given: ['Peter', 'James'] }, true],
    ['name=peter james', { given: ['Peter', 'James'] }, false],
    ['name=dr', { prefix: ['Dr.'] }, true],
    ['name=md', { suffix: ['MD'] }, true],
    ['name=james', { text: 'Peter James Chalmers' }, true],
    ['name=james chal', { text: 'Peter James Chalmers' }, true],
    ['name=ames', { text: 'Peter James Chalmers' }, false],
    ['name=official', { use: 'official' }, false],
    ['name=jamestownsfolk', { text: 'Peter Jamestownsfolke' }, true],
    ['name=jamestownsfolk', { text: 'Peter Jamestowns folk' }, false],
  ])('of name parts: %s in %j: %s', (query, name, expected) => {
    expect(finds(query, named(name))).toBe(expected);
  });

  test('of address parts: each line, the city, and each word of the text', () => {
    const resource = patient({ address: [{ line: ['534 Erewhon St', 'Unit 2'], city: 'PleasantVille', text: 'Care of Aunt Polly' }] });
    for (const found of ['534', 'unit', 'pleasant', 'care', 'polly', 'aunt pol']) expect(finds(`address=${found}`, resource)).toBe(true);
    for (const missed of ['erewhon', 'ville', 'olly']) expect(finds(`address=${missed}`, resource)).toBe(false);
  });

  test('of several alternatives a long one does not let through what only shares its first letters', () => {
    const resource = named({ family: 'Wolfeschlegelsteinhausen' });
    expect(finds('family=zzz,Wolfeschlegelx', resource)).toBe(false);
    expect(finds('family=wolf,Wolfeschlegelx', resource)).toBe(true);
  });

  test('of a word inside a part only where words are searched', () => {
    const resource = patient({ name: [{ family: 'foo abcdefghijklmn', given: ['abcdefghijklzz'] }] });
    expect(finds('name=abcdefghijklmn', resource)).toBe(false);
    expect(finds('name=abcdefghijklzz', resource)).toBe(true);
  });

  test.each(['family= ', 'family=\u0301', 'family:contains=  '])('without a letter is refused: %j', (query) => {
    expect(() => finds(query, named({ family: 'x' }))).toThrow(/nothing to search for/);
  });

  test('starts-with and contains agree with the plain comparison of normalised texts', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'A', 'á', 'b', ' ', '%', '_', '𝔞', 'ß'), maxLength: 20 });
    const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/g, ' ').trim();
    fc.assert(
      fc.property(letters, letters, (stored, asked) => {
        fc.pre(plain(stored) !== '' && plain(asked) !== '');
        const resource = named({ family: stored });
        expect(finds(`family=${asked}`, resource)).toBe(plain(stored).startsWith(plain(asked)));
        expect(finds(`family:contains=${asked}`, resource)).toBe(plain(stored).includes(plain(asked)));
        expect(finds(`family:exact=${asked}`, resource)).toBe(stored === asked);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('token', () => {
  const coded = observation({
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }, { code: 'HR' }, { system: 'http://only.system' }], text: 'pulse' },
  });

  test.each([
    ['code=8867-4', true],
    ['code=http://loinc.org|8867-4', true],
    ['code=http://loinc.org|', true],
    ['code=http://only.system|', true],
    ['code=|8867-4', false],
    ['code=|HR', true],
    ['code=hr', true],
    ['code=http://loinc.org|HR', false],
    ['code=http://LOINC.org|8867-4', false],
    ['code=http://loinc.org|8867-5', false],
    ['code=http://snomed.info/sct|8867-4', false],
    ['code=|', false],
    ['code=pulse', false],
    ['code=8867', false],
    ['code=x,http://loinc.org|8867-4', true],
    ['code=8867-4&code=HR', true],
    ['code=8867-4&code=x', false],
    ['code:not=8867-4', false],
    ['code:not=x', true],
    ['code:not=x,hr', false],
    ['code:missing=false', true],
    ['code:missing=true', false],
    ['status=final', true],
    ['status=FINAL', true],
    ['status=amended', false],
  ])('%s: %s', (query, expected) => {
    expect(finds(query, coded)).toBe(expected);
  });

  test(':not and :missing=true find what lacks the element', () => {
    expect(finds('code:not=8867-4', observation({}))).toBe(true);
    expect(finds('code:missing=true', observation({}))).toBe(true);
    expect(finds('code:missing=false', observation({}))).toBe(false);
    expect(finds('code:missing=false', observation({ code: { text: 'only words' } }))).toBe(true);
  });

  test.each([
    ['identifier=MRN-1a', true],
    ['identifier=mrn-1a', false],
    ['identifier=urn:oid:1.2|MRN-1a', true],
    ['identifier=urn:oid:1.2|', true],
    ['identifier=|MRN-1a', false],
    ['identifier=|free', true],
    ['identifier=pipe\\|d', true],
    ['identifier=urn:oid:1.2|MRN-1', false],
  ])('of identifiers, exactly: %s: %s', (query, expected) => {
    const resource = patient({ identifier: [{ system: 'urn:oid:1.2', value: 'MRN-1a' }, { value: 'free' }, { value: 'pipe|d' }] });
    expect(finds(query, resource)).toBe(expected);
  });

  test.each([
    ['active=true', true],
    ['active=false', false],
    ['active=TRUE', true],
    ['active:not=true', false],
  ])('of booleans: %s: %s', (query, expected) => {
    expect(finds(query, patient({ active: true }))).toBe(expected);
  });

  test.each([
    ['telecom=Peter@example.org', true],
    ['telecom=email|peter@example.org', true],
    ['telecom=home|peter@example.org', true],
    ['telecom=work|peter@example.org', false],
    ['telecom=555 1234', true],
    ['telecom=phone|peter@example.org', false],
  ])('of contact points: %s: %s', (query, expected) => {
    const resource = patient({
      telecom: [
        { system: 'email', use: 'home', value: 'peter@example.org' },
        { system: 'phone', value: '555 1234' },
      ],
    });
    expect(finds(query, resource)).toBe(expected);
  });
});

describe('reference', () => {
  const to = (reference: object) => observation({ subject: reference });

  test.each<[string, object, boolean]>([
    ['subject=1', { reference: 'Patient/1' }, true],
    ['subject=1', { reference: 'Device/1' }, true],
    ['patient=1', { reference: 'Patient/1' }, true],
    ['patient=1', { reference: 'Device/1' }, false],
    ['patient=Device/1', { reference: 'Device/1' }, false],
    ['subject=Patient/1', { reference: 'Patient/1' }, true],
    ['subject=Patient/1', { reference: 'Device/1' }, false],
    ['subject=Practitioner/1', { reference: 'Patient/1' }, false],
    [`subject=${base}/Patient/1`, { reference: 'Patient/1' }, true],
    ['subject=Patient/1', { reference: `${base}/Patient/1` }, true],
    ['subject=http://other.org/fhir/Patient/1', { reference: 'Patient/1' }, false],
    ['subject=Patient/1', { reference: 'http://other.org/fhir/Patient/1' }, false],
    ['subject=1', { reference: 'http://other.org/fhir/Patient/1' }, false],
    ['subject=http://other.org/fhir/Patient/1', { reference: 'http://other.org/fhir/Patient/1' }, true],
    ['subject=http://other.org/fhir/Patient/1', { reference: 'http://other.org/fhir/Patient/1/_history/3' }, true],
    ['subject=http://other.org/fhir/Patient/1/_history/3', { reference: 'http://other.org/fhir/Patient/1/_history/3' }, true],
    ['subject=Patient/1', { reference: 'Patient/1/_history/2' }, true],
    ['subject=Patient/1/_history/2', { reference: 'Patient/1/_history/2' }, true],
    ['subject=Patient/1/_history/3', { reference: 'Patient/1/_history/2' }, false],
    ['subject=Patient/1/_history/2', { reference: 'Patient/1' }, false],
    ['subject:Patient=1', { reference: 'Patient/1' }, true],
    ['subject:Patient=1', { reference: 'Device/1' }, false],
    ['subject:Device=1', { reference: 'Device/1' }, true],
    ['subject:Patient=Device/1', { reference: 'Device/1' }, false],
    ['subject=urn:uuid:7f1f8a1e-0000-4000-8000-000000000000', { reference: 'urn:uuid:7f1f8a1e-0000-4000-8000-000000000000' }, true],
    ['subject=#p', { reference: '#p' }, false],
    ['subject=patient/1', { reference: 'Patient/1' }, false],
    ['subject:missing=true', {}, false],
    ['subject:identifier=urn:x|123', { identifier: { system: 'urn:x', value: '123' } }, true],
    ['subject:identifier=123', { identifier: { system: 'urn:x', value: '123' } }, true],
    ['subject:identifier=|123', { identifier: { system: 'urn:x', value: '123' } }, false],
    ['subject:identifier=|123', { identifier: { value: '123' } }, true],
    ['subject:identifier=urn:x|', { identifier: { system: 'urn:x', value: '123' } }, true],
    ['subject:identifier=urn:y|123', { identifier: { system: 'urn:x', value: '123' } }, false],
    ['subject=123', { identifier: { system: 'urn:x', value: '123' } }, false],
    ['subject:identifier=Patient/1', { reference: 'Patient/1' }, false],
  ])('%s in %j: %s', (query, reference, expected) => {
    expect(finds(query, to(reference))).toBe(expected);
  });
});

describe(':missing of a reference parameter counts its own targets alone', () => {
  test.each<[string, object, boolean]>([
    ['patient:missing=true', { reference: 'Device/1' }, true],
    ['patient:missing=false', { reference: 'Device/1' }, false],
    ['subject:missing=false', { reference: 'Device/1' }, true],
    ['patient:missing=false', { reference: 'Patient/1' }, true],
    ['patient:missing=false', { reference: 'http://other.org/fhir/Patient/1' }, true],
    ['patient:missing=false', { type: 'Patient', identifier: { value: '1' } }, true],
    ['patient:missing=true', { identifier: { value: '1' } }, true],
    ['subject:missing=false', { identifier: { value: '1' } }, true],
  ])('%s in %j: %s', (query, subject, expected) => {
    expect(finds(query, observation({ subject }))).toBe(expected);
  });
});

describe('tags and profiles', () => {
  const resource = patient({ meta: { tag: [{ system: 'urn:t', code: 'A' }], profile: ['http://p.org/one|2.0', 'http://p.org/two'] } });
  test.each([
    ['_tag=urn:t|a', true],
    ['_tag=b', false],
    ['_profile=http://p.org/one', true],
    ['_profile=http://p.org/one|2.0', true],
    ['_profile=http://p.org/one|1.0', false],
    ['_profile=http://p.org/two', true],
    ['_profile=http://p.org/TWO', false],
    ['_profile=http://p.org/', false],
    ['_id=x', true],
    ['_id=X', false],
    ['_id=y,x', true],
  ])('%s: %s', (query, expected) => {
    expect(finds(query, resource)).toBe(expected);
  });
});

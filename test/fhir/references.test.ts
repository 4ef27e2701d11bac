import { describe, expect, test } from 'vitest';
import { isId, isTypeName, parseCanonical, parseReference } from '../../src/fhir/references.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';

const base = 'http://127.0.0.1:8080/fhir/R4';
const id64 = 'a'.repeat(64);

describe('parseReference', () => {
  test.each([
    ['Patient/1', { kind: 'local', type: 'Patient', id: '1' }],
    [`Patient/${id64}`, { kind: 'local', type: 'Patient', id: id64 }],
    ['Patient/a-B.9/_history/2', { kind: 'local', type: 'Patient', id: 'a-B.9', version: '2' }],
    [`${base}/Patient/1`, { kind: 'local', type: 'Patient', id: '1' }],
    [`${base}/Patient/1/_history/3`, { kind: 'local', type: 'Patient', id: '1', version: '3' }],
    [`${base}/Patient?identifier=a|b`, { kind: 'conditional', type: 'Patient', query: 'identifier=a|b' }],
    [`${base}/metadata`, { kind: 'absolute', url: `${base}/metadata` }],
    [`${base}/x/Patient/1`, { kind: 'absolute', url: `${base}/x/Patient/1`, type: 'Patient', id: '1' }],
    [`${base}/4/Patient/1`, { kind: 'absolute', url: `${base}/4/Patient/1`, type: 'Patient', id: '1' }],
    [`${base}4/Patient/1`, { kind: 'absolute', url: `${base}4/Patient/1`, type: 'Patient', id: '1' }],
    ['https://example.org/fhir/Patient/1', { kind: 'absolute', url: 'https://example.org/fhir/Patient/1', type: 'Patient', id: '1' }],
    [
      'https://example.org/Patient/1/_history/4',
      { kind: 'absolute', url: 'https://example.org/Patient/1/_history/4', type: 'Patient', id: '1', version: '4' },
    ],
    ['https://example.org/a/_history/4', { kind: 'absolute', url: 'https://example.org/a/_history/4' }],
    ['https://example.org', { kind: 'absolute', url: 'https://example.org' }],
    ['https://example.org/Patient?a=b', { kind: 'absolute', url: 'https://example.org/Patient?a=b' }],
    ['mailto:someone', { kind: 'absolute', url: 'mailto:someone' }],
    ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520', { kind: 'urn', uri: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' }],
    ['urn:oid:1.2.3', { kind: 'urn', uri: 'urn:oid:1.2.3' }],
    ['#p1', { kind: 'contained', id: 'p1' }],
    ['#', { kind: 'contained', id: '' }],
    ['Patient?identifier=http://x|1&active=true', { kind: 'conditional', type: 'Patient', query: 'identifier=http://x|1&active=true' }],
  ])('%s', (text, expected) => {
    expect(parseReference(text, base)).toEqual(expected);
    expect(parseReference(text, `${base}/`)).toEqual(expected);
  });

  test.each([
    '',
    ' ',
    'Patient',
    'Patient/',
    '/Patient/1',
    'patient/1',
    'P/1',
    `Patient/${id64}a`,
    'Patient/a b',
    'Patient/ä',
    'Patient/1/',
    'Patient/1/2',
    'Patient/1/_history',
    'Patient/1/_history/',
    'Patient/1#a',
    'Patient/1|2',
    'Patient/1\n',
    '#a b',
    '#a#b',
    'Patient?',
    '?a=b',
    'patient?a=b',
    'http://exa mple.org/Patient/1',
    'http:',
    '://x',
    '../Patient/1',
    'Patient/1/_history/a b',
  ])('«%s» is invalid', (text) => {
    expect(parseReference(text, base)).toEqual({ kind: 'invalid' });
  });

  test('a long URL of slashes takes no long time', () => {
    const url = `http://x/${'Aa/'.repeat(300_000)}Patient/1`;
    const begin = cpuTimeMs();
    expect(parseReference(url, base)).toMatchObject({ kind: 'absolute', type: 'Patient', id: '1' });
    expect(cpuTimeMs() - begin).toBeLessThan(1_000);
  });
});

describe('parseCanonical', () => {
  test.each([
    ['http://x/ValueSet/a', { url: 'http://x/ValueSet/a' }],
    ['http://x/ValueSet/a|1.0', { url: 'http://x/ValueSet/a', version: '1.0' }],
    ['http://x/ValueSet/a|1.0#b', { url: 'http://x/ValueSet/a', version: '1.0', fragment: 'b' }],
    ['http://x/ValueSet/a#b', { url: 'http://x/ValueSet/a', fragment: 'b' }],
    ['http://x/a|', { url: 'http://x/a' }],
    ['http://x/a|1|2', { url: 'http://x/a', version: '1|2' }],
    ['#b', { url: '', fragment: 'b' }],
  ])('%s', (text, expected) => expect(parseCanonical(text)).toEqual(expected));
});

test('ids and type names by their forms', () => {
  for (const id of ['a', '1', 'A-b.9', id64]) expect(isId(id)).toBe(true);
  for (const id of ['', 'a_b', 'a/b', 'a b', 'ä', `${id64}a`, 'a\n']) expect(isId(id)).toBe(false);
  for (const name of ['Patient', 'Ab']) expect(isTypeName(name)).toBe(true);
  for (const name of ['', 'A', 'patient', 'Patient1', 'Patient ', 'Patient\n']) expect(isTypeName(name)).toBe(false);
});

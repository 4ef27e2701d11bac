import { describe, expect, test } from 'vitest';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { byCodePoint, makeExtractor } from '../../src/search/extract.ts';
import { sortBucket } from '../../src/search/types/string.ts';
import fc from 'fast-check';
import { tokensIn } from './hold.ts';
import { smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const base = 'http://127.0.0.1:8080/fhir/R4';
const extract = makeExtractor({ registry, key, base });

const quantity = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'mm[Hg]' });
const concept = (code: string, system = 'http://loinc.org') => ({ coding: [{ system, code }] });

describe('composites', () => {
  const pressure = {
    resourceType: 'Observation',
    code: concept('85354-9'),
    component: [
      { code: concept('8480-6'), valueQuantity: quantity(140) },
      { code: concept('8462-4'), valueQuantity: quantity(90) },
      { code: concept('8478-0'), valueCodeableConcept: concept('LA-1') },
    ],
  };
  const numberOf = (path: string): number => {
    const pair = registry.of('Observation').pairs.find((each) => each.path === path);
    if (pair === undefined) throw new Error(`no pair ${path}`);
    return pair.number;
  };
  const inComponents = 'Observation.component(Observation.component.code,Observation.component.value.ofType(Quantity))';
  const inConcepts = 'Observation.component(Observation.component.code,Observation.component.value.ofType(CodeableConcept))';
  const atRoot = 'Observation(Observation.code,Observation.value.ofType(Quantity))';

  test('keep a quantity with the code of the same item, and no other', () => {
    const { facts } = extract(pressure, 'Observation', 'x');
    const pairs = facts.quantities.filter(({ param }) => param === numberOf(inComponents));
    expect(pairs.map(({ pair, lo, hi }) => ({ pair, lo, hi }))).toEqual([
      { pair: token(key, 'x', 'sc', 'http://loinc.org', '8480-6'), lo: 140, hi: 140 },
      { pair: token(key, 'x', 'sc', 'http://loinc.org', '8462-4'), lo: 90, hi: 90 },
    ]);
    expect(facts.quantities.filter(({ param }) => param === numberOf(atRoot))).toEqual([]);
  });

  test('keep two codes of an item as one token', () => {
    const tokens = tokensIn(extract(pressure, 'Observation', 'x').tokens);
    const both = (code: string, value: string): bigint =>
      token(key, 'x', inConcepts, 'sc', 'http://loinc.org', code, 'sc', 'http://loinc.org', value);
    expect(tokens.has(both('8478-0', 'la-1'))).toBe(true);
    expect(tokens.has(both('8480-6', 'la-1'))).toBe(false);
  });

  test('keep a code without a system as such', () => {
    const { facts } = extract(
      { resourceType: 'Observation', code: { coding: [{ code: 'HR' }] }, valueQuantity: quantity(70) },
      'Observation',
      'x',
    );
    expect(facts.quantities.filter(({ param }) => param === numberOf(atRoot)).map(({ pair }) => pair)).toEqual([
      token(key, 'x', 'n', 'hr'),
    ]);
  });

  test('of the same places share what is kept', () => {
    expect(registry.of('Observation').pairs.map(({ path }) => path)).toEqual([atRoot, inComponents, inConcepts]);
  });

  test('leave plain facts of the value alone', () => {
    const { facts } = extract({ resourceType: 'Observation', code: concept('x'), valueQuantity: quantity(70) }, 'Observation', 'x');
    expect(facts.quantities.filter(({ pair }) => pair === 0n)).toHaveLength(1);
    expect(new Set(facts.quantities.map(({ param }) => param)).size).toBe(2);
  });
});

test('a position is two numbers', () => {
  const { facts } = extract({ resourceType: 'Location', position: { latitude: -37.8, longitude: 144.9 } }, 'Location', 'x');
  expect(facts.quantities.map(({ lo, hi, unit, pair }) => [lo, hi, unit, pair])).toEqual([
    [-37.8, -37.8, 0n, 0n],
    [144.9, 144.9, 0n, 0n],
  ]);
  expect(new Set(facts.quantities.map(({ param }) => param)).size).toBe(2);
});

describe('the patient column', () => {
  const of = (type: string, content: object): bigint | null => extract({ resourceType: type, ...content }, type, 'x').patient;

  test('is the one Patient of the patient parameter', () => {
    expect(of('Observation', { subject: { reference: 'Patient/1' } })).toBe(token(key, 'ref', 'Patient', '1'));
    expect(of('Observation', { subject: { reference: `${base}/Patient/1` } })).toBe(token(key, 'ref', 'Patient', '1'));
    expect(of('Account', { subject: [{ reference: 'Patient/1' }, { reference: 'Device/2' }] })).toBe(token(key, 'ref', 'Patient', '1'));
  });

  test('is empty for none, for several, and for whoever is named elsewhere', () => {
    expect(of('Observation', {})).toBeNull();
    expect(of('Observation', { performer: [{ reference: 'Patient/1' }] })).toBeNull();
    expect(of('Observation', { subject: { reference: 'http://other.org/fhir/Patient/1' } })).toBeNull();
    expect(of('Account', { subject: [{ reference: 'Patient/1' }, { reference: 'Patient/2' }] })).toBeNull();
  });
});

describe('compartments', () => {
  const inCompartment = (content: object, compartment: string, id: string): boolean =>
    tokensIn(extract({ resourceType: 'Observation', ...content }, 'Observation', 'x').tokens).has(token(key, 'k', compartment, id));

  test('take subject and performer, of the compartment’s type alone', () => {
    const content = { subject: { reference: 'Patient/1' }, performer: [{ reference: 'Patient/2' }, { reference: 'Practitioner/3' }] };
    expect(inCompartment(content, 'Patient', '1')).toBe(true);
    expect(inCompartment(content, 'Patient', '2')).toBe(true);
    expect(inCompartment(content, 'Practitioner', '3')).toBe(true);
    expect(inCompartment(content, 'Patient', '3')).toBe(false);
    expect(inCompartment(content, 'Practitioner', '1')).toBe(false);
  });

  test('never follow a reference to another server, nor a logical one', () => {
    expect(inCompartment({ subject: { reference: 'http://other.org/fhir/Patient/1' } }, 'Patient', '1')).toBe(false);
    expect(inCompartment({ subject: { identifier: { value: '1' } } }, 'Patient', '1')).toBe(false);
  });

  test('hold their own resource', () => {
    expect(tokensIn(extract({ resourceType: 'Patient' }, 'Patient', '1').tokens).has(token(key, 'k', 'Patient', '1'))).toBe(true);
  });
});

test('an extraction that fails leaves nothing behind for the next', () => {
  const broken = {
    resourceType: 'Patient',
    name: [{ family: 'Secret' }],
    get birthDate(): string {
      throw new Error('damaged');
    },
  };
  const clean = extract({ resourceType: 'Patient' }, 'Patient', 'x').tokens;
  expect(() => extract(broken, 'Patient', 'x')).toThrow('damaged');
  expect(extract({ resourceType: 'Patient' }, 'Patient', 'x').tokens).toEqual(clean);
});

describe('the bucket a string sorts by', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'z', 'é', 'Ω', '\uffee', '😀', ' ', '1'), maxLength: 5 });

  test('never contradicts the order of the strings', () => {
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const [one, other] = [a, b].map((text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim()) as [string, string];
        const order = byCodePoint(one, other);
        if (order < 0) expect(sortBucket(a)).toBeLessThanOrEqual(sortBucket(b));
        if (order > 0) expect(sortBucket(a)).toBeGreaterThanOrEqual(sortBucket(b));
      }),
      { numRuns: 1000 },
    );
  });

  test('is of code points, where UTF-16 orders otherwise', () => {
    const points = (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const [left, right] = [points(a), points(b)];
        const at = left.findIndex((point, n) => point !== right[n]);
        const expected = at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
        expect(Math.sign(byCodePoint(a, b))).toBe(Math.sign(expected));
      }),
      { numRuns: 1000 },
    );
  });

  test('tells two letters and no more', () => {
    expect(sortBucket('Smith')).toBe(sortBucket('SMALL'));
    expect(sortBucket('Smith')).not.toBe(sortBucket('Stone'));
  });

  test('fits a bigint at the highest code point', () => {
    expect(sortBucket('\u{10ffff}\u{10ffff}')).toBeLessThan(2n ** 63n);
  });
});

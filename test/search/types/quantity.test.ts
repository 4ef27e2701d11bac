import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../../src/encryption/token.ts';
import { FhirError } from '../../../src/fhir/error.ts';
import { makeExtractor } from '../../../src/search/extract.ts';
import { matcherOf } from '../../../src/search/match-unstored.ts';
import { parseSearch } from '../../../src/search/parse.ts';
import { limits, smallRegistry } from '../small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const context = { key, base: 'http://x/fhir', now: 0 };
const extract = makeExtractor({ registry, key, base: context.base });

function finds(query: string, valueQuantity: object): boolean {
  const resource = { resourceType: 'Observation', valueQuantity };
  const { query: parsed } = parseSearch('Observation', [['value-quantity', query]], registry, limits, false);
  return matcherOf(parsed, context)({ id: 'x', resource, extracted: extract(resource, 'Observation', 'x') });
}

/** @see https://hl7.org/fhir/R4/search.html#number */
describe('numbers, by the digits given', () => {
  test.each([
    ['100', 100, true],
    ['100', 99.5, true],
    ['100', 100.49, true],
    ['100', 100.5, false],
    ['100', 99.49, false],
    ['100.00', 100.004, true],
    ['100.00', 100.005, false],
    // The specification's own example: one significant figure, searched as [95 … 105).
    ['1e2', 95, true],
    ['1e2', 104.9, true],
    ['1e2', 105, false],
    ['1e2', 94.9, false],
    ['5.4', 5.35, true],
    ['5.4', 5.45, false],
    ['-5.4', -5.4, true],
    ['-5.4', 5.4, false],
    ['0', 0, true],
    ['0', 0.5, false],
    ['ne100', 100, false],
    ['ne100', 100.5, true],
    ['lt100', 99.99, true],
    ['lt100', 100, false],
    ['le100', 100, true],
    ['le100', 100.01, false],
    ['gt100', 100, false],
    ['gt100', 100.01, true],
    ['ge100', 100, true],
    ['ge100', 99.99, false],
    ['sa100', 100.01, true],
    ['sa100', 100, false],
    ['eb100', 99.99, true],
    ['eb100', 100, false],
    ['ap100', 91, true],
    ['ap100', 109, true],
    ['ap100', 89, false],
    ['ap100', 111, false],
    ['ap-100', -109, true],
  ])('%s and %d: %s', (query, value, expected) => {
    expect(finds(query, { value })).toBe(expected);
  });
});

describe('units', () => {
  const stored = { value: 5.4, unit: 'millimol', system: 'http://unitsofmeasure.org', code: 'mmol/L' };
  test.each([
    ['5.4', true],
    ['5.4|http://unitsofmeasure.org|mmol/L', true],
    ['5.4||mmol/L', true],
    ['5.4||millimol', true],
    ['5.4|http://unitsofmeasure.org|mmol/l', true],
    ['0.0054|http://unitsofmeasure.org|mol/L', true],
    ['5400|http://unitsofmeasure.org|umol/L', true],
    ['5.4|http://unitsofmeasure.org|mol/L', false],
    ['5.4|http://unitsofmeasure.org|meq/L', false],
    ['5.4|http://unitsofmeasure.org|mg/dL', false],
    ['5.4|http://unitsofmeasure.org|', true],
    ['5.4|http://other.org|', false],
    ['5.4|http://unitsofmeasure.org|no-unit', false],
    ['5.4|http://other.org|mmol/L', false],
    ['5.4||mg', false],
    ['gt5|http://unitsofmeasure.org|mmol/L', true],
    ['gt6||mmol/L', false],
  ])('%s: %s', (query, expected) => {
    expect(finds(query, stored)).toBe(expected);
  });
});

test.each(['', 'gt', 'xx5', '5,4x', 'five', '5.4.4', '0x10', 'Infinity', 'NaN', '1e999', '|http://unitsofmeasure.org|mg', ' 5'])(
  '%j is refused as no number',
  (text) => {
    const ask = (): unknown => parseAndPlan(text);
    if (text === '') expect(ask()).toEqual([]);
    else expect(ask).toThrow(FhirError);
  },
);

function parseAndPlan(text: string): unknown {
  const { query } = parseSearch('Observation', [['value-quantity', text]], registry, limits, false);
  matcherOf(query, context);
  return query.clauses;
}

describe('in another unit', () => {
  const ucum = 'http://unitsofmeasure.org';
  const pairs: readonly (readonly [small: string, large: string, times: number])[] = [
    ['ug', 'mg', 1000],
    ['mg', 'kg', 1_000_000],
    ['mm', 'cm', 10],
    ['umol/L', 'mmol/L', 1000],
    ['min', 'h', 60],
    ['mg/L', 'g/dL', 10_000],
    ['/h', '/min', 60],
    ['u[IU]/L', 'm[IU]/L', 1000],
    ['m3', 'm3', 1],
  ];

  test('every prefix says what it says of the numbers themselves, the bounds of the digits given included', () => {
    const prefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        fc.constantFrom(...prefixes),
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: -3, max: 3 }),
        (units, prefix, tenths, steps) => {
          const [small, large, times] = units;
          // Around the number asked and around both ends of its range, all of them whole in tenths and twentieths of the large unit.
          const twentieths = 2 * tenths + steps;
          const stored = { value: (twentieths * times) / 20, system: ucum, code: small };
          const expected = {
            eq: twentieths >= 2 * tenths - 1 && twentieths < 2 * tenths + 1,
            ne: twentieths < 2 * tenths - 1 || twentieths >= 2 * tenths + 1,
            gt: twentieths > 2 * tenths,
            sa: twentieths > 2 * tenths,
            lt: twentieths < 2 * tenths,
            eb: twentieths < 2 * tenths,
            ge: twentieths >= 2 * tenths,
            le: twentieths <= 2 * tenths,
          };
          expect(finds(`${prefix}${(tenths / 10).toFixed(1)}|${ucum}|${large}`, stored)).toBe(expected[prefix]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('a temperature is compared on its scale', () => {
    const fever = { value: 101.3, system: ucum, code: '[degF]' };
    expect(finds(`38.5|${ucum}|Cel`, fever)).toBe(true);
    expect(finds(`gt38.4|${ucum}|Cel`, fever)).toBe(true);
    expect(finds(`gt38.5|${ucum}|Cel`, fever)).toBe(false);
    expect(finds(`ge38.5|${ucum}|Cel`, fever)).toBe(true);
    // A tenth of what was asked, on the scale it was asked on.
    expect(finds(`ap36|${ucum}|Cel`, fever)).toBe(true);
    expect(finds(`ap34|${ucum}|Cel`, fever)).toBe(false);
  });

  test('a value leaves a second fact only where its unit is not the one that is compared in', () => {
    const factsOf = (valueQuantity: object): number =>
      extract({ resourceType: 'Observation', valueQuantity }, 'Observation', 'x').facts.quantities.length;
    expect(factsOf({ value: 5, system: ucum, code: 'mg/dL' })).toBe(1);
    expect(factsOf({ value: 5, system: ucum, code: 'no-unit' })).toBe(1);
    expect(factsOf({ value: 5, system: ucum, code: '{score}' })).toBe(1);
    expect(factsOf({ value: 5, system: 'urn:other', code: 'g/L' })).toBe(1);
    expect(factsOf({ value: 5, unit: 'g/L' })).toBe(1);
    expect(factsOf({ value: 5, system: ucum, code: 'g/L' })).toBe(2);
  });
});

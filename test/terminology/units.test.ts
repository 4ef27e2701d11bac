import { describe, expect, test } from 'vitest';
import { canonicalUnit, conversionError, inCanonical } from '../../src/terminology/units.ts';

function canonical(value: number, code: string): readonly [number, string] | undefined {
  const unit = canonicalUnit(code);
  return unit === undefined ? undefined : [inCanonical(value, unit), unit.unit];
}

/** @see https://ucum.org/ucum */
describe('the canonical unit', () => {
  test.each<[number, string, number, string]>([
    [5.4, 'mg', 5400, 'ug'],
    [5.4, 'mg', 0.0054, 'g'],
    [1, 'g/L', 100, 'mg/dL'],
    [1, 'g/L', 1, 'mg/mL'],
    [1, '[in_i]', 2.54, 'cm'],
    [1, '[lb_av]', 453.59237, 'g'],
    [1, 'm', 100, 'cm'],
    [37, 'Cel', 98.6, '[degF]'],
    [0, 'Cel', 273.15, 'K'],
    [-40, '[degF]', -40, 'Cel'],
    [1, 'h', 3600, 's'],
    [1, '/min', 60, '/h'],
    [72, '{beats}/min', 72, '/min'],
    [1, 'L', 1000, 'mL'],
    [1, 'l', 10, 'dL'],
    [1, 'mmol/L', 1000, 'umol/L'],
    [1, 'mol/m3', 1, 'mmol/L'],
    [1, 'U/L', 1 / 60, 'ukat/L'],
    [1, 'mm[Hg]', 0.133322, 'kPa'],
    [1, 'bar', 100, 'kPa'],
    [4, '10*3/uL', 4, '10*9/L'],
    [4, '10*3/uL', 4000, '/uL'],
    [4, '10^3/uL', 4, '10*3/uL'],
    [4, '10*-3', 4, '[ppth]'],
    [0.5, '1', 50, '%'],
    [2, 'm[IU]/L', 2, 'u[IU]/mL'],
    [2, '[IU]/L', 2, '[iU]/L'],
    [1, 'mL/min/{1.73_m2}', 1, 'mL/min'],
    [1, 'kg.m/s2', 1, 'N'],
    [1, 'N/m2', 1, 'Pa'],
    [1, 'J/(kg.K)', 1, 'm2/s2/K'],
    [1, 'm2', 10000, 'cm2'],
    [24, '/(24.h)', 24, '/d'],
    [1, 'kcal', 4.184, 'kJ'],
    [1, 'dam', 10, 'm'],
  ])('of %d %s is that of %d %s', (left, leftCode, right, rightCode) => {
    const [a, unit] = canonical(left, leftCode) ?? [Number.NaN, ''];
    const [b, other] = canonical(right, rightCode) ?? [Number.NaN, ''];
    expect(unit).toBe(other);
    expect(Math.abs(a - b)).toBeLessThanOrEqual(2 * conversionError(left, canonicalUnit(leftCode) ?? { unit, factor: 1, offset: 0 }));
  });

  test.each([
    ['mg/dL', 'mmol/L'],
    ['mmol/L', '10*3/uL'],
    ['meq/L', 'mmol/L'],
    ['[iU]/L', 'U/L'],
    ['[iU]/L', "[arb'U]/L"],
    ['s', 'm'],
    ['kg', 'kg/m2'],
  ])('of %s is another than that of %s', (left, right) => {
    expect(canonicalUnit(left)?.unit).not.toBe(canonicalUnit(right)?.unit);
  });

  test.each([
    '',
    'foo',
    'mgg',
    'mg/',
    'mg//dL',
    '(mg',
    'mg)',
    '[pH]',
    'dB',
    'mCel',
    'Cel/min',
    '{score}',
    '{',
    'mg dL',
    'mmHg',
    '[lb',
    'constructor',
    '__proto__',
    '0',
    `${'('.repeat(20)}m${')'.repeat(20)}`,
    'm'.repeat(101),
    'km99999',
    'k%',
  ])('of %j is not known', (code) => {
    expect(canonicalUnit(code)).toBeUndefined();
  });

  test('of a customary unit is itself, and no two of them are of the same dimensions', () => {
    const codes = ['kg', 'cm', 'm2', 'mL', 's', 'Cel', '%', '/min', 'mm[Hg]', 'kg/m2', 'mg/dL', 'mmol/L', 'U/L', '10*3/uL', 'mL/min'];
    for (const code of codes) expect(canonicalUnit(code)).toEqual({ unit: code, factor: 1, offset: 0 });
    // A unit of the same dimensions leads to each: none hides another.
    const scaled = ['g', 'm', 'cm2', 'L', 'min', 'K', '1', '/h', 'Pa', 'g/m2', 'g/L', 'mol/L', 'kat/L', '/L', 'L/s'];
    expect(scaled.map((code) => canonicalUnit(code)?.unit)).toEqual(codes);
  });
});

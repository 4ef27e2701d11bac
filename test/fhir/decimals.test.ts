import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { implicitRange, isDecimal } from '../../src/fhir/decimals.ts';

describe('isDecimal', () => {
  test.each(['0', '-0', '5', '-5.40', '0.0', '1e2', '1E+2', '1.0e-12', '100'])('accepts %s', (literal) =>
    expect(isDecimal(literal)).toBe(true),
  );
  test.each(['', '+1', '01', '-', '.5', '5.', '1e', '1e+', '1,5', ' 1', '1 ', '1\n', 'NaN', 'Infinity', '0x10', '1_000', '--1', '١'])(
    'refuses «%s»',
    (literal) => expect(isDecimal(literal)).toBe(false),
  );
});

describe('implicitRange, https://hl7.org/fhir/R4/search.html#number', () => {
  test.each([
    ['100', 99.5, 100.5],
    ['100.00', 99.995, 100.005],
    ['1e2', 95, 105],
    ['1.0e2', 95, 105],
    ['1.00e2', 99.5, 100.5],
    ['-1e2', -105, -95],
    ['12e1', 115, 125],
    ['5.4', 5.35, 5.45],
    ['5.40e-3', 0.005395, 0.005405],
    ['-5.4', -5.45, -5.35],
    ['0', -0.5, 0.5],
    ['-0.0', -0.05, 0.05],
    ['0.1', 0.05, 0.15],
    ['1E-7', 9.5e-8, 1.05e-7],
    ['12345678901234567890', 12345678901234567889.5, 12345678901234567890.5],
    ['0.12345678901234567890', 0.123456789012345678895, 0.123456789012345678905],
    ['1e-400', 0, 0],
    ['1e22', 9.5e21, 1.05e22],
    ['1.7e308', 1.65e308, 1.75e308],
  ])('%s stands for %d to %d', (literal, lo, hi) => {
    expect(implicitRange(literal)).toEqual({ lo, hi });
  });

  test.each(['', 'abc', '+1', '1.', '1e', ' 1'])('«%s» is a 400', (literal) => {
    expect(() => implicitRange(literal)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test.each(['1e309', '-9e999999999999', '1e99999999999999999999999'])('%s is beyond the range: a 400', (literal) => {
    expect(() => implicitRange(literal)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('for any literal it is what exact arithmetic gives', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?$/), (literal) => {
        const [whole = '', fraction = ''] = literal.split('.');
        const middle = BigInt(whole.replace('-', '') + fraction) * 10n * (literal.startsWith('-') ? -1n : 1n);
        const exact = (value: bigint): number => Number(`${value}e-${fraction.length + 1}`);
        expect(implicitRange(literal)).toEqual({ lo: exact(middle - 5n), hi: exact(middle + 5n) });
      }),
      { numRuns: 1_000 },
    );
  });

  test('half a unit of a longer literal lies within that of a shorter one', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), (value) => {
        const [coarse, fine] = [implicitRange(String(value)), implicitRange(`${value}.0`)];
        expect(coarse.lo).toBeLessThan(fine.lo);
        expect(coarse.hi).toBeGreaterThan(fine.hi);
      }),
    );
  });
});

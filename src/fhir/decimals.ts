import { badRequest } from './error.ts';

export type Range = { readonly lo: number; readonly hi: number };

const decimalForm = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
/** Mantissas of up to this many digits, times ten, are exact as doubles. */
const digitsExact = 14;
const powersOfTen = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/** Whether a text is a decimal literal of FHIR. @see https://hl7.org/fhir/R4/datatypes.html#decimal */
export function isDecimal(literal: string): boolean {
  return decimalForm.test(literal);
}

/**
 * The values a decimal stands for by its precision: half a unit of its last digit to either side. `5.4` → 5.35 to 5.45,
 * `100` → 99.5 to 100.5, `5.40e-3` → 0.005395 to 0.005405. Each bound is the double nearest to the exact one.
 *
 * A single digit with an exponent counts as two: the standard's own example has `1e2` stand for 95 to 105, where half a unit
 * would be 50. This rule agrees with that example and with all others of the standard.
 *
 * @throws  FhirError 400 `invalid` for what is no decimal, or one beyond the range of a double
 * @see     https://hl7.org/fhir/R4/search.html#number
 */
export function implicitRange(literal: string): Range {
  if (!isDecimal(literal)) throw badRequest('decimal-format', 'A decimal is expected, such as 5.4, -100 or 1e2.');
  const e = literal.search(/[eE]/);
  const written = e === -1 ? literal : literal.slice(0, e);
  const mantissa = e !== -1 && /^-?[0-9]$/.test(written) ? `${written}.0` : written;
  const point = mantissa.indexOf('.');
  const digits = point === -1 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1);
  // The exponent of the digit behind the last one, the place where half a unit is 5.
  const exponent = (e === -1 ? 0 : Number(literal.slice(e + 1))) - (point === -1 ? 0 : mantissa.length - point - 1) - 1;
  const range = digits.length <= digitsExact ? shortRange(digits, exponent) : longRange(digits, exponent);
  if (!Number.isFinite(range.lo) || !Number.isFinite(range.hi))
    throw badRequest('decimal-range', 'The decimal is beyond the range of a double.');
  return range;
}

function shortRange(digits: string, exponent: number): Range {
  const middle = Number(digits) * 10;
  return { lo: scaled(middle - 5, exponent), hi: scaled(middle + 5, exponent) };
}

/** An integer below 2^53 times a power of ten, rounded once. */
function scaled(integer: number, exponent: number): number {
  const divisor = powersOfTen[-exponent];
  return divisor === undefined ? Number(`${integer}e${exponent}`) : integer / divisor;
}

function longRange(digits: string, exponent: number): Range {
  const middle = BigInt(digits) * 10n;
  return { lo: Number(`${middle - 5n}e${exponent}`), hi: Number(`${middle + 5n}e${exponent}`) };
}

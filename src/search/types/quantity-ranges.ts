import { type CanonicalUnit, canonicalUnit, conversionError, inCanonical } from '../../terminology/units.ts';
import { type Bound, holdsBound } from '../condition.ts';

export const quantityPrefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;

export type Bounds = { readonly lo: number; readonly hi: number };

/** A number as a search gives it: itself, and the half-open range that its digits stand for. */
export type AskedRange = Bounds & { readonly prefix: (typeof quantityPrefixes)[number]; readonly exact: number };

/**
 * What a stored value's bounds must be, as alternatives. `eq`, `ne` and `ap` compare with the range that the digits given stand
 * for, the others with the exact number. Stored bounds are exact: equal for a plain value, apart for a Range. The implicit
 * range is widened by a few ulps, because 5.35 and 5.4 - 0.05 are not the same double.
 *
 * @see https://hl7.org/fhir/R4/search.html#number
 */
export function rangeAlternatives({ prefix, exact, lo, hi }: AskedRange): Bound[][] {
  const ulp = Math.abs(exact) * Number.EPSILON * 4 + Number.MIN_VALUE;
  const slack = Math.abs(exact) * 0.1 + ulp;
  return alternatives(prefix, { from: lo - ulp, until: hi, below: exact, above: exact, least: exact - slack, most: exact + slack });
}

/**
 * The same in the canonical unit. Values there are products of rounded factors: what is nearer than their error counts as
 * equal, so that `gt5.4||mg` leaves 5400 ug out and `ge5.4||mg` doesn't.
 */
export function canonicalAlternatives({ prefix, exact, lo, hi }: AskedRange, unit: CanonicalUnit): Bound[][] {
  const error = conversionError(Math.max(Math.abs(lo), Math.abs(hi)), unit);
  const at = inCanonical(exact, unit);
  // A tenth of what was asked, not of its distance from another scale's zero.
  const slack = Math.abs(exact * unit.factor) * 0.1 + error;
  const bounds = { from: inCanonical(lo, unit) - error, until: inCanonical(hi, unit) - error, least: at - slack, most: at + slack };
  const open = prefix === 'ge' || prefix === 'le' ? error : -error;
  return alternatives(prefix, { ...bounds, below: at + open, above: at - open });
}

/** `above` and `below`: what a stored value must reach beyond, or fall short of, or equal. */
type Marks = Readonly<Record<'from' | 'until' | 'below' | 'above' | 'least' | 'most', number>>;

function alternatives(prefix: AskedRange['prefix'], { from, until, below, above, least, most }: Marks): Bound[][] {
  const bound = (column: Bound['column'], operator: Bound['operator'], value: number): Bound => ({ column, operator, value });
  switch (prefix) {
    case 'eq':
      return [[bound('lo', '>=', from), bound('lo', '<', until), bound('hi', '<', until)]];
    case 'ne':
      return [[bound('lo', '<', from)], [bound('hi', '>=', until)]];
    case 'gt':
      return [[bound('hi', '>', above)]];
    case 'lt':
      return [[bound('lo', '<', below)]];
    case 'ge':
      return [[bound('hi', '>=', above)]];
    case 'le':
      return [[bound('lo', '<=', below)]];
    case 'sa':
      return [[bound('lo', '>', above)]];
    case 'eb':
      return [[bound('hi', '<', below)]];
    case 'ap':
      return [[bound('lo', '<=', most), bound('hi', '>=', least)]];
  }
}

export function inUnits(bounds: Bounds, asked: readonly (readonly Bound[])[]): boolean {
  return asked.some((all) => all.every((bound) => holdsBound(bounds, bound)));
}

/** A value's bounds in the canonical unit of both its ends; undefined where UCUM doesn't tell one, or not the same for both. */
export function canonicalOf(
  { lo, hi }: Bounds,
  low: string | undefined,
  high: string | undefined,
): { readonly unit: string; readonly bounds: Bounds } | undefined {
  const from = low === undefined ? undefined : canonicalUnit(low);
  const to = high === low ? from : high === undefined ? undefined : canonicalUnit(high);
  if (from === undefined || to === undefined || from.unit !== to.unit) return undefined;
  return { unit: from.unit, bounds: { lo: inCanonical(lo, from), hi: inCanonical(hi, to) } };
}

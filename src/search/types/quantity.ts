import { token } from '../../encryption/token.ts';
import { implicitRange, isDecimal } from '../../fhir/decimals.ts';
import { badRequest } from '../../fhir/error.ts';
import { allOf, type Bound, type Condition } from '../condition.ts';
import type { SearchElement } from '../registry.ts';
import { type FactPlace, isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, splitUnescaped, unescape } from '../values.ts';

/**
 * Number and quantity parameters keep each value's bounds. The unit is part of the row (PRF of system and code);
 * unit texts and codes without a system are tokens.
 *
 * @see https://hl7.org/fhir/R4/search.html#quantity
 */
export function extractQuantity(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  addQuantity({ param: element.number, pair: 0n }, value, type, sink);
  if (!isRecord(value)) return;
  const side = sideOf(value, type);
  if (rangeOf(side) !== undefined) addUnitTokens(element, side, sink);
}

/** Adds the value's bounds in its unit, once; what is neither number, quantity nor range is left out. */
export function addQuantity(place: FactPlace, value: unknown, type: string, sink: Sink): void {
  if (typeof value === 'number') {
    addBounds(place, { lo: value, hi: value }, 0n, sink);
    return;
  }
  if (!isRecord(value)) return;
  const bounds = type === 'Range' ? boundsOf(rangeOf(value.low), rangeOf(value.high)) : rangeOf(value);
  if (bounds !== undefined) addBounds(place, bounds, unitOf(sideOf(value, type), sink), sink);
}

type Bounds = { readonly lo: number; readonly hi: number };

function boundsOf(low: Bounds | undefined, high: Bounds | undefined): Bounds | undefined {
  if (low === undefined && high === undefined) return undefined;
  return { lo: low?.lo ?? Number.NEGATIVE_INFINITY, hi: high?.hi ?? Number.POSITIVE_INFINITY };
}

/** The quantity that has the unit: of a range one of its ends. */
function sideOf(value: Readonly<Record<string, unknown>>, type: string): unknown {
  if (type !== 'Range') return value;
  return isRecord(value.low) ? value.low : value.high;
}

function rangeOf(quantity: unknown): Bounds | undefined {
  if (!isRecord(quantity) || typeof quantity.value !== 'number') return undefined;
  return { lo: quantity.value, hi: quantity.value };
}

const currencySystem = 'urn:iso:std:iso:4217';

function unitOf(quantity: unknown, sink: Sink): bigint {
  if (!isRecord(quantity)) return 0n;
  const code = textOf(quantity.code) ?? textOf(quantity.currency);
  return code === undefined
    ? 0n
    : token(sink.key, 'q', textOf(quantity.currency) === undefined ? (textOf(quantity.system) ?? '') : currencySystem, code);
}

function addUnitTokens(element: SearchElement, quantity: unknown, sink: Sink): void {
  if (!isRecord(quantity)) return;
  for (const unit of new Set([textOf(quantity.code), textOf(quantity.unit), textOf(quantity.currency)])) {
    if (unit !== undefined) sink.tokens.add(['q', element.path, unit]);
  }
}

function addBounds({ param, pair }: FactPlace, { lo, hi }: Bounds, unit: bigint, sink: Sink): void {
  const known = sink.facts.quantities.some(
    (fact) => fact.param === param && fact.pair === pair && fact.unit === unit && fact.lo === lo && fact.hi === hi,
  );
  if (!known) sink.facts.quantities.push({ param, pair, unit, lo, hi });
}

const prefixes = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;

/** `[prefix]number`, and for quantities `[prefix]number|system|code` or `number||code`. */
export function quantityCondition(element: SearchElement, value: SearchValue, param: string, context: PlanContext): Condition {
  const [number = '', system = '', code = ''] = splitUnescaped(value.text, '|').map(unescape);
  const asked = /^[a-z]{2}/.exec(number)?.[0];
  const prefix = prefixes.find((known) => known === asked);
  const literal = prefix === undefined ? number : number.slice(2);
  if (!isDecimal(literal) || !Number.isFinite(Number(literal))) {
    throw badRequest(
      'search-invalid-number',
      `The value of "${param}" is no number. Write it as [prefix]number${element.kind === 'quantity' ? ', number|system|code or number||code' : ''}, with a prefix of ${prefixes.join(', ')} or none.`,
    );
  }
  const unit = code === '' || system === '' ? undefined : token(context.key, 'q', system, code);
  const fact = (...bounds: Bound[]): Condition => ({
    kind: 'fact',
    table: 'fact_quantity',
    params: [element.number],
    bounds,
    ...(unit === undefined ? {} : { unit }),
  });
  const range = rangeCondition(prefix ?? 'eq', literal, fact);
  if (code === '' || unit !== undefined) return range;
  return allOf([{ kind: 'all-tokens', tokens: [token(context.key, 'q', element.path, code)] }, range]);
}

/**
 * `eq`, `ne` and `ap` compare with the range that the digits given stand for, the others with the exact number.
 * Stored bounds are exact: equal for a plain value, apart for a Range. The implicit range is widened by a few ulps,
 * because 5.35 and 5.4 - 0.05 are not the same double.
 *
 * @see https://hl7.org/fhir/R4/search.html#number
 */
function rangeCondition(prefix: (typeof prefixes)[number], literal: string, fact: (...bounds: Bound[]) => Condition): Condition {
  const exact = Number(literal);
  const { lo, hi } = implicitRange(literal);
  const ulp = Math.abs(exact) * Number.EPSILON * 4 + Number.MIN_VALUE;
  switch (prefix) {
    case 'eq':
      return fact(
        { column: 'lo', operator: '>=', value: lo - ulp },
        { column: 'lo', operator: '<', value: hi },
        { column: 'hi', operator: '<', value: hi },
      );
    case 'ne':
      return {
        kind: 'or',
        of: [fact({ column: 'lo', operator: '<', value: lo - ulp }), fact({ column: 'hi', operator: '>=', value: hi })],
      };
    case 'gt':
      return fact({ column: 'hi', operator: '>', value: exact });
    case 'lt':
      return fact({ column: 'lo', operator: '<', value: exact });
    case 'ge':
      return fact({ column: 'hi', operator: '>=', value: exact });
    case 'le':
      return fact({ column: 'lo', operator: '<=', value: exact });
    case 'sa':
      return fact({ column: 'lo', operator: '>', value: exact });
    case 'eb':
      return fact({ column: 'hi', operator: '<', value: exact });
    case 'ap': {
      const slack = Math.abs(exact) * 0.1 + ulp;
      return fact({ column: 'lo', operator: '<=', value: exact + slack }, { column: 'hi', operator: '>=', value: exact - slack });
    }
  }
}

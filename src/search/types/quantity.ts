import { token } from '../../encryption/token.ts';
import { implicitRange, isDecimal } from '../../fhir/decimals.ts';
import { badRequest } from '../../fhir/error.ts';
import { canonicalUnit, ucumSystem } from '../../terminology/units.ts';
import { allOf, type Bound, type Condition } from '../condition.ts';
import type { ValueMatch } from '../match.ts';
import type { SearchElement } from '../registry.ts';
import { type FactPlace, isRecord, type PlanContext, type Sink, textOf } from '../sink.ts';
import { type SearchValue, splitUnescaped, unescape } from '../values.ts';
import { type Bounds, canonicalAlternatives, canonicalOf, inUnits, quantityPrefixes, rangeAlternatives } from './quantity-ranges.ts';

/**
 * Number and quantity parameters keep each value's bounds. The unit is part of the row (PRF of system and code). A value in a
 * unit of UCUM leaves a second row in the canonical unit of its dimensions, unless it is in that unit; the second row's param is
 * the negated number of the element, so that a search without a unit doesn't see it. Unit texts and codes are tokens.
 *
 * @see https://hl7.org/fhir/R4/search.html#quantity
 */
export function extractQuantity(element: SearchElement, value: unknown, type: string, sink: Sink): void {
  addQuantity({ param: element.number, pair: 0n }, value, type, sink);
  for (const side of sidesOf(value, type)) {
    for (const unit of unitTexts(side)) sink.tokens.add(['q', element.path, unit]);
  }
}

/** Adds the value's bounds in its unit, and in the canonical one, once; what is neither number, quantity nor range is left out. */
export function addQuantity(place: FactPlace, value: unknown, type: string, sink: Sink): void {
  if (typeof value === 'number') {
    addBounds(place, { lo: value, hi: value }, 0n, sink);
    return;
  }
  const sides = sidesOf(value, type);
  const [low, high = low] = sides;
  if (low === undefined || high === undefined) return;
  // The ends of a range in two units are nothing to compare but in the canonical one.
  if (sameUnit(low, high)) addBounds(place, boundsOf(value, type, sides), unitToken(low, sink), sink);
  const canonical = canonicalValue(value, type);
  if (canonical !== undefined && !(low.ucum === canonical.unit && sameUnit(low, high)))
    addBounds({ ...place, param: -place.param }, canonical.bounds, token(sink.key, 'q', ucumSystem, canonical.unit), sink);
}

/** A quantity with a value: the value itself, or an end of a range. */
type Side = { readonly value: number; readonly quantity: Readonly<Record<string, unknown>>; readonly ucum: string | undefined };

function sidesOf(value: unknown, type: string): Side[] {
  if (!isRecord(value)) return [];
  return (type === 'Range' ? [value.low, value.high] : [value]).flatMap((quantity) => {
    if (!isRecord(quantity) || typeof quantity.value !== 'number') return [];
    return { value: quantity.value, quantity, ucum: quantity.system === ucumSystem ? textOf(quantity.code) : undefined };
  });
}

/** From the one end to the other; open where a range has no such end. */
function boundsOf(value: unknown, type: string, sides: readonly Side[]): Bounds {
  const [first, last = first] = sides.map((side) => side.value);
  const hasEnd = (name: string): boolean => type !== 'Range' || (isRecord(value) && sides.some(({ quantity }) => quantity === value[name]));
  return {
    lo: hasEnd('low') && first !== undefined ? first : Number.NEGATIVE_INFINITY,
    hi: hasEnd('high') && last !== undefined ? last : Number.POSITIVE_INFINITY,
  };
}

const currencySystem = 'urn:iso:std:iso:4217';

/** System and code; of money the currency. Undefined without a code. */
function unitOf({ quantity }: Side): readonly [system: string, code: string] | undefined {
  const currency = textOf(quantity.currency);
  const code = textOf(quantity.code);
  if (code !== undefined) return [currency === undefined ? (textOf(quantity.system) ?? '') : currencySystem, code];
  return currency === undefined ? undefined : [currencySystem, currency];
}

function unitToken(side: Side, { key }: Pick<Sink, 'key'>): bigint {
  const unit = unitOf(side);
  return unit === undefined ? 0n : token(key, 'q', ...unit);
}

function sameUnit(left: Side, right: Side): boolean {
  return left === right || unitOf(left)?.join('|') === unitOf(right)?.join('|');
}

function unitTexts({ quantity }: Side): Set<string> {
  return new Set([quantity.code, quantity.unit, quantity.currency].flatMap((text) => textOf(text) ?? []));
}

function addBounds({ param, pair }: FactPlace, { lo, hi }: Bounds, unit: bigint, sink: Sink): void {
  const known = sink.facts.quantities.some(
    (fact) => fact.param === param && fact.pair === pair && fact.unit === unit && fact.lo === lo && fact.hi === hi,
  );
  if (!known) sink.facts.quantities.push({ param, pair, unit, lo, hi });
}

/**
 * `[prefix]number`, and for quantities `[prefix]number|system|code` or `number||code`. Facts decide but where the unit is told
 * without its system, or the system without a unit: its tokens are the resource's, not the value's.
 */
export function quantityMatch(element: SearchElement, value: SearchValue, param: string, context: PlanContext): ValueMatch {
  const [number = '', system = '', code = '', ...more] = splitUnescaped(value.text, '|').map(unescape);
  const asked = /^[a-z]{2}/.exec(number)?.[0];
  const prefix = quantityPrefixes.find((known) => known === asked);
  const literal = prefix === undefined ? number : number.slice(2);
  const isNumber = isDecimal(literal) && Number.isFinite(Number(literal));
  if (!isNumber || more.length > 0 || (element.kind === 'number' && value.text.includes('|'))) {
    throw badRequest(
      'search-invalid-number',
      `The value of "${param}" is no number. Write it as [prefix]number${element.kind === 'quantity' ? ', number|system|code or number||code' : ''}, with a prefix of ${quantityPrefixes.join(', ')} or none.`,
    );
  }
  const range = { prefix: prefix ?? 'eq', exact: Number(literal), ...implicitRange(literal) };
  const fact = (params: readonly number[], bounds: readonly Bound[], unit?: bigint): Condition => ({
    kind: 'fact',
    table: 'fact_quantity',
    params,
    bounds,
    ...(unit === undefined ? {} : { unit }),
  });
  const alternatives = rangeAlternatives(range);
  const plain = (unit?: bigint): Condition => orOf(alternatives.map((bounds) => fact([element.number], bounds, unit)));
  if (system === '' && code === '')
    return { condition: plain(), decided: true, test: (found, type) => isWithin(found, type, alternatives) };
  if (system !== '' && code !== '') {
    const canonical = system === ucumSystem ? canonicalUnit(code) : undefined;
    if (canonical === undefined) {
      const test = (found: unknown, type: string): boolean =>
        isWithin(found, type, alternatives) && sidesOf(found, type).every((side) => unitOf(side)?.join('|') === `${system}|${code}`);
      return { condition: plain(token(context.key, 'q', system, code)), decided: true, test };
    }
    const unit = token(context.key, 'q', ucumSystem, canonical.unit);
    const converted = canonicalAlternatives(range, canonical);
    return {
      condition: orOf(converted.map((bounds) => fact([element.number, -element.number], bounds, unit))),
      decided: true,
      test: (found, type) => {
        const own = canonicalValue(found, type);
        return own !== undefined && own.unit === canonical.unit && inUnits(own.bounds, converted);
      },
    };
  }
  const named: Condition[] = code === '' ? [] : [{ kind: 'all-tokens', tokens: [token(context.key, 'q', element.path, code)] }];
  return {
    condition: allOf([...named, plain()]),
    decided: false,
    test: (found, type) =>
      isWithin(found, type, alternatives) &&
      sidesOf(found, type).every((side) => (code === '' ? unitOf(side)?.[0] === system : unitTexts(side).has(code))),
  };
}

/** Whether a value in hand, whatever its unit, lies as asked. */
function isWithin(found: unknown, type: string, alternatives: readonly (readonly Bound[])[]): boolean {
  if (typeof found === 'number') return inUnits({ lo: found, hi: found }, alternatives);
  const sides = sidesOf(found, type);
  const [low, high = low] = sides;
  return low !== undefined && high !== undefined && sameUnit(low, high) && inUnits(boundsOf(found, type, sides), alternatives);
}

function canonicalValue(found: unknown, type: string): ReturnType<typeof canonicalOf> {
  const sides = sidesOf(found, type);
  const [low, high = low] = sides;
  return canonicalOf(boundsOf(found, type, sides), low?.ucum, high?.ucum);
}

function orOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 1 && conditions[0] !== undefined ? conditions[0] : { kind: 'or', of: conditions };
}

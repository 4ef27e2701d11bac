import { LRUCache } from 'lru-cache';
import { type Dimensions, readUcumTable, type UcumTable } from './ucum-atoms.ts';
import { parseUcum } from './ucum-parser.ts';

export const ucumSystem = 'http://unitsofmeasure.org';

/** How a value in one unit is told in the canonical unit of its dimensions: `value * factor + offset`. */
export type CanonicalUnit = {
  /** A UCUM code, or the dimensions where none is set for them: `m2.s-2`. */
  readonly unit: string;
  readonly factor: number;
  readonly offset: number;
};

/**
 * The unit that values of the same dimensions are compared in. Where medicine has a customary unit it is that one, so that most
 * values need no conversion. To be changed only with a reindex: stored facts are in these units.
 */
const customary = [
  'kg',
  'cm',
  'm2',
  'mL',
  's',
  'Cel',
  '%',
  '/min',
  'mm[Hg]',
  'kg/m2',
  'mg/dL',
  'mmol/L',
  'mmol',
  'meq/L',
  'mosm/kg',
  'U/L',
  '10*3/uL',
  'mL/min',
  'kcal',
  'V',
  '[iU]',
  'm[iU]/L',
] as const;

/**
 * @param code  a UCUM code, case sensitive: `mg/dL`
 * @returns     undefined if UCUM doesn't know it, or its scale is neither a ratio nor a temperature's: then only equal units compare
 */
export function canonicalUnit(code: string): CanonicalUnit | undefined {
  const own = identities.get(code);
  if (own !== undefined) return own;
  let known = cache.get(code);
  if (known === undefined) {
    known = { canonical: convert(code) };
    cache.set(code, known);
  }
  return known.canonical;
}

/** The dimensions of a unit, by a name of their own that equals that of all units of the same; undefined: it can't be read. */
export function dimensionsOf(code: string): string | undefined {
  return scaleOf(code, tables().table)?.dimensions;
}

export function inCanonical(value: number, { factor, offset }: CanonicalUnit): number {
  return offset === 0 ? value * factor : value * factor + offset;
}

/** By how much the conversion of a value may be off: some rounding errors of the largest number on the way. */
export function conversionError(value: number, unit: CanonicalUnit): number {
  return (Math.abs(value * unit.factor) + Math.abs(unit.offset)) * 2 ** -46 + Number.MIN_VALUE;
}

/** They need no table: a server that meets none but these never reads it. */
const identities = new Map<string, CanonicalUnit>(customary.map((unit) => [unit, { unit, factor: 1, offset: 0 }]));
/** Codes come from clients, so what is kept of them is bounded. */
const cache = new LRUCache<string, { readonly canonical: CanonicalUnit | undefined }>({ max: 2000 });

type Scale = { readonly factor: number; readonly offset: number; readonly dimensions: string };
type Tables = { readonly table: UcumTable; readonly customaryOf: ReadonlyMap<string, Scale & { readonly unit: string }> };

let read: Tables | undefined;

function tables(): Tables {
  if (read === undefined) {
    const table = readUcumTable();
    const scales = customary.flatMap((unit) => {
      const scale = scaleOf(unit, table);
      return scale === undefined ? [] : [[scale.dimensions, { ...scale, unit }] as const];
    });
    read = { table, customaryOf: new Map(scales) };
  }
  return read;
}

function convert(code: string): CanonicalUnit | undefined {
  // What is counted stands in braces alone, and scores of one kind aren't percentages of another.
  if (/^\{[^}]*\}$/.test(code)) return undefined;
  const { table, customaryOf } = tables();
  const scale = scaleOf(code, table);
  if (scale === undefined) return undefined;
  const { dimensions, factor, offset } = scale;
  const target = customaryOf.get(dimensions);
  if (target === undefined) return usable({ unit: dimensions, factor, offset });
  return usable({ unit: target.unit, factor: factor / target.factor, offset: (offset - target.offset) / target.factor });
}

function usable(unit: CanonicalUnit): CanonicalUnit | undefined {
  return Number.isFinite(unit.factor) && unit.factor > 0 ? unit : undefined;
}

/** Temperatures as kelvins: the only scales of medicine that don't begin at nothing and yet are straight. */
const temperatures: Readonly<Record<string, readonly [factor: number, offset: number]>> = {
  Cel: [1, 273.15],
  '[degF]': [5 / 9, (459.67 * 5) / 9],
  '[degRe]': [1.25, 273.15],
};

function scaleOf(code: string, table: UcumTable): Scale | undefined {
  const temperature = Object.hasOwn(temperatures, code) ? temperatures[code] : undefined;
  if (temperature !== undefined) return { factor: temperature[0], offset: temperature[1], dimensions: 'K' };
  const measure = parseUcum(code, table);
  return measure === undefined ? undefined : { factor: measure.factor, offset: 0, dimensions: nameOf(measure.dimensions) };
}

/** `s-2.m2` whatever the order of the factors; `1` for a plain number. */
function nameOf(dimensions: Dimensions): string {
  const parts = [...dimensions].map(([name, exponent]) => (exponent === 1 ? name : `${name}${exponent}`)).sort();
  return parts.join('.') || '1';
}

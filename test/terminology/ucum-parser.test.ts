import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readUcumTable } from '../../src/terminology/ucum-atoms.ts';
import { parseUcum } from '../../src/terminology/ucum-parser.ts';

/** The package lists some hundred composed units of LOINC with their magnitudes, worked out by another parser. */
const file = createRequire(import.meta.url).resolve('@lhncbc/ucum-lhc/data/ucumDefs.min.json');
const { units } = JSON.parse(readFileSync(file, 'utf8')) as { units: { config: (string | string[])[]; data: unknown[][] } };
const column = (name: string): number => units.config.findIndex((each) => (Array.isArray(each) ? each[0] : each) === name);
const composed = units.data
  .map((row) => ({
    // Two are listed with a space behind them.
    code: String(row[column('csCode_')]).trim(),
    source: String(row[column('source_')]),
    magnitude: Number(row[column('magnitude_')]),
    dimensions: (row[column('dim_')] as number[] | null) ?? [],
    particles: Number(row[column('moleExp_')]) + Number(row[column('equivalentExp_')]),
    special: row[column('isSpecial_')] === true,
  }))
  .filter(({ source, special }) => source === 'LOINC' && !special);

const table = readUcumTable();
const bases = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'];

test('all composed units of LOINC have the magnitude and the dimensions that the package lists', () => {
  expect(composed.length).toBeGreaterThan(350);
  const wrong = composed.flatMap(({ code, magnitude, dimensions, particles }) => {
    const measure = parseUcum(code, table);
    if (measure === undefined) return [`${code}: not read`];
    const expected = magnitude / 6.0221367e23 ** particles;
    const sameFactor = Math.abs(measure.factor - expected) <= Math.abs(expected) * 1e-12;
    const sameDimensions = bases.every((base, at) => (measure.dimensions.get(base) ?? 0) === (dimensions[at] ?? 0));
    return sameFactor && sameDimensions ? [] : [`${code}: ${measure.factor} instead of ${expected}`];
  });
  expect(wrong).toEqual([]);
});

describe('a code', () => {
  test.each([
    ['m/s/s', 'm1 s-2'],
    ['m/s.s', 'm1'],
    ['m/(s.s)', 'm1 s-2'],
    ['/s', 's-1'],
    ['/(m/s)', 'm-1 s1'],
    ['m+2', 'm2'],
    ['m-2', 'm-2'],
    ['(m)', 'm1'],
    ['[in_i]3', 'm3'],
    ['m{ofWater}', 'm1'],
    ['{ofWater}', ''],
    ['10.5', ''],
    ['10', ''],
    ['m0', ''],
  ])('%s has the dimensions %j', (code, expected) => {
    const measure = parseUcum(code, table);
    const parts = [...(measure?.dimensions ?? [['unread', 0] as const])].map(([name, exponent]) => `${name}${exponent}`);
    expect(parts.sort().join(' ')).toBe(expected);
  });

  test.each(['m2m', '2m', 'm.', '.m', 'm//s', 'm{', 'm}', '[m', 'mm2s', 'm 2', 'µg', '(m))', '()', '00', 'm{of water}'])(
    '%j is no code',
    (code) => {
      expect(parseUcum(code, table)).toBeUndefined();
    },
  );
});

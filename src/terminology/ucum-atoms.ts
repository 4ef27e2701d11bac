import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What a unit is made of: the exponents of its dimensions, and a factor to UCUM's base units. */
export type Measure = { readonly factor: number; readonly dimensions: Dimensions };

/** Exponents other than 0, by the name of a base unit, of `mol` or `eq`, or of an arbitrary unit such as `[iU]`. */
export type Dimensions = ReadonlyMap<string, number>;

export type Atom = Measure & {
  /** It takes prefixes. */
  readonly metric: boolean;
  /** Its scale isn't a multiple of its base unit's: degrees Celsius, pH, bel. */
  readonly special: boolean;
};

export type UcumTable = { readonly atoms: ReadonlyMap<string, Atom>; readonly prefixes: ReadonlyMap<string, number> };

/**
 * Reads UCUM's atoms and prefixes from the tables of `@lhncbc/ucum-lhc`. A mole counts as a dimension of its own, not as a
 * number of 6.02e23: 5 mmol/L and 3e21 cells a litre are nothing to compare.
 *
 * @see https://ucum.org/ucum
 */
export function readUcumTable(): UcumTable {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@lhncbc/ucum-lhc/data/ucumDefs.min.json');
  const { units, prefixes } = JSON.parse(readFileSync(file, 'utf8')) as { readonly units: Packed; readonly prefixes: Packed };
  const atoms = records(units).filter(({ source_ }) => source_ === 'UCUM');
  return {
    atoms: new Map(atoms.map((record) => [String(record['csCode_']), atomOf(record as AtomRecord)])),
    prefixes: new Map(records(prefixes).map((record) => [String(record['code_']), Number(record['value_'])])),
  };
}

type Packed = { readonly config: readonly (string | readonly string[])[]; readonly data: readonly (readonly unknown[])[] };

type AtomRecord = {
  readonly csCode_: string;
  readonly isBase_: boolean;
  readonly isMetric_: boolean;
  readonly isSpecial_: boolean;
  readonly isArbitrary_: boolean;
  readonly magnitude_: number;
  readonly dim_: readonly number[] | null;
  readonly moleExp_: number;
  readonly equivalentExp_: number;
};

function records({ config, data }: Packed): Record<string, unknown>[] {
  const names = config.map((name) => (typeof name === 'string' ? name : (name[0] ?? '')));
  return data.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
}

const baseUnits = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'] as const;
/** UCUM's own figure, by which the table's factors of moles are made. */
const particlesPerMole = 6.0221367e23;

function atomOf(record: AtomRecord): Atom {
  const { csCode_, isBase_, isMetric_, isSpecial_, isArbitrary_, magnitude_, dim_, moleExp_, equivalentExp_ } = record;
  const dimensions = new Map<string, number>();
  for (const [at, name] of baseUnits.entries()) if (dim_?.[at]) dimensions.set(name, dim_[at]);
  if (moleExp_ !== 0) dimensions.set('mol', moleExp_);
  if (equivalentExp_ !== 0) dimensions.set('eq', equivalentExp_);
  // Arbitrary units can't be compared with any other. [IU] is the same as [iU].
  if (isArbitrary_) dimensions.set(csCode_ === '[IU]' ? '[iU]' : csCode_, 1);
  const factor = magnitude_ / particlesPerMole ** (moleExp_ + equivalentExp_);
  return { factor, dimensions, metric: isMetric_ || isBase_, special: isSpecial_ };
}

import { DAY_MS, dayOf, YEAR_MS } from './calendar.ts';
import type { Clinician, Site } from './directory.ts';
import { CULTURES, type Culture, givenName, type Sex, type Spelling, spellingOf } from './names.ts';
import { CITIES, type City } from './places.ts';
import type { Random } from './random.ts';

/** One made-up person: what stays the same, or is known from the start. All topics build on this. */
export type Person = {
  /** Counts through a run: `seed-0000042` is the medical record number. */
  readonly recordNumber: string;
  readonly sex: Sex;
  readonly culture: Culture;
  readonly family: Spelling;
  /** The second family name (of the mother), or the one before marriage. */
  readonly otherFamily: Spelling | undefined;
  readonly given: readonly Spelling[];
  readonly prefix: string | undefined;
  readonly birth: number;
  /** The moment of death, if it came before the run's date. */
  readonly death: number | undefined;
  /** The start of what the record covers, and its end: death, or the run's date. */
  readonly from: number;
  readonly until: number;
  readonly city: City;
  readonly site: Site;
  readonly physician: Clinician;
  readonly smoking: 'never' | 'former' | 'current';
  readonly heightCm: number;
  /** Body mass index as a young adult. */
  readonly leanBmi: number;
};

export type PersonOptions = { readonly seed: number; readonly index: number; readonly asOf: number; readonly years: number };

export function makePerson(options: PersonOptions, directory: readonly Site[], random: Random): Person {
  const { asOf, years } = options;
  const culture = random.weighted(CULTURES);
  const sex: Sex = random.chance(0.51) ? 'female' : 'male';
  const age = ageOf(random);
  const birth = dayOf(asOf - age * YEAR_MS);
  const from = Math.max(birth, dayOf(asOf - years * YEAR_MS));
  const death = deathOf(age, birth, from, asOf, random);
  const city = random.weighted(CITIES);
  const site = directory.find((candidate) => candidate.hospital.serves.includes(city.name));
  if (site === undefined) throw new RangeError(`no hospital serves ${city.name}`);
  const wanted = age < 18 ? 'children' : 'general';
  const secondGiven = random.chance(0.35) && culture.familyFirst !== true;
  const family = spellingOf(random.pick(culture.family), sex);
  const takesName = sex === 'female' && age > 24 && random.chance(0.35);
  return {
    recordNumber: `${options.seed}-${String(options.index).padStart(7, '0')}`,
    sex,
    culture,
    family,
    otherFamily: culture.twoFamilies === true || takesName ? spellingOf(random.pick(culture.family), sex) : undefined,
    given: Array.from({ length: secondGiven ? 2 : 1 }, () => givenName(culture, sex, random)),
    prefix: culture.prefixes !== undefined && random.chance(0.2) ? random.pick(culture.prefixes) : undefined,
    birth,
    death,
    from,
    until: death ?? asOf,
    city,
    site,
    physician: random.pick(site.clinicians.filter((clinician) => clinician.specialty.short === wanted)),
    smoking: age < 16 ? 'never' : random.weighted(SMOKING).status,
    heightCm: random.normal(sex === 'female' ? 163 : 177, 6.5),
    leanBmi: Math.max(17.5, random.normal(24.2, 3.4)),
  };
}

const SMOKING = [
  { weight: 60, status: 'never' },
  { weight: 25, status: 'former' },
  { weight: 15, status: 'current' },
] as const;

/** Ages of those who see a doctor: small children and the old more often than the rest. */
const AGES = [
  { weight: 6, low: 0.1, high: 5 },
  { weight: 11, low: 5, high: 18 },
  { weight: 27, low: 18, high: 40 },
  { weight: 30, low: 40, high: 65 },
  { weight: 22, low: 65, high: 85 },
  { weight: 4, low: 85, high: 99 },
] as const;

function ageOf(random: Random): number {
  const band = random.weighted(AGES);
  return band.low + random.float() * (band.high - band.low);
}

function deathOf(age: number, birth: number, from: number, asOf: number, random: Random): number | undefined {
  const risk = age < 40 ? 0.004 : Math.min(0.45, 0.01 * Math.exp((age - 45) * 0.065));
  if (!random.chance(risk)) return undefined;
  const earliest = Math.max(from + 60 * DAY_MS, birth + DAY_MS);
  return earliest >= asOf ? undefined : Math.floor(earliest + random.float() * (asOf - earliest));
}

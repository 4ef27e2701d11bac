import { factsOf, type PatientFacts, patientBundle } from './generate.ts';

/** A patient of the data, with the ids that the server gave. */
export type Known = PatientFacts & {
  readonly id: string;
  readonly observationIds: readonly string[];
  readonly encounterIds: readonly string[];
};

/** What the searches must find, worked out from the data. `resources` is what the server holds, as far as this run put it there. */
export type Corpus = {
  readonly people: readonly Known[];
  /** Patients that are only read: what searches find for them doesn't change. */
  readonly readers: readonly Known[];
  /** Patients who get new Observations. */
  readonly writers: readonly Known[];
  readonly codes: readonly string[];
  /** Beginnings of family names with the number of patients born since 1970. */
  readonly prefixes: readonly { readonly prefix: string; readonly count: number }[];
  /** Observations of a code above a value since a day, with their number. */
  readonly ranges: readonly { readonly code: string; readonly above: number; readonly from: string; readonly count: number }[];
  resources: number;
};

/**
 * @param ids   for each patient the id of each entry, as the server gave them
 * @param size  how many resources there are, if more than theirs
 */
export function makeCorpus(seed: number, ids: readonly (readonly string[])[], size?: number): Corpus {
  const people = ids.map((given, index): Known => {
    const facts = factsOf(patientBundle(seed, index));
    const of = (type: string): string[] => given.filter((_, i) => facts.types[i] === type);
    return { ...facts, id: given[0] ?? '', observationIds: of('Observation'), encounterIds: of('Encounter') };
  });
  const cut = Math.floor(people.length * 0.9);
  const codes = [...new Set(people.flatMap((person) => person.observations.filter((o) => o.value !== undefined).map((o) => o.code)))];
  return {
    people,
    readers: people.slice(0, cut),
    writers: people.slice(cut),
    codes,
    prefixes: prefixesOf(people),
    ranges: codes.flatMap((code) => rangesOf(people, code)),
    resources: size ?? ids.reduce((sum, given) => sum + given.length, 0),
  };
}

function prefixesOf(people: readonly Known[]): Corpus['prefixes'] {
  return [...new Set(people.map((person) => person.family.slice(0, 3)))]
    .map((prefix) => ({
      prefix,
      count: people.filter((person) => person.family.startsWith(prefix) && person.birthDate >= '1970-01-01').length,
    }))
    .filter(({ count }) => count > 0);
}

function rangesOf(people: readonly Known[], code: string): Corpus['ranges'] {
  const found = people
    .flatMap((person) => person.observations)
    .flatMap((o) => (o.code === code && o.value !== undefined ? [{ value: o.value, date: o.date }] : []));
  const values = found.map((o) => o.value).sort((a, b) => a - b);
  return [0.5, 0.7, 0.9].flatMap((share) =>
    ['2019-06-01', '2020-01-01', '2021-01-01'].flatMap((from) => {
      const above = values[Math.floor(values.length * share)] ?? 0;
      const count = found.filter((o) => o.value > above && o.date >= from).length;
      return count > 0 ? [{ code, above, from, count }] : [];
    }),
  );
}

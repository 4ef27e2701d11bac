import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { chunks, run } from '../../src/cli/sample.ts';
import { liveThrough, type State } from '../../src/cli/sample/course.ts';
import { makeDirectory } from '../../src/cli/sample/directory.ts';
import type { DrugKey } from '../../src/cli/sample/drugs.ts';
import { creatinineFor, filtrationRate } from '../../src/cli/sample/labs.ts';
import { interpret } from '../../src/cli/sample/observations.ts';
import { makePerson } from '../../src/cli/sample/person.ts';
import { randomOf } from '../../src/cli/sample/random.ts';
import { ofType, readBundle, resourcesOf, type Seen, type SeenBundle } from './seen.ts';

const asOf = Date.UTC(2026, 10, 1);
const options = { patients: 150, seed: 7, first: 0, years: 5, asOf };
const lines = [...chunks(options)];
const [directory, ...records] = lines.map(readBundle) as [SeenBundle, ...SeenBundle[]];
const all = records.flatMap(resourcesOf);
const time = (value: string): number => Date.parse(value);

describe('the same options', () => {
  test('give the same bytes', () => {
    expect([...chunks(options)]).toEqual(lines);
  });

  test('with another seed give other patients', () => {
    const other = [...chunks({ ...options, patients: 3, seed: 8 })];
    expect(other[0]).toBe(lines[0]);
    expect(other[1]).not.toBe(lines[1]);
  });

  test('give patient i the same record however many are made and wherever the run begins', () => {
    expect([...chunks({ ...options, patients: 2 })]).toEqual(lines.slice(0, 3));
    expect([...chunks({ ...options, patients: 2, first: 40 })].slice(1)).toEqual(lines.slice(41, 43));
  });
});

describe('a record', () => {
  test('is one line with one transaction of at most 5,000 entries, the patient first', () => {
    for (const [i, bundle] of records.entries()) {
      expect(lines[i + 1]).toMatch(/^[^\n]*\n$/);
      expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'transaction' });
      expect(bundle.entry.length).toBeLessThanOrEqual(5000);
      expect(bundle.entry[0]?.resource.resourceType).toBe('Patient');
      for (const entry of bundle.entry) expect(entry.request).toEqual({ method: 'POST', url: entry.resource.resourceType });
    }
  });

  test('refers only to entries of its own and, by identifier, to one of the directory', () => {
    const known = new Set<string>();
    for (const resource of resourcesOf(directory)) {
      for (const { system, value } of resource.identifier) known.add(`${resource.resourceType}?identifier=${system}|${value}`);
    }
    for (const bundle of records) {
      const own = new Set(bundle.entry.map((entry) => entry.fullUrl));
      expect(own.size).toBe(bundle.entry.length);
      const references = [...JSON.stringify(bundle).matchAll(/"reference":"([^"]+)"/g)].map((match) => match[1] ?? '');
      for (const reference of references) expect(own.has(reference) || known.has(reference), reference).toBe(true);
    }
  });

  test('has nothing before birth and no visit, value or shot after death', () => {
    const bare = (value: string): string => value.slice(0, 10);
    for (const bundle of records) {
      const [patient, ...rest] = resourcesOf(bundle) as [Seen, ...Seen[]];
      const end = patient.deceasedDateTime ?? new Date(asOf).toISOString();
      for (const resource of rest) {
        const at = resource.period?.start ?? resource.effectiveDateTime ?? resource.occurrenceDateTime;
        if (at === undefined) continue;
        expect(bare(at) >= patient.birthDate, `${resource.resourceType} at ${at}, born ${patient.birthDate}`).toBe(true);
        if (patient.deceasedBoolean !== true)
          expect(time(bare(at)) <= time(end) + 86_400_000, `${resource.resourceType} at ${at}, ended ${end}`).toBe(true);
      }
    }
  });

  test('gives each Encounter a diagnosis that names that Encounter', () => {
    let found = 0;
    for (const bundle of records) {
      const byUrl = new Map(bundle.entry.map((entry) => [entry.fullUrl, entry.resource]));
      for (const entry of bundle.entry) {
        const reference = entry.resource.diagnosis?.[0]?.condition.reference;
        if (reference === undefined) continue;
        found++;
        expect(byUrl.get(reference)?.encounter.reference).toBe(entry.fullUrl);
      }
    }
    expect(found).toBeGreaterThan(100);
  });
});

describe('the directory', () => {
  test('creates everything conditionally, by an identifier that the resource has', () => {
    for (const { resource, request } of directory.entry) {
      const [{ system, value }] = resource.identifier;
      expect(request).toEqual({ method: 'POST', url: resource.resourceType, ifNoneExist: `identifier=${system}|${value}` });
    }
    const criteria = directory.entry.map((entry) => `${entry.request.url}?${entry.request.ifNoneExist}`);
    expect(new Set(criteria).size).toBe(criteria.length);
  });

  test('gives out National Provider Identifiers with a right check digit that nobody has', () => {
    const npis = ofType(resourcesOf(directory), 'Practitioner').map((practitioner) => practitioner.identifier[0].value);
    expect(npis).toHaveLength(48);
    for (const npi of npis) {
      expect(npi).toMatch(/^9\d{9}$/);
      const digits = [...`80840${npi}`].map(Number).reverse();
      const sum = digits.map((digit, i) => (i % 2 === 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2)).reduce((a, b) => a + b, 0);
      expect(sum % 10, npi).toBe(0);
    }
  });
});

describe('the people', () => {
  const patients = ofType(all, 'Patient');

  test('are of all ages, dead and alive, and named in several scripts', () => {
    const born = patients.map((patient) => Number(patient.birthDate.slice(0, 4)));
    expect(Math.min(...born)).toBeLessThan(1945);
    expect(Math.max(...born)).toBeGreaterThan(2020);
    expect(patients.some((patient) => patient.deceasedDateTime !== undefined)).toBe(true);
    const names = JSON.stringify(patients.map((patient) => patient.name));
    for (const script of ['Han', 'Arabic', 'Cyrillic', 'Devanagari', 'Hangul'])
      expect(names).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'));
    expect(names).toMatch(/[éñüßøł]/);
    expect(new Set(patients.flatMap((patient) => patient.name.map((name) => name.use)))).toEqual(
      new Set(['official', 'usual', 'maiden', 'nickname']),
    );
  });

  test('each have a medical record number of their own', () => {
    const numbers = patients.map((patient) => patient.identifier[0].value);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('have appointments behind and before them', () => {
    const appointments = ofType(all, 'Appointment');
    const statuses = (list: readonly Seen[]) => new Set(list.map((appointment) => appointment.status));
    expect(statuses(appointments.filter((appointment) => time(appointment.start) < asOf))).toEqual(
      new Set(['fulfilled', 'noshow', 'cancelled']),
    );
    expect(statuses(appointments.filter((appointment) => time(appointment.start) >= asOf))).toEqual(new Set(['booked', 'proposed']));
  });
});

describe('the values', () => {
  const observations = ofType(all, 'Observation');
  const coded = (list: readonly Seen[], code: string): readonly Seen[] =>
    list.filter((observation) => observation.code.coding[0].code === code);

  test('keep the digits they were measured with', () => {
    const literals = [...lines.join('').matchAll(/"text":"HbA1c"\}[^[]*\[[^[]*?"valueQuantity":\{"value":([^,]+),/g)].map(
      (match) => match[1],
    );
    expect(literals.length).toBeGreaterThan(50);
    for (const literal of literals) expect(literal).toMatch(/^\d+\.\d$/);
    expect(literals.some((literal) => literal?.endsWith('.0'))).toBe(true);
  });

  test('are judged by their reference range', () => {
    const judged = observations.filter((observation) => observation.interpretation !== undefined);
    expect(judged.length).toBeGreaterThan(1000);
    for (const { valueQuantity, interpretation, referenceRange } of judged) {
      const { low, high } = referenceRange[0];
      const [value, code] = [valueQuantity!.value, interpretation![0].coding[0].code];
      const wanted = low !== undefined && value < low.value ? 'L' : high !== undefined && value > high.value ? 'H' : 'N';
      expect(code[0], `${value}`).toBe(wanted);
    }
  });

  test('of a lipid panel add up', () => {
    let checked = 0;
    for (const record of records) {
      const list = ofType(resourcesOf(record), 'Observation').filter((observation) => observation.valueQuantity !== undefined);
      for (const total of coded(list, '2093-3')) {
        const at = (code: string): number | undefined =>
          coded(list, code).find((o) => o.effectiveDateTime === total.effectiveDateTime)?.valueQuantity?.value;
        const [ldl, hdl, triglycerides] = ['13457-7', '2085-9', '2571-8'].map(at);
        if (ldl === undefined || hdl === undefined || triglycerides === undefined) continue;
        expect(Math.abs(total.valueQuantity!.value - (ldl + hdl + triglycerides / 5))).toBeLessThanOrEqual(0.5);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(50);
  });
});

describe('the course of an illness', () => {
  const year = 365.25 * 86_400_000;
  const site = makeDirectory();
  const lives = Array.from({ length: 4000 }, (_, index) => {
    const person = makePerson({ seed: 3, index, asOf, years: 5 }, site, randomOf(3, index, 2));
    return { person, course: liveThrough(person, randomOf(3, index, 3)) };
  });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  /** The change of a value from the first year of a drug to the second, and in the year before it. */
  const changes = (drug: DrugKey, value: keyof State): { before: number; after: number; count: number } => {
    const treated = lives.flatMap(({ person, course }) => {
      const treatment = course.treatments.find((candidate) => candidate.drug === drug);
      if (
        treatment === undefined ||
        treatment.start + 2 * year > person.until ||
        (treatment.end ?? Number.POSITIVE_INFINITY) < treatment.start + 2 * year
      )
        return [];
      const at = (years: number): number => course.stateAt(treatment.start + years * year)[value];
      return [{ before: at(0) - at(-1), after: at(1.5) - at(0) }];
    });
    return { before: mean(treated.map((one) => one.before)), after: mean(treated.map((one) => one.after)), count: treated.length };
  };

  test.each([
    ['metformin', 'a1c', 0.4],
    ['atorvastatin20', 'ldl', 25],
    ['lisinopril', 'systolic', 3],
    ['levothyroxine', 'tsh', 3],
  ] as const)('turns under %s: %s rises before it and falls by more than %d after', (drug, value, fall) => {
    const { before, after, count } = changes(drug, value);
    expect(count).toBeGreaterThan(20);
    expect(before).toBeGreaterThan(0);
    expect(after).toBeLessThan(-fall);
  });

  test('costs diabetics more of their kidneys than others of their age', () => {
    const lossBetween = (isDiabetic: boolean): number => {
      const chosen = lives.filter(
        ({ person, course }) =>
          person.until - person.birth > 68 * year &&
          course.illnesses.some((illness) => illness.key === 'diabetes' && illness.onset < person.birth + 55 * year) === isDiabetic,
      );
      expect(chosen.length).toBeGreaterThan(20);
      return mean(
        chosen.map(({ person, course }) => course.stateAt(person.birth + 55 * year).egfr - course.stateAt(person.birth + 68 * year).egfr),
      );
    };
    expect(lossBetween(true)).toBeGreaterThan(lossBetween(false) + 3);
  });
});

test('the filtration rate and its creatinine are each other turned round', () => {
  for (const sex of ['female', 'male'] as const) {
    for (const rate of [12, 45, 88, 125]) expect(filtrationRate(creatinineFor(rate, 61, sex), 61, sex)).toBeCloseTo(rate, 6);
  }
  // A 50 year old man with 1.0 mg/dL has 92 by the published formula.
  expect(filtrationRate(1, 50, 'male')).toBeCloseTo(91.7, 0);
});

test('a value is judged as it is written, rounded', () => {
  const measure = { loinc: '', display: '', text: '', unit: '', ucum: '', digits: 1, low: 4, high: 5.6, panicHigh: 9 };
  expect([3.94, 3.96, 5.64, 5.66, 9.04, 9.06].map((value) => interpret(measure, value))).toEqual(['L', 'N', 'N', 'H', 'H', 'HH']);
});

test('a random stream is uniform enough, and that of other seeds is another', () => {
  const random = randomOf(1, 2, 3);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) counts[random.int(0, 9)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  expect(new Set([randomOf(1, 2).u32(), randomOf(2, 1).u32(), randomOf(1, 2, 0).u32(), randomOf(0, 1, 2).u32()]).size).toBe(4);
});

describe('the command', () => {
  const call = async (...args: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const texts = Promise.all([stdout, stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString('utf8')));
    const code = await run(args, { stdout, stderr });
    stdout.end();
    stderr.end();
    const [out, err] = await texts;
    return { code, out, err };
  };

  test('writes the lines to stdout and leaves it open', async () => {
    const { code, out, err } = await call('--patients', '3', '--seed', '7');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(lines.slice(0, 4).join(''));
  });

  test('prints its usage with --help', async () => {
    expect(await call('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Usage: npm run -s sample'), err: '' });
  });

  test.each([
    [['--colour', 'red']],
    [['--patients', '-1']],
    [['--patients', 'many']],
    [['--years', '21']],
    [['--as-of', '2026-02-30']],
    [['stray']],
    [['--seed']],
  ])('refuses %j with its usage on stderr', async (args) => {
    const { code, out, err } = await call(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Usage: npm run -s sample');
  });
});

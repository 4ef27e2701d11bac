/**
 * The benchmark's data: 50 resources a patient (1 Patient, 5 Encounters, 40 Observations, 4 MedicationStatements), built so
 * that what each search must find can be worked out from the data alone. The same seed and number give the same Bundle.
 *
 *   node bench/generate.ts --patients 200 --seed 1 > bundles.ndjson
 */
import { parseArgs } from 'node:util';
import { type Random, randomOf } from '../src/cli/sample/random.ts';

export type Resource = { readonly resourceType: string } & Readonly<Record<string, unknown>>;
export type Bundle = {
  readonly resourceType: 'Bundle';
  readonly type: 'transaction';
  readonly entry: readonly { readonly resource: Resource }[];
};

/** What the checks need to know of one patient's Bundle. */
export type PatientFacts = {
  readonly family: string;
  readonly birthDate: string;
  readonly record: { readonly system: string; readonly value: string };
  /** The type of each entry, in order. */
  readonly types: readonly string[];
  readonly observations: readonly { readonly code: string; readonly value: number | undefined; readonly date: string }[];
};

/** `crowd`: patients that make the database larger, and that none of the searches finds. */
export type Group = 'searched' | 'crowd';

const words = (text: string): readonly string[] => text.split(' ');
const FAMILY = words(
  'Abbott Baker Castillo Dawson Eriksen Fischer Garcia Haddad Ibrahim Jensen Kowalski Larsson Moreau Nguyen Okafor Petrov Quinn Rossi Suzuki Tanaka Ueda Vargas Weber Xu Yilmaz Zimmermann Andersson Bianchi Chen Dubois',
);
const GIVEN = words(
  'Ada Bruno Clara David Elena Farid Greta Hugo Irene Jonas Kira Liam Maya Noor Oscar Petra Quentin Rosa Samuel Tara Ulrik Vera William Ximena Yusuf Zoe',
);
const CITIES = [
  ['Boston', 'MA', '02115'],
  ['Denver', 'CO', '80203'],
  ['Austin', 'TX', '78701'],
  ['Seattle', 'WA', '98101'],
  ['Chicago', 'IL', '60601'],
] as const;
const REASONS = ['Routine check', 'Follow-up', 'Cough', 'Back pain', 'Medication review'];
const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const LOINC = 'http://loinc.org';

type Category = 'vital-signs' | 'laboratory';
/** [code, display, category, unit, UCUM, low, high, digits] */
const QUANTITIES: readonly (readonly [string, string, Category, string, string, number, number, number])[] = [
  ['8867-4', 'Heart rate', 'vital-signs', 'beats/minute', '/min', 48, 120, 0],
  ['8310-5', 'Body temperature', 'vital-signs', 'C', 'Cel', 35.8, 39.4, 1],
  ['9279-1', 'Respiratory rate', 'vital-signs', 'breaths/minute', '/min', 10, 28, 0],
  ['2708-6', 'Oxygen saturation in Arterial blood', 'vital-signs', '%', '%', 88, 100, 0],
  ['29463-7', 'Body weight', 'vital-signs', 'kg', 'kg', 45, 130, 1],
  ['8302-2', 'Body height', 'vital-signs', 'cm', 'cm', 148, 198, 0],
  ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', 'laboratory', '%', '%', 4.5, 11, 1],
  ['2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'laboratory', 'mg/dL', 'mg/dL', 65, 260, 0],
  ['718-7', 'Hemoglobin [Mass/volume] in Blood', 'laboratory', 'g/dL', 'g/dL', 9, 18, 1],
  ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'laboratory', 'mg/dL', 'mg/dL', 0.4, 3.2, 2],
  ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'laboratory', 'mg/dL', 'mg/dL', 110, 310, 0],
];
const DRUGS = [
  ['861007', 'metformin hydrochloride 500 MG Oral Tablet'],
  ['314076', 'lisinopril 10 MG Oral Tablet'],
  ['617312', 'atorvastatin 20 MG Oral Tablet'],
  ['197361', 'amlodipine 5 MG Oral Tablet'],
  ['979492', 'losartan potassium 50 MG Oral Tablet'],
  ['310798', 'hydrochlorothiazide 25 MG Oral Tablet'],
] as const;

const DAY_MS = 86_400_000;
const STEP_MS = 180_000;
/** The searches ask for 2019 and later: the crowd's five years are over by then. */
const FIRST_DAY = { searched: Date.UTC(2018, 0, 1, 8), crowd: Date.UTC(2008, 0, 1, 8) } as const;
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const quantity = (value: number, unit: string, code: string) => ({ value, unit, system: 'http://unitsofmeasure.org', code });

export function patientBundle(seed: number, index: number, group: Group = 'searched'): Bundle {
  const random = randomOf(seed, index, group === 'crowd' ? 2 : 1);
  const entry: { fullUrl: string; resource: Resource; request: { method: 'POST'; url: string } }[] = [];
  const add = (resource: Resource): string => {
    const fullUrl = `urn:uuid:${random.uuid()}`;
    entry.push({ fullUrl, resource, request: { method: 'POST', url: resource.resourceType } });
    return fullUrl;
  };
  const subject = { reference: add(patient(random, `MRN-${group}-${seed}-${index}`, group)) };
  const encounters = Array.from({ length: 5 }, (_, year) => {
    const start = FIRST_DAY[group] + random.int(0, 360) * DAY_MS + year * 365 * DAY_MS + random.int(0, 32) * 900_000;
    return { reference: add(encounter(random, subject, start)), start };
  });
  for (const [e, { reference, start }] of encounters.entries()) {
    for (let i = 0; i < 8; i++) add(observation(random, e * 8 + i, { subject, encounter: { reference } }, start + i * STEP_MS));
  }
  for (const [m, { reference, start }] of encounters.slice(0, 4).entries()) add(medicationStatement(random, m, subject, reference, start));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

type Reference = { readonly reference: string };

function patient(random: Random, record: string, group: Group): Resource {
  const [city, state, postalCode] = random.pick(CITIES);
  return {
    resourceType: 'Patient',
    identifier: [{ use: 'official', system: 'https://bench.example.org/mrn', value: record }],
    active: true,
    name: [
      {
        use: 'official',
        family: `${group === 'crowd' ? 'Zz' : ''}${random.pick(FAMILY)}`,
        given: [random.pick(GIVEN), random.pick(GIVEN)],
      },
    ],
    telecom: [
      { system: 'phone', value: `555-${random.int(100, 999)}-${random.int(1000, 9999)}`, use: 'home' },
      { system: 'email', value: `${record.toLowerCase()}@bench.example.org` },
    ],
    gender: random.pick(['female', 'male']),
    birthDate: new Date(Date.UTC(random.int(1935, 2015), random.int(0, 11), random.int(1, 28))).toISOString().slice(0, 10),
    address: [{ use: 'home', line: [`${random.int(1, 999)} Main Street`], city, state, postalCode, country: 'US' }],
  };
}

function encounter(random: Random, subject: Reference, start: number): Resource {
  return {
    resourceType: 'Encounter',
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [{ coding: [{ system: 'http://snomed.info/sct', code: '185349003', display: 'Encounter for check up' }], text: 'Check up' }],
    subject,
    period: { start: iso(start), end: iso(start + 1_800_000) },
    reasonCode: [{ text: random.pick(REASONS) }],
  };
}

function observation(random: Random, i: number, links: { subject: Reference; encounter: Reference }, when: number): Resource {
  const times = { effectiveDateTime: iso(when), issued: new Date(when + 600_000).toISOString() };
  const coded = (code: string, display: string) => ({ coding: [{ system: LOINC, code, display }], text: display });
  const categories = (category: Category) => [
    { coding: [{ system: CATEGORY, code: category, display: category === 'laboratory' ? 'Laboratory' : 'Vital Signs' }] },
  ];
  if (i % 8 === 0) {
    const part = (code: string, display: string, low: number, high: number) => ({
      code: coded(code, display),
      valueQuantity: quantity(random.int(low, high), 'mmHg', 'mm[Hg]'),
    });
    const component = [part('8480-6', 'Systolic blood pressure', 95, 180), part('8462-4', 'Diastolic blood pressure', 55, 110)];
    return {
      resourceType: 'Observation',
      status: 'final',
      category: categories('vital-signs'),
      code: coded('85354-9', 'Blood pressure panel with all children optional'),
      ...links,
      ...times,
      component,
    };
  }
  const [code, display, category, unit, ucum, low, high, digits] = QUANTITIES[i % QUANTITIES.length] ?? random.pick(QUANTITIES);
  const rounded = (value: number): number => Number(value.toFixed(digits));
  const valueQuantity = quantity(rounded(low + random.float() * (high - low)), unit, ucum);
  const range = { low: quantity(low, unit, ucum), high: quantity(rounded(low + (high - low) / 2), unit, ucum), text: 'Adult' };
  return {
    resourceType: 'Observation',
    status: 'final',
    category: categories(category),
    code: coded(code, display),
    ...links,
    ...times,
    valueQuantity,
    ...(category === 'laboratory' ? { referenceRange: [range] } : {}),
  };
}

function medicationStatement(random: Random, m: number, subject: Reference, encounterUrl: string, start: number): Resource {
  const [code, display] = random.pick(DRUGS);
  const isTaken = m === 3;
  return {
    resourceType: 'MedicationStatement',
    status: isTaken ? 'active' : 'completed',
    medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code, display }], text: display },
    subject,
    context: { reference: encounterUrl },
    effectivePeriod: { start: iso(start), ...(isTaken ? {} : { end: iso(start + 30 * DAY_MS) }) },
    dateAsserted: iso(start),
    dosage: [
      {
        text: 'Take 1 tablet daily',
        timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } },
        doseAndRate: [{ doseQuantity: quantity(1, 'tablet', '{tbl}') }],
      },
    ],
  };
}

type Observed = {
  readonly code: { readonly coding: readonly [{ readonly code: string }] };
  readonly valueQuantity?: { readonly value: number };
  readonly effectiveDateTime: string;
};
type Named = {
  readonly name: readonly [{ readonly family: string }];
  readonly birthDate: string;
  readonly identifier: readonly [{ readonly system: string; readonly value: string }];
};

/** Reads from a Bundle made here what the checks need. */
export function factsOf(bundle: Bundle): PatientFacts {
  const resources = bundle.entry.map((entry) => entry.resource);
  // Made above, in this shape.
  const [first] = resources as unknown as readonly Named[];
  const observed = resources.filter((resource) => resource.resourceType === 'Observation') as unknown as readonly Observed[];
  return {
    family: first?.name[0].family ?? '',
    birthDate: first?.birthDate ?? '',
    record: first?.identifier[0] ?? { system: '', value: '' },
    types: resources.map((resource) => resource.resourceType),
    observations: observed.map((o) => ({ code: o.code.coding[0].code, value: o.valueQuantity?.value, date: o.effectiveDateTime })),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { patients: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } });
  for (let index = 0; index < Number(values.patients); index++)
    process.stdout.write(`${JSON.stringify(patientBundle(Number(values.seed), index))}\n`);
}

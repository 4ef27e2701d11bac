/**
 * What it costs to extract tokens and facts: `node bench/micro/extract.ts [cache folder]`.
 * Prints µs of processor time per resource (median of 15 rounds) with and without the pairs of composite parameters, and what is extracted.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDefinitions } from '../../src/definitions/load.ts';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { type Extractor, makeExtractor } from '../../src/search/extract.ts';
import { buildRegistry, type Registry } from '../../src/search/registry.ts';

const definitions = await loadDefinitions({ cacheDir: process.argv[2] ?? join(tmpdir(), 'anamnesis-bench') });
let numbers = 0;
const registry = buildRegistry(definitions, () => ++numbers);
const withoutPairs: Registry = { ...registry, of: (type) => ({ ...registry.of(type), pairs: [] }) };
const extractorOf = (from: Registry): Extractor =>
  makeExtractor({ registry: memoized(from), key: makeTokenKey(Buffer.alloc(16, 7), 'siphash'), base: 'http://127.0.0.1:8080/fhir/R4' });
const whole = extractorOf(registry);
const without = extractorOf(withoutPairs);

const resources = { heartRate: heartRate(), 'blood pressure': bloodPressure(), patient: patient() };
for (const [name, resource] of Object.entries(resources)) {
  const type = resource.resourceType;
  const { tokens, facts } = whole(resource, type, 'x');
  const [base, all] = medianMicros([() => without(resource, type, 'x'), () => whole(resource, type, 'x')]);
  const counts = Object.entries(facts).map(([kind, list]) => `${list.length} ${kind}`);
  console.log(
    `${name}: ${all?.toFixed(1)} µs, without pairs ${base?.toFixed(1)} µs (+${((100 * ((all ?? 0) - (base ?? 0))) / (base ?? 1)).toFixed(1)} %); ` +
      `${tokens.length / 8} tokens, ${counts.join(', ')}`,
  );
}

/** The registry builds a type once; so must its copy. */
function memoized(from: Registry): Registry {
  const built = new Map<string, ReturnType<Registry['of']>>();
  return { ...from, of: (type) => built.get(type) ?? (built.set(type, from.of(type)), from.of(type)) };
}

/** Rounds of all functions alternate, so that a busy machine slows them alike. */
function medianMicros(runs: readonly (() => unknown)[]): number[] {
  const rounds = runs.map(() => [] as number[]);
  const times = 5_000;
  for (let round = 0; round < 17; round++) {
    runs.forEach((run, at) => {
      const start = process.cpuUsage().user;
      for (let n = 0; n < times; n++) run();
      if (round > 1) rounds[at]?.push((process.cpuUsage().user - start) / times);
    });
  }
  return rounds.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0);
}

function heartRate() {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }], text: 'Heart rate' },
    subject: { reference: 'Patient/0d5b6c1e-7a5e-4d8c-8a0e-2f6b1c9d3e4f' },
    encounter: { reference: 'Encounter/01890a5d-ac96-774b-bcce-b302099a8057' },
    effectiveDateTime: '2024-03-01T10:00:00+01:00',
    issued: '2024-03-01T10:05:00.000+01:00',
    valueQuantity: { value: 72, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
}

function bloodPressure() {
  const component = (code: string, value: number) => ({
    code: { coding: [{ system: 'http://loinc.org', code }] },
    valueQuantity: { value, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  });
  const { valueQuantity: _, ...rest } = heartRate();
  return {
    ...rest,
    code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
    component: [component('8480-6', 121), component('8462-4', 79)],
  };
}

function patient() {
  return {
    resourceType: 'Patient',
    identifier: [{ system: 'urn:oid:1.2.36.146.595.217.0.1', value: '12345' }],
    active: true,
    name: [{ use: 'official', family: 'Chalmers', given: ['Peter', 'James'] }],
    telecom: [{ system: 'phone', value: '(03) 5555 6473', use: 'work' }],
    gender: 'male',
    birthDate: '1974-12-25',
    address: [{ line: ['534 Erewhon St'], city: 'PleasantVille', state: 'Vic', postalCode: '3999' }],
    managingOrganization: { reference: 'Organization/1' },
  };
}

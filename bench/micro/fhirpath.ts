/**
 * How long it takes to find all search values of one resource: `node bench/micro/fhirpath.ts [cache folder]`.
 * Prints µs per resource, the median of 15 rounds, for a blood pressure and a patient.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDefinitions } from '../../src/definitions/load.ts';
import { type CompiledPath, compilePaths } from '../../src/fhirpath/compile.ts';

const definitions = await loadDefinitions({ cacheDir: process.argv[2] ?? join(tmpdir(), 'anamnesis-bench') });
let found = 0;
const visit = (): void => {
  found++;
};

for (const resource of [bloodPressure(), patient()]) {
  const paths = pathsOf(resource.resourceType);
  const walk = (): void => {
    for (const path of paths) path.each(resource, visit);
  };
  found = 0;
  walk();
  const values = found;
  const text = JSON.stringify(resource);
  const micros = medianMicros(walk);
  console.log(
    `${resource.resourceType}: ${paths.length} paths, ${values} values: ${micros.toFixed(2)} µs ` +
      `(JSON.parse of its ${text.length} characters: ${medianMicros(() => JSON.parse(text)).toFixed(2)} µs)`,
  );
}

/** Each place once, as an index would have it. */
function pathsOf(type: string): CompiledPath[] {
  const paths = new Map<string, CompiledPath>();
  for (const { base, expression } of definitions.searchParameters) {
    if (expression === undefined || !base.some((name) => name === type || name === 'Resource' || name === 'DomainResource')) continue;
    for (const path of compilePaths(expression, type, definitions.schema)) paths.set(path.path, path);
  }
  return [...paths.values()];
}

function medianMicros(run: () => void): number {
  const roundMs = 60;
  const rounds: number[] = [];
  for (let round = 0; round < 15; round++) {
    let runs = 0;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < roundMs) {
      for (let i = 0; i < 200; i++) run();
      runs += 200;
      elapsed = performance.now() - start;
    }
    rounds.push((elapsed * 1000) / runs);
  }
  return rounds.sort((a, b) => a - b)[rounds.length >> 1] ?? Number.NaN;
}

function bloodPressure() {
  const coding = (system: string, code: string, display: string) => ({ coding: [{ system, code, display }], text: display });
  const pressure = (code: string, display: string, value: number) => ({
    code: coding('http://loinc.org', code, display),
    valueQuantity: { value, unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  });
  return {
    resourceType: 'Observation',
    id: '0190c5b4-6f4a-7c4e-9d6c-6f4e8a1b2c3d',
    meta: {
      versionId: '1',
      lastUpdated: '2024-03-01T10:00:00.000Z',
      profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure'],
    },
    identifier: [{ system: 'urn:example:lab', value: 'bp-4711' }],
    status: 'final',
    category: [coding('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs', 'Vital signs')],
    code: coding('http://loinc.org', '85354-9', 'Blood pressure panel with all children optional'),
    subject: { reference: 'Patient/0190c5b4-6f4a-7c4e-9d6c-000000000001' },
    encounter: { reference: 'Encounter/0190c5b4-6f4a-7c4e-9d6c-000000000002' },
    effectiveDateTime: '2024-03-01T09:58:00Z',
    issued: '2024-03-01T10:00:00Z',
    performer: [{ reference: 'Practitioner/0190c5b4-6f4a-7c4e-9d6c-000000000003' }],
    component: [pressure('8480-6', 'Systolic blood pressure', 128), pressure('8462-4', 'Diastolic blood pressure', 82)],
  };
}

function patient() {
  return {
    resourceType: 'Patient',
    id: '0190c5b4-6f4a-4c4e-9d6c-000000000001',
    meta: { versionId: '3', lastUpdated: '2024-03-01T10:00:00.000Z' },
    identifier: [
      { system: 'urn:example:mrn', value: '123-45' },
      { system: 'http://hl7.org/fhir/sid/us-ssn', value: '999-12-3456' },
    ],
    active: true,
    name: [{ use: 'official', family: 'Winterbourne', given: ['Ada', 'Jane'], prefix: ['Dr.'] }],
    telecom: [
      { system: 'phone', value: '+1 555 0100', use: 'home' },
      { system: 'email', value: 'ada@example.org' },
    ],
    gender: 'female',
    birthDate: '1970-06-15',
    address: [{ line: ['1 Long Street'], city: 'Springfield', state: 'MA', postalCode: '01101', country: 'US' }],
    maritalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' }] },
    communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en' }] } }],
    generalPractitioner: [{ reference: 'Practitioner/0190c5b4-6f4a-7c4e-9d6c-000000000003' }],
    managingOrganization: { reference: 'Organization/0190c5b4-6f4a-7c4e-9d6c-000000000004' },
  };
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Issue } from '../../src/fhir/error.ts';
import type { Json, JsonObject } from '../../src/fhir/json.ts';
import type { StructureDefinition } from '../../src/fhir/structure-definition.ts';
import { completeSnapshot } from '../../src/validation/snapshot/complete.ts';
import { openTestValidator, type TestValidator } from '../support/validation.ts';
import { profileMutationsOf } from './mutate-by-profile.ts';

const folder = join(import.meta.dirname, '../../profiles');
const base = 'https://anamnesis.health/fhir/StructureDefinition/';
const read = (file: string): JsonObject => JSON.parse(readFileSync(join(folder, file), 'utf8')) as JsonObject;
const definitionFiles = ['CodeSystem', 'OperationDefinition', 'StructureDefinition', 'ValueSet'].flatMap((type) =>
  readdirSync(join(folder, type)).map((name) => `${type}/${name}`),
);
const exampleFiles = readdirSync(join(folder, 'examples'));

let validator: TestValidator;
beforeAll(async () => {
  validator = await openTestValidator();
});

const errorsOf = (issues: readonly Issue[]) =>
  issues.filter(({ severity }) => severity === 'error').map(({ text, expression }) => [expression?.[0], text]);

describe('our definitions', () => {
  test('are all in the index, and nothing else is', async () => {
    const entries = await validator.definitions.own.entries();
    expect(entries.map(({ file }) => file).toSorted()).toEqual(definitionFiles.toSorted());
    for (const { file, resourceType, url, version, type } of entries) {
      const definition = read(file);
      expect([definition['resourceType'], definition['url'], definition['version']]).toEqual([resourceType, url, version]);
      expect(await validator.definitions.own.find(resourceType, `${url}|${version}`)).toEqual(definition);
      // Operations are called, never looked up by what conforms to them.
      if (resourceType === 'OperationDefinition') continue;
      expect(definition['type']).toBe(type);
      expect(await validator.conformance.find(resourceType, `${url}|${version}`)).toEqual(definition);
    }
  });

  test('are not found in another version or under another type', async () => {
    expect(await validator.conformance.find('StructureDefinition', `${base}anamnesis-patient|0.9.0`)).toBeUndefined();
    expect(await validator.conformance.find('ValueSet', `${base}anamnesis-patient`)).toBeUndefined();
  });

  test.each(definitionFiles)('%s is valid, and says what it is for', async (file) => {
    expect(errorsOf(await validator.validate(readFileSync(join(folder, file))))).toEqual([]);
    expect(read(file)).toMatchObject({ description: expect.stringMatching(/.{20}/), purpose: expect.stringMatching(/.{20}/) });
  });

  test.each(definitionFiles.filter((file) => file.startsWith('Structure')))('%s has a snapshot that is valid too', async (file) => {
    const definition = read(file) as unknown as StructureDefinition;
    const complete = await completeSnapshot(definition, (url) => validator.conformance.find('StructureDefinition', url));
    expect(complete.snapshot?.element.length).toBeGreaterThan(definition.differential?.element.length ?? 0);
    // Snapshots repeat what R4's own say, warnings included.
    expect(errorsOf(await validator.validate(JSON.stringify(complete)))).toEqual([]);
  });
});

describe('our examples', () => {
  test.each(exampleFiles)('%s conforms to its profile', async (file) => {
    const resource = read(`examples/${file}`);
    expect((resource['meta'] as JsonObject)['profile']).toEqual([`${base}${file.replace('.json', '')}`]);
    expect(errorsOf(await validator.validate(JSON.stringify(resource)))).toEqual([]);
  });

  test.each(exampleFiles)('%s without something that its profile asks for doesn’t', async (file) => {
    const resource = read(`examples/${file}`);
    const definition = read(`StructureDefinition/${file}`) as unknown as StructureDefinition;
    const complete = await completeSnapshot(definition, (url) => validator.conformance.find('StructureDefinition', url));
    const mutations = profileMutationsOf(resource, complete, validator.definitions.schema);
    expect(mutations.length).toBeGreaterThan(0);
    for (const { title, resource: broken, at } of mutations) {
      const errors = (await validator.validate(JSON.stringify(broken))).filter(({ severity }) => severity === 'error');
      const places = errors.flatMap(({ expression }) => expression ?? []);
      expect([title, places.some((place) => at.some((awaited) => place.startsWith(awaited.replace('…', ''))))]).toEqual([title, true]);
    }
  });

  /** Field, path, a value that breaks its rule, where that is told, and the rule. */
  type Broken = { readonly name: string; readonly path: string; readonly value: Json; readonly place: string; readonly rule?: string };
  const rows: readonly (readonly [string, string, Json, string, string?])[] = [
    ['anamnesis-patient', 'name.0.use', 'usual', 'Patient.name'],
    ['anamnesis-patient', 'name.0.family', 'F'.repeat(101), 'Patient.name[0].family'],
    ['anamnesis-patient', 'name.0.given.0', 'Am3lie', 'Patient.name[0]', 'an-pat-3'],
    ['anamnesis-patient', 'name.0.given.0', 'Amélie  Rosa', 'Patient.name[0]', 'an-pat-4'],
    ['anamnesis-patient', 'name.0.family', ' Fischer', 'Patient.name[0]', 'an-pat-4'],
    ['anamnesis-patient', 'birthDate', '1899-12-31', 'Patient.birthDate'],
    ['anamnesis-patient', 'birthDate', '1984-07', 'Patient.birthDate', 'an-pat-7'],
    ['anamnesis-patient', 'birthDate', '2999-01-01', 'Patient', 'an-pat-1'],
    ['anamnesis-patient', 'birthDate', '1900-01-01', 'Patient', 'an-pat-2'],
    ['anamnesis-patient', 'extension.0.valueCode', 'x', 'Patient.extension[0].value'],
    ['anamnesis-patient', 'extension.2', { url: `${base}consent-to-contact`, valueString: 'yes' }, 'Patient.extension[2].value'],
    ['anamnesis-patient', 'telecom.0.value', '030 12345678', 'Patient.telecom[0]', 'an-pat-5'],
    ['anamnesis-patient', 'telecom.1.value', 'Amelie@example.org', 'Patient.telecom[1]', 'an-pat-6'],
    ['anamnesis-patient', 'telecom.1.value', 'amelie', 'Patient.telecom[1]', 'an-pat-6'],
    ['anamnesis-patient', 'address.0.country', 'Germany', 'Patient.address[0]', 'an-pat-9'],
    ['anamnesis-patient', 'address.0', { postalCode: '10115' }, 'Patient.address[0]', 'an-pat-8'],
    ['anamnesis-encounter', 'subject.reference', 'Group/g', 'Encounter.subject'],
    ['anamnesis-encounter', 'period.start', '2026-03-04', 'Encounter.period', 'an-enc-1'],
    ['anamnesis-encounter', 'extension.0', { url: `${base}interaction-outcome`, valueString: 'x' }, 'Encounter.extension[0].value'],
    ['anamnesis-observation', 'valueQuantity', { value: 98 }, 'Observation.value.unit'],
    ['anamnesis-observation', 'valueQuantity', { unit: 'mg/dL' }, 'Observation.value.value'],
    ['anamnesis-observation', 'code', { coding: [{ system: 'http://loinc.org' }] }, 'Observation.code', 'an-obs-2'],
    ['anamnesis-observation', 'subject.reference', 'Device/d', 'Observation.subject'],
    ['anamnesis-medication-statement', 'medicationCodeableConcept', { coding: [{ code: 'x' }] }, 'MedicationStatement.medication.text'],
    ['anamnesis-medication-statement', 'extension.0.valueReference.reference', 'Patient/p', 'MedicationStatement.extension[0].value'],
    ['anamnesis-audit-event', 'agent.1.requestor', true, 'AuditEvent', 'an-aud-1'],
    ['anamnesis-audit-event', 'outcome', '8', 'AuditEvent', 'an-aud-2'],
    ['anamnesis-audit-event', 'entity.1.what', { display: 'x' }, 'AuditEvent.entity[1].what.identifier'],
  ];

  const broken = rows.map(([name, path, value, place, rule]): Broken => ({ name, path, value, place, ...(rule && { rule }) }));
  test.each(broken)('$name: $path made another is refused at $place $rule', async ({ name, path, value, place, rule }) => {
    const resource = read(`examples/${name}.json`);
    const steps = path.split('.');
    const holder = steps.slice(0, -1).reduce<Json>((at, step) => (at as JsonObject)[step] ?? null, resource) as Record<string, Json>;
    holder[steps.at(-1) ?? ''] = value;
    const errors = (await validator.validate(JSON.stringify(resource))).filter(({ severity }) => severity === 'error');
    expect(errors.flatMap(({ expression }) => expression ?? []).some((at) => at === place || at.startsWith(`${place}.`))).toBe(true);
    if (rule !== undefined) expect(errors.map((each) => each.rule?.key)).toContain(rule);
  });
});

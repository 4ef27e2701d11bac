import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../../src/definitions/load.ts';
import { makeWorld, type World } from './world.ts';

const R4 = 'http://hl7.org/fhir/StructureDefinition/';
const US = 'http://hl7.org/fhir/us/core/StructureDefinition/';
const examples = new URL('../../../node_modules/hl7.fhir.r4.examples/', import.meta.url);
const usCore = new URL('../../../../shared/us-core/hl7.fhir.us.core-6.1.0.tgz', import.meta.url);

let definitions: Definitions;

beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
});

/** What is done to a copy of a resource: at a path (`component.0.code`) a value is put, or with `undefined` taken away. */
type Edits = Readonly<Record<string, unknown>>;
type Mutation = readonly [string, Edits, readonly string[]];

function edited(resource: object, edits: Edits): object {
  const copy = structuredClone(resource);
  for (const [path, value] of Object.entries(edits)) {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    const holder = steps.reduce((at: object, step) => Reflect.get(at, step) as object, copy);
    if (value !== undefined) Reflect.set(holder, last, value);
    else if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else Reflect.deleteProperty(holder, last);
  }
  return copy;
}

describe("R4's profiles", () => {
  let world: World;
  beforeAll(() => {
    world = makeWorld(definitions, []);
  });
  const example = (name: string): object => JSON.parse(readFileSync(new URL(`${name}.json`, examples), 'utf8'));

  test('compile, but for logical models', { timeout: 60_000 }, async () => {
    const refused: string[] = [];
    let count = 0;
    for (const file of readdirSync(examples)) {
      // The two examples of profiles are none of R4's own.
      if (!/^StructureDefinition-(?!example-).*\.json$/.test(file)) continue;
      const { url } = JSON.parse(readFileSync(new URL(file, examples), 'utf8')) as { url: string };
      await world.profiles.load(url);
      count++;
      if (world.profiles.get(url) === 'absent') refused.push(`${url.replace(R4, '')} ${world.profiles.whyNot(url)}`);
    }
    expect(count).toBe(653);
    expect(refused).toEqual(
      ['Definition', 'Event', 'FiveWs', 'MetadataResource', 'Request'].map(
        (name) => `${name} is a logical model, which no resource conforms to`,
      ),
    );
  });

  test('hold for all official examples that claim one', { timeout: 60_000 }, async () => {
    const found: Record<string, readonly string[]> = {};
    let count = 0;
    for (const file of readdirSync(examples)) {
      const text =
        /^[A-Z].*\.json$/.test(file) && !/^(?:ValueSet|CodeSystem)-/.test(file) ? readFileSync(new URL(file, examples), 'utf8') : '';
      if (!text.includes('"profile"')) continue;
      const resource = JSON.parse(text) as { meta?: { profile?: readonly string[] } };
      const claimed = resource.meta?.profile ?? [];
      if (claimed.length === 0) continue;
      count++;
      const faults = (await world.validate(resource)).filter(
        ({ severity, rule }) => severity === 'error' && claimed.includes(rule?.profile ?? ''),
      );
      if (faults.length > 0) found[file] = faults.map(({ text }) => text);
    }
    expect(count).toBe(13);
    expect(found).toEqual({});
  });

  const VS3 = 'invariant-vs-3 Observation.component[1] vs-3';
  const pressure: readonly Mutation[] = [
    [
      'no systolic',
      { 'component.0': undefined },
      ['profile-required Observation.component Observation.component', 'slice-min Observation.component Observation.component:SystolicBP'],
    ],
    ['diastolic twice', { 'component.2': component('8462-4') }, ['slice-max Observation.component Observation.component:DiastolicBP']],
    [
      'another unit',
      { 'component.0.valueQuantity.code': 'kPa' },
      ['profile-fixed Observation.component[0].value.code Observation.component:SystolicBP.value[x].code'],
    ],
    ['a component without value or reason', { 'component.1.valueQuantity': undefined }, [VS3]],
    [
      'no category',
      { category: undefined },
      ['profile-required Observation.category Observation.category', 'slice-min Observation.category Observation.category:VSCat'],
    ],
    ['another category', { 'category.0.coding.0.code': 'laboratory' }, ['slice-min Observation.category Observation.category:VSCat']],
    ['another code', { 'code.coding.0.code': '8310-5' }, ['slice-min Observation.code.coding Observation.code.coding:BPCode']],
    ['no date', { effectiveDateTime: undefined }, ['profile-required Observation.effective Observation.effective[x]']],
    [
      'another type of date',
      { effectiveDateTime: undefined, effectiveInstant: '2012-09-17T00:00:00Z' },
      ['profile-type Observation.effective Observation.effective[x]'],
    ],
    ['no subject', { subject: undefined }, ['profile-required Observation.subject Observation.subject']],
    ['another subject', { subject: { reference: 'Group/1' } }, ['reference-target Observation.subject Observation.subject']],
  ];
  test.each(pressure)('bp refuses %s', async (_, edits, faults) => {
    const resource = { ...example('Observation-blood-pressure'), meta: { profile: [`${R4}bp`] } };
    expect(await world.faults(resource)).toEqual([]);
    expect((await world.faults(edited(resource, edits))).filter((fault) => !fault.startsWith('binding'))).toEqual(faults);
  });
});

function component(code: string): object {
  const valueQuantity = { value: 60, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' };
  return { code: { coding: [{ system: 'http://loinc.org', code }] }, valueQuantity };
}

/** What a package has of some types of resource, unpacked here: a tar of plain files. */
function resourcesIn(file: URL): Map<string, object> {
  const tar = gunzipSync(readFileSync(file));
  const found = new Map<string, object>();
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('utf8', at + 124, at + 136), 8) || 0;
    const body = tar.toString('utf8', at + 512, at + 512 + size);
    if (/\/[A-Z][^/]*\.json$/.test(name)) found.set(name.replace(/^.*\//, ''), JSON.parse(body) as object);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

describe.skipIf(!existsSync(usCore))("US Core's profiles", () => {
  let world: World;
  let files: Map<string, object>;
  beforeAll(() => {
    files = resourcesIn(usCore);
    world = makeWorld(
      definitions,
      [...files].filter(([name]) => /^(?:StructureDefinition|ValueSet|CodeSystem)-/.test(name)).map(([, resource]) => resource),
    );
  });

  test.each([
    ['Patient-example.json', 'us-core-patient'],
    ['Observation-blood-pressure.json', 'us-core-blood-pressure'],
  ])('hold for %s', async (file, profile) => {
    expect(await world.faults(files.get(file) ?? {}, [US + profile])).toEqual([]);
  });

  const RACE = 'extension.0.extension';
  const ofPatient: readonly Mutation[] = [
    ['no name', { name: undefined }, ['profile-required Patient.name Patient.name']],
    ['an empty name', { name: [{ use: 'old' }] }, ['invariant-us-core-6 Patient.name[0] us-core-6']],
    ['no identifier', { identifier: undefined }, ['profile-required Patient.identifier Patient.identifier']],
    [
      'an identifier without system',
      { 'identifier.0.system': undefined },
      ['profile-required Patient.identifier[0].system Patient.identifier.system'],
    ],
    ['no gender', { gender: undefined }, ['profile-required Patient.gender Patient.gender']],
    ['a race without text', { [`${RACE}.5`]: undefined }, ['slice-min Patient.extension[0].extension Extension.extension:text']],
    [
      'a race as text',
      { [`${RACE}.0`]: { url: 'ombCategory', valueString: 'Asian' } },
      ['profile-type Patient.extension[0].extension[0].value Extension.extension:ombCategory.value[x]'],
    ],
    [
      'two races',
      { 'extension.1.url': `${US}us-core-race`, 'extension.1.extension': [{ url: 'text', valueString: 'Mixed' }] },
      ['slice-max Patient.extension Patient.extension:race'],
    ],
  ];
  test.each(ofPatient)('us-core-patient refuses %s', async (_, edits, faults) => {
    const found = await world.faults(edited(files.get('Patient-example.json') ?? {}, edits), [`${US}us-core-patient`]);
    expect(found.filter((fault) => !fault.startsWith('coding'))).toEqual(faults);
  });

  const ofPressure: readonly Mutation[] = [
    [
      'no systolic',
      { 'component.0': undefined },
      ['profile-required Observation.component Observation.component', 'slice-min Observation.component Observation.component:systolic'],
    ],
    ['no code of a blood pressure', { 'code.coding.0.code': '8310-5' }, ['profile-pattern Observation.code Observation.code']],
    [
      'another unit',
      { 'component.0.valueQuantity.code': 'kPa' },
      ['profile-fixed Observation.component[0].value.code Observation.component:systolic.value[x].code'],
    ],
  ];
  test.each(ofPressure)('us-core-blood-pressure refuses %s', async (_, edits, faults) => {
    const found = await world.faults(edited(files.get('Observation-blood-pressure.json') ?? {}, edits), [`${US}us-core-blood-pressure`]);
    expect(found.filter((fault) => !/^(?:coding|binding)/.test(fault))).toEqual(faults);
  });
});

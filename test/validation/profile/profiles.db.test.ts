import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../../src/definitions/load.ts';
import { EXAMPLE, line, makeWorld, profileOf } from './world.ts';

const patient = { resourceType: 'Patient' };
const born = [{ path: 'Patient.birthDate', min: 1, max: '1' }];
const missing = 'profile-required Patient.birthDate Patient.birthDate';

let definitions: Definitions;

beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
});

describe('a profile that a resource claims', () => {
  test('is checked like one that is asked for', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    expect(await world.faults({ ...patient, meta: { profile: [`${EXAMPLE}born`] } })).toEqual([missing]);
    expect(await world.faults({ ...patient, meta: { profile: [`${EXAMPLE}born`] }, birthDate: '1970' })).toEqual([]);
  });

  test('names the profile, its version and the element', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    const [fault] = (await world.validate(patient, [`${EXAMPLE}born`])).filter(({ severity }) => severity === 'error');
    expect(fault).toEqual({
      severity: 'error',
      code: 'required',
      id: 'profile-required',
      text: `Patient.birthDate is required by ${EXAMPLE}born and missing: add it.`,
      expression: ['Patient.birthDate', 'Patient'],
      rule: { profile: `${EXAMPLE}born`, version: '1.0.0', key: 'Patient.birthDate' },
    });
  });

  test('is that of the version it names, or is not known', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    expect(await world.faults(patient, [`${EXAMPLE}born|1.0.0`])).toEqual([missing]);
    const issues = await world.validate({ ...patient, meta: { profile: [`${EXAMPLE}born|2.0.0`] } });
    expect(issues.filter(({ severity }) => severity === 'error' || severity === 'warning').map(line)).toEqual([
      'profile-unknown Patient.meta.profile[0]',
    ]);
  });

  test('of another type is an error', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    expect(await world.faults({ resourceType: 'Person', meta: { profile: [`${EXAMPLE}born`] } })).toEqual(['profile-type Person Patient']);
  });

  test('of a type that others derive from holds for these', async () => {
    const texts = [{ path: 'DomainResource.text', min: 1, max: '1' }];
    const world = makeWorld(definitions, [profileOf('told', 'DomainResource', texts)]);
    expect(await world.faults(patient, [`${EXAMPLE}told`])).toEqual(['profile-required Patient.text DomainResource.text']);
    expect(await world.faults({ resourceType: 'Bundle', type: 'collection' }, [`${EXAMPLE}told`])).toEqual([
      'profile-type Bundle DomainResource',
    ]);
  });

  test('that has only a differential is completed', async () => {
    const differential = { element: [{ id: 'Patient.birthDate', path: 'Patient.birthDate', min: 1 }] };
    const { snapshot: _, ...rest } = { ...profileOf('derived', 'Patient', []), snapshot: undefined };
    const world = makeWorld(definitions, [{ ...rest, baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient', differential }]);
    expect(await world.faults(patient, [`${EXAMPLE}derived`])).toEqual([missing]);
  });
});

describe('a profile that cannot be compiled', () => {
  test.each([
    ['a logical model', { kind: 'logical' }, 'is a logical model, which no resource conforms to'],
    ['a type R4 lacks', { type: 'SubscriptionTopic' }, 'is of SubscriptionTopic, which is no type of FHIR R4'],
    [
      'a snapshot out of order',
      { snapshot: { element: [{ path: 'Patient' }, { path: 'Patient.name.family' }] } },
      'before the element it is part of',
    ],
  ])('is absent, and why is known: %s', async (_, more, why) => {
    const world = makeWorld(definitions, [profileOf('broken', 'Patient', [], more)]);
    await world.profiles.load(`${EXAMPLE}broken`);
    expect(world.profiles.get(`${EXAMPLE}broken`)).toBe('absent');
    expect(world.profiles.whyNot(`${EXAMPLE}broken`)).toContain(why);
  });

  test('an invariant that is no FHIRPath is told of, and the rest is checked', async () => {
    const constraint = [{ key: 'own-1', severity: 'error', human: 'x', expression: 'name.(' }];
    const world = makeWorld(definitions, [
      profileOf('unreadable', 'Patient', [
        { path: 'Patient.birthDate', min: 1, max: '1' },
        { path: 'Patient.name', constraint },
      ]),
    ]);
    const issues = await world.validate({ ...patient, name: [{ text: 'A' }] }, [`${EXAMPLE}unreadable`]);
    expect(issues.map(line)).toEqual(expect.arrayContaining([missing, 'invariant-unreadable Patient.name[0] own-1']));
  });
});

describe('profiles in memory', () => {
  test('are loaded when they are first asked for, once', async () => {
    const { profiles } = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    expect(profiles.get(`${EXAMPLE}born`)).toBeUndefined();
    await Promise.all([profiles.load(`${EXAMPLE}born`), profiles.load(`${EXAMPLE}born`)]);
    const compiled = profiles.get(`${EXAMPLE}born`);
    expect(compiled).toMatchObject({ url: `${EXAMPLE}born`, version: '1.0.0', type: 'Patient' });
    expect(profiles.get(`${EXAMPLE}born`)).toBe(compiled);
    expect(profiles.get(`${EXAMPLE}other`)).toBeUndefined();
    await profiles.load(`${EXAMPLE}other`);
    expect(profiles.get(`${EXAMPLE}other`)).toBe('absent');
  });

  test('are forgotten when definitions change', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    expect(await world.faults(patient, [`${EXAMPLE}born`])).toEqual([missing]);
    world.replace(profileOf('born', 'Patient', []));
    expect(world.profiles.get(`${EXAMPLE}born`)).toBeUndefined();
    expect(await world.faults(patient, [`${EXAMPLE}born`])).toEqual([]);
  });

  test('that are read while definitions change are not kept', async () => {
    const world = makeWorld(definitions, [profileOf('born', 'Patient', born)]);
    const loading = world.profiles.load(`${EXAMPLE}born`);
    world.replace(profileOf('born', 'Patient', []));
    await loading;
    expect(world.profiles.get(`${EXAMPLE}born`)).toBeUndefined();
  });

  test('make room for others, those not asked for longest first', async () => {
    const names = ['a', 'b', 'c'];
    const { profiles } = makeWorld(
      definitions,
      names.map((name) => profileOf(name, 'Patient', [])),
      { profilesMax: 2 },
    );
    await profiles.load(`${EXAMPLE}a`);
    await profiles.load(`${EXAMPLE}b`);
    profiles.get(`${EXAMPLE}a`);
    await profiles.load(`${EXAMPLE}c`);
    expect(names.map((name) => profiles.get(EXAMPLE + name) !== undefined)).toEqual([true, false, true]);
  });

  test('list the elements that must be supported', async () => {
    const supported = [
      { path: 'Patient.name', mustSupport: true },
      { path: 'Patient.name.family', id: 'Patient.name.family', mustSupport: true },
    ];
    const { profiles } = makeWorld(definitions, [profileOf('supported', 'Patient', supported)]);
    await profiles.load(`${EXAMPLE}supported`);
    expect(profiles.get(`${EXAMPLE}supported`)).toMatchObject({ mustSupport: ['Patient.name', 'Patient.name.family'] });
  });
});

test('profiles that lead around in a circle come to an end', async () => {
  const subject = (name: string) => [{ path: 'Observation.hasMember', type: [{ code: 'Reference', targetProfile: [EXAMPLE + name] }] }];
  const world = makeWorld(definitions, [
    profileOf('there', 'Observation', subject('back')),
    profileOf('back', 'Observation', subject('there')),
  ]);
  const one = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
  const entry = ['a', 'b'].map((id, at) => ({
    fullUrl: `http://example.org/fhir/Observation/${id}`,
    resource: { ...one, id, meta: { profile: [`${EXAMPLE}there`] }, hasMember: [{ reference: `Observation/${'ba'[at]}` }] },
  }));
  expect(await world.faults({ resourceType: 'Bundle', type: 'collection', entry })).toEqual([]);
});

test('a long chain of references that profiles follow is no danger', async () => {
  const member = [{ path: 'Observation.hasMember', type: [{ code: 'Reference', targetProfile: [`${EXAMPLE}link`] }] }];
  const world = makeWorld(definitions, [profileOf('link', 'Observation', member)]);
  const entry = Array.from({ length: 3_000 }, (_, at) => ({
    fullUrl: `http://example.org/fhir/Observation/${at}`,
    resource: {
      ...{ resourceType: 'Observation', id: `${at}`, status: 'final', code: { text: 'x' }, meta: { profile: [`${EXAMPLE}link`] } },
      ...(at < 2_999 && { hasMember: [{ reference: `Observation/${at + 1}` }] }),
    },
  }));
  const began = performance.now();
  expect(await world.faults({ resourceType: 'Bundle', type: 'collection', entry })).toEqual([]);
  expect(performance.now() - began).toBeLessThan(5_000);
});

import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { differencesOf, type Version } from '../../src/fhir/diff.ts';
import { type Json, type JsonObject, parseJson, sameValue, writeJson } from '../../src/fhir/json.ts';
import type { ElementDef } from '../../src/fhir/schema.ts';
import { applyFhirPathPatch } from '../../src/interactions/patch/fhirpath-patch.ts';
import { patchOf } from '../../src/operations/diff-parameters.ts';
import { issueId, patient } from '../conformance/samples.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let definitions: Definitions;
beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(import.meta.dirname, '..', '..', '.cache') });
});

const limits = { depthMax: 200, containerMax: 100_000, stringBytesMax: 1_000_000 };
const version = (text: string): Version => {
  const { value, decimals } = parseJson(text, limits);
  return { value: value as JsonObject, decimals };
};
const textOf = ({ value, decimals }: Version): string => writeJson(value, decimals);
const told = (older: object, newer: object) => {
  const found = differencesOf(version(JSON.stringify(older)), version(JSON.stringify(newer)), definitions.schema);
  return found.map(({ path, before, after }) => [path, before?.value, after?.value]);
};

/** What a client has that takes the answer and sends it as a patch. */
function patched(older: Version, newer: Version): Version {
  const { value, decimals } = patchOf(differencesOf(older, newer, definitions.schema), definitions.schema, newer.decimals);
  const sent = version(writeJson(value, decimals));
  const patch = { limits: { depthMax: 200, copiesMax: 10_000_000 }, schema: definitions.schema };
  const { resource, decimals: literals } = applyFhirPathPatch(older.value, older.decimals, sent.value, sent.decimals, patch);
  return { value: resource, decimals: literals };
}

describe('differences', () => {
  const patient = { resourceType: 'Patient', id: 'a', meta: {} };

  test.each<[string, object, object, [string, unknown, unknown][]]>([
    ['none', { active: true }, { active: true }, []],
    ['members in another order', { active: true, gender: 'male' }, { gender: 'male', active: true }, []],
    ['an element added', {}, { active: true }, [['Patient.active', undefined, true]]],
    ['an element removed', { active: true }, {}, [['Patient.active', true, undefined]]],
    ['an element replaced', { active: true }, { active: false }, [['Patient.active', true, false]]],
    ['a choice of another type', { deceasedBoolean: true }, { deceasedDateTime: '2024' }, [['Patient.deceased', true, '2024']]],
    [
      'one member of a name',
      { name: [{ family: 'A', given: ['B'] }] },
      { name: [{ family: 'A', given: ['C'] }] },
      [['Patient.name[0].given[0]', 'B', 'C']],
    ],
    [
      'a name instead of another',
      { name: [{ family: 'A' }] },
      { name: [{ family: 'B' }] },
      [['Patient.name[0]', { family: 'A' }, { family: 'B' }]],
    ],
    [
      'an item in front',
      { name: [{ family: 'A' }] },
      { name: [{ family: 'B' }, { family: 'A' }] },
      [['Patient.name[0]', undefined, { family: 'B' }]],
    ],
    [
      'an item gone from the middle',
      { name: [{ family: 'A' }, { family: 'B' }, { family: 'C' }] },
      { name: [{ family: 'A' }, { family: 'C' }] },
      [['Patient.name[1]', { family: 'B' }, undefined]],
    ],
    [
      'an item with an id, at another place and changed',
      { contact: [{ id: '1', gender: 'male' }, { id: '2' }] },
      { contact: [{ id: '0' }, { id: '1', gender: 'other' }, { id: '2' }] },
      [
        ['Patient.contact[0]', undefined, { id: '0' }],
        ['Patient.contact[1].gender', 'male', 'other'],
      ],
    ],
    [
      'the value of an extension',
      {
        extension: [
          { url: 'x', valueCode: 'a' },
          { url: 'y', valueCode: 'b' },
        ],
      },
      { extension: [{ url: 'y', valueCode: 'c' }] },
      [
        ['Patient.extension[0]', { url: 'x', valueCode: 'a' }, undefined],
        ['Patient.extension[0].value', 'b', 'c'],
      ],
    ],
    ['the first tag', {}, { meta: { tag: [{ code: 'a' }] } }, [['Patient.meta', undefined, { tag: [{ code: 'a' }] }]]],
  ])('%s', (_, older, newer, expected) => {
    expect(told({ ...patient, ...older }, { ...patient, ...newer })).toEqual(expected);
  });

  test('count the precision of decimals, and keep it', () => {
    const observation = (value: string) => version(`{"resourceType":"Observation","valueQuantity":{"value":${value},"unit":"g"}}`);
    expect(differencesOf(observation('1.0'), observation('1.0'), definitions.schema)).toEqual([]);
    const [only, ...others] = differencesOf(observation('1.0'), observation('1.00'), definitions.schema);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ path: 'Observation.value.value', before: { literal: '1.0' }, after: { literal: '1.00' } });
    expect(textOf(patched(observation('1.0'), observation('1.00')))).toBe(textOf(observation('1.00')));
  });

  test('of long lists are found in bounded time, and lead to the newer all the same', () => {
    const list = (items: readonly string[]) => version(JSON.stringify({ resourceType: 'Patient', name: [{ given: items }], active: true }));
    const older = list(Array.from({ length: 3_000 }, (_, at) => `a${at}`));
    const newer = list(Array.from({ length: 3_010 }, (_, at) => (at % 600 === 0 ? `b${at}` : `a${at}`)));
    const begun = performance.now();
    const found = differencesOf(older, newer, definitions.schema);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(found.length).toBeLessThan(20);
    const result = patched(older, newer);
    expect(sameValue(result.value, result.decimals, newer.value, newer.decimals)).toBe(true);
  });
});

/** Something of a type: not valid, but of the right shape, out of few values so that two have much in common. */
function someObject(type: string, depth: number): fc.Arbitrary<JsonObject> {
  const definition = definitions.schema(type);
  if (definition === undefined) throw new Error(`no type ${type}`);
  const usable = [...definition.elements.values()].filter(
    ({ name, type: of }) => name !== 'id' && name !== 'meta' && definitions.schema(of) !== undefined,
  );
  const flat = usable.filter(({ type: of }) => depth <= 2 || definitions.schema(of)?.kind === 'primitive');
  const choices = Map.groupBy(flat.length === 0 ? usable : flat, ({ element }) => element);
  const members = [...choices.values()];
  const some = fc.uniqueArray(fc.nat(Math.min(members.length, 7) - 1), { minLength: 1, maxLength: 4 });
  return some.chain((picked) => {
    const each = picked.map((at) => fc.constantFrom(...(members[at * Math.max(1, Math.floor(members.length / 7))] ?? [])));
    return fc
      .tuple(...each)
      .chain((elements) => fc.tuple(...elements.map((element) => someMember(element, depth))).map((parts) => Object.assign({}, ...parts)));
  });
}

function someMember(element: ElementDef, depth: number): fc.Arbitrary<JsonObject> {
  const { name, array, type } = element;
  const primitive = definitions.schema(type)?.kind === 'primitive';
  const extras = fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom({ id: 'i' }, { id: 'j' }) },
  );
  const value: fc.Arbitrary<Json> = primitive
    ? somePrimitive(type)
    : type === 'Resource'
      ? someObject('Basic', 3).map((basic) => ({ resourceType: 'Basic', ...basic }))
      : someObject(type, depth + 1);
  if (!primitive)
    return array
      ? fc.array(value, { minLength: 1, maxLength: 4 }).map((items) => ({ [name]: items }))
      : value.map((one) => ({ [name]: one }));
  if (!array)
    return fc.tuple(value, extras).map(([one, beside]) => ({ [name]: one, ...(beside === undefined ? {} : { [`_${name}`]: beside }) }));
  return fc.array(fc.tuple(value, extras), { minLength: 1, maxLength: 4 }).map((items) => ({
    [name]: items.map(([one]) => one),
    ...(items.some(([, beside]) => beside !== undefined) ? { [`_${name}`]: items.map(([, beside]) => beside ?? null) } : {}),
  }));
}

function somePrimitive(type: string): fc.Arbitrary<Json> {
  if (type === 'boolean') return fc.boolean();
  if (['decimal', 'integer', 'positiveInt', 'unsignedInt'].includes(type)) return fc.constantFrom(1, 2);
  return fc.constantFrom('a', 'b', 'c');
}

describe('what is told of two versions leads from the older to the newer', () => {
  test.each([
    'Patient',
    'Observation',
    'Questionnaire',
    'ValueSet',
    'StructureDefinition',
    'MedicationRequest',
    'Bundle',
    'Provenance',
    'Claim',
  ])('of any two of %s', (type) => {
    const some = fc.tuple(someObject(type, 0), someObject(type, 0));
    fc.assert(
      fc.property(some, ([a, b]) => {
        const [older, newer] = [a, b].map((fields) => version(JSON.stringify({ resourceType: type, id: 'x', ...fields })));
        if (older === undefined || newer === undefined) throw new Error('two versions');
        const result = patched(older, newer);
        expect(JSON.parse(textOf(result))).toEqual(JSON.parse(textOf(newer)));
      }),
      { numRuns: 150 },
    );
  });
});

describe('$diff', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    for (const more of [{}, { active: true }, { active: true, gender: 'other' }]) {
      await server.request('PUT', '/Patient/d', { body: patient({ id: 'd', ...more }) });
    }
  });
  afterAll(() => server?.stop());
  const paths = ({ json }: { json: { parameter?: { part: { valueCode?: string; valueString?: string }[] }[] } }) =>
    (json.parameter ?? []).map(({ part }) => [part[0]?.valueCode, part[1]?.valueString, part[2]?.valueString]);

  test.each<[string, string[][]]>([
    ['', [['add', 'Patient', 'gender']]],
    [
      '?from=1',
      [
        ['add', 'Patient', 'active'],
        ['add', 'Patient', 'gender'],
      ],
    ],
    ['?to=2', [['add', 'Patient', 'active']]],
    ['?from=3&to=2', [['delete', 'Patient.gender', undefined as unknown as string]]],
    ['?from=2&to=2', []],
  ])('%s', async (query, expected) => {
    const answer = await server.request('GET', `/Patient/d/$diff${query}`);
    expect(answer.status).toBe(200);
    expect(answer.json.resourceType).toBe('Parameters');
    expect(paths(answer)).toEqual(expected);
  });

  test('sent back as a patch undoes what was changed', async () => {
    await server.request('PUT', '/Patient/u', { body: patient({ id: 'u', birthDate: '1970' }) });
    await server.request('PUT', '/Patient/u', {
      body: patient({ id: 'u', name: [{ given: ['Eve'] }], telecom: [{ system: 'phone', value: '1' }] }),
    });
    const { json: undo } = await server.request('GET', '/Patient/u/$diff?from=2&to=1');
    const { status, json } = await server.request('PATCH', '/Patient/u', { body: undo });
    expect(status).toBe(200);
    expect(json).toMatchObject(patient({ birthDate: '1970' }));
    expect(json.telecom).toBeUndefined();
  });

  test.each<[string, number, string]>([
    ['/Patient/d/$diff?from=7', 404, 'version-not-found'],
    ['/Patient/d/$diff?to=1', 400, 'diff-first-version'],
    ['/Patient/d/$diff?from=0', 400, 'operation-parameter'],
    ['/Patient/d/$diff?since=1', 400, 'operation-parameter'],
    ['/Patient/nobody/$diff', 404, 'resource-not-found'],
    ['/Patient/nobody/$diff?from=1&to=1', 404, 'version-not-found'],
    ['/Patient/$diff', 404, 'operation-unknown'],
  ])('%s: %i', async (path, status, id) => {
    const answer = await server.request('GET', path);
    expect([answer.status, issueId(answer.json)]).toEqual([status, id]);
  });

  test('is for who may read both versions: for all others there is nothing', async () => {
    const own = await server.token({ scope: 'patient/Patient.r', patient: 'd' });
    expect((await server.request('GET', '/Patient/d/$diff', { token: own })).status).toBe(200);
    const another = await server.token({ scope: 'patient/Patient.r', patient: 'other' });
    const hidden = await server.request('GET', '/Patient/d/$diff', { token: another });
    const absent = await server.request('GET', '/Patient/never/$diff', { token: another });
    expect([hidden.status, hidden.text]).toEqual([404, absent.text]);
    expect((await server.request('GET', '/Patient/d/$diff?from=1&to=2', { token: another })).status).toBe(404);
    expect((await server.request('GET', '/Patient/d/$diff', { token: await server.token({ scope: 'system/Observation.r' }) })).status).toBe(
      403,
    );
  });

  test('of a deletion is what reading it is', async () => {
    await server.request('PUT', '/Patient/g', { body: patient({ id: 'g' }) });
    await server.request('DELETE', '/Patient/g');
    expect((await server.request('GET', '/Patient/g/$diff')).status).toBe(410);
    expect((await server.request('GET', '/Patient/g/$diff?from=1&to=2')).status).toBe(410);
  });
});

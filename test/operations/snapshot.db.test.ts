import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const profileOf = (name: string, ...element: readonly object[]) => ({
  resourceType: 'StructureDefinition',
  url: `http://example.org/StructureDefinition/${name}`,
  name,
  status: 'active',
  kind: 'resource',
  abstract: false,
  type: 'Patient',
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
  derivation: 'constraint',
  differential: { element: [{ id: 'Patient', path: 'Patient' }, ...element] },
});

const named = { id: 'Patient.name', path: 'Patient.name', min: 1 };
const broken = { id: 'Patient.nmae', path: 'Patient.nmae', min: 1 };
const parameters = (...parameter: readonly object[]) => ({ resourceType: 'Parameters', parameter });

describe('a profile of nothing but a differential', () => {
  test('is stored, and in force for the next request', async () => {
    const profile = profileOf('named', named);
    const before = await server.request('POST', '/Patient', { body: { resourceType: 'Patient', meta: { profile: [profile.url] } } });
    expect(before.status, before.text).toBe(201);
    const stored = await server.request('POST', '/StructureDefinition', { body: profile });
    expect(stored.status, stored.text).toBe(201);
    const after = await server.request('POST', '/Patient', { body: { resourceType: 'Patient', meta: { profile: [profile.url] } } });
    expect(after.status, after.text).toBe(422);
    expect(after.json.issue).toContainEqual(expect.objectContaining({ severity: 'error', expression: ['Patient.name', 'Patient'] }));
    const good = { resourceType: 'Patient', meta: { profile: [profile.url] }, name: [{ family: 'A' }] };
    expect((await server.request('POST', '/Patient', { body: good })).status).toBe(201);
  });

  test('is refused if no snapshot can be made of it, by the name of the element', async () => {
    const answer = await server.request('POST', '/StructureDefinition', { body: profileOf('broken', named, broken) });
    expect(answer.status).toBe(422);
    expect(answer.json.issue[0]).toMatchObject({
      severity: 'error',
      code: 'structure',
      details: { text: expect.stringContaining('there is no nmae among'), coding: [{ code: 'snapshot-unknown-element' }] },
      expression: ['StructureDefinition.differential.element[2]'],
    });
  });

  test('is stored before what it builds on', async () => {
    const body = { ...profileOf('early', named), baseDefinition: 'http://example.org/StructureDefinition/late' };
    const answer = await server.request('POST', '/StructureDefinition', { body, headers: { prefer: 'return=OperationOutcome' } });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.text).toContain('snapshot-base-unknown');
  });
});

describe('$snapshot', () => {
  const min = (resource: { snapshot: { element: { id: string; min: number }[] } }) =>
    resource.snapshot.element.find(({ id }) => id === 'Patient.name')?.min;

  test('makes the snapshot of what is sent, stored or named', async () => {
    const sent = profileOf('snapshot', named);
    const answers = [await server.request('POST', '/StructureDefinition/$snapshot', { body: sent })];
    answers.push(
      await server.request('POST', '/StructureDefinition/$snapshot', { body: parameters({ name: 'definition', resource: sent }) }),
    );
    const { id } = (await server.request('POST', '/StructureDefinition', { body: sent })).json;
    answers.push(await server.request('GET', `/StructureDefinition/${id}/$snapshot`));
    answers.push(await server.request('GET', `/StructureDefinition/$snapshot?url=${encodeURIComponent(sent.url)}`));
    for (const answer of answers) {
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json).toMatchObject({ resourceType: 'StructureDefinition', url: sent.url });
      expect(min(answer.json)).toBe(1);
    }
  });

  test.each([
    [
      'a broken differential',
      422,
      parameters({ name: 'definition', resource: profileOf('x', broken) }),
      'StructureDefinition.differential.element[1]',
    ],
    ['nothing', 400, parameters(), undefined],
    ['an unknown url', 404, parameters({ name: 'url', valueUri: 'http://example.org/unknown' }), undefined],
    [
      'two things at once',
      400,
      parameters({ name: 'url', valueUri: 'http://example.org/a' }, { name: 'definition', resource: profileOf('x') }),
      undefined,
    ],
    ['what has no path', 400, profileOf('x', { id: 'Patient.name' }), undefined],
  ])('refuses %s', async (_what, status, body, expression) => {
    const answer = await server.request('POST', '/StructureDefinition/$snapshot', { body });
    expect(answer.status, answer.text).toBe(status);
    if (expression !== undefined) expect(answer.json.issue[0].expression).toEqual([expression]);
  });

  test('asks for the right to read definitions', async () => {
    const token = await server.token({ scope: 'system/Patient.rs' });
    const url = encodeURIComponent('http://hl7.org/fhir/StructureDefinition/bmi');
    expect((await server.request('GET', `/StructureDefinition/$snapshot?url=${url}`, { token })).status).toBe(403);
    const reader = await server.token({ scope: 'system/StructureDefinition.rs' });
    expect((await server.request('GET', `/StructureDefinition/$snapshot?url=${url}`, { token: reader })).status).toBe(200);
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { bundle, identified, locatedId, observation, patient, statuses } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#transaction */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

type Entries = Parameters<typeof bundle>[1][];
const run = (entries: Entries, token?: string) =>
  server.request('POST', '', { body: bundle('batch', ...entries), ...(token === undefined ? {} : { token }) });

test('every entry is judged alone, answered in its place, and the batch is 200', async () => {
  const id = `b-${randomUUID()}`;
  const { status, json } = await run([
    { resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } },
    { resource: { resourceType: 'Patient', active: 'yes' }, request: { method: 'POST', url: 'Patient' } },
    { request: { method: 'GET', url: 'Patient/nobody' } },
    { request: { method: 'GET', url: `Patient/${id}` } },
    { resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}`, ifMatch: 'W/"9"' } },
    { request: { method: 'MERGE', url: 'Patient' } },
    { resource: observation(), request: { method: 'POST', url: 'Observation' } },
    { request: { method: 'DELETE', url: 'Patient/nobody' } },
    { resource: patient(), request: { method: 'POST', url: 'Patient/1' } },
    { resource: patient(), request: { method: 'POST', url: 'Patientt' } },
  ]);
  expect(status).toBe(200);
  expect(json.type).toBe('batch-response');
  const [first, ...rest] = statuses(json);
  expect(first).toBe(201);
  expect(rest).toEqual([400, 404, 200, 412, 400, 201, 200, 400, 400]);
  for (const at of [1, 2, 4, 5, 8, 9]) {
    expect(json.entry[at].response.outcome.issue[0].expression[0]).toMatch(new RegExp(`^Bundle\\.entry\\[${at}\\]`));
    expect(json.entry[at].resource).toBeUndefined();
  }
  expect(json.entry[9].response.outcome.issue[0].details.text).toContain('"Patient"');
  expect(json.entry[3].resource.id).toBe(id);
});

test('scopes are judged entry by entry', async () => {
  await server.request('PUT', '/Patient/shown', { body: patient({ id: 'shown' }) });
  const token = await server.token({ scope: 'system/Patient.r system/Observation.c' });
  const { status, json } = await run(
    [
      { request: { method: 'GET', url: 'Patient/shown' } },
      { request: { method: 'GET', url: 'Patient' } },
      { resource: patient(), request: { method: 'POST', url: 'Patient' } },
      { resource: observation(), request: { method: 'POST', url: 'Observation' } },
      { request: { method: 'GET', url: 'Observation/1' } },
      { request: { method: 'DELETE', url: 'Patient/shown' } },
    ],
    token,
  );
  expect(status).toBe(200);
  expect(statuses(json)).toEqual([200, 403, 403, 201, 403, 403]);
});

test('a patient’s app reads his own and gets the same answer for another’s as for none', async () => {
  await server.request('PUT', '/Patient/pa', { body: patient({ id: 'pa' }) });
  await server.request('PUT', '/Patient/pb', { body: patient({ id: 'pb' }) });
  const token = await server.token({ scope: 'patient/*.rs', patient: 'pa' });
  const { json } = await run(
    ['pa', 'pb', 'px'].map((id) => ({ request: { method: 'GET', url: `Patient/${id}` } })),
    token,
  );
  expect(statuses(json)).toEqual([200, 404, 404]);
  const bare = (index: number): string => JSON.stringify(json.entry[index]).replaceAll(/Entry \d+|entry\[\d+\]|"valueInteger":\d+/g, '');
  expect(bare(1).replaceAll('pb', 'px')).toBe(bare(2));
});

test('conditional entries work alone', async () => {
  const { identifier, criteria } = identified();
  const { json } = await run([
    { resource: patient({ identifier }), request: { method: 'POST', url: 'Patient', ifNoneExist: criteria } },
    { resource: patient({ identifier }), request: { method: 'POST', url: 'Patient', ifNoneExist: criteria } },
  ]);
  expect(statuses(json).toSorted((a, b) => a - b)).toEqual([200, 201]);
  const second = await run([
    { resource: patient({ identifier, active: true }), request: { method: 'PUT', url: `Patient?${criteria}` } },
    { request: { method: 'GET', url: `Patient?${criteria}&_summary=count` } },
  ]);
  expect(statuses(second.json)).toEqual([200, 200]);
  expect(second.json.entry[1].resource.total).toBe(1);
  const third = await run([{ request: { method: 'DELETE', url: `Patient?${criteria}` } }]);
  expect([200, 204]).toContain(statuses(third.json)[0]);
  expect((await server.request('GET', `/Patient/${locatedId(json, 0)}`)).status).toBe(410);
});

test('a hundred searches, reads and writes in one batch', async () => {
  const entries: Entries = Array.from({ length: 100 }, (_, n): Entries[number] =>
    n % 3 === 0
      ? { resource: observation(), request: { method: 'POST', url: 'Observation' } }
      : { request: { method: 'GET', url: n % 3 === 1 ? 'Patient?_count=1' : 'Patient/nobody' } },
  );
  const { json } = await run(entries);
  expect(statuses(json)).toEqual(entries.map((_, n) => [201, 200, 404][n % 3]));
});

describe('a Bundle', () => {
  test.each([
    { entry: {} },
    { entry: 'x' },
    { entry: [null, 1, 'x', [], {}] },
    { entry: [{ request: null }, { request: [] }, { request: {} }] },
  ])('like %j never fails the server', async (more) => {
    for (const type of ['batch', 'transaction']) {
      const answer = await server.request('POST', '', { body: { resourceType: 'Bundle', type, ...more } });
      expect(answer.status).toBeLessThan(500);
      if (answer.status === 200) for (const status of statuses(answer.json)) expect(status).toBe(400);
    }
  });
});

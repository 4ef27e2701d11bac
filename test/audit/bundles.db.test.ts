import { Client } from 'pg';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';
import { readTrail, type Told } from './trail-of.ts';

/* What is more than one event: Bundles, answers about several patients, an emergency. And what may not be in any of them. */

let server: TestServer;
const since = new Date().toISOString();
const canary = 'qzxvcanaryword';
let requests = 0;

const observation = (of: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: canary },
  subject: { reference: `Patient/${of}` },
  ...more,
});
const bundle = (type: 'batch' | 'transaction', ...entry: object[]) => ({ resourceType: 'Bundle', type, entry });
const by = { by: 'developer', outcome: '0' } as const;

/** The answer, and what it left. */
async function asked(method: string, path: string, options: RequestOptions = {}): Promise<{ answer: Answered; told: readonly Told[] }> {
  const requestId = `b-${requests++}`;
  const answer = await server.request(method, path, { ...options, headers: { ...options.headers, 'x-request-id': requestId } });
  const told = (await readTrail(server, since)).told(requestId);
  return { answer, told };
}

beforeAll(async () => {
  server = await startTestServer();
  for (const id of ['ann', 'bob', 'cid'])
    await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id, name: [{ family: canary }] } });
  for (const of of ['ann', 'bob', 'cid'])
    await server.request('PUT', `/Observation/of-${of}`, { body: observation(of, { id: `of-${of}` }) });
}, 60_000);
afterAll(() => server?.stop());

test('a page about several patients leaves one event for each of them, and a page that holds none leaves one', async () => {
  const search = { kind: 'search', ...by };
  const { told } = await asked('GET', '/Observation?_count=10');
  const query = 'GET /fhir/R4/Observation?_count=10';
  expect(told).toEqual(['ann', 'bob', 'cid'].map((id) => ({ ...search, patient: `Patient/${id}`, query })));
  const counted = await asked('GET', '/Observation?_summary=count');
  expect(counted.told).toEqual([{ ...search, query: 'GET /fhir/R4/Observation?_summary=count' }]);
  const included = await asked('GET', '/Observation?_id=of-ann&_include=Observation:subject');
  expect(included.told).toHaveLength(1);
  const revincluded = await asked('GET', '/Patient?_id=ann,bob&_revinclude=Observation:subject');
  expect(revincluded.told.map(({ patient }) => patient)).toEqual(['Patient/ann', 'Patient/bob']);
});

test('a resource about two patients leaves an event for each', async () => {
  const two = observation('ann', { id: 'two', performer: [{ reference: 'Patient/bob' }] });
  const { told } = await asked('PUT', '/Observation/two', { body: two });
  const written = { kind: 'update', ...by, data: 'Observation/two/_history/1' };
  expect(told).toEqual(['ann', 'bob'].map((id) => ({ ...written, patient: `Patient/${id}` })));
  const read = await asked('GET', '/Observation/two');
  expect(read.told).toEqual(['ann', 'bob'].map((id) => ({ kind: 'read', ...by, data: 'Observation/two', patient: `Patient/${id}` })));
  const removed = await asked('DELETE', '/Observation/two');
  expect(removed.told).toEqual(['ann', 'bob'].map((id) => ({ ...written, kind: 'delete', patient: `Patient/${id}` })));
});

test('a create tells what it made; one that finds a match tells what it found', async () => {
  const first = await asked('POST', '/Observation', { body: observation('ann') });
  const made = (answer: Answered, version = 1): string => `Observation/${answer.json.id}/_history/${version}`;
  expect(first.told).toEqual([{ kind: 'create', ...by, data: made(first.answer), patient: 'Patient/ann' }]);
  const ifNoneExist = 'identifier=http://example.org/t|once';
  const body = observation('bob', { identifier: [{ system: 'http://example.org/t', value: 'once' }] });
  const query = `POST /fhir/R4/Observation\nIf-None-Exist: ${ifNoneExist}`;
  const conditional = () => asked('POST', '/Observation', { body, headers: { 'if-none-exist': ifNoneExist } });
  const [second, third] = [await conditional(), await conditional()];
  expect([second.answer.status, third.answer.status]).toEqual([201, 200]);
  for (const { answer, told } of [second, third])
    expect(told).toEqual([{ kind: 'create', ...by, data: made(answer), patient: 'Patient/bob', query }]);
  const refused = await asked('POST', '/Observation', { body: { resourceType: 'Observation' } });
  expect(refused.answer.status).toBeGreaterThanOrEqual(400);
  expect(refused.told).toEqual([{ kind: 'create', by: 'developer', outcome: '4', data: 'Observation' }]);
});

test('a deletion by criteria tells each resource that it ends', async () => {
  const tag = (value: string) => ({ identifier: [{ system: 'http://example.org/t', value }] });
  for (const of of ['ann', 'bob'])
    await server.request('PUT', `/Observation/gone-${of}`, { body: observation(of, { id: `gone-${of}`, ...tag('gone') }) });
  const path = '/Observation?identifier=http://example.org/t|gone';
  const deleted = { kind: 'delete', ...by, query: `DELETE /fhir/R4${path}` };
  const { told } = await asked('DELETE', path);
  expect(told).toEqual(['ann', 'bob'].map((of) => ({ ...deleted, data: `Observation/gone-${of}/_history/1`, patient: `Patient/${of}` })));
  expect((await asked('DELETE', path)).told).toEqual([{ ...deleted, data: 'Observation' }]);
});

test('$everything and histories tell whom they show', async () => {
  const everything = await asked('GET', '/Patient/cid/$everything');
  const query = 'GET /fhir/R4/Patient/cid/$everything';
  expect(everything.told).toEqual([
    { kind: 'operation', ...by, data: 'Patient/cid', patient: 'Patient/cid', operation: '$everything', query },
  ]);
  const patients = (told: readonly Told[]) => told.map(({ patient }) => patient);
  const ofType = await asked('GET', '/Patient/_history');
  expect(patients(ofType.told)).toEqual(['Patient/ann', 'Patient/bob', 'Patient/cid']);
  expect(ofType.told[0]).toMatchObject({ kind: 'history-type', data: 'Patient', query: 'GET /fhir/R4/Patient/_history' });
  const ofAll = await asked('GET', '/_history?_count=100');
  expect(patients(ofAll.told)).toEqual(['Patient/ann', 'Patient/bob', 'Patient/cid']);
  const nobody = await asked('GET', '/Patient/none/$everything');
  expect(nobody.answer.status).toBe(404);
  expect(nobody.told).toMatchObject([{ kind: 'operation', outcome: '4', data: 'Patient/none' }]);
});

test('whose record was asked for in vain is told', async () => {
  const token = await server.token({ scope: 'patient/*.rs', patient: 'ann' });
  const { answer, told } = await asked('GET', '/Patient/bob', { token });
  expect(answer.status).toBe(404);
  expect(told).toEqual([{ kind: 'read', by: 'developer', outcome: '4', data: 'Patient/bob', patient: 'Patient/bob' }]);
});

test('a transaction leaves one event, and one for each entry; one that fails leaves one that tells that nothing was done', async () => {
  const entries = [
    { resource: observation('ann', { id: 't1' }), request: { method: 'PUT', url: 'Observation/t1' } },
    { resource: observation('bob'), request: { method: 'POST', url: 'Observation' } },
    { request: { method: 'GET', url: 'Observation/of-cid' } },
    { request: { method: 'DELETE', url: 'Observation/never' } },
    { request: { method: 'GET', url: 'Observation?_id=of-ann,of-bob' } },
  ];
  const { answer, told } = await asked('POST', '', { body: bundle('transaction', ...entries) });
  expect(answer.status, answer.text).toBe(200);
  const made = answer.json.entry[1].response.location;
  const query = 'GET Observation?_id=of-ann,of-bob';
  expect(told).toEqual([
    { kind: 'transaction', ...by },
    { kind: 'update', ...by, data: 'Observation/t1/_history/1', patient: 'Patient/ann', entry: '0' },
    { kind: 'create', ...by, data: made, patient: 'Patient/bob', entry: '1' },
    { kind: 'read', ...by, data: 'Observation/of-cid', patient: 'Patient/cid', entry: '2' },
    { kind: 'delete', ...by, data: 'Observation/never', entry: '3' },
    { kind: 'search', ...by, patient: 'Patient/ann', query, entry: '4' },
    { kind: 'search', ...by, patient: 'Patient/bob', query, entry: '4' },
  ]);
  const failing = [
    { resource: observation('ann', { id: 't2' }), request: { method: 'PUT', url: 'Observation/t2' } },
    { resource: observation('bob', { id: 't1' }), request: { method: 'PUT', url: 'Observation/t1', ifMatch: 'W/"9"' } },
  ];
  const failed = await asked('POST', '', { body: bundle('transaction', ...failing) });
  expect(failed.answer.status).toBe(412);
  expect(failed.told).toEqual([{ kind: 'transaction', by: 'developer', outcome: '4' }]);
});

test('a batch leaves one event, and one for each entry by itself', async () => {
  const { answer, told } = await asked('POST', '', {
    body: bundle(
      'batch',
      { resource: observation('ann', { id: 'b1' }), request: { method: 'PUT', url: 'Observation/b1' } },
      { request: { method: 'GET', url: 'Observation/never' } },
      { request: { method: 'GET', url: 'Observation/of-bob/_history/1' } },
      { request: { method: 'GUESS', url: 'Observation' } },
    ),
  });
  expect(answer.json.entry.map(({ response }: { response: { status: string } }) => response.status.slice(0, 3))).toEqual([
    '201',
    '404',
    '200',
    '400',
  ]);
  expect(told).toEqual([
    { kind: 'batch', ...by },
    { kind: 'update', ...by, data: 'Observation/b1/_history/1', patient: 'Patient/ann', entry: '0' },
    { kind: 'read', by: 'developer', outcome: '4', data: 'Observation/never', entry: '1' },
    { kind: 'vread', ...by, data: 'Observation/of-bob/_history/1', patient: 'Patient/bob', entry: '2' },
    { kind: 'unknown-interaction', by: 'developer', outcome: '4', entry: '3' },
  ]);
});

test('a record that is opened in an emergency leaves an event of its own; a refusal tells who it was', async () => {
  const doctor = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doe', roles: ['provider'] });
  const headers = { 'x-purpose-of-use': 'ETREAT', 'x-break-glass': `unconscious ${canary}`, 'x-break-glass-patient': 'bob' };
  const { answer, told } = await asked('GET', '/Observation/of-bob', { token: doctor, headers });
  expect(answer.status, answer.text).toBe(200);
  const who = { by: 'Practitioner/doe', outcome: '0', patient: 'Patient/bob' };
  expect(told).toEqual([
    { kind: '110127', ...who, data: 'Patient/bob' },
    { kind: 'read', ...who, data: 'Observation/of-bob' },
  ]);
  const own = await server.token({ scope: 'patient/*.rs', patient: 'ann', user: 'Patient/ann', roles: ['patient'] });
  const refused = await asked('GET', '/Observation/of-bob', { token: own, headers });
  expect(refused.answer.status).toBe(403);
  expect(refused.told).toEqual([{ kind: 'read', by: 'Patient/ann', outcome: '4', data: 'Observation/of-bob' }]);
});

test('why a record was opened is told by that one event, and goes with the key of the record', async () => {
  const doctor = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doe', roles: ['provider'] });
  const why = 'the patient of the blue car, unconscious';
  await server.request('PUT', '/Patient/goes', { body: { resourceType: 'Patient', id: 'goes' } });
  const headers = { 'x-purpose-of-use': 'ETREAT', 'x-break-glass': why, 'x-break-glass-patient': 'goes', 'x-request-id': 'glass-1' };
  expect((await server.request('GET', '/Patient/goes', { token: doctor, headers })).status).toBe(200);
  const told = async () =>
    (await readTrail(server, since)).events('glass-1').map((event) => [event.subtype[0].code, JSON.stringify(event).includes(why)]);
  expect((await told()).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ['110127', true],
    ['read', false],
  ]);
  await erasePatient(server.services.erasing, { id: 'goes', reason: 'order 1', at: new Date() });
  expect((await told()).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ['110127', false],
    ['read', false],
  ]);
});

test('events are valid, and hold nothing personal and no id of a patient in clear', async () => {
  const trail = await readTrail(server, since);
  const kinds = new Map<string, object>();
  for (let n = 0; n < requests; n++)
    for (const event of trail.events(`b-${n}`)) kinds.set(`${event.subtype?.[0]?.code} ${event.outcome} ${event.entity.length}`, event);
  expect(kinds.size).toBeGreaterThan(15);
  for (const [kind, event] of kinds) {
    const { json } = await server.request('POST', '/AuditEvent/$validate', { body: event });
    const faults = json.issue.filter(({ severity }: { severity: string }) => severity === 'error' || severity === 'fatal');
    expect(faults, `${kind} ${JSON.stringify(event)}`).toEqual([]);
  }
  const client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    for (const word of [canary, 'Patient/ann', 'of-bob', 'developer', 'Practitioner/doe']) {
      const { rows } = await client.query(
        `select count(*)::int as n from audit_event e where position(convert_to($1, 'UTF8') in e.content) > 0 or to_jsonb(e)::text like '%' || $1 || '%'`,
        [word],
      );
      expect(rows, word).toEqual([{ n: 0 }]);
    }
  } finally {
    await client.end();
  }
});

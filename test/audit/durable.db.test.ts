import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { readTrail } from './trail-of.ts';

/* Nothing is answered, and nothing is written, that isn't recorded. */

let server: TestServer;
let owner: Client;
const since = new Date().toISOString();
const timeoutMs = 1_500;
const waitingMax = 10;

beforeAll(async () => {
  server = await startTestServer({
    AUDIT_TIMEOUT_MS: String(timeoutMs),
    AUDIT_WAITING_MAX: String(waitingMax),
    TRANSACTION_TIMEOUT_MS: String(timeoutMs),
    LOG_LEVEL: 'silent',
  });
  owner = new Client({ connectionString: server.databaseUrl });
  await owner.connect();
  // Long enough to be answered compressed.
  const contact = Array.from({ length: 40 }, (_, n) => ({ name: { family: `Family ${n}`, given: [`Given ${n}`] } }));
  await server.request('PUT', '/Patient/ann', { body: { resourceType: 'Patient', id: 'ann', contact } });
}, 60_000);
afterAll(async () => {
  await owner?.end();
  await server?.stop();
});

/** While it runs, no event can be committed. */
async function held<T>(work: () => Promise<T>): Promise<T> {
  await owner.query('begin');
  await owner.query('lock table audit_event in access exclusive mode');
  try {
    return await work();
  } finally {
    await owner.query('rollback');
  }
}

const asked = (requestId: string, method: string, path: string, body?: object): Promise<Answered> =>
  server.request(method, path, { headers: { 'x-request-id': requestId }, ...(body === undefined ? {} : { body }) });

function expectUnavailable(answer: Answered): void {
  expect(answer.status, answer.text).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  // Nothing is left of the answer that was ready.
  for (const name of ['etag', 'last-modified', 'location', 'content-encoding']) expect(answer.headers.get(name), name).toBeNull();
  expect(answer.json).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ details: { coding: [{ code: 'audit-unavailable' }] } }],
  });
  expect(answer.text).not.toMatch(/ann|audit_event|select|lock/i);
}

test('of a file that can not be recorded nothing is sent, not even its type', async () => {
  await server.request('PUT', '/Binary/letter', {
    body: { resourceType: 'Binary', id: 'letter', contentType: 'text/plain', data: 'YW5uYQ==' },
  });
  const read = () => server.request('GET', '/Binary/letter', { headers: { accept: 'text/plain' } });
  expect((await read()).text).toBe('anna');
  const refused = await held(read);
  expectUnavailable(refused);
  expect(refused.headers.get('content-disposition')).toBeNull();
  expect(refused.headers.get('content-type')).toContain('json');
});

test('a read is answered once its event is committed, not before', async () => {
  let answered = false;
  await owner.query('begin');
  await owner.query('lock table audit_event in access exclusive mode');
  const reading = asked('d-1', 'GET', '/Patient/ann').finally(() => (answered = true));
  await new Promise((resolve) => setTimeout(resolve, timeoutMs / 3));
  expect(answered).toBe(false);
  await owner.query('rollback');
  expect((await reading).status).toBe(200);
  expect((await readTrail(server, since)).told('d-1')).toMatchObject([{ kind: 'read', outcome: '0', patient: 'Patient/ann' }]);
});

test.each([
  ['a read', 'GET', '/Patient/ann'],
  ['a search', 'GET', '/Patient?_id=ann'],
  ['a read of what is not there', 'GET', '/Patient/none'],
  ['$everything', 'GET', '/Patient/ann/$everything'],
  ['a history', 'GET', '/Patient/ann/_history'],
])('%s is refused with 503 where it can not be recorded', async (_, method, path) => {
  expectUnavailable(await held(() => asked('d-3', method, path)));
  expect((await asked('d-4', 'GET', '/Patient/ann')).status).toBe(200);
});

test('a read of the native API that can not be recorded is refused as its contract says, with when to come again', async () => {
  const answer = await held(() => asked('d-5', 'GET', `${server.origin}/api/v1/patients/ann`));
  expect([answer.status, answer.json.code]).toEqual([503, 'unavailable']);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
});

test.each([
  ['a create', 'POST', '/Observation', 'never-1'],
  ['an update', 'PUT', '/Observation/never-2', 'never-2'],
  ['a transaction', 'POST', '', 'never-3'],
])('%s whose event can not be written is not written', async (_, method, path, id) => {
  const identifier = [{ system: 'http://example.org/t', value: id }];
  const resource = {
    resourceType: 'Observation',
    id,
    identifier,
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/ann' },
  };
  const entry = [{ resource, request: { method: 'PUT', url: `Observation/${id}` } }];
  const body = path === '' ? { resourceType: 'Bundle', type: 'transaction', entry } : resource;
  expectUnavailable(await held(() => asked(`d-${id}`, method, path, body)));
  const found = await asked('d-5', 'GET', `/Observation?identifier=http://example.org/t|${id}`);
  expect(found.json.total).toBe(0);
  const successes = (await readTrail(server, since)).told(`d-${id}`).filter(({ outcome }) => outcome === '0');
  expect(successes).toEqual([]);
});

test('no more wait than may: further ones are refused at once', async () => {
  await held(async () => {
    const began = performance.now();
    const reading = Array.from({ length: waitingMax + 20 }, async (_, n) => {
      const answer = await asked(`d-w${n}`, 'GET', '/Patient/ann');
      return { answer, ms: performance.now() - began };
    });
    const all = await Promise.all(reading);
    for (const { answer } of all) expectUnavailable(answer);
    expect(all.filter(({ ms }) => ms < timeoutMs * 0.8).length).toBeGreaterThanOrEqual(10);
  });
  expect((await asked('d-6', 'GET', '/Patient/ann')).status).toBe(200);
});

test('where events are refused for good, reads and writes are, and nothing of it is told', async () => {
  await owner.query('alter table audit_event rename to audit_event_away');
  try {
    expectUnavailable(await asked('d-7', 'GET', '/Patient/ann'));
    expectUnavailable(await asked('d-8', 'PUT', '/Patient/new', { resourceType: 'Patient', id: 'new' }));
  } finally {
    await owner.query('alter table audit_event_away rename to audit_event');
  }
  expect((await asked('d-9', 'GET', '/Patient/new')).status).toBe(404);
});

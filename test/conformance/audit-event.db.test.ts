import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { bundle, issueId, statuses } from './samples.ts';

/** AuditEvents are added, read and searched; they are never changed or deleted. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await put('kept', event('kept'));
});
afterAll(() => server?.stop());

const event = (id?: string, more: Readonly<Record<string, unknown>> = {}) => ({
  resourceType: 'AuditEvent',
  ...(id === undefined ? {} : { id }),
  type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
  recorded: '2024-03-01T10:00:00Z',
  agent: [{ requestor: true }],
  source: { observer: { display: 'x' } },
  ...more,
});
const put = (id: string, body: unknown) => server.request('PUT', `/AuditEvent/${id}`, { body });
const transact = (...entries: Parameters<typeof bundle>[1][]) => server.request('POST', '', { body: bundle('transaction', ...entries) });
const untouched = async (): Promise<void> => {
  expect((await server.request('GET', '/AuditEvent/kept')).headers.get('etag')).toBe('W/"1"');
  expect((await server.request('GET', '/AuditEvent/kept/_history')).json.total).toBe(1);
};

test('POST adds one, which can be read, by version too, and searched', async () => {
  const created = await server.request('POST', '/AuditEvent', { body: event() });
  expect(created.status).toBe(201);
  const path = `/AuditEvent/${created.json.id}`;
  expect((await server.request('GET', path)).json).toEqual(created.json);
  expect((await server.request('GET', `${path}/_history/1`)).status).toBe(200);
  expect((await server.request('GET', `/AuditEvent?_id=${created.json.id}`)).json.total).toBe(1);
  expect((await server.request('GET', '/AuditEvent?date=2024-03-01')).json.total).toBeGreaterThan(0);
  expect((await server.request('GET', '/AuditEvent/_history')).json.total).toBeGreaterThan(1);
});

test('PUT of a new id is 201, the same again 200 without a version, anything else 405', async () => {
  expect((await put('new', event('new'))).status).toBe(201);
  const again = await put('new', event('new'));
  expect([again.status, again.headers.get('etag')]).toEqual([200, 'W/"1"']);
  const changed = await put('new', event('new', { outcome: '4' }));
  expect(changed.status).toBe(405);
  expect(issueId(changed.json)).toBe('audit-event-unchangeable');
  expect(changed.headers.get('allow')).toMatch(/GET/);
  expect((await server.request('GET', '/AuditEvent/new')).json.outcome).toBeUndefined();
});

describe('405, and nothing changes', () => {
  test.each(['/AuditEvent/kept', '/AuditEvent/nobody', '/AuditEvent?date=lt2026', '/AuditEvent?_id=kept'])('DELETE %s', async (path) => {
    expect((await server.request('DELETE', path)).status).toBe(405);
    await untouched();
  });

  test('PATCH, by id and by criteria, in both formats', async () => {
    for (const path of ['/AuditEvent/kept', '/AuditEvent?_id=kept']) {
      const json = { body: [{ op: 'add', path: '/outcome', value: '4' }], headers: { 'content-type': 'application/json-patch+json' } };
      expect((await server.request('PATCH', path, json)).status).toBe(405);
      expect((await server.request('PATCH', path, { body: { resourceType: 'Parameters' } })).status).toBe(405);
    }
    await untouched();
  });

  test('a conditional update of an existing one', async () => {
    const answer = await server.request('PUT', '/AuditEvent?_id=kept', { body: event(undefined, { outcome: '4' }) });
    expect(answer.status).toBe(405);
    await untouched();
  });

  test('the same in batches and transactions', async () => {
    const entries: Parameters<typeof bundle>[1][] = [
      { request: { method: 'DELETE', url: 'AuditEvent/kept' } },
      { request: { method: 'DELETE', url: 'AuditEvent?_id=kept' } },
      { resource: event('kept', { outcome: '4' }), request: { method: 'PUT', url: 'AuditEvent/kept' } },
      { resource: { resourceType: 'Parameters' }, request: { method: 'PATCH', url: 'AuditEvent/kept' } },
    ];
    const { json } = await server.request('POST', '', { body: bundle('batch', ...entries) });
    expect(statuses(json)).toEqual([405, 405, 405, 405]);
    for (const entry of entries) expect((await transact(entry)).status).toBe(405);
    await untouched();
  });
});

test('a transaction adds them beside others, by POST and by PUT of a new id, and all or nothing', async () => {
  const entries: Parameters<typeof bundle>[1][] = [
    { resource: event(), request: { method: 'POST', url: 'AuditEvent' } },
    { resource: event('by-put'), request: { method: 'PUT', url: 'AuditEvent/by-put' } },
    { resource: event('kept'), request: { method: 'PUT', url: 'AuditEvent/kept' } },
    { resource: { resourceType: 'Basic', code: { text: 'x' } }, request: { method: 'POST', url: 'Basic' } },
  ];
  const { json } = await transact(...entries);
  expect(statuses(json)).toEqual([201, 201, 200, 201]);
  const failed = await transact(
    { resource: event('never'), request: { method: 'PUT', url: 'AuditEvent/never' } },
    { request: { method: 'GET', url: 'Patient/nobody' } },
  );
  expect(failed.status).toBe(404);
  expect((await server.request('GET', '/AuditEvent/never')).status).toBe(404);
  await untouched();
});

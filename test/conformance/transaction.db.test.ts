import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { bundle, identified, issueId, locatedId, observation, patient, statuses } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#transaction */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ BUNDLE_ENTRIES_MAX: '200' });
});
afterAll(() => server?.stop());

type Entries = Parameters<typeof bundle>[1][];
const transact = (entries: Entries, headers: Readonly<Record<string, string>> = {}) =>
  server.request('POST', '', { body: bundle('transaction', ...entries), headers });
const post = (type: string, more: Readonly<Record<string, unknown>> = {}) => ({ method: 'POST', url: type, ...more });
const exists = async (path: string): Promise<boolean> => (await server.request('GET', path)).status === 200;
const fresh = (): string => `t-${randomUUID()}`;

describe('the answer', () => {
  test('has one entry an entry, in the order asked, each with status, location, etag and lastModified', async () => {
    const [kept, gone] = [fresh(), fresh()];
    await server.request('PUT', `/Patient/${kept}`, { body: patient({ id: kept }) });
    await server.request('PUT', `/Patient/${gone}`, { body: patient({ id: gone }) });
    const { status, json } = await transact([
      { request: { method: 'GET', url: `Patient/${kept}` } },
      { resource: patient({ id: kept, active: true }), request: { method: 'PUT', url: `Patient/${kept}` } },
      { resource: observation(), request: post('Observation') },
      { request: { method: 'DELETE', url: `Patient/${gone}` } },
    ]);
    expect(status).toBe(200);
    expect(json).toMatchObject({ resourceType: 'Bundle', type: 'transaction-response' });
    expect(statuses(json)).toEqual([200, 200, 201, 204]);
    expect(json.entry[1].response).toMatchObject({ status: '200 OK', location: `Patient/${kept}/_history/2`, etag: 'W/"2"' });
    const { json: read } = await server.request('GET', `/Patient/${kept}`);
    expect(json.entry[1].response.lastModified).toBe(read.meta.lastUpdated);
    expect(json.entry[0].resource).toMatchObject({ id: kept, active: true });
  });

  test('of an empty transaction is empty', async () => {
    for (const body of [
      { resourceType: 'Bundle', type: 'transaction' },
      { resourceType: 'Bundle', type: 'batch' },
    ]) {
      const { status, json } = await server.request('POST', '', { body });
      expect(status).toBe(200);
      expect(json.entry).toBeUndefined();
    }
  });

  type AnyEntry = { resource?: { resourceType: string }; response: { outcome?: { resourceType: string } } };

  test.each<[string, (entry: AnyEntry) => boolean]>([
    ['minimal', (entry: AnyEntry) => entry.resource === undefined && entry.response.outcome === undefined],
    ['representation', (entry: AnyEntry) => entry.resource?.resourceType === 'Patient'],
    ['OperationOutcome', (entry: AnyEntry) => entry.resource === undefined && entry.response.outcome?.resourceType === 'OperationOutcome'],
  ])('with Prefer: return=%s holds as much', async (value, holds) => {
    const { json } = await transact([{ resource: patient(), request: post('Patient') }], { prefer: `return=${value}` });
    expect(json.entry).toHaveLength(1);
    expect(json.entry.every(holds)).toBe(true);
  });
});

describe('the order is DELETE, POST, PUT and PATCH, GET, whatever the Bundle’s', () => {
  test('a GET sees what the transaction wrote, by read, search and history', async () => {
    const id = fresh();
    const { identifier, criteria } = identified();
    const { json } = await transact([
      { request: { method: 'GET', url: `Patient?${criteria}` } },
      { request: { method: 'GET', url: `Patient/${id}/_history` } },
      { request: { method: 'GET', url: `Patient/${id}/_history/1` } },
      { request: { method: 'GET', url: `Patient/${id}?_elements=identifier` } },
      { request: { method: 'HEAD', url: `Patient/${id}` } },
      { resource: patient({ id, identifier }), request: { method: 'PUT', url: `Patient/${id}` } },
    ]);
    expect(statuses(json)).toEqual([200, 200, 200, 200, 200, 201]);
    expect(json.entry[0].resource.entry[0].resource.id).toBe(id);
    expect(json.entry[1].resource.total).toBe(1);
    expect(json.entry[2].resource.id).toBe(id);
    expect(json.entry[3].resource).toMatchObject({ identifier });
    expect(json.entry[3].resource.name).toBeUndefined();
  });

  test('what is deleted no longer stands in the way of a conditional create', async () => {
    const { identifier, criteria } = identified();
    const { json: old } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
    const { json } = await transact([
      { resource: patient({ identifier }), request: post('Patient', { ifNoneExist: criteria }) },
      { request: { method: 'DELETE', url: `Patient/${old.id}` } },
    ]);
    expect(statuses(json)).toEqual([201, 204]);
    expect(locatedId(json, 0)).not.toBe(old.id);
  });

  test('a GET of what the transaction deletes refuses it', async () => {
    const id = fresh();
    await server.request('PUT', `/Patient/${id}`, { body: patient({ id }) });
    const answer = await transact([
      { request: { method: 'GET', url: `Patient/${id}` } },
      { request: { method: 'DELETE', url: `Patient/${id}` } },
    ]);
    expect(answer.status).toBe(410);
    expect(await exists(`/Patient/${id}`)).toBe(true);
  });

  test('If-None-Match of a GET entry answers 304', async () => {
    const id = fresh();
    await server.request('PUT', `/Patient/${id}`, { body: patient({ id }) });
    const { json } = await transact([{ request: { method: 'GET', url: `Patient/${id}`, ifNoneMatch: 'W/"1"' } }]);
    expect(statuses(json)).toEqual([304]);
    expect(json.entry[0].resource).toBeUndefined();
  });
});

describe('it is all or nothing', () => {
  test.each<[string, number, Entries[number]]>([
    ['an invalid resource', 400, { resource: { resourceType: 'Patient', active: 'yes' }, request: post('Patient') }],
    ['a wrong version', 412, { resource: patient({ id: 'x' }), request: { method: 'PUT', url: 'Patient/x', ifMatch: 'W/"9"' } }],
    ['an unknown type', 400, { resource: patient(), request: post('Patients') }],
    ['another type than the url', 400, { resource: patient(), request: post('Observation') }],
    ['another id than the url', 400, { resource: patient({ id: 'a' }), request: { method: 'PUT', url: 'Patient/b' } }],
    ['a resource without id', 400, { resource: patient(), request: { method: 'PUT', url: 'Patient/b' } }],
    ['no resource', 400, { request: post('Patient') }],
    ['no request', 400, { resource: patient() } as unknown as Entries[number]],
    ['an unknown method', 400, { resource: patient(), request: { method: 'MERGE', url: 'Patient' } }],
    ['no url', 400, { resource: patient(), request: { method: 'POST' } }],
    ['an id in a POST', 400, { resource: patient(), request: post('Patient/1') }],
    ['criteria in a POST', 400, { resource: patient(), request: post('Patient?active=true') }],
    ['neither id nor criteria', 400, { resource: patient(), request: { method: 'PUT', url: 'Patient' } }],
    ['a bad id', 400, { resource: patient({ id: 'a_b' }), request: { method: 'PUT', url: 'Patient/a_b' } }],
    ['a url elsewhere', 400, { resource: patient(), request: post('https://elsewhere.example.org/fhir/Patient') }],
    ['a read of nothing', 404, { request: { method: 'GET', url: 'Patient/nobody' } }],
    ['an unknown search parameter', 400, { request: { method: 'GET', url: 'Patient?nonsense=1' } }],
    ['a patch of nothing', 404, { resource: { resourceType: 'Parameters' }, request: { method: 'PATCH', url: 'Patient/nobody' } }],
    ['empty criteria', 400, { request: { method: 'DELETE', url: 'Patient?' } }],
  ])('%s refuses it with %i and names entry 1', async (_, status, entry) => {
    const id = fresh();
    const answer = await transact([{ resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } }, entry]);
    expect(answer.status).toBe(status);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    for (const issue of answer.json.issue) {
      expect(issue.expression[0]).toMatch(/^Bundle\.entry\[1\]/);
      expect(issue.details.text).toMatch(/^Entry 1: /);
    }
    expect(await exists(`/Patient/${id}`)).toBe(false);
    expect((await server.request('GET', `/Patient/${id}/_history`)).status).toBe(404);
  });

  test('the places of faults are paths into the Bundle', async () => {
    const answer = await transact([{ resource: { resourceType: 'Patient', birthDate: 'x' }, request: post('Patient') }]);
    expect(answer.json.issue[0].expression).toEqual(['Bundle.entry[0].resource.ofType(Patient).birthDate']);
    const mismatch = await transact([{ resource: patient(), request: post('Basic') }]);
    expect(mismatch.json.issue[0].expression).toEqual(['Bundle.entry[0].resource.resourceType']);
  });

  test('two faults far apart are found before anything is written', async () => {
    const ids = Array.from({ length: 50 }, fresh);
    const entries: Entries = ids.map((id) => ({ resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } }));
    const answer = await transact([...entries, { request: { method: 'GET', url: 'Patient/nobody' } }]);
    expect(answer.status).toBe(404);
    expect(await exists(`/Patient/${ids[0]}`)).toBe(false);
    expect(await exists(`/Patient/${ids[49]}`)).toBe(false);
  });

  test('one entry out of scope refuses the whole', async () => {
    const token = await server.token({ scope: 'system/Patient.cruds' });
    const id = fresh();
    const answer = await server.request('POST', '', {
      token,
      body: bundle(
        'transaction',
        { resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } },
        { resource: observation(), request: post('Observation') },
      ),
    });
    expect(answer.status).toBe(403);
    expect(answer.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[1\]/);
    expect(await exists(`/Patient/${id}`)).toBe(false);
  });
});

describe('one resource is changed once', () => {
  const put = (id: string): Entries[number] => ({ resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } });
  const remove = (id: string): Entries[number] => ({ request: { method: 'DELETE', url: `Patient/${id}` } });

  test.each<[string, (id: string) => Entries]>([
    ['PUT and PUT', (id) => [put(id), put(id)]],
    ['PUT and DELETE', (id) => [put(id), remove(id)]],
    ['DELETE and DELETE', (id) => [remove(id), remove(id)]],
    [
      'PUT by relative and absolute url',
      (id) => [put(id), { ...put(id), request: { method: 'PUT', url: `${server.base}/Patient/${id}` } }],
    ],
    ['PUT and PATCH', (id) => [put(id), { resource: { resourceType: 'Parameters' }, request: { method: 'PATCH', url: `Patient/${id}` } }]],
  ])('%s of one id is refused with 400 naming both', async (_, entries) => {
    const id = fresh();
    const answer = await transact(entries(id));
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toBe('transaction-duplicate-target');
    expect(answer.json.issue[0].expression).toEqual(['Bundle.entry[0]', 'Bundle.entry[1]']);
    expect(await exists(`/Patient/${id}`)).toBe(false);
  });

  test('also when one of them is conditional', async () => {
    const { identifier, criteria } = identified();
    const { json: old } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
    const answer = await transact([
      { resource: patient({ identifier, active: true }), request: { method: 'PUT', url: `Patient?${criteria}` } },
      { resource: patient({ id: old.id }), request: { method: 'PUT', url: `Patient/${old.id}` } },
    ]);
    expect(answer.status).toBe(400);
    expect((await server.request('GET', `/Patient/${old.id}`)).json.meta.versionId).toBe('1');
  });

  test('two entries with one fullUrl are refused, as a reference to it could mean either', async () => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const answer = await transact([
      { fullUrl, resource: patient(), request: post('Patient') },
      { fullUrl, resource: patient(), request: post('Patient') },
    ]);
    expect(answer.status).toBe(400);
    expect(answer.json.issue[0].expression).toEqual(['Bundle.entry[0].fullUrl', 'Bundle.entry[1].fullUrl']);
  });
});

describe('conditional entries', () => {
  test('create: a match is answered 200 and left; the same criteria twice make one', async () => {
    const { identifier, criteria } = identified();
    const entry: Entries[number] = { resource: patient({ identifier }), request: post('Patient', { ifNoneExist: criteria }) };
    const first = await transact([entry, entry]);
    expect(statuses(first.json).toSorted((a, b) => a - b)).toEqual([200, 201]);
    expect(locatedId(first.json, 0)).toBe(locatedId(first.json, 1));
    const second = await transact([entry]);
    expect(statuses(second.json)).toEqual([200]);
    expect((await server.request('GET', `/Patient?${criteria}`)).json.total).toBe(1);
  });

  test('many transactions at once with the same criteria make one resource', async () => {
    const { identifier, criteria } = identified();
    const entry: Entries[number] = { resource: patient({ identifier }), request: post('Patient', { ifNoneExist: criteria }) };
    const answers = await Promise.all(Array.from({ length: 20 }, () => transact([entry])));
    expect(answers.flatMap(({ json }) => statuses(json)).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 19 }, () => 200),
      201,
    ]);
  });

  test('delete: one match goes, none is fine, two refuse', async () => {
    const { identifier, criteria } = identified();
    const entry: Entries[number] = { request: { method: 'DELETE', url: `Patient?${criteria}` } };
    expect(statuses((await transact([entry])).json)).toEqual([204]);
    const { json: old } = await server.request('POST', '/Patient', { body: patient({ identifier }) });
    expect(statuses((await transact([entry])).json)).toEqual([204]);
    expect((await server.request('GET', `/Patient/${old.id}`)).status).toBe(410);
    await server.request('POST', '/Patient', { body: patient({ identifier }) });
    await server.request('POST', '/Patient', { body: patient({ identifier }) });
    const refused = await transact([entry]);
    expect(refused.status).toBe(412);
    expect(refused.json.issue[0].code).toBe('multiple-matches');
  });

  test('If-None-Match: * and If-Match are held for each entry', async () => {
    const id = fresh();
    const put = (more: Readonly<Record<string, unknown>>, active = true): Entries => [
      { resource: patient({ id, active }), request: { method: 'PUT', url: `Patient/${id}`, ...more } },
    ];
    expect(statuses((await transact(put({ ifNoneMatch: '*' }))).json)).toEqual([201]);
    expect((await transact(put({ ifNoneMatch: '*' }))).status).toBe(412);
    expect((await transact(put({ ifMatch: 'W/"2"' }))).status).toBe(412);
    expect((await transact(put({ ifMatch: '1' }))).status).toBe(400);
    expect(statuses((await transact(put({ ifMatch: 'W/"1"' }, false))).json)).toEqual([200]);
    expect((await transact([{ request: { method: 'DELETE', url: `Patient/${id}`, ifMatch: 'W/"1"' } }])).status).toBe(412);
  });
});

test('an update that changes nothing makes no version, a deletion of what is gone neither', async () => {
  const id = fresh();
  const put: Entries = [{ resource: patient({ id }), request: { method: 'PUT', url: `Patient/${id}` } }];
  await transact(put);
  expect((await transact(put)).json.entry[0].response).toMatchObject({ status: '200 OK', etag: 'W/"1"' });
  const remove: Entries = [{ request: { method: 'DELETE', url: `Patient/${id}` } }];
  await transact(remove);
  expect(statuses((await transact(remove)).json)).toEqual([204]);
  expect(statuses((await transact([{ request: { method: 'DELETE', url: `Patient/${fresh()}` } }])).json)).toEqual([204]);
  expect((await server.request('GET', `/Patient/${id}/_history`)).json.total).toBe(2);
  expect(statuses((await transact(put)).json)).toEqual([201]);
});

test('200 entries are taken, 201 are too many', async () => {
  const entries = (count: number): Entries => Array.from({ length: count }, () => ({ resource: patient(), request: post('Patient') }));
  expect(statuses((await transact(entries(200))).json)).toHaveLength(200);
  for (const type of ['transaction', 'batch'] as const) {
    const answer = await server.request('POST', '', { body: bundle(type, ...entries(201)) });
    expect(answer.status).toBe(413);
    expect(issueId(answer.json)).toBe('bundle-too-many-entries');
  }
});

test.each(['collection', 'document', 'history', 'searchset', undefined, 7])('a Bundle of type %s is not run', async (type) => {
  const answer = await server.request('POST', '', { body: { resourceType: 'Bundle', ...(type === undefined ? {} : { type }) } });
  expect(answer.status).toBe(400);
  expect(answer.json.issue[0].expression).toEqual(['Bundle.type']);
});

test('another resource at the base is refused', async () => {
  expect((await server.request('POST', '', { body: patient() })).status).toBe(400);
});

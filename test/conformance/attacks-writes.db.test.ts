import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectRefusal, type Fixture, mrn, observation, startFixture } from './attack-fixture.ts';
import { rawRequest } from '../support/raw-request.ts';

let server: Fixture;
beforeAll(async () => {
  server = await startFixture();
});
afterAll(() => server?.stop());

const jsonPatch = { 'content-type': 'application/json-patch+json' };
const versionOf = async (path: string): Promise<string> => (await server.request('GET', path)).json.meta.versionId;

test('C70 a scope narrowed to a category writes only that category, before and after', async () => {
  const scope = 'patient/Observation.cu?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
  const token = await server.token({ scope, patient: 'pa' });
  expect((await server.request('POST', '/Observation', { token, body: observation(undefined, 'pa') })).status).toBe(201);
  expectRefusal(await server.request('POST', '/Observation', { token, body: observation(undefined, 'pa', 'vital-signs') }), 403);
  expectRefusal(await server.request('PUT', '/Observation/oa-lab', { token, body: observation('oa-lab', 'pa', 'vital-signs') }), 403);
  // Nothing tells this caller that the vital sign exists.
  expectRefusal(await server.request('PUT', '/Observation/oa-vit', { token, body: observation('oa-vit', 'pa') }), 403, 404);
  for (const id of ['oa-lab', 'oa-vit']) expect(await versionOf(`/Observation/${id}`)).toBe('1');
});

test('C71 who may write and not read gets no body back, and no stored value in an error', async () => {
  const secret = { note: [{ text: 'a stored secret' }] };
  const body = observation(undefined, 'pa', 'laboratory', secret);
  const headers = { prefer: 'return=representation' };
  const made = await server.request('POST', '/Observation', { token: server.TW, headers, body });
  expect([made.status, made.text]).toEqual([201, '']);
  const path = new URL(made.headers.get('location') ?? '').pathname.replace(/^.*R4(\/Observation\/[^/]+)\/.*$/, '$1');
  const id = path.split('/')[2];
  expectRefusal(await server.request('GET', path, { token: server.TW }), 403);
  expectRefusal(await server.request('GET', `${path}/_history/1`, { token: server.TW }), 403);
  expectRefusal(await server.request('GET', '/Observation?_id=oa-lab', { token: server.TW }), 403);
  const updated = await server.request('PUT', path, { token: server.TW, headers, body: { ...body, id, status: 'amended' } });
  expect([updated.status, updated.text]).toEqual([200, '']);
  const refused = [
    await server.request('PUT', path, { token: server.TW, headers: { ...headers, 'if-match': 'W/"9"' }, body: { ...body, id } }),
    await server.request('PATCH', path, {
      token: server.TW,
      headers: { ...headers, ...jsonPatch },
      body: [{ op: 'test', path: '/note/0/text', value: 'x' }],
    }),
    await server.request('PATCH', path, {
      token: server.TW,
      headers: { ...headers, ...jsonPatch },
      body: [{ op: 'remove', path: '/status' }],
    }),
    await server.request('PUT', path, { token: server.TW, headers, body: { ...body, id, status: 1 } }),
    await server.request('POST', '/Observation', { token: server.TW, headers: { ...headers, 'if-none-exist': `_id=${id}` }, body }),
  ];
  for (const answer of refused) {
    expectRefusal(answer, 400, 403, 412, 422);
    expect(answer.text).not.toContain('a stored secret');
  }
  const batch = {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [{ resource: { ...body, id, status: 'final' }, request: { method: 'PUT', url: `Observation/${id}` } }],
  };
  expect((await server.request('POST', '', { token: server.TW, headers, body: batch })).text).not.toContain('a stored secret');
});

test('C80 ids of the server are not to be guessed', async () => {
  const made = await Promise.all(
    Array.from({ length: 100 }, () => server.request('POST', '/Patient', { body: { resourceType: 'Patient' } })),
  );
  const ids = made.map(({ json }) => json.id as string);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const observations = await Promise.all(
    Array.from({ length: 100 }, () => server.request('POST', '/Observation', { body: observation(undefined, 'pa') })),
  );
  // Beyond the time in front nothing follows from another.
  expect(new Set(observations.map(({ json }) => json.id.slice(14))).size).toBe(100);
  expect(new Set(observations.map(({ json }) => json.id.slice(-6, -3))).size).toBeGreaterThan(80);
});

test('C82, C83 nothing is written into, or moved to, another patient’s record', async () => {
  const move = [{ op: 'replace', path: '/subject/reference', value: 'Patient/pb' }];
  expectRefusal(await server.request('PATCH', '/Observation/oa-lab', { token: server.TP, headers: jsonPatch, body: move }), 403);
  const parameters = {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueCode: 'replace' },
          { name: 'path', valueString: 'Observation.subject.reference' },
          { name: 'value', valueString: 'Patient/pb' },
        ],
      },
    ],
  };
  expectRefusal(await server.request('PATCH', '/Observation/oa-lab', { token: server.TP, body: parameters }), 403);
  expectRefusal(await server.request('PUT', '/Observation/oa-lab', { token: server.TP, body: observation('oa-lab', 'pb') }), 403);
  expectRefusal(await server.request('POST', '/Observation', { token: server.TP, body: observation(undefined, 'pb') }), 403, 404);
  expectRefusal(await server.request('PUT', '/Observation/ob', { token: server.TP, body: observation('ob', 'pa') }), 404);
  expectRefusal(await server.request('PUT', '/Patient/pb', { token: server.TP, body: { resourceType: 'Patient', id: 'pb' } }), 404);
  expectRefusal(await server.request('POST', '/Patient', { token: server.TP, body: { resourceType: 'Patient' } }), 403);
  expect(await versionOf('/Observation/oa-lab')).toBe('1');
});

test('C85 an AuditEvent is never changed or deleted', async () => {
  const event = {
    resourceType: 'AuditEvent',
    id: 'kept',
    type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110100' },
    recorded: '2026-01-01T00:00:00Z',
    agent: [{ requestor: true }],
    source: { observer: { display: 'x' } },
  };
  expect((await server.request('PUT', '/AuditEvent/kept', { body: event })).status).toBe(201);
  expectRefusal(await server.request('PUT', '/AuditEvent/kept', { body: { ...event, recorded: '2026-01-02T00:00:00Z' } }), 405);
  expectRefusal(await server.request('PATCH', '/AuditEvent/kept', { headers: jsonPatch, body: [{ op: 'remove', path: '/agent' }] }), 405);
  expectRefusal(await server.request('DELETE', '/AuditEvent/kept'), 405);
  expectRefusal(await server.request('DELETE', '/AuditEvent?date=lt2027'), 405);
  expectRefusal(await server.request('PUT', '/AuditEvent?date=lt2027', { body: { ...event, recorded: '2026-01-02T00:00:00Z' } }), 405);
  expect((await server.request('PUT', '/AuditEvent/kept', { body: event })).status).toBe(200);
  for (const entry of [
    { request: { method: 'DELETE', url: 'AuditEvent/kept' } },
    { request: { method: 'DELETE', url: 'AuditEvent?_id=kept' } },
    { resource: event, request: { method: 'PUT', url: 'AuditEvent?_id=kept' } },
    { resource: { ...event, id: 'fresh' }, request: { method: 'PUT', url: 'AuditEvent?_id=fresh' } },
    { resource: { ...event, recorded: '2026-01-02T00:00:00Z' }, request: { method: 'PUT', url: 'AuditEvent/kept' } },
  ]) {
    expectRefusal(await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry: [entry] } }), 405);
    const batch = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'batch', entry: [entry] } });
    expect(batch.json.entry[0].response.status, entry.request.url).toMatch(/^405/);
  }
  expect(await versionOf('/AuditEvent/kept')).toBe('1');
  const owner = server.services.context.pool;
  for (const statement of [`update audit_event set id = 'x'`, 'delete from audit_event', `update audit_event set tokens = '{}' where true`])
    await expect(owner.query(statement)).rejects.toThrow(/permission denied|never changed|append|refus|AuditEvent/i);
});

test('C86 what the server sets is not the client’s to set', async () => {
  const meta = { versionId: '77', lastUpdated: '1999-01-01T00:00:00Z' };
  const made = await server.request('PUT', '/Basic/meta', { body: { resourceType: 'Basic', id: 'meta', meta, code: { text: 'x' } } });
  expect(made.json.meta.versionId).toBe('1');
  expect(made.json.meta.lastUpdated).toMatch(/^20[2-9]/);
  const read = await server.request('GET', '/Basic/meta');
  expect(read.text).not.toMatch(/"77"|1999/);
  const author = await server.request('PUT', '/Basic/meta', {
    body: { resourceType: 'Basic', id: 'meta', meta: { author: { reference: 'Practitioner/x' } }, code: { text: 'x' } },
  });
  expectRefusal(author, 400);
});

test('C87 an id is one id, the same in body and URL', async () => {
  const body = { resourceType: 'Basic', id: 'a', code: { text: 'x' } };
  for (const path of ['/Basic/b', `/Basic/${'x'.repeat(65)}`, '/Basic/a%2Fb', '/Basic/a%00', '/Basic/a_b', '/Basic/%E2%80%AE'])
    expectRefusal(await server.request('PUT', path, { body }), 400);
  for (const id of ['../x', 'a/b', 'x'.repeat(65), 'a b', ''])
    expectRefusal(await server.request('PUT', `/Basic/${encodeURIComponent(id) || 'a'}`, { body: { ...body, id } }), 400);
  const headers = { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/fhir+json' };
  for (const path of ['/fhir/R4/Basic/../x', '/fhir/R4/Basic/%2e%2e/x', '/fhir/R4/Basic/..%2fx', '/fhir/R4/Basic/./a/..']) {
    const { status } = await rawRequest(server.origin, 'PUT', path, { headers, body: Buffer.from(JSON.stringify(body)) });
    expect([400, 404]).toContain(status);
  }
  expect((await server.request('GET', '/Basic?_summary=count')).json.total).toBe(1);
});

test('C92 two entries of a transaction never write the same resource', async () => {
  const put = (id: string, text: string) => ({
    resource: { resourceType: 'Basic', id, code: { text } },
    request: { method: 'PUT', url: `Basic/${id}` },
  });
  for (const second of [
    put('twice', 'second'),
    { ...put('twice', 'x'), request: { method: 'PUT', url: `${server.base}/Basic/twice` } },
    { request: { method: 'DELETE', url: 'Basic/twice' } },
  ]) {
    const body = { resourceType: 'Bundle', type: 'transaction', entry: [put('other', 'x'), put('twice', 'first'), second] };
    expectRefusal(await server.request('POST', '', { body }), 400);
  }
  for (const id of ['twice', 'other']) expectRefusal(await server.request('GET', `/Basic/${id}`), 404);
});

test('C98, C100 an address in a resource is kept as it is and never visited', async () => {
  const { createServer } = await import('node:http');
  let visits = 0;
  const lure = createServer((_, answer) => {
    visits++;
    answer.end();
  });
  await new Promise<void>((resolve) => lure.listen(0, '127.0.0.1', resolve));
  const address = lure.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  try {
    const document = {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: `${url}/Patient/pa` },
      content: [{ attachment: { url: 'file:///etc/passwd' } }, { attachment: { url: `${url}/document` } }],
    };
    const made = await server.request('POST', '/DocumentReference', { body: document });
    expect(made.status).toBe(201);
    const read = await server.request('GET', `/DocumentReference?_id=${made.json.id}&_include=DocumentReference:*`);
    expect(read.text).toContain('file:///etc/passwd');
    expect(read.text).not.toContain('root:');
    // Another server's patient is not ours of the same id.
    expect((await server.request('GET', '/DocumentReference?patient=pa', { token: server.TP })).json.total).toBe(0);
    const entry = [{ resource: document, request: { method: 'POST', url: `${url}/DocumentReference` } }];
    expectRefusal(await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } }), 400);
    expect(visits).toBe(0);
  } finally {
    lure.close();
  }
});

test('C110 a SearchParameter that is stored changes no search by what it says', async () => {
  const body = {
    resourceType: 'SearchParameter',
    url: 'http://example.org/x',
    name: 'x',
    status: 'active',
    description: 'x',
    code: `x'; drop table resource; --`,
    base: ['Patient'],
    type: 'string',
    expression: `Patient.name.where(use = 'official') ->> 'x'`,
  };
  const answer = await server.request('POST', '/SearchParameter', { body });
  expect([201, 400, 422]).toContain(answer.status);
  expectRefusal(await server.request('GET', `/Patient?${encodeURIComponent(body.code)}=1`), 400);
  expect((await server.request('GET', `/Patient?identifier=${mrn}|mrn-pa`)).json.total).toBe(1);
});

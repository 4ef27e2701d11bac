import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';

/**
 * Ann's app holds `patient/*.cruds` with Ann in context. Bob's data must be as if it did not exist, on every route: each refusal
 * is compared, byte for byte, with the answer for an id that never was.
 */

let server: TestServer;
let ann: string;

type Resource = { readonly resourceType: string; readonly id?: string } & Readonly<Record<string, unknown>>;
type Entry = {
  readonly resource?: { readonly resourceType: string; readonly id: string };
  readonly response?: { readonly status: string; readonly outcome?: unknown };
};

const observation = (id: string, patient: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const category = (code: string) => ({
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }],
});

beforeAll(async () => {
  server = await startTestServer();
  ann = await server.token({ scope: 'patient/*.cruds', patient: 'ann' });
  const resources: Resource[] = [
    { resourceType: 'Organization', id: 'org', name: 'Clinic' },
    { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }] },
    { resourceType: 'Patient', id: 'ann', name: [{ family: 'Ann' }], managingOrganization: { reference: 'Organization/org' } },
    { resourceType: 'Patient', id: 'bob', name: [{ family: 'Bob' }], managingOrganization: { reference: 'Organization/org' } },
    observation('oa', 'ann', { ...category('laboratory'), performer: [{ reference: 'Practitioner/doc' }] }),
    observation('hid-1', 'bob', {
      ...category('laboratory'),
      performer: [{ reference: 'Practitioner/doc' }],
      hasMember: [{ reference: 'Observation/oa' }],
    }),
    observation('op', 'bob', { performer: [{ reference: 'Patient/ann' }] }),
    observation('hid-2', 'bob'),
    observation('oh', 'ann', { derivedFrom: [{ reference: 'Observation/hid-1' }] }),
    { resourceType: 'Device', id: 'dev', patient: { reference: 'Patient/bob' } },
    { resourceType: 'Task', id: 'tsk', status: 'requested', intent: 'order', for: { reference: 'Patient/bob' } },
    { resourceType: 'Basic', id: 'bas', code: { text: 'x' }, subject: { reference: 'Patient/bob' } },
  ];
  await write(...resources);
  // Ann's once, Bob's now; and Bob's once, Ann's now.
  await write(observation('moved-away', 'ann'), observation('moved-here', 'bob'));
  await write(observation('moved-away', 'bob'), observation('moved-here', 'ann'));
  const { status } = await server.request('DELETE', '/Observation/hid-2');
  if (status !== 200) throw new Error(`the fixture could not be deleted: ${status}`);
}, 60_000);
afterAll(() => server?.stop());

async function write(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

const asAnn = (method: string, path: string, options: RequestOptions = {}): Promise<Answered> =>
  server.request(method, path, { token: ann, ...options });
const named = (bundle: { entry?: Entry[] }): string[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource === undefined ? [] : `${resource.resourceType}/${resource.id}`)).sort();

/** What of an answer a caller could learn from, with the ids that he sent himself made equal. */
function tells({ status, headers, text }: Answered, id: string): object {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name));
  return { status, headers: kept.map(([name, value]) => [name, value.replaceAll(id, 'ID')]), text: text.replaceAll(id, 'ID') };
}

describe('what is another patient’s is answered as what never was', () => {
  const body = (id: string): Resource => observation(id, 'ann');
  const jsonPatch = {
    headers: { 'content-type': 'application/json-patch+json' },
    body: '[{"op":"replace","path":"/status","value":"amended"}]',
  };

  test.each<[string, number, (id: string) => Promise<Answered>]>([
    ['read', 404, (id) => asAnn('GET', `/Observation/${id}`)],
    ['read with _summary', 404, (id) => asAnn('GET', `/Observation/${id}?_summary=true`)],
    ['read if none match', 404, (id) => asAnn('GET', `/Observation/${id}`, { headers: { 'if-none-match': 'W/"1"' } })],
    ['head', 404, (id) => asAnn('HEAD', `/Observation/${id}`)],
    ['vread', 404, (id) => asAnn('GET', `/Observation/${id}/_history/1`)],
    ['history', 404, (id) => asAnn('GET', `/Observation/${id}/_history`)],
    ['update', 404, (id) => asAnn('PUT', `/Observation/${id}`, { body: body(id) })],
    ['update if match', 404, (id) => asAnn('PUT', `/Observation/${id}`, { body: body(id), headers: { 'if-match': 'W/"1"' } })],
    [
      'update if match another version',
      404,
      (id) => asAnn('PUT', `/Observation/${id}`, { body: body(id), headers: { 'if-match': 'W/"7"' } }),
    ],
    ['update if none match', 404, (id) => asAnn('PUT', `/Observation/${id}`, { body: body(id), headers: { 'if-none-match': '*' } })],
    ['patch', 404, (id) => asAnn('PATCH', `/Observation/${id}`, jsonPatch)],
    ['delete', 200, (id) => asAnn('DELETE', `/Observation/${id}`)],
    ['delete if match', 412, (id) => asAnn('DELETE', `/Observation/${id}`, { headers: { 'if-match': 'W/"7"' } })],
  ])('%s: %i', async (_, status, ask) => {
    const never = tells(await ask('nev-1'), 'nev-1');
    expect(never).toMatchObject({ status });
    // Bob's, and Bob's deleted one: a 410 would tell that there was something.
    expect(tells(await ask('hid-1'), 'hid-1')).toEqual(never);
    expect(tells(await ask('hid-2'), 'hid-2')).toEqual(never);
  });

  test.each(['GET', 'DELETE'])('%s of the patient himself', async (method) => {
    expect(tells(await asAnn(method, '/Patient/bob'), 'bob')).toEqual(tells(await asAnn(method, '/Patient/zzz'), 'zzz'));
  });

  test('and is still there, unchanged', async () => {
    const { json } = await server.request('GET', '/Observation/hid-1');
    expect(json.meta.versionId).toBe('1');
  });

  test('conditional writes don’t match it', async () => {
    const created = await asAnn('POST', '/Observation', {
      body: { ...observation('x', 'ann'), id: undefined, identifier: [{ system: 'urn:i', value: 'new' }] },
      headers: { 'if-none-exist': 'performer=Practitioner/doc&subject=Patient/bob' },
    });
    expect(created.status).toBe(201);
    const body = { ...observation('x', 'ann'), id: undefined };
    const updated = await asAnn('PUT', '/Observation?_id=hid-1', { body });
    expect(tells(updated, 'hid-1')).toEqual(tells(await asAnn('PUT', '/Observation?_id=nev-1', { body }), 'nev-1'));
    expect(updated.status).toBe(404);
    const patched = await asAnn('PATCH', '/Observation?_id=hid-1', jsonPatch);
    expect(tells(patched, 'hid-1')).toEqual(tells(await asAnn('PATCH', '/Observation?_id=nev-1', jsonPatch), 'nev-1'));
    const removed = await asAnn('DELETE', '/Observation?_id=hid-1');
    expect(tells(removed, 'hid-1')).toEqual(tells(await asAnn('DELETE', '/Observation?_id=nev-1'), 'nev-1'));
    expect((await server.request('GET', '/Observation/hid-1')).status).toBe(200);
    await asAnn('DELETE', `/Observation/${created.json.id}`);
  });
});

describe('search shows compartment rows only', () => {
  test.each([
    ['Observation', 'Observation/moved-here Observation/oa Observation/oh Observation/op'],
    ['Observation?subject=Patient/bob', 'Observation/op'],
    ['Observation?patient=bob', 'Observation/op'],
    ['Observation?code:not=zzz', 'Observation/moved-here Observation/oa Observation/oh Observation/op'],
    ['Observation?code:missing=true', ''],
    ['Observation?_id=hid-1,oa', 'Observation/oa'],
    ['Observation?_sort=-date&_count=50', 'Observation/moved-here Observation/oa Observation/oh Observation/op'],
    ['Observation?derived-from=Observation/hid-1', 'Observation/oh'],
    ['Patient', 'Patient/ann'],
    ['Patient?family=bob', ''],
    ['Patient?family:contains=bob', ''],
    ['Patient?_sort=family', 'Patient/ann'],
    ['Patient?organization=org', 'Patient/ann'],
    ['Practitioner', 'Practitioner/doc'],
    ['Organization', 'Organization/org'],
    ['Basic', ''],
  ])('%s', async (path, expected) => {
    const { status, json, text } = await asAnn('GET', `/${path}`);
    expect(status, text).toBe(200);
    expect(named(json).join(' ')).toBe(expected);
    const counted = await asAnn('GET', `/${path}${path.includes('?') ? '&' : '?'}_summary=count`);
    expect(counted.json.total).toBe(expected.split(' ').filter((name) => name !== '').length);
    const total = await asAnn('GET', `/${path}${path.includes('?') ? '&' : '?'}_count=1&_total=accurate`);
    expect(total.json.total).toBe(counted.json.total);
  });

  test.each([
    // Reached from Ann's own rows, but Bob's.
    ['Observation?_id=oh&_include=Observation:derived-from', 'Observation/oh'],
    ['Observation?_id=oh&_include=*', 'Observation/oh Patient/ann'],
    ['Observation?_id=op&_include=Observation:subject', 'Observation/op'],
    ['Observation?_id=op&_include=Observation:*', 'Observation/op Patient/ann'],
    ['Observation?_id=oa&_revinclude=Observation:has-member', 'Observation/oa'],
    ['Observation?_id=oa&_include=Observation:performer', 'Observation/oa Practitioner/doc'],
    ['Practitioner?_revinclude=Observation:performer', 'Observation/oa Practitioner/doc'],
    ['Organization?_revinclude=Patient:organization', 'Organization/org Patient/ann'],
    ['Patient?_id=bob&_revinclude=Observation:patient', ''],
    ['Patient?_id=ann&_revinclude=Observation:*', 'Observation/moved-here Observation/oa Observation/oh Observation/op Patient/ann'],
  ])('%s includes %j', async (path, expected) => {
    const { status, json, text } = await asAnn('GET', `/${path}`);
    expect(status, text).toBe(200);
    expect(named(json).join(' ')).toBe(expected);
    expect(text).not.toContain('"family":"Bob"');
  });

  test('POST _search is bound alike', async () => {
    const { json } = await asAnn('POST', '/Observation/_search', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: '_id=hid-1,oa',
    });
    expect(named(json)).toEqual(['Observation/oa']);
  });

  test.each(['Bundle', 'Subscription', 'AuditEvent', 'Group', 'Endpoint', 'ConceptMap'])('%s is no part of it: 403', async (type) => {
    expect((await asAnn('GET', `/${type}`)).status).toBe(403);
    expect((await asAnn('GET', `/${type}/dev`)).status).toBe(403);
  });
});

describe('history shows each version to whom it belonged', () => {
  const versions = async (path: string): Promise<string[]> => {
    const { status, json, text } = await asAnn('GET', path);
    expect(status, text).toBe(200);
    expect(json.total).toBe(json.entry.length);
    return json.entry.map((entry: { resource?: Resource & { meta: { versionId: string } }; request: { url: string } }) =>
      entry.resource === undefined ? entry.request.url : `${entry.resource.id} ${entry.resource.meta.versionId}`,
    );
  };

  test('of the type', async () => {
    const seen = await versions('/Observation/_history?_count=100');
    expect(seen).toEqual(expect.arrayContaining(['oa 1', 'oh 1', 'op 1', 'moved-away 1', 'moved-here 2']));
    for (const hidden of ['hid-1 1', 'moved-away 2', 'moved-here 1', 'Observation/hid-2']) expect(seen).not.toContain(hidden);
  });

  test('of the system', async () => {
    const seen = await versions('/_history?_count=100');
    expect(seen).toContain('ann 1');
    expect(seen).toContain('oa 1');
    for (const hidden of ['hid-1 1', 'bob 1', 'moved-away 2', 'moved-here 1', 'dev 1', 'tsk 1', 'bas 1', 'Observation/hid-2'])
      expect(seen).not.toContain(hidden);
  });

  test('of one resource that is hers now, without the time it was not', async () => {
    expect(await versions('/Observation/moved-here/_history')).toEqual(['moved-here 2']);
    expect((await asAnn('GET', '/Observation/moved-here/_history/1')).status).toBe(404);
    expect((await asAnn('GET', '/Observation/moved-here/_history/2')).status).toBe(200);
  });

  test('of one that is hers no more only by version', async () => {
    expect((await asAnn('GET', '/Observation/moved-away')).status).toBe(404);
    expect((await asAnn('GET', '/Observation/moved-away/_history/2')).status).toBe(404);
  });
});

describe('writes keep the old and the new version inside', () => {
  test('what is hers she creates, reads, changes and deletes', async () => {
    const created = await asAnn('POST', '/Observation', { body: { ...observation('x', 'ann'), id: undefined } });
    expect(created.status, created.text).toBe(201);
    const { id } = created.json;
    expect((await asAnn('GET', `/Observation/${id}`)).status).toBe(200);
    expect((await asAnn('PUT', `/Observation/${id}`, { body: { ...created.json, status: 'amended' } })).status).toBe(200);
    expect((await asAnn('DELETE', `/Observation/${id}`)).status).toBe(200);
    expect((await asAnn('GET', `/Observation/${id}`)).status).toBe(410);
    expect((await asAnn('GET', `/Observation/${id}/_history`)).json.total).toBe(3);
  });

  test.each(['bob', 'zzz'])('nothing is created for %s', async (patient) => {
    const { status, text } = await asAnn('POST', '/Observation', { body: { ...observation('x', patient), id: undefined } });
    expect(status, text).toBe(403);
  });

  test('hers is not given away', async () => {
    const body = observation('oa', 'bob');
    expect((await asAnn('PUT', '/Observation/oa', { body })).status).toBe(403);
    const patch = '[{"op":"replace","path":"/subject/reference","value":"Patient/bob"}]';
    expect(
      (await asAnn('PATCH', '/Observation/oa', { headers: { 'content-type': 'application/json-patch+json' }, body: patch })).status,
    ).toBe(403);
    expect((await server.request('GET', '/Observation/oa')).json.meta.versionId).toBe('1');
  });

  test('shared resources are read, never written', async () => {
    expect((await asAnn('GET', '/Practitioner/doc')).status).toBe(200);
    expect((await asAnn('PUT', '/Practitioner/doc', { body: { resourceType: 'Practitioner', id: 'doc' } })).status).toBe(403);
    expect((await asAnn('POST', '/Organization', { body: { resourceType: 'Organization', name: 'x' } })).status).toBe(403);
    expect((await asAnn('DELETE', '/Organization/org')).status).toBe(403);
  });

  test('a second patient is not made', async () => {
    expect((await asAnn('POST', '/Patient', { body: { resourceType: 'Patient' } })).status).toBe(403);
    expect((await asAnn('PUT', '/Patient/eve', { body: { resourceType: 'Patient', id: 'eve' } })).status).toBe(404);
  });
});

describe('entries of a Bundle are bound one by one', () => {
  const bundle = (type: 'batch' | 'transaction', ...entry: object[]): Promise<Answered> =>
    asAnn('POST', '', { body: { resourceType: 'Bundle', type, entry } });
  const get = (url: string) => ({ request: { method: 'GET', url } });

  test('in a batch', async () => {
    const { status, json, text } = await bundle(
      'batch',
      get('Observation/hid-1'),
      get('Observation/nev-1'),
      get('Observation/oa'),
      get('Observation?_id=hid-1'),
      get('Observation/hid-1/_history/1'),
      get('Observation/hid-1/_history'),
      get('Observation/_history?_count=100'),
      { resource: observation('hid-1', 'ann'), request: { method: 'PUT', url: 'Observation/hid-1' } },
      { resource: { ...observation('x', 'bob'), id: undefined }, request: { method: 'POST', url: 'Observation' } },
      { request: { method: 'DELETE', url: 'Observation/hid-1' } },
    );
    expect(status, text).toBe(200);
    expect(json.entry.map(({ response }: Entry) => response?.status.slice(0, 3))).toEqual([
      '404',
      '404',
      '200',
      '200',
      '404',
      '404',
      '200',
      '404',
      '403',
      '200',
    ]);
    const outcome = (at: number): string =>
      JSON.stringify(json.entry[at].response.outcome)
        .replace(/Entry \d+/g, 'Entry')
        .replace(/entry\[\d+\]/g, 'entry')
        .replace(/"valueInteger":\d+/g, '"valueInteger":0') // Where the entry stands in the text.
        .replaceAll('/hid-1', '/ID')
        .replaceAll('/nev-1', '/ID');
    expect(outcome(0)).toBe(outcome(1));
    expect(json.entry[3].resource.total).toBe(0);
    expect((await server.request('GET', '/Observation/hid-1')).json.meta.versionId).toBe('1');
    expect(named(json.entry[6].resource)).not.toContain('Observation/hid-1');
  });

  test.each<[string, object]>([
    ['another’s update', { resource: observation('hid-1', 'ann'), request: { method: 'PUT', url: 'Observation/hid-1' } }],
    ['an update that gives away', { resource: observation('oa', 'bob'), request: { method: 'PUT', url: 'Observation/oa' } }],
    ['a create for another', { resource: { ...observation('x', 'bob'), id: undefined }, request: { method: 'POST', url: 'Observation' } }],
    ['another’s read', get('Observation/hid-1')],
    [
      'a conditional update that matches another’s',
      { resource: { ...observation('x', 'ann'), id: undefined }, request: { method: 'PUT', url: 'Observation?_id=hid-1' } },
    ],
  ])('a transaction with %s does nothing at all', async (_, entry) => {
    const before = (await asAnn('GET', '/Observation?_summary=count')).json.total;
    const { status, text } = await bundle(
      'transaction',
      { resource: { ...observation('x', 'ann'), id: undefined }, request: { method: 'POST', url: 'Observation' } },
      entry,
    );
    expect([403, 404], text).toContain(status);
    expect((await asAnn('GET', '/Observation?_summary=count')).json.total).toBe(before);
    expect((await server.request('GET', '/Observation/hid-1')).json.meta.versionId).toBe('1');
  });

  test('a conditional reference finds no more than its caller sees', async () => {
    const body = (reference: string) => ({
      resource: { ...observation('x', 'ann'), id: undefined, derivedFrom: [{ reference }] },
      request: { method: 'POST', url: 'Observation' },
    });
    const hidden = await bundle('transaction', body('Observation?_id=hid-1'));
    const never = await bundle('transaction', body('Observation?_id=nev-1'));
    expect(tells(hidden, 'hid-1')).toEqual(tells(never, 'nev-1'));
    expect(hidden.status).not.toBe(200);
    expect((await bundle('transaction', body('Observation?_id=oa'))).status).toBe(200);
  });
});

describe('granular scopes', () => {
  const laboratory = 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
  const ask = async (scope: string, method: string, path: string, body?: object): Promise<Answered> => {
    const token = await server.token({ scope, patient: 'ann' });
    return server.request(method, path, body === undefined ? { token } : { token, body });
  };

  test('narrow reads, searches and includes to their category', async () => {
    const scope = `patient/Observation.rs?${laboratory} patient/Patient.r`;
    expect((await ask(scope, 'GET', '/Observation/oa')).status).toBe(200);
    expect((await ask(scope, 'GET', '/Observation/oh')).status).toBe(404);
    expect((await ask(scope, 'GET', '/Observation/hid-1')).status).toBe(404);
    expect(named((await ask(scope, 'GET', '/Observation')).json)).toEqual(['Observation/oa']);
    expect(named((await ask(scope, 'GET', '/Observation?_include=Observation:subject')).json)).toEqual(['Observation/oa', 'Patient/ann']);
    expect((await ask(scope, 'GET', '/Patient')).status).toBe(403);
  });

  test('narrow writes to their category, old version and new', async () => {
    const scope = `patient/Observation.cu?${laboratory}`;
    const { id: _, ...plain } = observation('x', 'ann');
    expect((await ask(scope, 'POST', '/Observation', plain)).status).toBe(403);
    expect((await ask(scope, 'POST', '/Observation', { ...plain, ...category('laboratory') })).status).toBe(201);
    expect((await ask(scope, 'PUT', '/Observation/oa', observation('oa', 'ann'))).status).toBe(403);
    expect((await ask(scope, 'PUT', '/Observation/oh', observation('oh', 'ann', category('laboratory')))).status).toBe(404);
  });

  test('add up', async () => {
    const scope = `patient/Observation.rs?${laboratory} patient/Observation.rs?derived-from=Observation/hid-1`;
    expect(
      named((await ask(scope, 'GET', '/Observation')).json).filter((name) => name === 'Observation/oa' || name === 'Observation/oh'),
    ).toEqual(['Observation/oa', 'Observation/oh']);
    expect((await ask(scope, 'GET', '/Observation/op')).status).toBe(404);
  });

  test.each([
    'date=ge2020',
    'category:not=x',
    'category:missing=false&date=2020',
    'nothing=x',
    '_count=10',
    'category=',
    '_sort=date',
    'value-quantity=5',
    'subject.name=x',
    '_has:Observation:has-member:status=final',
    '_list=x',
    '_filter=category%20eq%20x%20or%20category%20eq%20y',
    '_id=oa',
    'category:in=http://hl7.org/fhir/ValueSet/observation-category',
    'category:below=http://terminology.hl7.org/CodeSystem/observation-category%7Cvital-signs',
    'category:text=vital',
    '_text=x',
  ])('that can’t be decided by tokens permit nothing: ?%s', async (params) => {
    const { status, json } = await ask(`patient/Observation.rs?${params}`, 'GET', '/Observation');
    expect([status, json.issue[0].details.coding[0].code]).toEqual([403, 'scope-unsupported']);
    expect((await ask(`patient/Observation.rs?${params}`, 'GET', '/Observation/oa')).status).toBe(403);
    expect(
      (await server.request('GET', '/Observation', { token: await server.token({ scope: `system/Observation.rs?${params}` }) })).status,
    ).toBe(403);
  });

  test('of the system narrow too', async () => {
    const token = await server.token({ scope: `system/Observation.rs?${laboratory}` });
    const { json } = await server.request('GET', '/Observation?_id=oa,hid-1,oh', { token });
    expect(named(json)).toEqual(['Observation/hid-1', 'Observation/oa']);
  });
});

describe('each letter of a system scope permits its own interactions alone', () => {
  const patch = {
    headers: { 'content-type': 'application/json-patch+json' },
    body: '[{"op":"test","path":"/resourceType","value":"Organization"}]',
  };
  const interactions: Readonly<Record<string, { letters: string; ask: (token: string) => Promise<Answered> }>> = {
    read: { letters: 'r', ask: (token) => server.request('GET', '/Organization/org', { token }) },
    vread: { letters: 'r', ask: (token) => server.request('GET', '/Organization/org/_history/1', { token }) },
    'instance history': { letters: 'r', ask: (token) => server.request('GET', '/Organization/org/_history', { token }) },
    search: { letters: 's', ask: (token) => server.request('GET', '/Organization?name=clinic', { token }) },
    'type history': { letters: 's', ask: (token) => server.request('GET', '/Organization/_history', { token }) },
    create: {
      letters: 'c',
      ask: (token) => server.request('POST', '/Organization', { token, body: { resourceType: 'Organization', name: 'n' } }),
    },
    update: {
      letters: 'u',
      ask: (token) =>
        server.request('PUT', '/Organization/org', { token, body: { resourceType: 'Organization', id: 'org', name: 'Clinic' } }),
    },
    patch: { letters: 'u', ask: (token) => server.request('PATCH', '/Organization/org', { token, ...patch }) },
    delete: { letters: 'd', ask: (token) => server.request('DELETE', '/Organization/never', { token }) },
    'conditional create': {
      letters: 'cs',
      ask: (token) =>
        server.request('POST', '/Organization', {
          token,
          headers: { 'if-none-exist': 'name=clinic' },
          body: { resourceType: 'Organization', name: 'n' },
        }),
    },
    'conditional update': {
      letters: 'us',
      ask: (token) => server.request('PUT', '/Organization?_id=org', { token, body: { resourceType: 'Organization', name: 'Clinic' } }),
    },
    'conditional patch': { letters: 'us', ask: (token) => server.request('PATCH', '/Organization?_id=org', { token, ...patch }) },
    'conditional delete': { letters: 'ds', ask: (token) => server.request('DELETE', '/Organization?_id=never', { token }) },
  };
  const scopes = ['c', 'r', 'u', 'd', 's', 'cs', 'us', 'ds'];

  test.each(Object.keys(interactions))('%s', async (name) => {
    const { letters, ask } = interactions[name] ?? { letters: '', ask: () => Promise.reject(new Error(name)) };
    for (const given of scopes) {
      const { status, text } = await ask(await server.token({ scope: `system/Organization.${given}` }));
      const permitted = [...letters].every((letter) => given.includes(letter));
      if (permitted) expect([200, 201, 204, 404], `${name} with ${given}: ${text}`).toContain(status);
      else expect(status, `${name} with ${given}: ${text}`).toBe(403);
    }
    expect((await ask(await server.token({ scope: 'system/Patient.cruds openid' }))).status).toBe(403);
  });

  test('update-as-create needs both letters', async () => {
    const body = { resourceType: 'Organization', id: 'brought', name: 'n' };
    const ask = async (letters: string): Promise<number> =>
      (
        await server.request('PUT', '/Organization/brought', {
          token: await server.token({ scope: `system/Organization.${letters}` }),
          body,
        })
      ).status;
    expect(await ask('u')).toBe(403);
    expect(await ask('c')).toBe(403);
    expect(await ask('cu')).toBe(201);
  });

  test('a write is not answered with the resource to who may not read it', async () => {
    const token = await server.token({ scope: 'system/Organization.cu' });
    const created = await server.request('POST', '/Organization', { token, body: { resourceType: 'Organization', name: 'Unread' } });
    expect(created.status).toBe(201);
    expect(created.text).not.toContain('Unread');
    const updated = await server.request('PUT', '/Organization/org', {
      token,
      body: { resourceType: 'Organization', id: 'org', name: 'Clinic' },
    });
    expect(updated.status).toBe(200);
    expect(updated.text).not.toContain('Clinic');
  });

  test.each([
    '',
    'openid',
    'system/Organization',
    'system/Organization.sr',
    'system/organization.r',
    'user/Organization.r',
    'patient/Organization.r',
    '*/*.r',
    'system/Organization.x',
  ])('the scope %j permits nothing', async (scope) => {
    expect((await server.request('GET', '/Organization/org', { token: await server.token({ scope }) })).status).toBe(403);
  });
});

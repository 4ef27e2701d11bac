import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, identified, issueId, locatedId, observation, patient, statuses } from '../conformance/samples.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

/** https://hl7.org/fhir/R4/provenance.html#header */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

type Stated = Readonly<Record<string, unknown>>;
const stated = (more: Stated = {}): Stated => ({
  resourceType: 'Provenance',
  recorded: '2024-03-01T10:00:00.000Z',
  agent: [{ who: { display: 'Station 4' } }],
  ...more,
});
const fresh = (): string => `p-${randomUUID()}`;

type Sent = { readonly body?: unknown; readonly token?: string; readonly headers?: Readonly<Record<string, string>> };
const send = (method: string, path: string, { headers, ...rest }: Sent, provenance: Stated | string = stated()): Promise<Answered> =>
  server.request(method, path, {
    ...rest,
    headers: { ...headers, 'x-provenance': typeof provenance === 'string' ? provenance : JSON.stringify(provenance) },
  });

type Found = { readonly id: string; readonly target: readonly { readonly reference: string }[]; readonly [name: string]: unknown };
/** The Provenances that name the resource, newest last. */
async function about(reference: string): Promise<Found[]> {
  const { json } = await server.request('GET', `/Provenance?target=${reference}&_sort=_lastUpdated`);
  return (json.entry ?? []).map(({ resource }: { resource: Found }) => resource);
}
const targetsOf = (found: readonly Found[]): string[] => found.flatMap(({ target }) => target.map(({ reference }) => reference));
async function countAll(): Promise<number> {
  return (await server.request('GET', '/Provenance?_summary=count')).json.total;
}
async function stored(id: string, more: Stated = {}): Promise<void> {
  expect((await server.request('PUT', `/Patient/${id}`, { body: patient({ id, ...more }) })).status).toBe(201);
}

describe('a Provenance sent with a write is stored with it, about the version that it made', () => {
  test('of a create', async () => {
    const { status, json } = await send('POST', '/Patient', { body: patient() });
    expect(status).toBe(201);
    const found = await about(`Patient/${json.id}`);
    expect(found).toMatchObject([{ recorded: '2024-03-01T10:00:00.000Z', target: [{ reference: `Patient/${json.id}/_history/1` }] }]);
    expect(found[0]?.agent).toEqual([{ who: { display: 'Station 4' } }]);
  });

  test('of a conditional create that creates', async () => {
    const { identifier, criteria } = identified();
    const { json } = await send('POST', '/Patient', { body: patient({ identifier }), headers: { 'if-none-exist': criteria } });
    expect(targetsOf(await about(`Patient/${json.id}`))).toEqual([`Patient/${json.id}/_history/1`]);
  });

  test('of an update, and of one that creates', async () => {
    const id = fresh();
    expect((await send('PUT', `/Patient/${id}`, { body: patient({ id }) })).status).toBe(201);
    expect((await send('PUT', `/Patient/${id}`, { body: patient({ id, active: true }) })).status).toBe(200);
    expect(targetsOf(await about(`Patient/${id}`))).toEqual([`Patient/${id}/_history/1`, `Patient/${id}/_history/2`]);
  });

  test('of a conditional update that finds one, and of one that finds none', async () => {
    const { identifier, criteria } = identified();
    const first = await send('PUT', `/Patient?${criteria}`, { body: patient({ identifier }) });
    expect(first.status).toBe(201);
    const second = await send('PUT', `/Patient?${criteria}`, { body: patient({ identifier, active: true }) });
    expect(second.status).toBe(200);
    const name = `Patient/${first.json.id}`;
    expect(targetsOf(await about(name))).toEqual([`${name}/_history/1`, `${name}/_history/2`]);
  });

  test('of a patch, by id and by criteria', async () => {
    const id = fresh();
    const { identifier, criteria } = identified();
    await stored(id, { identifier });
    const headers = { 'content-type': 'application/json-patch+json' };
    const change = (value: boolean) => ({ headers, body: JSON.stringify([{ op: 'add', path: '/active', value }]) });
    expect((await send('PATCH', `/Patient/${id}`, change(true))).status).toBe(200);
    expect((await send('PATCH', `/Patient?${criteria}`, change(false))).status).toBe(200);
    expect(targetsOf(await about(`Patient/${id}`))).toEqual([`Patient/${id}/_history/2`, `Patient/${id}/_history/3`]);
  });

  test('of a deletion, by id and of several by criteria', async () => {
    const { identifier, criteria } = identified();
    const [one, two, three] = [fresh(), fresh(), fresh()];
    for (const id of [one, two, three]) await stored(id, { identifier });
    expect((await send('DELETE', `/Patient/${one}`, {})).status).toBe(200);
    expect(targetsOf(await about(`Patient/${one}`))).toEqual([`Patient/${one}/_history/2`]);
    expect((await send('DELETE', `/Patient?${criteria}`, {})).status).toBe(200);
    expect(targetsOf(await about(`Patient/${two}`)).toSorted()).toEqual([two, three].map((id) => `Patient/${id}/_history/2`).toSorted());
  });

  test('of a transaction: one about all that it wrote, its references resolved as the others are', async () => {
    const [kept, gone] = [fresh(), fresh()];
    await stored(kept);
    await stored(gone);
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const entries = bundle(
      'transaction',
      { fullUrl, resource: { resourceType: 'Practitioner' }, request: { method: 'POST', url: 'Practitioner' } },
      { resource: patient({ id: kept, active: true }), request: { method: 'PUT', url: `Patient/${kept}` } },
      { request: { method: 'DELETE', url: `Patient/${gone}` } },
      { request: { method: 'GET', url: `Patient/${kept}` } },
    );
    const { status, json } = await send('POST', '', { body: entries }, stated({ agent: [{ who: { reference: fullUrl } }] }));
    expect(status).toBe(200);
    const practitioner = `Practitioner/${locatedId(json, 0)}`;
    const found = await about(`Patient/${kept}`);
    expect(targetsOf(found).toSorted()).toEqual(
      [`Patient/${gone}/_history/2`, `Patient/${kept}/_history/2`, `${practitioner}/_history/1`].toSorted(),
    );
    expect(found).toMatchObject([{ agent: [{ who: { reference: practitioner } }] }]);
  });

  test('of a batch: one about each entry that wrote', async () => {
    const [kept, unknown] = [fresh(), fresh()];
    await stored(kept);
    const before = await countAll();
    const entries = bundle(
      'batch',
      { resource: patient(), request: { method: 'POST', url: 'Patient' } },
      { resource: patient({ id: kept, active: true }), request: { method: 'PUT', url: `Patient/${kept}` } },
      { resource: patient({ id: unknown }), request: { method: 'PUT', url: `Patient/${unknown}`, ifMatch: 'W/"7"' } },
    );
    const { json } = await send('POST', '', { body: entries });
    expect(statuses(json)).toEqual([201, 200, 412]);
    expect(await countAll()).toBe(before + 2);
    expect(targetsOf(await about(`Patient/${locatedId(json, 0)}`))).toEqual([`Patient/${locatedId(json, 0)}/_history/1`]);
    expect(targetsOf(await about(`Patient/${kept}`))).toEqual([`Patient/${kept}/_history/2`]);
    expect(await about(`Patient/${unknown}`)).toEqual([]);
  });

  test('with the characters and the digits it was sent with', async () => {
    const sent = JSON.stringify(
      stated({ agent: [{ who: { display: 'Zoë Žák' } }], extension: [{ url: 'https://example.org/e', valueDecimal: 1 }] }),
    ).replace('"valueDecimal":1', '"valueDecimal":1.00');
    const { json } = await send('POST', '/Patient', { body: patient() }, Buffer.from(sent).toString('latin1'));
    const [found] = await about(`Patient/${json.id}`);
    expect(found?.agent).toEqual([{ who: { display: 'Zoë Žák' } }]);
    expect((await server.request('GET', `/Provenance/${found?.id}`)).text).toContain('"valueDecimal":1.00');
  });
});

describe('in the audit trail', () => {
  type Resource = { readonly resourceType: string; readonly id: string };
  /** What is recorded of one request: subtype and what it was done to. */
  async function recordedOf(requestId: string): Promise<string[]> {
    const { json } = await server.request('GET', '/AuditEvent?_sort=-date&_count=20');
    const events = (json.entry ?? []).map(({ resource }: { resource: Resource }) => resource);
    return events
      .filter((event: Resource) => JSON.stringify(event).includes(requestId))
      .map(({ subtype, entity }: { subtype: { code: string }[]; entity: { role?: { code: string }; what?: { reference?: string } }[] }) =>
        [subtype[0]?.code, entity.find(({ role }) => role?.code === '4')?.what?.reference].join(' '),
      )
      .toSorted();
  }

  test('stands an event of its own for it, of the same request', async () => {
    const [id, requestId] = [fresh(), randomUUID()];
    await send('PUT', `/Patient/${id}`, { body: patient({ id }), headers: { 'x-request-id': requestId } });
    const [found] = await about(`Patient/${id}`);
    expect(await recordedOf(requestId)).toEqual([`create Provenance/${found?.id}/_history/1`, `update Patient/${id}/_history/1`]);
  });

  test('stands none of a Provenance that was not stored', async () => {
    const [id, requestId] = [fresh(), randomUUID()];
    await stored(id);
    await send('PUT', `/Patient/${id}`, { body: patient({ id }), headers: { 'x-request-id': requestId } });
    expect((await recordedOf(requestId)).filter((told) => told.includes('Provenance'))).toEqual([]);
  });
});

describe('nothing written, nothing said of it', () => {
  test('by an update and a patch that change nothing, a conditional create that finds one, a deletion of what is not there', async () => {
    const id = fresh();
    const { identifier, criteria } = identified();
    await stored(id, { identifier });
    const before = await countAll();
    const body = patient({ id, identifier });
    expect((await send('PUT', `/Patient/${id}`, { body })).status).toBe(200);
    const headers = { 'content-type': 'application/json-patch+json' };
    expect((await send('PATCH', `/Patient/${id}`, { headers, body: '[]' })).status).toBe(200);
    expect((await send('POST', '/Patient', { body: patient({ identifier }), headers: { 'if-none-exist': criteria } })).status).toBe(200);
    expect((await send('DELETE', `/Patient/${fresh()}`, {})).status).toBe(200);
    const entries = bundle('transaction', { resource: body, request: { method: 'PUT', url: `Patient/${id}` } });
    expect(statuses((await send('POST', '', { body: entries })).json)).toEqual([200]);
    expect(await countAll()).toBe(before);
  });

  test('by a write that is refused', async () => {
    const id = fresh();
    await stored(id);
    const before = await countAll();
    expect((await send('PUT', `/Patient/${id}`, { body: patient({ id, active: true }), headers: { 'if-match': 'W/"9"' } })).status).toBe(
      412,
    );
    expect((await send('POST', '/Patient', { body: { resourceType: 'Patient', active: 'yes' } })).status).toBe(400);
    expect(await countAll()).toBe(before);
  });
});

describe('a Provenance that is refused refuses the write', () => {
  test.each<[string, number, string, string | undefined, Stated | string]>([
    ['no JSON', 400, 'json-syntax', undefined, '{"resourceType":"Provenance"'],
    ['no object', 400, 'resource-not-object', 'Provenance', '[]'],
    ['another type', 400, 'provenance-expected', 'Provenance', { resourceType: 'Patient' }],
    ['targets of its own', 400, 'provenance-with-target', 'Provenance.target', stated({ target: [{ reference: 'Patient/1' }] })],
    ['an empty list of targets', 400, 'provenance-with-target', 'Provenance.target', stated({ target: [] })],
    ['an element there is not', 400, 'shape-unknown-element', 'Provenance.agents', stated({ agents: [] })],
    ['no agent', 400, 'shape-required', 'Provenance.agent', { resourceType: 'Provenance', recorded: '2024-03-01T10:00:00Z' }],
    ['no time', 400, 'shape-required', 'Provenance.recorded', { resourceType: 'Provenance', agent: [{ who: { display: 'x' } }] }],
    ['a bad time', 400, 'shape-format', 'Provenance.recorded', stated({ recorded: 'yesterday' })],
    ['too much', 400, 'provenance-too-large', undefined, stated({ agent: [{ who: { display: 'x'.repeat(8200) } }] })],
    ['bytes that are not UTF-8', 400, 'json-encoding', undefined, '{"resourceType":"Provenance","language":"\u00e9"}'],
  ])('%s: %i', async (_, status, id, expression, provenance) => {
    const name = fresh();
    const before = await countAll();
    const answer = await send('PUT', `/Patient/${name}`, { body: patient({ id: name }) }, provenance);
    expect([answer.status, issueId(answer.json)]).toEqual([status, id]);
    const [issue] = answer.json.issue;
    expect(issue.diagnostics ?? issue.details.text).toContain('X-Provenance');
    if (expression !== undefined) expect(issue.expression[0]).toBe(expression);
    expect((await server.request('GET', `/Patient/${name}`)).status).toBe(404);
    const entries = bundle('transaction', { resource: patient({ id: name }), request: { method: 'PUT', url: `Patient/${name}` } });
    expect((await send('POST', '', { body: entries }, provenance)).status).toBe(status);
    expect((await send('POST', '', { body: { ...entries, type: 'batch' } }, provenance)).status).toBe(status);
    expect((await server.request('GET', `/Patient/${name}`)).status).toBe(404);
    expect(await countAll()).toBe(before);
  });

  test('two of them', async () => {
    const text = JSON.stringify(stated());
    const answer = await send('POST', '/Patient', { body: patient() }, `${text}, ${text}`);
    expect(answer.status).toBe(400);
  });

  test('where the caller may create none, 403; beside one who may', async () => {
    const [id, other] = [fresh(), fresh()];
    const refused = await send('PUT', `/Patient/${id}`, {
      body: patient({ id }),
      token: await server.token({ scope: 'system/Patient.cruds' }),
    });
    expect(refused.status).toBe(403);
    expect((await server.request('GET', `/Patient/${id}`)).status).toBe(404);
    const token = await server.token({ scope: 'system/Patient.cruds system/Provenance.c' });
    expect((await send('PUT', `/Patient/${other}`, { body: patient({ id: other }), token })).status).toBe(201);
    expect(await about(`Patient/${other}`)).toHaveLength(1);
  });

  test('a patient may say it of what is in his record alone', async () => {
    const [own, another] = [fresh(), fresh()];
    await stored(own);
    await stored(another);
    const scope = 'patient/Patient.cruds patient/Observation.cruds patient/Provenance.crs';
    const token = await server.token({ scope, patient: own });
    expect((await send('PUT', `/Patient/${own}`, { body: patient({ id: own, active: true }), token })).status).toBe(200);
    expect(await about(`Patient/${own}`)).toHaveLength(1);
    const body = observation({ subject: { reference: `Patient/${own}` } });
    const before = (await server.request('GET', '/Observation?_summary=count')).json.total;
    // R4's compartment of a patient has the Provenances whose target is the patient, not those about his observations.
    expect((await send('POST', '/Observation', { body, token })).status).toBe(403);
    expect((await server.request('GET', '/Observation?_summary=count')).json.total).toBe(before);
    expect((await send('PUT', `/Patient/${another}`, { body: patient({ id: another, active: true }), token })).status).toBe(404);
    expect(await about(`Patient/${another}`)).toEqual([]);
  });
});

describe('neither is ever stored without the other', () => {
  /** Refuses what is inserted, as a full disk would. */
  async function broken(type: string, work: () => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    try {
      await client.query(`create or replace function refuse_type() returns trigger language plpgsql as
        $$ begin if new.type = tg_argv[0] then raise exception 'no room' using errcode = 'disk_full'; end if; return new; end $$`);
      await client.query(`create trigger refused before insert or update on resource for each row execute function refuse_type('${type}')`);
      await work();
    } finally {
      await client.query('drop trigger if exists refused on resource');
      await client.end();
    }
  }

  test.each(['Provenance', 'Patient'])('where no %s can be written', async (type) => {
    const [id, made] = [fresh(), fresh()];
    await stored(id);
    const before = await countAll();
    await broken(type, async () => {
      for (const body of [patient({ id, active: true })])
        expect((await send('PUT', `/Patient/${id}`, { body })).status).toBeGreaterThan(499);
      expect((await send('PUT', `/Patient/${made}`, { body: patient({ id: made }) })).status).toBeGreaterThan(499);
      expect((await send('POST', '/Patient', { body: patient() })).status).toBeGreaterThan(499);
      expect((await send('DELETE', `/Patient/${id}`, {})).status).toBeGreaterThan(499);
      const entries = bundle('transaction', { resource: patient({ id: made }), request: { method: 'PUT', url: `Patient/${made}` } });
      expect((await send('POST', '', { body: entries })).status).toBeGreaterThan(499);
    });
    expect((await server.request('GET', `/Patient/${id}`)).json.meta.versionId).toBe('1');
    expect((await server.request('GET', `/Patient/${made}`)).status).toBe(404);
    expect(await countAll()).toBe(before);
  });
});

test('C89 a Provenance may name anybody; the audit trail names who sent it', async () => {
  const token = await server.token({ scope: 'user/*.cruds', user: 'Practitioner/sender', roles: ['admin'] });
  const claimed = { who: { reference: 'Practitioner/somebody-else' } };
  const { status, json } = await send('POST', '/Patient', { body: patient(), token }, stated({ agent: [claimed] }));
  expect(status).toBe(201);
  const [provenance] = await about(`Patient/${json.id}`);
  expect(provenance?.agent).toEqual([claimed]);
  for (const entity of [`Patient/${json.id}`, `Provenance/${provenance?.id}`]) {
    const events = (await server.request('GET', `/AuditEvent?entity=${entity}&action=C`)).json.entry.map(
      ({ resource }: { resource: object }) => JSON.stringify(resource),
    );
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) {
      expect(event).toContain('Practitioner/sender');
      expect(event).not.toContain('somebody-else');
    }
  }
});

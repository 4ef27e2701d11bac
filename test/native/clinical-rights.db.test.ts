import { afterAll, beforeAll, expect, test } from 'vitest';
import { hospital, type NativeClient, nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** With care relationships, as in a hospital: who doesn't care for a patient is told nothing of him. */
let server: TestServer;
let v1: NativeClient;
let house: Awaited<ReturnType<typeof hospital>>;
let records: readonly Written[];
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  house = await hospital(server);
  v1 = nativeClient(server, house.tokens.admin);
  records = await Promise.all(bodies().map((each) => write(each)));
});
afterAll(() => server?.stop());

type Kind = { readonly path: string; readonly type: string; readonly id: string; readonly body: object };
type Written = Kind & { readonly at: string };

function bodies(): readonly Kind[] {
  const { patient: patient_id, colleague } = house;
  const at = '2026-03-04T08:15:00Z';
  return [
    { path: '/medications', type: 'MedicationStatement', id: 'medication_id', body: { patient_id, medication_name: 'Metformin' } },
    {
      path: '/appointments',
      type: 'Appointment',
      id: 'appointment_id',
      body: { patient_id, provider_id: colleague, starts_at: at, status: 'cancelled' },
    },
    {
      path: '/lab-results',
      type: 'Observation',
      id: 'lab_result_id',
      body: { patient_id, test_name: 'Glucose', result_value: 98, result_unit: 'mg/dL', collected_at: at },
    },
    { path: '/messages', type: 'Communication', id: 'message_id', body: { patient_id, body: 'x' } },
    { path: '/interactions', type: 'Encounter', id: 'interaction_id', body: { patient_id, type: 'Call', started_at: at } },
  ];
}

async function write(kind: Kind): Promise<Written> {
  const { status, json, text } = await v1('POST', kind.path, { body: kind.body });
  if (status !== 201) throw new Error(`${kind.path}: ${status} ${text}`);
  return { ...kind, at: `${kind.path}/${json[kind.id]}` };
}

const without = ({ status, json }: Awaited<ReturnType<NativeClient>>) => [status, { ...json, request_id: '' }];

test('who does not care for the patient is answered as if there were no such record, and no such patient', async () => {
  const token = house.tokens.provider;
  for (const { path, at, body } of records) {
    expect(without(await v1('GET', at, { token }))).toEqual(without(await v1('GET', `${path}/absent`, { token })));
    expect((await v1('GET', at, { token })).status).toBe(404);
    for (const query of ['', `?patient_id=${house.patient}`]) expect((await v1('GET', `${path}${query}`, { token })).json.data).toEqual([]);
    const ofHim = await v1('POST', path, { token, body });
    const ofNobody = await v1('POST', path, { token, body: { ...body, patient_id: 'nobody' } });
    expect([path, ...without(ofHim)]).toEqual([path, 403, without(ofNobody)[1]]);
  }
  const [, , labResult] = records;
  for (const [method, path] of [['GET', '/trends'] as const, ['POST', '/explanation'] as const])
    expect((await v1(method, `${labResult?.at}${path}`, { token })).status).toBe(404);
});

test('who begins to care for him sees all of it, and writes', async () => {
  const token = house.tokens.provider;
  const started = new Date().toISOString();
  const visit = { patient_id: house.patient, provider_id: house.doctor, type: 'Visit', started_at: started };
  expect((await v1('POST', '/interactions', { body: visit })).status).toBe(201);
  for (const { path, at, body } of records) {
    expect([path, (await v1('GET', at, { token })).status]).toEqual([path, 200]);
    expect([path, (await v1('POST', path, { token, body })).status]).toEqual([path, 201]);
  }
});

test('a record that is restricted is not shown by v1 either', async () => {
  const token = house.tokens.provider;
  for (const { type, path, body, id: name } of records) {
    const id = (await v1('POST', path, { body })).json[name] as string;
    const resource = (await server.request('GET', `/${type}/${id}`)).json;
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
    const restricted = await server.request('PUT', `/${type}/${id}`, { body: { ...resource, meta: { ...resource.meta, security } } });
    expect([type, restricted.status]).toEqual([type, 200]);
    expect([type, (await v1('GET', `${path}/${id}`, { token })).status]).toEqual([type, 404]);
    expect([type, (await v1('GET', `${path}/${id}`, { token: house.tokens.patient })).status]).toEqual([type, 200]);
    expect((await v1('GET', path, { token })).text).not.toContain(id);
  }
});

test('each write and each read is recorded, of the resource and for the caller', async () => {
  const token = house.tokens.patient;
  for (const { type, at } of records) {
    const id = at.split('/').at(-1);
    await v1('GET', at, { token });
    const { json } = await server.request('GET', `/AuditEvent?entity=${type}/${id}&_count=200`);
    const events = (json.entry ?? []).map(
      ({ resource }: { resource: { action: string; agent: { who?: { reference?: string } }[] } }) => resource,
    );
    const actions = events.map(({ action }: { action: string }) => action);
    expect([type, actions.includes('C'), actions.includes('R')]).toEqual([type, true, true]);
    expect(JSON.stringify(events)).toContain(`Patient/${house.patient}`);
  }
});

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let origin: string;
let everything: string;
beforeAll(async () => {
  server = await startTestServer();
  origin = new URL(server.base).origin;
  everything = await server.token({ scope: 'user/*.cruds', user: 'Practitioner/boss', roles: ['admin'] });
});
afterAll(() => server?.stop());

type Body = Record<string, never> & { patient_id: string; version: number; data: Record<string, never>[] };

async function v1(method: string, path: string, options: { body?: object; token?: string; ifMatch?: string } = {}) {
  const headers: Record<string, string> = { authorization: `Bearer ${options.token ?? everything}` };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch;
  const init = { method, headers, ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }) };
  const response = await fetch(`${origin}/api/v1${path}`, init);
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), json: (text === '' ? {} : JSON.parse(text)) as Body };
}

const person = (family_name: string, more: object = {}) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10', ...more });

test('of fifty at once with one e-mail address one is registered, and the others are told why', async () => {
  const body = person('Unique', { email: 'one@example.org' });
  const answers = await Promise.all(Array.from({ length: 50 }, () => v1('POST', '/patients', { body })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  const refused = answers.find(({ status }) => status !== 201);
  expect([refused?.status, refused?.json]).toMatchObject([409, { code: 'duplicate', details: [{ field: 'email', code: 'duplicate' }] }]);
});

test('a contact is unique against what FHIR wrote, and free again when its patient is deleted', async () => {
  const other = await server.request('POST', '/Patient', {
    body: { resourceType: 'Patient', telecom: [{ system: 'phone', value: '+442079460999' }] },
  });
  const body = person('Phone', { phone_e164: '+442079460999' });
  expect((await v1('POST', '/patients', { body })).status).toBe(409);
  await server.request('DELETE', `/Patient/${other.json.id}`);
  const made = await v1('POST', '/patients', { body });
  expect(made.status).toBe(201);
  const again = await v1('PUT', `/patients/${made.json.patient_id}`, { body, ifMatch: 'W/"1"' });
  expect(again.status).toBe(200);
});

test('who does not see every patient is not told that a contact is taken', async () => {
  const made = await v1('POST', '/patients', { body: person('Seen', { email: 'seen@example.org' }) });
  const own = await v1('POST', '/patients', { body: person('Own') });
  const token = await server.token({ scope: 'patient/Patient.cruds', patient: own.json.patient_id });
  const answer = await v1('PUT', `/patients/me`, { token, ifMatch: 'W/"1"', body: person('Own', { email: 'seen@example.org' }) });
  expect([made.status, answer.status, answer.json]).toMatchObject([201, 422, { code: 'validation_failed' }]);
  expect(answer.json).not.toHaveProperty('details');
});

test('lists become resources, are shown with those of others, and a replacement touches only its own', async () => {
  const made = await v1('POST', '/patients', {
    body: person('Lists', { allergies: ['Penicillin', 'Nuts'], current_medications: ['Aspirin'], medical_history: ['Asthma'] }),
  });
  const id = made.json.patient_id;
  expect([made.status, made.json]).toMatchObject([201, { medical_history: ['Asthma'], current_medications: ['Aspirin'] }]);
  await server.request('POST', '/AllergyIntolerance', {
    body: {
      resourceType: 'AllergyIntolerance',
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
      code: { coding: [{ system: 'http://snomed.info/sct', code: '300916003', display: 'Latex' }] },
      patient: { reference: `Patient/${id}` },
    },
  });
  const read = await v1('GET', `/patients/${id}`);
  expect(new Set(read.json.allergies)).toEqual(new Set(['Penicillin', 'Nuts', 'Latex']));
  const put = await v1('PUT', `/patients/${id}`, { ifMatch: 'W/"1"', body: person('Lists', { allergies: ['Nuts', 'Dust'] }) });
  expect(put.status).toBe(200);
  expect(new Set(put.json.allergies)).toEqual(new Set(['Nuts', 'Dust', 'Latex']));
  expect(put.json.current_medications).toEqual(['Aspirin']);
  const few = await server.token({ scope: 'user/Patient.rs', user: 'Practitioner/boss', roles: ['admin'] });
  expect((await v1('GET', `/patients/${id}`, { token: few })).json).not.toHaveProperty('allergies');
});

test('what was deleted is restored, what was changed is reverted, and what was is read as it was', async () => {
  const made = await v1('POST', '/patients', { body: person('First') });
  const path = `/patients/${made.json.patient_id}`;
  await wait(5);
  const then = new Date().toISOString();
  await wait(5);
  await v1('PUT', path, { ifMatch: 'W/"1"', body: person('Second') });
  expect((await v1('GET', `${path}?as_of=${then}`)).json).toMatchObject({ family_name: 'First', version: 1 });
  expect((await v1('GET', `${path}?as_of=2001-01-01T00:00:00Z`)).status).toBe(404);
  const reverted = await v1('POST', `${path}:revert`, { body: { as_of: then } });
  expect([reverted.status, reverted.json]).toMatchObject([200, { family_name: 'First', version: 3 }]);
  expect((await v1('POST', `${path}:revert`, { body: { as_of: '2001-01-01T00:00:00Z' } })).status).toBe(422);
  expect((await v1('DELETE', path, { ifMatch: 'W/"3"' })).status).toBe(204);
  expect([(await v1('GET', path)).status, (await v1('GET', path)).json.code]).toEqual([410, 'deleted']);
  const restored = await v1('POST', `${path}:restore`);
  expect([restored.status, restored.json]).toMatchObject([200, { family_name: 'First', version: 5 }]);
  expect((await v1('POST', `${path}:restore`)).json.version).toBe(5);
  const history = await v1('GET', `${path}/history?limit=3`);
  expect(history.json.data.map(({ version, action, is_deleted }) => [version, action, is_deleted])).toEqual([
    [5, 'update', false],
    [4, 'delete', true],
    [3, 'update', false],
  ]);
  const rest = await v1('GET', `${path}/history?limit=3&cursor=${encodeURIComponent(String(history.json.next_cursor))}`);
  expect(rest.json.data.map(({ version }) => version)).toEqual([2, 1]);
});

test('an erasure needs an administrator, a reason and the version, and nobody reads the record afterwards', async () => {
  const made = await v1('POST', '/patients', { body: person('Gone', { allergies: ['Latex'] }) });
  const path = `/patients/${made.json.patient_id}`;
  const provider = await server.token({ scope: 'user/*.cruds', user: 'Practitioner/x', roles: ['provider'] });
  const refusals = [
    await v1('DELETE', `${path}?erase=true&reason=order`, { token: provider, ifMatch: 'W/"1"' }),
    await v1('DELETE', `${path}?erase=true`, { ifMatch: 'W/"1"' }),
    await v1('DELETE', `${path}?erase=true&reason=order`, { ifMatch: 'W/"7"' }),
  ];
  expect(refusals.map(({ status, json }) => [status, json.code])).toEqual([
    [403, 'forbidden'],
    [400, 'invalid_request'],
    [412, 'version_mismatch'],
  ]);
  expect((await v1('DELETE', `${path}?erase=true&reason=order%2017`, { ifMatch: 'W/"1"' })).status).toBe(204);
  expect((await v1('GET', path)).status).toBe(410);
  expect((await v1('POST', `${path}:restore`)).status).toBe(410);
});

test('the whole record is listed as it is and as it was, in pages, and as far as the caller may read it', async () => {
  const made = await v1('POST', '/patients', { body: person('Record', { allergies: ['Latex'], medical_history: ['Asthma'] }) });
  const id = made.json.patient_id;
  const asthma = (await server.request('GET', `/Condition?patient=Patient/${id}`)).json.entry[0].resource;
  await wait(5);
  const then = new Date().toISOString();
  await wait(5);
  await server.request('DELETE', `/Condition/${asthma.id}`);
  await v1('PUT', `/patients/${id}`, { ifMatch: 'W/"1"', body: person('Later') });
  await server.request('POST', '/Condition', { body: { ...asthma, id: undefined, meta: undefined, code: { text: 'Gout' } } });
  const said = (list: Body) =>
    (list.data as unknown as { resource: object }[]).map(({ resource }) => {
      const { resourceType, code, name } = resource as { resourceType: string; code?: { text: string }; name?: [{ family: string }] };
      return `${resourceType} ${code?.text ?? name?.[0].family}`;
    });
  const now = await v1('GET', `/patients/${id}/record`);
  expect(said(now.json)).toEqual(['Patient Later', 'AllergyIntolerance Latex', 'Condition Gout']);
  const before = await v1('GET', `/patients/${id}/record?as_of=${then}`);
  expect(said(before.json)).toEqual(['Patient Record', 'AllergyIntolerance Latex', 'Condition Asthma']);
  const first = await v1('GET', `/patients/${id}/record?as_of=${then}&limit=2`);
  const rest = await v1('GET', `/patients/${id}/record?as_of=${then}&limit=2&cursor=${encodeURIComponent(String(first.json.next_cursor))}`);
  expect([...said(first.json), ...said(rest.json), rest.json.next_cursor]).toEqual([...said(before.json), null]);
  const few = await server.token({ scope: 'patient/Patient.r patient/Condition.r', patient: id });
  expect(said((await v1('GET', `/patients/${id}/record?as_of=${then}`, { token: few })).json)).toEqual([
    'Patient Record',
    'Condition Asthma',
  ]);
  const other = await server.token({ scope: 'patient/*.rs', patient: 'somebody-else' });
  expect((await v1('GET', `/patients/${id}/record`, { token: other })).status).toBe(404);
});

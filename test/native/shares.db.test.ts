import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openLockQueue } from '../support/lock-queue.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let admin: string;
let doctor: string;
let stranger: string;
let breaker: string;
let patient: string;
let patientId: string;

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  for (const id of ['doc', 'stranger', 'boss'])
    await server.request('PUT', `/Practitioner/${id}`, { body: { resourceType: 'Practitioner', id } });
  const token = (user: string, role: string) => server.token({ scope: 'user/*.cruds', user, roles: [role] });
  [admin, doctor, stranger, breaker] = await Promise.all([
    token('Practitioner/boss', 'admin'),
    token('Practitioner/doc', 'provider'),
    token('Practitioner/stranger', 'provider'),
    token('Practitioner/stranger', 'provider'),
  ]);
});
beforeEach(async () => {
  const body = { resourceType: 'Patient', generalPractitioner: [{ reference: 'Practitioner/doc' }] };
  patientId = (await server.request('POST', '/Patient', { body })).json.id as string;
  patient = await server.token({ scope: 'user/*.cruds', user: `Patient/${patientId}`, roles: ['patient'] });
});
afterAll(() => server.stop());

function ask(method: string, path: string, token: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  return server.request(method, path.startsWith('/fhir:') ? path.slice(6) : `${server.origin}/api/v1${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
}

const records = (): string => `/patients/${patientId}/records`;
const record = async (body: object, token = doctor): Promise<string> => {
  const made = await ask('POST', records(), token, body);
  expect(made.status, made.text).toBe(201);
  return made.json.record_id as string;
};
/** What both APIs answer to a read of a record. */
async function seen(recordId: string, token: string): Promise<readonly number[]> {
  const [kind = '', id = ''] = /^(\w+)-(.+)$/.exec(recordId)?.slice(1) ?? [];
  const type = { diagnosis: 'Condition', allergy: 'AllergyIntolerance', document: 'DocumentReference', note: 'Observation' }[kind];
  const [native, fhir] = [await ask('GET', `${records()}/${recordId}`, token), await ask('GET', `/fhir:/${type}/${id}`, token)];
  return [native.status, fhir.status];
}
const share = (body: object, token = patient): Promise<Answered> => ask('POST', `/patients/${patientId}/shares`, token, body);

describe('shares', () => {
  test('a grant opens the record to a provider on both APIs at once, and its end closes it', async () => {
    const id = await record({ kind: 'diagnosis', diagnosis: 'Asthma' });
    expect(await seen(id, stranger)).toEqual([404, 404]);
    const made = await share({ provider_id: 'stranger', decision: 'grant', until: '2999-12-31' });
    expect([made.status, made.json]).toMatchObject([
      201,
      { patient_id: patientId, provider_id: 'stranger', decision: 'grant', until: '2999-12-31', include_restricted: false },
    ]);
    expect(await seen(id, stranger)).toEqual([200, 200]);
    expect((await ask('PUT', `${records()}/${id}`, stranger, { kind: 'diagnosis', diagnosis: 'x' })).status).toBe(403);
    expect((await ask('GET', `/patients/${patientId}/shares`, patient)).json.data).toEqual([made.json]);
    const consent = (await server.request('GET', `/Consent/${made.json.share_id}`)).json;
    expect(consent).toMatchObject({
      status: 'active',
      provision: { type: 'permit', actor: [{ reference: { reference: 'Practitioner/stranger' } }] },
    });
    expect((await ask('DELETE', `/shares/${made.json.share_id}`, stranger)).status).not.toBe(204);
    const stale = { 'if-match': 'W/"7"' };
    expect((await ask('DELETE', `/shares/${made.json.share_id}`, patient, undefined, stale)).status).toBe(412);
    expect((await ask('DELETE', `/shares/${made.json.share_id}`, patient)).status).toBe(204);
    expect((await ask('DELETE', `/shares/${made.json.share_id}`, patient)).status).toBe(410);
    expect(await seen(id, stranger)).toEqual([404, 404]);
    expect((await ask('GET', `/patients/${patientId}/shares`, patient)).json.data).toEqual([]);
  });

  test('a grant of some kinds opens these alone; notes are told from measurements', async () => {
    const ids = {
      diagnosis: await record({ kind: 'diagnosis', diagnosis: 'Asthma' }),
      allergy: await record({ kind: 'allergy', text: 'Nuts' }),
      note: await record({ kind: 'note', text: 'Called' }),
      document: await record({ kind: 'document', attachment: { content_type: 'text/plain', data: 'SGVsbG8=' } }),
    };
    const weight = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'weight' },
      subject: { reference: `Patient/${patientId}` },
    };
    const measured = (await server.request('POST', '/Observation', { body: weight })).json.id as string;
    const made = await share({ provider_id: 'stranger', decision: 'grant', kinds: ['note', 'document'] });
    expect([made.status, made.json.kinds], made.text).toEqual([201, ['note', 'document']]);
    expect(await seen(ids.note, stranger)).toEqual([200, 200]);
    expect(await seen(ids.document, stranger)).toEqual([200, 200]);
    expect((await ask('GET', `${records()}/${ids.document}/attachment`, stranger)).text).toBe('Hello');
    expect(await seen(ids.diagnosis, stranger)).toEqual([404, 404]);
    expect(await seen(ids.allergy, stranger)).toEqual([404, 404]);
    expect((await ask('GET', `/fhir:/Observation/${measured}`, stranger)).status).toBe(404);
    const listed = (await ask('GET', records(), stranger)).json.data.map(({ kind }: { kind: string }) => kind);
    expect(listed.sort()).toEqual(['document', 'note']);
  });

  test('a refusal takes from one provider what he had, of the kinds named, and of both APIs', async () => {
    const [diagnosis, note] = [await record({ kind: 'diagnosis', diagnosis: 'Asthma' }), await record({ kind: 'note', text: 'Called' })];
    expect(await seen(diagnosis, doctor)).toEqual([200, 200]);
    const some = await share({ provider_id: 'doc', decision: 'refuse', kinds: ['note'] });
    expect([some.status, some.json]).toMatchObject([201, { decision: 'refuse', kinds: ['note'] }]);
    expect([await seen(diagnosis, doctor), await seen(note, doctor)]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    const all = await share({ provider_id: 'doc', decision: 'refuse' });
    expect([await seen(diagnosis, doctor), await seen(diagnosis, patient)]).toEqual([
      [404, 404],
      [200, 200],
    ]);
    for (const { json } of [some, all]) expect((await ask('DELETE', `/shares/${json.share_id}`, patient)).status).toBe(204);
    expect(await seen(note, doctor)).toEqual([200, 200]);
  });

  test('only the patient and administrators share, with a provider who is there and a day that is to come', async () => {
    const body = { provider_id: 'stranger', decision: 'grant' };
    expect((await share(body, stranger)).status).toBe(404);
    expect((await share(body, doctor)).status).toBe(403);
    const other = await server.token({ scope: 'user/*.cruds', user: 'Patient/somebody', roles: ['patient'] });
    expect((await share(body, other)).status).toBe(404);
    expect((await share(body, admin)).status).toBe(201);
    expect((await share({ ...body, provider_id: 'nobody' })).json.details).toMatchObject([{ field: 'provider_id', code: 'not_found' }]);
    expect((await share({ ...body, until: '2020-01-01' })).json.details).toMatchObject([{ field: 'until', code: 'in_past' }]);
    expect((await share({ ...body, until: 'soon' })).json.details).toMatchObject([{ field: 'until', code: 'format' }]);
    expect((await share({ ...body, kinds: ['note'], include_restricted: true })).status).toBe(422);
    expect((await ask('POST', '/patients/nobody/shares', admin, body)).status).toBe(404);
    expect((await ask('GET', '/patients/nobody/shares', admin)).status).toBe(404);
    expect((await ask('GET', `/patients/${patientId}/shares`, other)).status).toBe(404);
    expect((await ask('DELETE', '/shares/nothing', admin)).status).toBe(404);
  });

  test('a consent that FHIR wrote is a share where it says no more, and else is left to FHIR', async () => {
    const consent = (provision: object) => ({
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ text: 'privacy' }],
      patient: { reference: `Patient/${patientId}` },
      policy: [{ uri: 'urn:x' }],
      provision,
    });
    const actor = [{ role: { text: 'recipient' }, reference: { reference: 'Practitioner/stranger' } }];
    const plain = (await server.request('POST', '/Consent', { body: consent({ type: 'permit', actor }) })).json.id;
    await server.request('POST', '/Consent', { body: consent({ type: 'deny', actor, purpose: [{ code: 'HMARKT' }] }) });
    expect((await ask('GET', `/patients/${patientId}/shares`, patient)).json.data).toMatchObject([{ share_id: plain, decision: 'grant' }]);
  });
});

describe('restrictions', () => {
  test('what is restricted is seen by the patient, its author, those granted and who breaks the glass, on both APIs', async () => {
    const own = await record({ kind: 'document', provider_id: 'stranger', attachment: { content_type: 'text/plain', data: 'SGVsbG8=' } });
    const other = await record({ kind: 'diagnosis', provider_id: 'boss', diagnosis: 'Asthma' }, admin);
    const free = await record({ kind: 'note', text: 'Called' });
    const put = await ask('PUT', `/patients/${patientId}/restrictions`, admin, { records: [own, other] });
    expect([put.status, put.json], put.text).toEqual([200, { records: [own, other], changed: 3 }]);
    expect(await seen(free, doctor)).toEqual([200, 200]);
    expect([await seen(own, doctor), await seen(other, doctor)]).toEqual([
      [404, 404],
      [404, 404],
    ]);
    expect((await ask('GET', `${records()}/${own}/attachment`, doctor)).status).toBe(404);
    expect((await ask('GET', records(), doctor)).json.data).toMatchObject([{ record_id: free }]);
    expect([await seen(own, patient), await seen(other, patient)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    expect((await ask('GET', `${records()}?sensitivity=restricted`, patient)).json.data.length).toBe(2);
    expect((await ask('GET', `${records()}?sensitivity=normal`, patient)).json.data).toMatchObject([{ record_id: free }]);
    await share({ provider_id: 'stranger', decision: 'grant' });
    expect([await seen(own, stranger), await seen(other, stranger)]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    expect((await ask('GET', `${records()}/${own}/attachment`, stranger)).text).toBe('Hello');
    const glass = { 'x-break-glass': 'unconscious in the emergency room', 'x-break-glass-patient': patientId, 'x-purpose-of-use': 'BTG' };
    const broken = await ask('GET', `${records()}/${other}`, breaker, undefined, glass);
    expect([broken.status, broken.json.sensitivity]).toEqual([200, 'restricted']);
    const granted = await share({ provider_id: 'doc', decision: 'grant', kinds: ['diagnosis'], include_restricted: true });
    expect([granted.status, granted.json.include_restricted], granted.text).toEqual([201, true]);
    expect([await seen(own, doctor), await seen(other, doctor)]).toEqual([
      [404, 404],
      [200, 200],
    ]);
  });

  test('a record that is changed between being looked at and being labelled stays as it was changed: 412, and nothing is labelled', async () => {
    const [id, other] = [await record({ kind: 'diagnosis', diagnosis: 'Asthma' }), await record({ kind: 'note', text: 'Called' })];
    const address = `Condition/${id.slice('diagnosis-'.length)}`;
    const { json } = await server.request('GET', `/${address}`);
    const queue = await openLockQueue(server);
    try {
      await queue.hold('Condition', json.id);
      const body = { ...json, code: { text: 'Bronchitis' } };
      const change = await queue.sendBehind(1, () => server.request('PUT', `/${address}`, { body }));
      const restrict = () => ask('PUT', `/patients/${patientId}/restrictions`, admin, { records: [id, other] });
      const late = await queue.sendBehind(2, restrict);
      await queue.letGo();
      expect((await change.answer).status).toBe(200);
      const refused = await late.answer;
      expect([refused.status, refused.json.code], refused.text).toEqual([412, 'version_mismatch']);
      const sensitivities = () =>
        Promise.all([id, other].map(async (one) => (await ask('GET', `${records()}/${one}`, admin)).json.sensitivity as string));
      expect(await sensitivities()).toEqual(['normal', 'normal']);
      expect((await server.request('GET', `/${address}`)).json).toMatchObject({ meta: { versionId: '2' }, code: { text: 'Bronchitis' } });
      expect((await restrict()).json).toEqual({ records: [id, other], changed: 2 });
      expect(await sensitivities()).toEqual(['restricted', 'restricted']);
    } finally {
      await queue.end();
    }
  });

  test('a put restricts what it names and nothing else; an EHR finds the label, and its own stay', async () => {
    const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'SUD' };
    const confidential = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
    const body = {
      resourceType: 'Condition',
      meta: { security: [label, confidential] },
      code: { text: 'x' },
      subject: { reference: `Patient/${patientId}` },
    };
    const { id } = (await server.request('POST', '/Condition', { body })).json;
    const note = await record({ kind: 'note', text: 'Called' });
    expect((await ask('GET', `${records()}/diagnosis-${id}`, admin)).json.sensitivity).toBe('restricted');
    const restrict = (ids: unknown) => ask('PUT', `/patients/${patientId}/restrictions`, admin, { records: ids });
    expect((await restrict([note])).json).toEqual({ records: [note], changed: 2 });
    expect((await server.request('GET', `/Condition/${id}`)).json.meta.security).toEqual([label]);
    expect((await server.request('GET', `/Observation/${note.slice(5)}`)).json.meta.security).toEqual([confidential]);
    expect((await restrict([note])).json).toEqual({ records: [note], changed: 0 });
    expect((await restrict('all')).json.records.length).toBe(2);
    expect((await restrict([])).json).toEqual({ records: [], changed: 2 });
    expect((await restrict(['note-x', 'y-z'])).json.details).toMatchObject([
      { field: 'records[0]', code: 'not_found' },
      { field: 'records[1]' },
    ]);
    expect((await ask('PUT', '/patients/nobody/restrictions', admin, { records: 'all' })).status).toBe(404);
  });

  test('who may not label restricts nothing and lifts nothing, by any way', async () => {
    const note = await record({ kind: 'note', text: 'Called' });
    for (const token of [doctor, patient]) {
      const refused = await ask('PUT', `/patients/${patientId}/restrictions`, token, { records: [note] });
      expect([403, 404, 422]).toContain(refused.status);
      expect((await ask('POST', records(), token, { kind: 'note', text: 'x', sensitivity: 'restricted' })).status).toBe(403);
    }
    expect((await ask('GET', `${records()}/${note}`, admin)).json.sensitivity).toBe('normal');
    const own = await record({ kind: 'note', provider_id: 'doc', text: 'Own', sensitivity: 'restricted' }, admin);
    expect(await seen(own, doctor)).toEqual([200, 200]);
    expect((await ask('PUT', `${records()}/${own}`, doctor, { kind: 'note', text: 'Changed' })).json.sensitivity).toBe('restricted');
    expect((await ask('PUT', `${records()}/${own}`, doctor, { kind: 'note', text: 'x', sensitivity: 'normal' })).status).toBe(403);
    expect((await ask('GET', `${records()}/${own}`, admin)).json).toMatchObject({ sensitivity: 'restricted', text: 'Changed' });
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: string;
let admin: string;
let doctor: string;
let stranger: string;
let patient: string;
let viewer: string;
let patientId: string;
let otherId: string;

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related', ATTACHMENT_MIB: '1' });
  api = `${server.origin}/api/v1`;
  for (const id of ['doc', 'stranger']) await server.request('PUT', `/Practitioner/${id}`, { body: { resourceType: 'Practitioner', id } });
  patientId = await patientOf('doc');
  otherId = await patientOf('stranger');
  const token = (user: string, role: string) => server.token({ scope: 'user/*.cruds', user, roles: [role] });
  [admin, doctor, stranger, viewer, patient] = await Promise.all([
    token('Practitioner/boss', 'admin'),
    token('Practitioner/doc', 'provider'),
    token('Practitioner/stranger', 'provider'),
    token('Practitioner/doc', 'viewer'),
    token(`Patient/${patientId}`, 'patient'),
  ]);
});
afterAll(() => server.stop());

async function patientOf(practitioner: string): Promise<string> {
  const body = { resourceType: 'Patient', generalPractitioner: [{ reference: `Practitioner/${practitioner}` }] };
  return (await server.request('POST', '/Patient', { body })).json.id as string;
}

function ask(method: string, path: string, token: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  return server.request(method, `${api}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
}

const records = (id = patientId): string => `/patients/${id}/records`;
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

describe('records', () => {
  test('each kind is written by v1, read by v1 and is the FHIR resource of its kind', async () => {
    const cases = [
      [{ kind: 'diagnosis', diagnosis: 'Hypertension', text: 'mild' }, 'Condition', { code: { text: 'Hypertension' } }],
      [{ kind: 'allergy', text: 'Penicillin' }, 'AllergyIntolerance', { code: { text: 'Penicillin' } }],
      [{ kind: 'note', text: 'Feels better' }, 'Observation', { valueString: 'Feels better' }],
      [
        { kind: 'document', text: 'Letter', attachment: { content_type: 'text/plain', data: 'SGVsbG8=', title: 'letter.txt' } },
        'DocumentReference',
        { description: 'Letter', content: [{ attachment: { contentType: 'text/plain', size: 5, title: 'letter.txt' } }] },
      ],
    ] as const;
    for (const [input, type, resource] of cases) {
      const made = await ask('POST', records(), doctor, { ...input, recorded_at: '2026-03-01T08:00:00Z' });
      expect([made.status, made.headers.get('etag')], made.text).toEqual([201, 'W/"1"']);
      const { record_id: recordId } = made.json as { record_id: string };
      expect(made.json).toMatchObject({ kind: input.kind, provider_id: 'doc', patient_id: patientId, sensitivity: 'normal', version: 1 });
      expect(made.json.recorded_at).toBe('2026-03-01T08:00:00.000Z');
      const stored = await server.request('GET', `/${type}/${recordId.slice(input.kind.length + 1)}`, { token: doctor });
      expect([stored.status, stored.json]).toMatchObject([200, resource]);
      const read = await ask('GET', `${records()}/${recordId}`, doctor);
      expect([read.status, read.json]).toEqual([200, made.json]);
    }
    const list = await ask('GET', `${records()}?total=true`, doctor);
    expect(list.json.data.map(({ kind }: { kind: string }) => kind)).toEqual(['document', 'note', 'allergy', 'diagnosis']);
    expect(list.json.meta.pagination).toEqual({ limit: 20, total: 4 });
    const first = await ask('GET', `${records()}?limit=3`, doctor);
    const rest = await ask('GET', `${records()}?limit=3&cursor=${encodeURIComponent(first.json.next_cursor)}`, doctor);
    expect([first.json.data.length, rest.json.data.length, rest.json.next_cursor]).toEqual([3, 1, null]);
    expect((await ask('GET', `${records()}?kind=note`, doctor)).json.data).toMatchObject([{ kind: 'note' }]);
  });

  test('what FHIR wrote is listed, and a replacement keeps what the view does not know', async () => {
    const code = { coding: [{ system: 'http://snomed.info/sct', code: '38341003' }], text: 'Hypertensive disorder' };
    const body = {
      resourceType: 'Condition',
      identifier: [{ system: 'urn:ehr', value: '7' }],
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }] },
      code,
      subject: { reference: `Patient/${patientId}` },
    };
    const { id } = (await server.request('POST', '/Condition', { body })).json;
    const path = `${records()}/diagnosis-${id}`;
    const read = await ask('GET', path, doctor);
    expect(read.json).toMatchObject({ kind: 'diagnosis', diagnosis: 'Hypertensive disorder', version: 1 });
    const same = { kind: 'diagnosis', diagnosis: 'Hypertensive disorder', text: 'seen again' };
    expect((await ask('PUT', path, doctor, same, { 'if-match': 'W/"1"' })).status).toBe(200);
    const kept = (await server.request('GET', `/Condition/${id}`)).json;
    expect(kept).toMatchObject({ identifier: body.identifier, clinicalStatus: body.clinicalStatus, code, note: [{ text: 'seen again' }] });
    expect((await ask('PUT', path, doctor, { ...same, diagnosis: 'Other' })).status).toBe(200);
    expect((await server.request('GET', `/Condition/${id}`)).json.code).toEqual({ text: 'Other' });
    const stale = await ask('PUT', path, doctor, same, { 'if-match': 'W/"1"' });
    expect([stale.status, stale.json.code]).toEqual([412, 'version_mismatch']);
    const other = await ask('PUT', path, doctor, { kind: 'note', text: 'x' });
    expect([other.status, other.json.details]).toMatchObject([422, [{ field: 'kind', code: 'fixed' }]]);
    expect((await ask('DELETE', path, doctor)).status).toBe(204);
    expect([(await ask('GET', path, doctor)).status, (await server.request('GET', `/Condition/${id}`)).status]).toEqual([410, 410]);
    const weight = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'weight' },
      subject: { reference: `Patient/${patientId}` },
    };
    const measured = (await server.request('POST', '/Observation', { body: weight })).json.id as string;
    expect((await ask('GET', `${records()}/note-${measured}`, doctor)).status).toBe(404);
    expect((await ask('GET', records(), doctor)).text).not.toContain(measured);
  });

  test('the short form records a diagnosis, once for an Idempotency-Key', async () => {
    const send = (): Promise<Answered> =>
      ask('POST', `/patients/${patientId}`, doctor, { provider_id: 'doc', diagnosis: 'Asthma' }, { 'idempotency-key': 'asthma' });
    const [made, again] = [await send(), await send()];
    expect([made.status, made.json]).toMatchObject([201, { kind: 'diagnosis', diagnosis: 'Asthma', provider_id: 'doc' }]);
    expect([again.headers.get('idempotency-replayed'), again.json]).toEqual(['true', made.json]);
  });

  test('what each kind needs is told by field', async () => {
    const faults = async (body: object) => {
      const { status, json } = await ask('POST', records(), doctor, body);
      return [status, ...json.details.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)];
    };
    expect(await faults({ kind: 'diagnosis', attachment: {} })).toEqual([422, 'diagnosis required', 'attachment unknown']);
    expect(await faults({ kind: 'note', text: '  ' })).toEqual([422, 'text required']);
    expect(await faults({ kind: 'note', text: 'x', recorded_at: '2999-01-01T00:00:00Z' })).toEqual([422, 'recorded_at in_future']);
    expect(await faults({ kind: 'note', text: 'x', provider_id: 'nobody' })).toEqual([422, 'provider_id not_found']);
    expect(await faults({ kind: 'document', attachment: { content_type: 'text/plain', data: 'a b=' } })).toEqual([
      422,
      'attachment.data format',
    ]);
    expect(await faults({ kind: 'x' })).toEqual([422, 'kind not_one_of']);
  });

  test('who does not care for the patient sees and writes nothing, and another patient does not exist', async () => {
    const made = await ask('POST', records(), doctor, { kind: 'note', text: 'For the doctor' });
    const path = `${records()}/${made.json.record_id}`;
    const hidden = await ask('GET', path, stranger);
    const absent = await ask('GET', `${records()}/note-0198c1f2-0000-7000-8000-000000000001`, stranger);
    const plain = ({ status, json }: Answered) => [status, { ...json, request_id: '' }];
    expect(plain(hidden)).toEqual(plain(absent));
    expect(hidden.status).toBe(404);
    expect((await ask('GET', records(), stranger)).status).toBe(404);
    expect((await ask('PUT', path, stranger, { kind: 'note', text: 'x' })).status).toBe(404);
    expect((await ask('DELETE', path, stranger)).status).toBe(404);
    expect((await ask('POST', records(), stranger, { kind: 'note', text: 'x' })).status).toBe(404);
    const blind = await server.token({ scope: 'user/Observation.cruds', user: 'Practitioner/stranger', roles: ['provider'] });
    expect((await ask('POST', records(), blind, { kind: 'note', text: 'x' })).status).toBe(403);
    expect((await ask('POST', records(), viewer, { kind: 'note', text: 'x' })).status).toBe(403);
    expect((await ask('GET', path, viewer)).status).toBe(200);
    expect((await ask('GET', path, patient)).status).toBe(200);
    expect((await ask('GET', `${records(otherId)}/${made.json.record_id}`, admin)).status).toBe(404);
    expect((await ask('POST', records('nobody'), admin, { kind: 'note', text: 'x' })).status).toBe(404);
    expect((await ask('GET', records('nobody'), admin)).status).toBe(404);
    const reading = await server.token({ scope: 'user/Condition.rs user/Patient.rs', user: 'Practitioner/doc', roles: ['provider'] });
    const kinds = (await ask('GET', records(), reading)).json.data.map(({ kind }: { kind: string }) => kind);
    expect([...new Set(kinds)]).toEqual(['diagnosis']);
  });
});

describe('attachments', () => {
  test('a file is uploaded, downloaded as it was, replaced and deleted with its document', async () => {
    const made = await ask('POST', records(), doctor, { kind: 'document', attachment: { title: 'x "y" ü.png' } });
    const path = `${records()}/${made.json.record_id}`;
    expect((await ask('GET', `${path}/attachment`, doctor)).status).toBe(404);
    const put = await ask('POST', `${path}/attachment`, doctor, png, { 'content-type': 'image/png', 'idempotency-key': 'png' });
    expect([put.status, put.json.attachment]).toEqual([
      200,
      { content_type: 'image/png', title: 'x "y" ü.png', size: png.length, url: `${path.slice(1)}/attachment` },
    ]);
    const other = await ask('POST', `${path}/attachment`, doctor, Buffer.concat([png, png]), {
      'content-type': 'image/png',
      'idempotency-key': 'png',
    });
    expect([other.status, other.json.code]).toEqual([409, 'idempotency_mismatch']);
    const file = await fetch(`${api}${path}/attachment`, { headers: { authorization: `Bearer ${doctor}` } });
    expect(Buffer.from(await file.arrayBuffer()).equals(png)).toBe(true);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': `attachment; filename="x _y_ _.png"; filename*=UTF-8''x%20%22y%22%20%C3%BC.png`,
      'x-content-type-options': 'nosniff',
    });
    const document = (await server.request('GET', `/DocumentReference/${String(made.json.record_id).slice(9)}`)).json;
    const binary = document.content[0].attachment.url as string;
    expect((await server.request('GET', `/${binary}`)).json.securityContext).toEqual({ reference: `Patient/${patientId}` });
    expect((await server.request('GET', `/${binary}`, { token: stranger })).status).toBe(404);
    expect((await ask('GET', `${path}/attachment`, stranger)).status).toBe(404);
    expect((await ask('POST', `${path}/attachment`, stranger, png, { 'content-type': 'image/png' })).status).toBe(404);
    const same = { kind: 'document', text: 'Scan', attachment: put.json.attachment };
    delete same.attachment.size;
    const kept = await ask('PUT', path, doctor, same);
    expect([kept.status, kept.json.attachment.size], kept.text).toEqual([200, png.length]);
    const text = await ask('POST', `${path}/attachment`, doctor, 'Grüße', { 'content-type': 'text/plain; charset=utf-8' });
    expect([text.status, text.json.attachment.content_type]).toEqual([200, 'text/plain']);
    expect((await server.request('GET', `/${binary}`)).status).toBe(410);
    expect((await ask('DELETE', path, doctor)).status).toBe(204);
    expect((await ask('GET', `${path}/attachment`, doctor)).status).toBe(410);
    expect((await ask('POST', `${path}/attachment`, doctor, png, { 'content-type': 'image/png' })).status).toBe(410);
    expect((await ask('POST', `${path}/attachment`, doctor, png, { 'content-type': 'nonsense' })).status).toBe(415);
    expect((await ask('DELETE', path, doctor)).status).toBe(410);
  });

  test('a lie about the type, what can run, what is empty and what is too large are refused', async () => {
    const made = await ask('POST', records(), doctor, { kind: 'document', attachment: { title: 'file' } });
    const path = `${records()}/${made.json.record_id}/attachment`;
    const send = async (content: Buffer, type: string) => {
      const { status, json } = await ask('POST', path, doctor, content, { 'content-type': type });
      return [status, json.details?.[0]?.code ?? json.code];
    };
    expect(await send(png, 'application/pdf')).toEqual([422, 'other_type']);
    expect(await send(png, 'text/plain')).toEqual([422, 'other_type']);
    expect(await send(Buffer.from('hello'), 'image/png')).toEqual([422, 'other_type']);
    expect(await send(Buffer.from([1, 0, 2]), 'text/csv')).toEqual([422, 'other_type']);
    expect(await send(Buffer.from('MZ\u0090'), 'application/octet-stream')).toEqual([422, 'executable']);
    expect(await send(Buffer.from('#!/bin/sh\n'), 'text/plain')).toEqual([422, 'executable']);
    expect(await send(Buffer.from('<html></html>'), 'text/html')).toEqual([422, 'executable']);
    expect(await send(Buffer.concat([png, Buffer.alloc(1_048_576)]), 'image/png')).toEqual([413, 'too_large']);
    const lie = { kind: 'document', attachment: { content_type: 'application/pdf', data: png.toString('base64') } };
    expect((await ask('POST', records(), doctor, lie)).json.details).toMatchObject([
      { field: 'attachment.content_type', code: 'other_type' },
    ]);
    expect((await ask('GET', path, doctor)).status).toBe(404);
  });
});

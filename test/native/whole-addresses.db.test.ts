import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownReferences } from '../../src/native/own-references.ts';
import { hospital, type NativeClient, nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let v1: NativeClient;
let house: Awaited<ReturnType<typeof hospital>>;
let subject: { reference: string };
let doctor: { reference: string };
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  house = await hospital(server);
  v1 = nativeClient(server, house.tokens.provider);
  subject = { reference: `${server.base}/Patient/${house.patient}` };
  doctor = { reference: `${server.base}/Practitioner/${house.doctor}` };
});
afterAll(() => server?.stop());

async function made(body: { readonly resourceType: string; readonly [name: string]: unknown }): Promise<string> {
  const { status, json } = await server.request('POST', `/${body.resourceType}`, { body });
  expect(status).toBe(201);
  return json.id as string;
}

describe('what an EHR wrote with whole addresses of this server', () => {
  test('is shown with whom it is about and by whom, and is read as one of his records', async () => {
    const id = await made({ resourceType: 'Condition', code: { text: 'Gout' }, subject, asserter: doctor });
    const at = `/patients/${house.patient}/records/diagnosis-${id}`;
    const whole = { patient_id: house.patient, provider_id: house.doctor, diagnosis: 'Gout' };
    expect([(await v1('GET', at)).status, (await v1('GET', at)).json]).toMatchObject([200, whole]);
    expect((await v1('GET', `/patients/${house.patient}/records?kind=diagnosis`)).json.data).toMatchObject([whole]);
    expect((await v1('GET', at.replace(house.patient, house.other))).status).toBe(404);
    const changed = await v1('PUT', at, { body: { kind: 'diagnosis', diagnosis: 'Gouty arthritis' } });
    expect([changed.status, changed.json]).toMatchObject([200, { patient_id: house.patient, diagnosis: 'Gouty arthritis' }]);
    const medication = {
      resourceType: 'MedicationStatement',
      status: 'active',
      medicationCodeableConcept: { text: 'Colchicine' },
      subject,
    };
    expect((await v1('GET', `/medications/${await made(medication)}`)).json).toMatchObject({ patient_id: house.patient });
  });

  test("takes the provider's time", async () => {
    const participant = [subject, doctor].map((actor) => ({ actor, status: 'accepted' }));
    const slot = { status: 'booked', start: '2098-01-01T10:00:00Z', end: '2098-01-01T10:30:00Z', participant };
    const id = await made({ resourceType: 'Appointment', ...slot });
    const people = { patient_id: house.patient, provider_id: house.doctor };
    expect((await v1('GET', `/appointments/${id}`)).json).toMatchObject(people);
    const second = await v1('POST', '/appointments', { body: { ...people, starts_at: '2098-01-01T10:15:00Z' } });
    expect([second.status, second.json.code]).toEqual([409, 'conflict']);
  });

  test('has its file, and a file is downloaded', async () => {
    const data = Buffer.from('Hello').toString('base64');
    const binary = await made({ resourceType: 'Binary', contentType: 'text/plain', securityContext: subject, data });
    const attachment = { contentType: 'text/plain', url: `${server.base}/Binary/${binary}` };
    const id = await made({ resourceType: 'DocumentReference', status: 'current', subject, content: [{ attachment }] });
    const at = `/patients/${house.patient}/records/document-${id}`;
    const { json } = await v1('GET', at);
    expect(json.attachment.url).toBe(`${at.slice(1)}/attachment`);
    const token = house.tokens.provider;
    const file = await fetch(`${server.origin}/api/v1${at}/attachment`, { headers: { authorization: `Bearer ${token}` } });
    expect([file.status, await file.text()]).toEqual([200, 'Hello']);
  });
});

test('texts that only look like references stay, and so do addresses elsewhere', () => {
  const base = 'https://here.example/fhir';
  const text = JSON.stringify({
    note: `"reference":"${base}/Patient/1"`,
    subject: { reference: 'https://there.example/fhir/Patient/1' },
    link: [{ url: `${base}/Patient?name=x` }],
    near: { reference: `${base}x/Patient/1` },
  });
  expect(ownReferences(base, text)).toBe(text);
  expect(ownReferences(base, JSON.stringify({ reference: `${base}/Patient/1` }))).toBe('{"reference":"Patient/1"}');
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/cluster.ts';
import { type CutConnections, cutConnections } from '../support/cut-connection.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bulkClient } from './bulk/bulk-client.ts';

let server: TestServer;
let connections: CutConnections;
let drop: () => Promise<void>;
let patient: string;
let doctor: string;
let document: string;
let deleted: string;
let key = 0;

beforeAll(async () => {
  const main = await createDatabase('main');
  drop = main.drop;
  connections = await cutConnections(main.url);
  server = await startTestServer({ DATABASE_URL: connections.url });
  patient = (await post('/patients', person('First'))).json.patient_id;
  doctor = (await post('/providers', { name: 'Grace Hopper' })).json.provider_id;
  deleted = (await post('/patients', person('Deleted'))).json.patient_id;
  await server.request('DELETE', `/Patient/${deleted}`);
  const attachment = { content_type: 'text/plain', title: 'letter.txt' };
  document = (await post(`/patients/${patient}/records`, { kind: 'document', attachment })).json.record_id;
});
afterAll(async () => {
  await server?.stop();
  await connections?.close();
  await drop?.();
});

const person = (family_name: string) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10' });

function post(path: string, body: object | string | undefined, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
  const type = typeof body === 'string' ? 'text/plain' : 'application/json';
  return server.request('POST', `${server.origin}/api/v1${path}`, {
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
  });
}

const types = ['Patient', 'AllergyIntolerance', 'Observation', 'DocumentReference', 'Binary', 'Appointment', 'Communication', 'Consent'];

/** How much there is of what these requests write. */
async function counts(): Promise<readonly number[]> {
  const totals = [...types, 'Practitioner', 'PractitionerRole'].map(async (type) => {
    const { json } = await server.request('GET', `/${type}?_summary=count`);
    return json.total as number;
  });
  const { json } = await server.request('GET', `${server.origin}/api/v1/outcomes?limit=100`);
  return [...(await Promise.all(totals)), json.data.length];
}

const requests: readonly [name: string, () => readonly [path: string, body: object | string | undefined]][] = [
  ['a patient', () => ['/patients', person('Alone')]],
  ['a patient with lists', () => ['/patients', { ...person('Listed'), allergies: ['Penicillin'] }]],
  ['a note', () => [`/patients/${patient}/records`, { kind: 'note', text: 'Called' }]],
  ['a file', () => [`/patients/${patient}/records/${document}/attachment`, 'A letter, and no half of it. '.repeat(10_000)]],
  ['an appointment', () => ['/appointments', { patient_id: patient, provider_id: doctor, starts_at: '2031-01-01T10:00:00Z' }]],
  ['a message', () => ['/messages', { patient_id: patient, provider_id: doctor, body: 'Hello' }]],
  ['a provider', () => ['/providers', { name: 'Ada', specialty: 'Cardiology' }]],
  ['an outcome', () => ['/outcomes', { code: 'lost', label: 'Lost', severity: 'high' }]],
  [
    'a lab result',
    () => ['/lab-results', { patient_id: patient, test_name: 'Iron', result_text: 'clear', collected_at: '2026-01-01T10:00:00Z' }],
  ],
  ['a restored patient', () => [`/patients/${deleted}:restore`, undefined]],
  ['a share', () => [`/patients/${patient}/shares`, { provider_id: doctor, decision: 'grant' }]],
];

describe.each(requests)('%s whose connection to the database breaks', (_name, asked) => {
  test('when it is committed and nobody was told, is there, and the repetition tells of it', async () => {
    const [path, body] = asked();
    const headers = { 'idempotency-key': `told-${++key}` };
    const before = await counts();
    connections.cutNext('before the answer to the commit');
    const lost = await post(path, body, headers);
    expect([lost.status, lost.json.code, connections.wasCut()]).toEqual([503, 'unavailable', true]);
    const after = await counts();
    expect(after, 'it took effect').not.toEqual(before);
    const again = await post(path, body, headers);
    expect([again.status < 300, again.headers.get('idempotency-replayed')], again.text).toEqual([true, 'true']);
    expect(await counts()).toEqual(after);
  });
});

test('a request whose connection breaks before it commits wrote nothing, and is done when it is repeated', async () => {
  const headers = { 'idempotency-key': 'untold' };
  const before = await counts();
  connections.cutNext('before the commit');
  const lost = await post('/patients', person('Never'), headers);
  expect([lost.status, connections.wasCut()]).toEqual([503, true]);
  expect(await counts()).toEqual(before);
  const again = await post('/patients', person('Never'), headers);
  expect([again.status, again.headers.get('idempotency-replayed')], again.text).toEqual([201, null]);
});

test.each(['import', 'export'] as const)('an %s of which nobody was told keeps its files, and is done', async (kind) => {
  const client = await bulkClient(server);
  const line = JSON.stringify(person(kind));
  const begin = () =>
    client.post(`/${kind}`, 'application/x-ndjson', kind === 'import' ? line : undefined, { 'idempotency-key': `job-${kind}` });
  connections.cutNext('before the answer to the commit');
  const lost = await begin();
  expect([lost.status, connections.wasCut()]).toEqual([503, true]);
  const again = await begin();
  expect([again.status, again.headers.get('idempotency-replayed')], again.text).toEqual([202, 'true']);
  expect(await client.ended(again.json.job_id, kind)).toMatchObject({ state: 'done', percent: 100 });
});

test('a file under an Idempotency-Key that can not be judged yet is not refused for good', async () => {
  const upload = () => post(`/patients/${patient}/records/${document}/attachment`, 'Another letter.', { 'idempotency-key': 'too-early' });
  const { live } = server.services.context;
  live.setKnown(false);
  const early = await upload();
  live.setKnown(true);
  expect([early.status, early.json.code], early.text).toEqual([503, 'unavailable']);
  expect((await upload()).status).toBe(200);
});

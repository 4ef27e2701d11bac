import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareOutcomes } from '../../src/native/interactions/prepare-outcomes.ts';
import { hospital, type NativeClient, nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let v1: NativeClient;
let house: Awaited<ReturnType<typeof hospital>>;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  house = await hospital(server);
  await prepareOutcomes(server.services.context);
  v1 = nativeClient(server, house.tokens.admin);
});
afterAll(() => server?.stop());

/** Each resource that is read by its id: what makes one, what changes it, and the field in which the two differ. */
const kinds = [
  ['providers', () => ['/providers', { name: 'Before' }], { name: 'After' }, 'name'],
  [
    'medications',
    () => ['/medications', { patient_id: house.patient, medication_name: 'Before' }],
    { medication_name: 'After' },
    'medication_name',
  ],
  [
    'appointments',
    () => ['/appointments', { patient_id: house.patient, provider_id: house.doctor, starts_at: '2099-01-01T10:00:00Z', notes: 'Before' }],
    { notes: 'After' },
    'notes',
  ],
  ['records', () => [`/patients/${house.patient}/records`, { kind: 'note', text: 'Before' }], { text: 'After' }, 'text'],
] as const satisfies readonly (readonly [string, () => readonly [string, object], object, string])[];

describe('a time in the past', () => {
  test.each(kinds)('shows %s as they were then, and not before they were', async (_, make, change, field) => {
    const [path, body] = make();
    const made = await v1('POST', path, { body });
    const at = made.headers.get('location')?.replace('/api/v1', '') ?? '';
    const then = made.json.updated_at as string;
    await wait(5);
    const changed = await v1('PUT', at, { body: { ...body, ...change } });
    expect([changed.status, changed.json[field]]).toEqual([200, 'After']);
    const past = await v1('GET', `${at}?as_of=${then}`);
    expect([past.status, past.json[field], past.json.version, past.headers.get('etag')]).toEqual([200, 'Before', 1, 'W/"1"']);
    expect(Date.parse(past.headers.get('last-modified') ?? '')).toBe(Math.floor(Date.parse(then) / 1000) * 1000);
    expect((await v1('GET', `${at}?as_of=${new Date().toISOString()}`)).json).toMatchObject({ [field]: 'After', version: 2 });
    const before = await v1('GET', `${at}?as_of=2001-01-01T00:00:00Z`);
    expect([before.status, before.json.code]).toEqual([404, 'not_found']);
  });

  test('shows what is written once, laboratory results, messages and interactions', async () => {
    const patient = { patient_id: house.patient };
    const made = [
      await v1('POST', '/lab-results', {
        body: { ...patient, test_name: 'Culture', result_text: 'No growth', collected_at: '2026-01-01T00:00:00Z' },
      }),
      await v1('POST', '/messages', { body: { ...patient, body: 'Come back' }, token: house.tokens.provider }),
      await v1('POST', '/interactions', { body: { ...patient, type: 'Visit', started_at: '2026-01-01T00:00:00Z' } }),
    ];
    for (const { headers, json } of made) {
      const at = headers.get('location')?.replace('/api/v1', '') ?? '';
      expect((await v1('GET', `${at}?as_of=${json.updated_at}`)).json).toEqual(json);
      expect((await v1('GET', `${at}?as_of=2001-01-01T00:00:00Z`)).status).toBe(404);
    }
  });

  test('is refused to who may not read it now, and a record at the address of another patient is none', async () => {
    const made = await v1('POST', `/patients/${house.patient}/records`, { body: { kind: 'note', text: 'Mine' } });
    const then = `as_of=${made.json.updated_at}`;
    const at = `records/${made.json.record_id}?${then}`;
    const answers = [
      await v1('GET', `/patients/${house.patient}/${at}`, { token: house.tokens.other }),
      await v1('GET', `/patients/${house.other}/${at}`),
    ];
    for (const { status, json } of answers) expect([status, json.code]).toEqual([404, 'not_found']);
    expect((await v1('GET', `/patients/${house.patient}/${at}`, { token: house.tokens.patient })).json.text).toBe('Mine');
  });

  test('shows the patient who asks himself', async () => {
    const token = house.tokens.patient;
    const { updated_at: then, version } = (await v1('GET', '/patients/me', { token })).json;
    expect((await v1('GET', `/patients/me?as_of=${then}`, { token })).json).toMatchObject({ patient_id: house.patient, version });
    expect((await v1('GET', '/patients/me?as_of=2001-01-01T00:00:00Z', { token })).status).toBe(404);
  });

  test('a patient who is reverted or restored is answered whole, and as he was with his registration', async () => {
    const body = { given_name: 'Ada', family_name: 'Whole', date_of_birth: '1985-12-10', allergies: ['Latex'] };
    const { json } = await v1('POST', '/patients', { body });
    const at = `/patients/${json.patient_id}`;
    const whole = { created_at: json.created_at, allergies: ['Latex'], medical_history: [], current_medications: [] };
    await wait(5);
    const changed = await v1('PUT', at, { body: { ...body, given_name: 'Bea' }, headers: { 'if-match': 'W/"1"' } });
    expect((await v1('POST', `${at}:revert`, { body: { as_of: json.updated_at } })).json).toMatchObject({ ...whole, given_name: 'Ada' });
    expect((await v1('GET', `${at}?as_of=${changed.json.updated_at}`)).json).toMatchObject({
      given_name: 'Bea',
      created_at: json.created_at,
    });
    await v1('DELETE', at, { headers: { 'if-match': 'W/"3"' } });
    expect((await v1('POST', `${at}:restore`)).json).toMatchObject({ ...whole, version: 5 });
  });
});

describe('a list', () => {
  const counted = async (path: string): Promise<unknown[]> => {
    const mark = path.includes('?') ? '&' : '?';
    const [without, counting] = [await v1('GET', `${path}${mark}limit=1`), await v1('GET', `${path}${mark}limit=1&total=true`)];
    const { pagination } = without.json.meta;
    return [without.status, counting.status, pagination, counting.json.meta?.pagination?.total];
  };

  test('of versions, outcomes and signatures is counted where it is asked, and not otherwise', async () => {
    const { json } = await v1('POST', '/patients', { body: { given_name: 'Ada', family_name: 'Listed', date_of_birth: '1985-12-10' } });
    const record = await v1('POST', `/patients/${json.patient_id}/records`, { body: { kind: 'note', text: 'Unsigned' } });
    const provenance = {
      resourceType: 'Provenance',
      target: [{ reference: `Observation/${(record.json.record_id as string).slice('note-'.length)}` }],
      recorded: '2026-01-01T00:00:00Z',
      agent: [{ who: { reference: `Practitioner/${house.doctor}` } }],
    };
    expect((await server.request('POST', '/Provenance', { body: provenance })).status).toBe(201);
    const one = { limit: 1 };
    expect(await counted(`/patients/${json.patient_id}/history`)).toEqual([200, 200, one, 1]);
    expect(await counted('/outcomes')).toEqual([200, 200, one, 3]);
    expect(await counted(`/records/${record.json.record_id}/signatures`)).toEqual([200, 200, one, 0]);
  });

  test('of events is counted for administrators; to a patient no number of what is hidden is told', async () => {
    const [status, , pagination, total] = await counted(`/audit?patient_id=${house.patient}&action=create`);
    expect([status, pagination]).toEqual([200, { limit: 1 }]);
    expect(total).toBeGreaterThan(1);
    const own = await v1('GET', `/audit?patient_id=${house.patient}&total=true`, { token: house.tokens.patient });
    expect([own.status, own.json.meta.pagination]).toEqual([200, { limit: 20 }]);
  });

  test('of outcomes comes in pages', async () => {
    const codes: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { json } = await v1('GET', `/outcomes?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      codes.push(...json.data.map(({ code }: { code: string }) => code));
      cursor = json.next_cursor;
    }
    expect(codes).toEqual(['healthy', 'monitor', 'critical']);
    const foreign = await v1('GET', '/outcomes?cursor=x');
    expect([foreign.status, foreign.json.code]).toEqual([400, 'invalid_request']);
  });
});

test('what is told again under an Idempotency-Key is the first answer, whatever became of the lists since', async () => {
  const body = { given_name: 'Ada', family_name: 'Again', date_of_birth: '1985-12-10', allergies: ['Latex', ' Nuts '] };
  const headers = { 'idempotency-key': 'lists-again' };
  const first = await v1('POST', '/patients', { body, headers });
  expect(first.json.allergies).toEqual(['Latex', 'Nuts']);
  const at = `/patients/${first.json.patient_id}`;
  await v1('PUT', at, { body: { ...body, allergies: ['Milk'] }, headers: { 'if-match': 'W/"1"' } });
  const again = await v1('POST', '/patients', { body, headers });
  expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
});

test('what is refused within a transaction names fields of the request, and none of its entries', async () => {
  const { json } = await v1('POST', '/providers', { body: { name: 'Grace', specialty: 'Surgery' } });
  const answer = await v1('PUT', `/providers/${json.provider_id}`, { body: { name: 'Grace' }, headers: { 'if-match': 'W/"9"' } });
  expect([answer.status, answer.json.code]).toEqual([412, 'version_mismatch']);
  expect(answer.text).not.toMatch(/Bundle|[Ee]ntry/);
});

test('a number is found too where its plus was not escaped', async () => {
  const body = { given_name: 'Ada', family_name: 'Plus', date_of_birth: '1985-12-10', phone_e164: '+442079460777' };
  const { json } = await v1('POST', '/patients', { body });
  for (const plus of ['+', '%2B'])
    expect((await v1('GET', `/patients?phone=${plus}442079460777`)).json.data).toMatchObject([{ patient_id: json.patient_id }]);
});

test('a fault within an object that may be left out is told alone', async () => {
  const body = { given_name: 'Ada', family_name: 'Faulty', date_of_birth: '1985-12-10' };
  const faults = async (address: unknown) =>
    (await v1('POST', '/patients', { body: { ...body, address } })).json.details.map(
      ({ field, code }: { field: string; code: string }) => `${field} ${code}`,
    );
  expect(await faults({ line1: 'x', country: 'de' })).toEqual(['address.country format']);
  expect(await faults('10 Downing Street')).toEqual(['address type']);
});

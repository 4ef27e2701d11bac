import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const ada = {
  given_name: '  Ada ',
  middle_name: 'King',
  family_name: 'Lovelace',
  date_of_birth: '1985-12-10',
  sex_at_birth: 'female',
  gender_identity: 'woman',
  email: 'Ada@Example.org',
  phone_e164: '+442079460018',
  address: { line1: '12 St James Square', city: 'London', postal_code: 'SW1Y 4JH', country: 'GB' },
  emergency_contact: { name: 'William King', relationship: 'spouse' },
  preferred_language: 'en-GB',
  consent_to_contact: true,
};

test('a patient written by v1 is read by v1 and by FHIR, and found by what he is called', async () => {
  const token = await server.token({ scope: 'system/Patient.cruds' });
  const origin = new URL(server.base).origin;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const made = await fetch(`${origin}/api/v1/patients`, { method: 'POST', headers, body: JSON.stringify(ada) });
  const patient = (await made.json()) as { patient_id: string };
  expect([made.status, patient]).toMatchObject([
    201,
    { given_name: 'Ada', email: 'ada@example.org', version: 1, consent_to_contact: true },
  ]);
  const resource = await (await fetch(`${server.base}/Patient/${patient.patient_id}`, { headers })).json();
  expect(resource).toMatchObject({ name: [{ use: 'official', family: 'Lovelace', given: ['Ada', 'King'] }], gender: 'female' });
  const list = await (await fetch(`${origin}/v1/patients/?family_name=love&total=true`, { headers })).json();
  expect(list).toMatchObject({
    data: [{ patient_id: patient.patient_id }],
    next_cursor: null,
    meta: { pagination: { limit: 20, total: 1 } },
  });
  const address = `${origin}/api/v1/patients/${patient.patient_id}`;
  const without = await fetch(address, { method: 'PUT', headers, body: JSON.stringify({ ...ada, family_name: 'King' }) });
  expect([without.status, await without.json()]).toMatchObject([428, { code: 'precondition_required' }]);
  const changed = await fetch(address, {
    method: 'PUT',
    headers: { ...headers, 'if-match': 'W/"1"' },
    body: JSON.stringify({ ...ada, family_name: 'King' }),
  });
  expect([changed.status, changed.headers.get('etag'), await changed.json()]).toMatchObject([200, 'W/"2"', { family_name: 'King' }]);
  const faulty = await fetch(`${origin}/api/v1/patients`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...ada, given_name: 'R2', date_of_birth: '2985-01-01', x: 1 }),
  });
  expect([faulty.status, await faulty.json()]).toMatchObject([
    422,
    {
      code: 'validation_failed',
      details: [
        { field: 'x', code: 'unknown' },
        { field: 'given_name', code: 'format' },
      ],
    },
  ]);
  const gone = await fetch(address, { method: 'DELETE', headers: { ...headers, 'if-match': 'W/"2"' } });
  expect([gone.status, (await fetch(address, { headers })).status]).toEqual([204, 410]);
});

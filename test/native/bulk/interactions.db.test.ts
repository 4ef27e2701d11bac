import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareOutcomes } from '../../../src/native/interactions/prepare-outcomes.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

let server: TestServer;
let bulk: BulkClient;
let patient: string;
beforeAll(async () => {
  server = await startTestServer();
  bulk = await bulkClient(server);
  const { json } = await bulk.post(
    '/patients',
    'application/json',
    JSON.stringify({ given_name: 'Ada', family_name: 'Lovelace', date_of_birth: '1985-12-10' }),
  );
  patient = json.patient_id as string;
  await prepareOutcomes(server.services.context);
});
afterAll(() => server?.stop());

test('interactions are imported by the rules of single ones, and exported as they are read', async () => {
  const nobody = '0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11';
  const lines = [
    'patient_id,provider_id,type,started_at,ended_at,outcome,note',
    `${patient},,Consultation,2024-05-01T10:00:00Z,2024-05-01T10:30:00Z,healthy,"Two\nlines"`,
    `${nobody},,Consultation,2024-05-01T10:00:00Z,,,`,
    `${patient},${nobody},Consultation,2024-05-01T10:00:00Z,,,`,
    `${patient},,Consultation,2024-05-01T10:00:00Z,2024-04-01T10:00:00Z,,`,
    `${patient},,Consultation,2999-05-01T10:00:00Z,,,`,
    `${patient},,Consultation,2024-05-01T10:00:00Z,,nonsense,`,
    `${patient},,,2024-05-01T10:00:00Z,,,`,
  ];
  const { job } = await bulk.imported('text/csv', lines.join('\n'), 'resource=interactions');
  expect(job.errors.map(({ line, field, code }) => [line, field, code])).toEqual([
    [4, 'patient_id', 'not_found'],
    [5, 'provider_id', 'not_found'],
    [6, 'ended_at', 'too_early'],
    [7, 'started_at', 'in_future'],
    [8, 'outcome', 'unknown'],
    [9, 'type', 'required'],
  ]);
  expect(job).toMatchObject({ state: 'done', accepted: 1, refused: 6 });
  const { json } = await bulk.get(`/interactions?patient_id=${patient}`);
  expect(json.data).toMatchObject([{ patient_id: patient, type: 'Consultation', outcome: 'healthy', note: 'Two\nlines' }]);
  const exported = await bulk.get('/export?resource=interactions&format=json');
  expect(exported.json).toEqual(json.data);
  const csv = await bulk.get('/export?resource=interactions&format=csv');
  const again = await bulk.imported('text/csv', csv.text, 'resource=interactions');
  expect(again.job).toMatchObject({ accepted: 1, refused: 0 });
  expect((await bulk.get(`/interactions?patient_id=${patient}`)).json.data).toHaveLength(2);
});

test('a patient imports and exports his own alone', async () => {
  const grant = { scope: 'patient/Encounter.crs', patient: 'another', user: 'Patient/another', roles: ['patient'] };
  const other = await bulkClient(server, await server.token(grant));
  expect((await other.get('/export?resource=interactions')).text).toBe('');
  const line = JSON.stringify({ patient_id: patient, type: 'Consultation', started_at: '2024-05-01T10:00:00Z' });
  const answer = await other.post('/import?resource=interactions', 'application/x-ndjson', line);
  if (answer.status === 202) expect(await other.ended(answer.json.job_id)).toMatchObject({ accepted: 0, refused: 1 });
  else expect(answer.status).toBe(403);
});

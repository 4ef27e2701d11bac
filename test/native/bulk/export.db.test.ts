import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

let server: TestServer;
let bulk: BulkClient;
beforeAll(async () => {
  server = await startTestServer({ EXPORT_ROWS_MAX: '450', AUDIT: 'on' });
  bulk = await bulkClient(server);
  const lines = Array.from({ length: 420 }, (_, n) => JSON.stringify(person('Many', { email: `many${n}@example.org` })));
  await bulk.imported('application/x-ndjson', [...lines, ...tricky.map((each) => JSON.stringify(each))].join('\n'));
});
afterAll(() => server?.stop());

const person = (family_name: string, more: object = {}) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10', ...more });

/** What a spreadsheet would run, and what looks like our own mark. */
const tricky = [
  person('Tricky', { phone_e164: '+442079460018', address: { line1: '=HYPERLINK("http://x")', city: '@SUM(A)', country: 'GB' } }),
  person('Tricky', { address: { line1: "'=1+1", line2: "''-x", city: 'a, "b"' }, emergency_contact: { name: '-Eve', relationship: '+x' } }),
  person('Tricky', { address: { line1: "'plain", city: 'line\nend' } }),
];
describe('an export', () => {
  test('as CSV has nothing that a spreadsheet runs, and is read again as it was', async () => {
    const answer = await bulk.get('/export?format=csv');
    expect(answer.headers.get('content-type')).toContain('text/csv');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="patients.csv"');
    const rows: Record<string, string>[] = parse(answer.text, { columns: true });
    expect(rows).toHaveLength(423);
    for (const row of rows) for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
    const found = rows.filter(({ family_name }) => family_name === 'Tricky');
    expect(found.map((row) => row['address.line1'] ?? '').toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "''=1+1",
      '\'=HYPERLINK("http://x")',
      "'plain",
    ]);
    const [header = '', ...lines] = answer.text.split('\r\n');
    const again = [header, ...lines.filter((line) => line.includes('Tricky'))]
      .join('\r\n')
      .replaceAll('Tricky', 'Again')
      .replaceAll("'+442079460018", "'+442079460019");
    const { job } = await bulk.imported('text/csv', again);
    expect(job).toMatchObject({ state: 'done', accepted: 3, refused: 0 });
    const [before, after] = await Promise.all([bulk.list('family_name=Tricky'), bulk.list('family_name=Again')]);
    const told = (list: typeof before) =>
      list.map(({ address, emergency_contact }) => JSON.stringify({ address, emergency_contact })).toSorted();
    expect(told(after)).toEqual(told(before));
    expect(after.map(({ phone_e164 }) => phone_e164)).toContain('+442079460019');
  });

  test.each(['json', 'ndjson'])('as %s tells what the list of patients tells', async (format) => {
    const { text } = await bulk.get(`/export?format=${format}&resource=patients`);
    const rows = (
      format === 'json'
        ? JSON.parse(text)
        : text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as unknown)
    ) as {
      patient_id: string;
    }[];
    expect(new Set(rows.map(({ patient_id }) => patient_id)).size).toBe(rows.length);
    const one = rows[7];
    const {
      allergies: _a,
      medical_history: _h,
      current_medications: _m,
      ...listed
    } = (await bulk.get(`/patients/${one?.patient_id ?? ''}`)).json;
    expect(one).toEqual(listed);
  });

  test('by a job is a sealed file that tells the same, and goes when the job is removed', async () => {
    const now = await bulk.get('/export?format=csv');
    const started = await bulk.post('/export?format=csv', 'application/json', undefined);
    expect(started.status).toBe(202);
    const id = started.json.job_id as string;
    expect(await bulk.ended(id, 'export')).toMatchObject({ state: 'done', percent: 100, format: 'csv', file: `/api/v1/export/${id}/file` });
    const file = await bulk.get(`/export/${id}/file`);
    expect(file.text).toBe(now.text);
    const folder = join(server.services.config.dataDir, 'bulk', id);
    for (const name of await readdir(folder)) expect((await readFile(join(folder, name))).includes('Tricky')).toBe(false);
    expect((await bulk.remove(`/export/${id}`)).status).toBe(204);
    expect((await bulk.get(`/export/${id}/file`)).status).toBe(404);
    expect(await readdir(join(folder, '..'))).not.toContain(id);
  });

  test('tells only what the caller may see', async () => {
    const [one] = await bulk.list('family_name=Tricky');
    const patient = String(one?.patient_id);
    const own = await bulkClient(
      server,
      await server.token({ scope: 'patient/Patient.rs', patient, user: `Patient/${patient}`, roles: ['patient'] }),
    );
    const { text } = await own.get('/export');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { patient_id: string }).patient_id),
    ).toEqual([patient]);
    const { json } = await own.post('/export', 'application/json', undefined);
    await own.ended(json.job_id, 'export');
    expect((await own.get(`/export/${json.job_id}/file`)).text).toBe(text);
    const writer = await bulkClient(server, await server.token({ scope: 'system/Patient.c' }));
    for (const answer of [await writer.get('/export'), await writer.post('/export', 'application/json', undefined)])
      expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
  });

  test('needs the scope for it, and so does an import', async () => {
    const [exporter, importer] = [
      await bulkClient(server, await server.token({ scope: 'bulk:export' })),
      await bulkClient(server, await server.token({ scope: 'bulk:import' })),
    ];
    expect((await exporter.get('/export')).status).toBe(200);
    expect((await importer.get('/export')).status).toBe(403);
    const file = JSON.stringify(person('Scoped', { allergies: ['Latex'] }));
    expect((await exporter.post('/import', 'application/x-ndjson', file)).status).toBe(403);
    expect((await importer.imported('application/x-ndjson', file)).job).toMatchObject({ accepted: 1, refused: 0 });
  });

  test('is recorded as an export, beside what each of its pages tells', async () => {
    await bulk.get('/export?format=ndjson');
    const found = await server.request('GET', '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM%7C110106&_count=5');
    expect(found.json.entry?.length).toBeGreaterThan(0);
  });
});

test('more rows than are answered at once are refused with 413, and exported by a job', async () => {
  const lines = Array.from({ length: 60 }, () => JSON.stringify(person('More')));
  await bulk.imported('application/x-ndjson', lines.join('\n'));
  const answer = await bulk.get('/export');
  expect([answer.status, answer.json.code]).toEqual([413, 'too_large']);
  const { json } = await bulk.post('/export?format=ndjson', 'application/json', undefined);
  expect(await bulk.ended(json.job_id, 'export')).toMatchObject({ state: 'done' });
  expect((await bulk.get(`/export/${json.job_id}/file`)).text.trim().split('\n').length).toBeGreaterThan(450);
});

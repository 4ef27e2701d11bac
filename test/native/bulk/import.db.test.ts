import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

let server: TestServer;
let bulk: BulkClient;
beforeAll(async () => {
  server = await startTestServer();
  bulk = await bulkClient(server);
});
afterAll(() => server?.stop());

const csv = 'text/csv';
const ndjson = 'application/x-ndjson';
const json = 'application/json';
const header = 'given_name,family_name,date_of_birth,email,phone_e164';
const person = (family_name: string, more: object = {}) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10', ...more });

describe('an import', () => {
  test('of CSV makes the patients that single requests would make', async () => {
    const file = `\uFEFFgiven_name,family_name,date_of_birth,email,phone_e164,address.line1,address.country,allergies[0],allergies[1],consent_to_contact\r
Ada,"Csv ""Quoted""\r
Line",1985-12-10,Ada.Csv@example.org,'+442079460018,12 St James Square,GB,Penicillin,,true\r
`;
    const { job } = await bulk.imported(csv, file);
    expect(job).toMatchObject({ state: 'done', accepted: 1, refused: 0, percent: 100, errors: [], quarantine: null });
    const found = await bulk.list('email=ada.csv%40example.org');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      given_name: 'Ada',
      family_name: 'Csv "Quoted" Line',
      email: 'ada.csv@example.org',
      phone_e164: '+442079460018',
      address: { line1: '12 St James Square', country: 'GB' },
      consent_to_contact: true,
    });
    const one = await bulk.get(`/patients/${String(found[0]?.patient_id)}`);
    expect(one.json.allergies).toEqual(['Penicillin']);
    const fhir = await server.request('GET', `/Patient/${String(found[0]?.patient_id)}`);
    expect(fhir.json.name[0].family).toBe('Csv "Quoted" Line');
  });

  test.each([
    [ndjson, `${JSON.stringify(person('Ndjson'))}\n\n${JSON.stringify(person('Ndjson'))}`, 'Ndjson'],
    [json, JSON.stringify([person('Array'), person('Array')], undefined, 2), 'Array'],
  ])('of %s makes a patient of each item', async (type, file, family) => {
    const { job } = await bulk.imported(type, file);
    expect(job).toMatchObject({ state: 'done', accepted: 2, refused: 0 });
    expect(await bulk.list(`family_name=${family}`)).toHaveLength(2);
  });

  test.each([
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${header}\nJosé,Encodedone,1985-12-10,,\n`, 'utf16le'), csv, 'Encodedone'],
    [
      'Latin-1 by its charset',
      Buffer.from(`${header}\nJosé,Encodedtwo,1985-12-10,,\n`, 'latin1'),
      `${csv}; charset=iso-8859-1`,
      'Encodedtwo',
    ],
    ['semicolons', Buffer.from(`${header.replaceAll(',', ';')}\nJosé;Encodedthree;1985-12-10;;\n`), csv, 'Encodedthree'],
  ])('reads %s', async (_, file, type, family) => {
    const { job } = await bulk.imported(type, file);
    expect(job).toMatchObject({ state: 'done', accepted: 1 });
    expect(await bulk.list(`family_name=${family}`)).toMatchObject([{ given_name: 'José' }]);
  });

  test('tells what is wrong by line, field and code, never by value, and gives the lines back as they were', async () => {
    const bad = ['Ada,Bad1,1985-12-10', '"Ada",Good2x,2999-01-01,a@example.org,', 'Ada,Bad,1985-12-10,nonsense,12'];
    const file = [header, 'Ada,Kept,1985-12-10,,', ...bad, ''].join('\n');
    const { id, job } = await bulk.imported(csv, file);
    expect(job).toMatchObject({ state: 'done', accepted: 1, refused: 3, errors_next: null });
    expect(job.errors.map(({ line, field, code }) => [line, field, code])).toEqual([
      [3, '', 'columns'],
      [4, 'family_name', 'format'],
      [5, 'email', 'format'],
      [5, 'phone_e164', 'format'],
    ]);
    expect(JSON.stringify(job)).not.toMatch(/Bad|nonsense|Good2x/);
    const quarantine = await bulk.get(`/import/${id}/quarantine`);
    expect(quarantine.headers.get('content-type')).toContain('text/csv');
    expect(quarantine.text).toBe([header, ...bad, ''].join('\n'));
    const mended = quarantine.text
      .replace('Bad1,1985-12-10', 'Mended,1985-12-10,,')
      .replace('Good2x,2999', 'Mended,1999')
      .replace('nonsense,12', ',');
    const again = await bulk.imported(csv, mended);
    expect(again.job).toMatchObject({ accepted: 3, refused: 0 });
  });

  test('gives refused items of a JSON array back as an array', async () => {
    const items = [person('R2'), person('Fine'), person('Late', { date_of_birth: '2999-01-01' })];
    const { id, job } = await bulk.imported(json, JSON.stringify(items));
    expect(job).toMatchObject({ accepted: 1, refused: 2 });
    expect((await bulk.get(`/import/${id}/quarantine`)).json).toEqual([items[0], items[2]]);
  });

  test('lists many errors in parts', async () => {
    const { id, job } = await bulk.imported(ndjson, Array.from({ length: 250 }, () => '{}').join('\n'));
    expect(job.refused).toBe(250);
    const lines = new Set(job.errors.map(({ line }) => line));
    for (let next = job.errors_next; next !== null; ) {
      const page = (await bulk.get(`/import/${id}?errors_after=${next}`)).json;
      for (const { line } of page.errors) lines.add(line);
      next = page.errors_next;
    }
    expect(lines.size).toBe(250);
  });
});

describe('contact data', () => {
  test('that a living patient has is refused, and so is what an earlier line has', async () => {
    await bulk.imported(ndjson, JSON.stringify(person('First', { email: 'taken@example.org', phone_e164: '+442079460030' })));
    const lines = [
      person('Second', { email: 'TAKEN@example.org' }),
      person('Third', { phone_e164: '+442079460030' }),
      person('Fourth', { email: 'new@example.org' }),
      person('Fifth', { email: 'new@example.org' }),
      person('Sixth', { email: 'new@example.org', phone_e164: '+442079460031' }),
      person('Seventh', { phone_e164: '+442079460031' }),
    ];
    const { job } = await bulk.imported(ndjson, lines.map((line) => JSON.stringify(line)).join('\n'));
    expect(job).toMatchObject({ accepted: 2, refused: 4 });
    expect(job.errors.map(({ line, field, code }) => [line, field, code])).toEqual([
      [1, 'email', 'duplicate'],
      [2, 'phone_e164', 'duplicate'],
      [4, 'email', 'duplicate'],
      [5, 'email', 'duplicate'],
    ]);
  });

  test('of two imports and single requests at once goes to one', async () => {
    const file = Array.from({ length: 40 }, (_, n) => JSON.stringify(person('Race', { email: `race${n % 10}@example.org` }))).join('\n');
    const single = Array.from({ length: 10 }, (_, n) =>
      bulk.post('/patients', json, JSON.stringify(person('Race', { email: `race${n}@example.org` }))),
    );
    await Promise.all([bulk.imported(ndjson, file), bulk.imported(ndjson, file), ...single]);
    expect(await bulk.list('family_name=Race&limit=100')).toHaveLength(10);
  });
});

describe('all or nothing', () => {
  test('writes nothing where a line is refused, be it for what an earlier one has', async () => {
    for (const last of [person('Atomic', { email: 'atomic1@example.org' }), person('A7')]) {
      const lines = [person('Atomic', { email: 'atomic1@example.org' }), person('Atomic'), last];
      const { job } = await bulk.imported(ndjson, lines.map((line) => JSON.stringify(line)).join('\n'), 'mode=all_or_nothing');
      expect(job).toMatchObject({ state: 'failed', failure: { code: 'lines_refused' }, refused: 1 });
      expect(await bulk.list('family_name=Atomic')).toHaveLength(0);
    }
  });

  test('writes all where no line is refused', async () => {
    const lines = Array.from({ length: 450 }, (_, n) => JSON.stringify(person('Whole', { email: `whole${n}@example.org` })));
    const { job } = await bulk.imported(ndjson, lines.join('\n'), 'mode=all_or_nothing');
    expect(job).toMatchObject({ state: 'done', accepted: 450, refused: 0, percent: 100 });
  });
});

test('a dry run tells what would be and writes nothing', async () => {
  const lines = [person('Dry', { email: 'dry@example.org' }), person('Dry', { email: 'dry@example.org' }), person('Dry')];
  const { job } = await bulk.imported(ndjson, lines.map((line) => JSON.stringify(line)).join('\n'), 'dry_run=true');
  expect(job).toMatchObject({ state: 'done', dry_run: true, accepted: 2, refused: 1 });
  expect(job.errors).toMatchObject([{ line: 2, field: 'email', code: 'duplicate' }]);
  expect(await bulk.list('family_name=Dry')).toHaveLength(0);
});

test('a compressed file is read', async () => {
  const { job } = await bulk.imported(ndjson, gzipSync(JSON.stringify(person('Zipped'))), '', { 'content-encoding': 'gzip' });
  expect(job).toMatchObject({ state: 'done', accepted: 1 });
});

test('a request that is repeated with its Idempotency-Key has one job', async () => {
  const key = { 'idempotency-key': 'import-1' };
  const file = JSON.stringify(person('Once'));
  const [first, second] = await Promise.all([bulk.post('/import', ndjson, file, key), bulk.post('/import', ndjson, file, key)]);
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(first.json.job_id).toBe(second.json.job_id);
  expect([first, second].filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(1);
  expect(await bulk.post('/import', ndjson, `${file} `, key)).toMatchObject({ status: 409 });
  await bulk.ended(first.json.job_id);
  expect(await bulk.list('family_name=Once')).toHaveLength(1);
  expect(await bulk.remove(`/import/${first.json.job_id}`)).toMatchObject({ status: 204 });
  expect(await bulk.post('/import', ndjson, file, key)).toMatchObject({ status: 409, json: { code: 'conflict' } });
});

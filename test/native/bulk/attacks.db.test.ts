import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

let server: TestServer;
let bulk: BulkClient;
let folder: string;
beforeAll(async () => {
  server = await startTestServer({ IMPORT_MIB: '8', BULK_SPOOL_MIB: '12', BULK_JOBS_MAX: '3' });
  bulk = await bulkClient(server);
  folder = join(server.services.config.dataDir, 'bulk');
});
afterAll(() => server?.stop());

const csv = 'text/csv';
const ndjson = 'application/x-ndjson';
const person = (family_name: string, more: object = {}) =>
  JSON.stringify({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10', ...more });

async function* repeated(text: string, times: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < times; n++) yield await Promise.resolve(Buffer.from(text));
}

async function folders(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== 'place').sort();
}

describe('a body', () => {
  test.each([
    ['that is too large', repeated('x'.repeat(65_536), 200), {}],
    ['that unpacks to too much', gzipSync(Buffer.alloc(40 * 2 ** 20, 0x20)), { 'content-encoding': 'gzip' }],
  ])('%s is refused with 413, and nothing of it stays', async (_, body, headers) => {
    const before = await folders();
    const answer = await bulk.post('/import', ndjson, body, headers).catch((error: unknown) => error);
    // Who is still sending may find the connection closed before he reads the answer.
    if (!(answer instanceof Error)) expect(answer).toMatchObject({ status: 413 });
    expect(await folders()).toEqual(before);
  });

  test.each([
    ['of an unknown encoding', { 'content-encoding': 'zstd' }, 415, 'unsupported_media_type'],
    ['that is not what its encoding says', { 'content-encoding': 'gzip' }, 400, 'invalid_request'],
    ['in an unknown charset', { 'content-type': 'text/csv; charset=ebcdic' }, 415, 'unsupported_media_type'],
    ['of another media type', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ])('%s is refused', async (_, headers, status, code) => {
    const before = await folders();
    const answer = await bulk.post('/import', csv, 'given_name\n', headers);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(await folders()).toEqual(before);
  });

  test('that breaks off leaves nothing', async () => {
    const before = await folders();
    const { hostname, port } = new URL(server.origin);
    const token = await server.token({ scope: 'system/*.cruds' });
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(
      `POST /api/v1/import HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nContent-Type: text/csv\r\nContent-Length: 1000000\r\n\r\ngiven_name,`,
    );
    while ((await folders()).length === before.length) await wait(20);
    socket.destroy();
    while ((await folders()).length > before.length) await wait(20);
    expect(await folders()).toEqual(before);
  });
});

describe('a file', () => {
  test.each([
    ['without end of line', csv, repeated('x'.repeat(65_536), 40), 'header_too_long'],
    ['with half a million columns', csv, Array.from({ length: 500_000 }, () => 'a').join(','), 'too_many_columns'],
    ['with an unknown column', csv, 'given_name,nonsense\n', 'header_unknown_column'],
    ['that begins with values', csv, 'Ada,Lovelace,1985-12-10\n', 'header_unknown_column'],
    ['with a column twice', csv, 'given_name,given_name\n', 'header_repeated_column'],
    ['with a column of every object', csv, 'given_name,__proto__.polluted\n', 'header_unknown_column'],
    ['with a column named as a method', csv, 'given_name,constructor\n', 'header_unknown_column'],
    ['with nothing in it', csv, '\n', 'header_missing'],
    ['with a header that never ends its quotes', csv, '"given_name,family_name\nAda,Lovelace\n', 'header_malformed'],
    ['that is no array', 'application/json', '{"given_name":"Ada"}', 'not_an_array'],
    ['that is an array cut off', 'application/json', '[{"given_name":"Ada"}', 'not_an_array'],
    ['that is nested without end', 'application/json', '['.repeat(100_000), 'not_an_array'],
  ])('%s fails as a whole', async (_, type, body, code) => {
    const { job } = await bulk.imported(type, body, 'mode=all_or_nothing');
    expect(job).toMatchObject({ state: 'failed', failure: { code }, accepted: 0 });
    expect(JSON.stringify(job)).not.toMatch(/Lovelace|nonsense/);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each([
    ['a line that is too long', `{"given_name":"${'x'.repeat(1_100_000)}"}`, 'too_long'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'encoding'],
    ['half a surrogate pair', person('Half').replace('Half', String.raw`\ud800`), 'malformed'],
    ['NUL', person('Nul').replace('Nul', String.raw`\u0000`), 'malformed'],
    ['a member twice', '{"given_name":"Ada","given_name":"Eve"}', 'malformed'],
    ['the prototype', '{"__proto__":{"polluted":1}}', 'malformed'],
    ['deep nesting', '['.repeat(50_000), 'malformed'],
    ['a list', '[]', 'type'],
    ['a member that there is not', person('Unknown', { polluted: 1 }), 'unknown'],
    ['an id of his choice', person('Chosen', { id: 'mine' }), 'unknown'],
  ])('with %s in a line has that line refused and the others written', async (what, line, code) => {
    const family = `Line ${what.replaceAll(/[^a-z ]/gi, '')}`;
    const body = Buffer.concat([Buffer.from(`${person(family)}\n`), Buffer.from(line), Buffer.from(`\n${person(family)}\n`)]);
    const { id, job } = await bulk.imported(ndjson, body);
    expect(job).toMatchObject({ state: 'done', accepted: 2, refused: 1, errors: [{ line: 2, code }] });
    const quarantine = await bulk.get(`/import/${id}/quarantine`);
    expect(quarantine.status).toBe(200);
    if (code === 'too_long') expect(quarantine.text).toBe('');
    await bulk.remove(`/import/${id}`);
  });

  test('with cells of NUL and of no text has their lines refused by field', async () => {
    const { job } = await bulk.imported(csv, 'given_name,family_name,date_of_birth\nA\u0000da,Nul,1985-12-10\nA\uFFFDda,None,1985-12-10\n');
    expect(job.errors.map(({ line, field, code }) => [line, field, code])).toEqual([
      [2, 'given_name', 'encoding'],
      [3, 'given_name', 'encoding'],
    ]);
  });
});

test('nothing of a file is on the disk in clear', async () => {
  const secret = 'Canaryqwertzuiop';
  const { id } = await bulk.imported(ndjson, `${person(secret)}\n{"given_name":"${secret}"}\n`);
  for (const name of await readdir(join(folder, id))) expect((await readFile(join(folder, id, name))).includes(secret)).toBe(false);
  expect((await readdir(join(folder, id))).sort()).toEqual(['input', 'quarantine']);
});

describe('a job of another caller', () => {
  test('is answered byte for byte as one that does not exist, whatever is asked', async () => {
    const { id } = await bulk.imported(ndjson, '{}');
    const { json } = await bulk.post('/export', 'application/json', undefined);
    const exported = json.job_id as string;
    await bulk.ended(exported, 'export');
    const other = await bulkClient(server, await server.token({ scope: 'system/*.cruds', patient: 'another' }));
    const missing = '0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11';
    for (const [kind, mine, rest] of [
      ['import', id, ''],
      ['import', id, '/quarantine'],
      ['export', exported, ''],
      ['export', exported, '/file'],
      // An import is no export, whoever asks.
      ['export', id, ''],
    ] as const) {
      const [theirs, none] = [await other.get(`/${kind}/${mine}${rest}`), await other.get(`/${kind}/${missing}${rest}`)];
      expect(theirs.status).toBe(404);
      expect(withoutRequest(theirs.text)).toBe(withoutRequest(none.text));
    }
    for (const path of [`/import/${id}`, `/export/${exported}`, '/import/../x', '/import/%00', `/import/${'9'.repeat(64)}`])
      expect((await other.remove(path)).status).toBe(404);
    expect((await bulk.get(`/import/${id}`)).status).toBe(200);
    expect((await bulk.get(`/export/${exported}/file`)).status).toBe(200);
  });

  test('is not asked for without a token', async () => {
    for (const path of [
      'import/0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11/quarantine',
      'export/0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11/file',
      'export',
    ])
      expect((await fetch(`${server.origin}/api/v1/${path}`)).status).toBe(401);
  });
});

const withoutRequest = (text: string): string => text.replace(/"request_id":"[^"]*"/, '');

describe('who may not', () => {
  test.each(['system/Patient.rs', 'patient/Patient.rs', 'system/Observation.cruds'])('write patients (%s) imports none', async (scope) => {
    const reader = await bulkClient(server, await server.token({ scope, patient: 'one' }));
    const before = await folders();
    const answer = await reader.post('/import', ndjson, person('Forbidden'));
    expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
    expect(await folders()).toEqual(before);
  });

  test('write patients of others has each line refused', async () => {
    const own = await bulkClient(
      server,
      await server.token({ scope: 'patient/Patient.cruds', patient: 'one', user: 'Patient/one', roles: ['patient'] }),
    );
    const answer = await own.post('/import', ndjson, person('Forbidden'));
    if (answer.status === 202) expect(await own.ended(answer.json.job_id)).toMatchObject({ accepted: 0, refused: 1 });
    else expect(answer.status).toBe(403);
    expect(await bulk.list('family_name=Forbidden')).toHaveLength(0);
  });
});

describe('an import that is cancelled', () => {
  test('writes no more, and is removed when it is cancelled again', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => person('Cancelled', { email: `cancelled${n}@example.org` }));
    const { json } = await bulk.post('/import', ndjson, lines.join('\n'));
    const id = json.job_id as string;
    while (((await bulk.get(`/import/${id}`)).json.accepted as number) === 0) await wait(20);
    expect((await bulk.remove(`/import/${id}`)).status).toBe(204);
    const { accepted, state } = (await bulk.get(`/import/${id}`)).json;
    expect(state).toBe('cancelled');
    expect(accepted).toBeLessThan(20_000);
    await wait(500);
    const found = await server.request('GET', '/Patient?family=Cancelled&_summary=count');
    expect(found.json.total).toBe(accepted);
    expect((await bulk.remove(`/import/${id}`)).status).toBe(204);
    expect((await bulk.get(`/import/${id}`)).status).toBe(404);
    expect(await folders()).not.toContain(id);
  });
});

test('too many unfinished jobs of one caller are refused, and nothing of them stays', async () => {
  const lines = Array.from({ length: 5_000 }, () => person('Many')).join('\n');
  const answers = await Promise.all(Array.from({ length: 5 }, () => bulk.post('/import', ndjson, lines)));
  const taken = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status === 429);
  expect(taken.length + refused.length).toBe(5);
  expect(refused.length).toBeGreaterThan(0);
  for (const { json } of taken) {
    await bulk.remove(`/import/${json.job_id}`);
    await bulk.remove(`/import/${json.job_id}`);
  }
});

test('a disk that is full refuses new files with 503 and loses none that were taken', async () => {
  const kept: string[] = [];
  let last = await bulk.post('/import', ndjson, `${' '.repeat(4_000_000)}\n${person('Full')}\n`);
  for (let n = 0; n < 5 && last.status === 202; n++) {
    kept.push(last.json.job_id as string);
    await bulk.ended(last.json.job_id);
    last = await bulk.post('/import', ndjson, `${' '.repeat(4_000_000)}\n${person('Full')}\n`);
  }
  expect([last.status, last.json.code]).toEqual([503, 'unavailable']);
  expect(last.headers.get('retry-after')).toBe('600');
  for (const id of kept) expect(await bulk.ended(id)).toMatchObject({ state: 'done', accepted: 1 });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { hospital, type NativeClient, nativeClient } from '../../support/native.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
let admin: NativeClient;
beforeAll(async () => {
  // One at a time: what is begun behind a long one waits.
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all', BULK_JOBS_AT_ONCE: '1' });
  const { tokens } = await hospital(server);
  admin = nativeClient(server, tokens.admin);
});
afterAll(() => server?.stop());

async function madeKey(): Promise<{ id: string; secret: string }> {
  const body = { name: 'interface', scopes: ['system/Patient.cruds'], expires_in_days: 2 };
  const { json } = await admin('POST', '/api-keys', { body });
  return { id: json.api_key_id, secret: json.secret };
}

async function begun(secret: string, path: string, body?: string): Promise<string> {
  const headers = { 'x-api-key': secret, ...(body === undefined ? {} : { 'content-type': 'application/x-ndjson' }) };
  const response = await fetch(`${server.origin}/api/v1${path}`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  expect(response.status).toBe(202);
  return ((await response.json()) as { job_id: string }).job_id;
}

async function jobBy(id: string): Promise<object> {
  const { rows } = await server.services.context.pool.query<{ state: string; failure: string | null; accepted: number }>(
    `select state, failure, (progress->>'accepted')::int as accepted from bulk_job where id = $1`,
    [id],
  );
  return rows[0] ?? {};
}

const lines = (family_name: string, count: number): string =>
  Array.from({ length: count }, () => JSON.stringify({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10' })).join('\n');

test('what a key began ends with the key, and what others began goes on', async () => {
  const [long, ended, kept] = [await madeKey(), await madeKey(), await madeKey()];
  const before = await begun(long.secret, '/import', lines('Before', 2_000));
  const jobs = { import: await begun(ended.secret, '/import', lines('Ended', 10)), export: await begun(ended.secret, '/export') };
  const beside = { import: await begun(kept.secret, '/import', lines('Kept', 10)), export: await begun(kept.secret, '/export') };
  expect(await jobBy(jobs.import)).toMatchObject({ state: 'queued' });
  expect((await admin('DELETE', `/api-keys/${ended.id}`)).status).toBe(204);
  const options = { timeout: 30_000 };
  await expect.poll(() => jobBy(beside.export), options).toMatchObject({ state: 'done' });
  expect(await jobBy(before)).toMatchObject({ state: 'done', accepted: 2_000 });
  expect(await jobBy(beside.import)).toMatchObject({ state: 'done', accepted: 10 });
  expect(await jobBy(jobs.import)).toEqual({ state: 'failed', failure: 'forbidden', accepted: 0 });
  expect(await jobBy(jobs.export)).toMatchObject({ state: 'failed', failure: 'forbidden' });
  const found = await server.request('GET', '/Patient?family=Ended&_summary=count');
  expect(found.json.total).toBe(0);
});

import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openBrowser, postForm } from './browser.ts';
import { addApp, addUser, tokensOf } from './launching.ts';

let server: TestServer;
let admin: Client;
let name: string;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all', LOG_LEVEL: 'fatal' });
  await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addApp(server, 'app');
  await server.request('PUT', '/Patient/pa', { body: { resourceType: 'Patient', id: 'pa' } });
  const url = new URL(server.databaseUrl);
  name = url.pathname.slice(1);
  url.pathname = '/postgres';
  admin = new Client({ connectionString: url.href });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

test('while the database is away nobody gets in, nothing is told, and nothing is used up', async () => {
  const { tokens } = await tokensOf(server, { client: 'app', login: 'anna', scope: 'launch/patient patient/*.rs offline_access' });
  const { access_token: access, refresh_token: token } = tokens;
  const refresh = () => postForm(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: 'app' });
  await admin.query(`alter database "${name}" allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  const { status, json, headers } = await refresh();
  expect([status, json]).toEqual([503, { error: 'temporarily_unavailable' }]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  // A database that takes no connections at all is no outage that is known by its code: still nothing is given and nothing told.
  for (const answer of [
    await postForm(`${server.origin}/oauth/introspect`, { token: access }, { authorization: `Bearer ${access}` }),
    await postForm(`${server.origin}/oauth/revoke`, { token: access, client_id: 'app' }),
  ]) {
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(answer.json)).not.toMatch(/active|database|postgres/);
  }
  const page = await openBrowser(server.origin).get('/oauth/authorize?client_id=app');
  expect([page.status >= 500, page.text.includes(name)]).toEqual([true, false]);
  await admin.query(`alter database "${name}" allow_connections true`);
  expect((await refresh()).status).toBe(200);
}, 30_000);

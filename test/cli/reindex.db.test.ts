import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Cli, cliBeside } from '../support/cli.ts';

let server: TestServer;
let cli: Cli;

beforeAll(async () => {
  server = await startTestServer();
  cli = cliBeside(server);
  const basics = Array.from({ length: 5 }, () => ({ resourceType: 'Basic', code: { coding: [{ code: 'x' }] } }));
  for (const body of [...basics, { resourceType: 'Patient', gender: 'male' }]) {
    const { status, text } = await server.request('POST', `/${body.resourceType}`, { body });
    if (status !== 201) throw new Error(text);
  }
}, 60_000);
afterAll(() => server?.stop());

const reindex = (...args: string[]) => cli(['reindex', ...args]);

const totalOf = async (path: string): Promise<number> => (await server.request('GET', path)).json.total;

test('extracts anew beside the running server: one type, or all', async () => {
  const client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
  await client.query(`update resource set tokens = '{}'`);
  await client.end();
  expect([await totalOf('/Basic?code=x'), await totalOf('/Patient?gender=male')]).toEqual([0, 0]);
  expect(await reindex('--type', 'Patient')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 resources in .* 0 of them/) });
  expect([await totalOf('/Basic?code=x'), await totalOf('/Patient?gender=male')]).toEqual([0, 1]);
  expect(await reindex()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^6 resources in /) });
  expect([await totalOf('/Basic?code=x'), await totalOf('/Patient?gender=male')]).toEqual([5, 1]);
}, 60_000);

test('refuses what is no type, and audit events', async () => {
  expect(await reindex('--type', 'Nothing')).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing is no resource type') });
  expect(await reindex('--type', 'AuditEvent')).toMatchObject({ code: 2, stderr: expect.stringContaining('never changed') });
}, 60_000);

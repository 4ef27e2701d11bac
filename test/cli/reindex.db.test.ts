import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let server: TestServer;
let env: Record<string, string>;

beforeAll(async () => {
  server = await startTestServer();
  const { config } = server.services;
  env = {
    NODE_ENV: 'test',
    BASE_URL: server.base,
    DATABASE_URL: server.databaseUrl,
    KEY_DATABASE_URL: server.keyDatabaseUrl,
    DATABASE_POOL_SIZE: '4',
    DATA_DIR: `${config.dataDir}-beside`,
    CACHE_DIR: config.cacheDir,
    KEY_FILE: config.keyFile,
    LOG_LEVEL: 'error',
  };
  const basics = Array.from({ length: 5 }, () => ({ resourceType: 'Basic', code: { coding: [{ code: 'x' }] } }));
  for (const body of [...basics, { resourceType: 'Patient', gender: 'male' }]) {
    const { status, text } = await server.request('POST', `/${body.resourceType}`, { body });
    if (status !== 201) throw new Error(text);
  }
}, 60_000);
afterAll(() => server?.stop());

function reindex(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'reindex', ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
  });
}

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

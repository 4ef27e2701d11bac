import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { openServices, type Services } from '../../../src/services.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

/** Two processes' worth of services on one store. */
let first: TestServer;
let second: Services;

beforeAll(async () => {
  first = await startTestServer();
  const { config } = first.services;
  const other = loadConfig({
    NODE_ENV: 'test',
    PORT: '8099',
    BASE_URL: first.base,
    DATABASE_URL: first.databaseUrl,
    KEY_DATABASE_URL: first.keyDatabaseUrl,
    DATABASE_POOL_SIZE: '4',
    DATA_DIR: `${config.dataDir}-second`,
    CACHE_DIR: config.cacheDir,
    KEY_FILE: config.keyFile,
    LOG_LEVEL: 'error',
  });
  second = await openServices(other, createLog(other));
}, 60_000);
afterAll(async () => {
  await second?.close();
  await first?.stop();
});

async function add(id: string): Promise<void> {
  const body = {
    resourceType: 'SearchParameter',
    id,
    url: `http://example.org/fhir/SearchParameter/${id}`,
    name: 'Added',
    status: 'active',
    description: 'A parameter of ours',
    code: id,
    base: ['Patient'],
    type: 'token',
    expression: 'Patient.gender',
  };
  expect((await first.request('PUT', `/SearchParameter/${id}`, { body })).status).toBe(201);
}

const statusOf = async (id: string): Promise<unknown> =>
  (await first.request('GET', `/SearchParameter/${id}/$status`)).json.parameter[0].valueCode;
const isReady = (services: Services, code: string): boolean => services.context.registry.of('Patient').params.has(code);
const isBuilding = (services: Services, code: string): boolean => services.context.registry.of('Patient').building.has(code);
const poll = (ask: () => unknown) => expect.poll(ask, { timeout: 10_000, interval: 10 });

test('every process learns of a parameter within a second, first that it is being built and then that it is ready', async () => {
  const end = second.context.live.beginWrite();
  await add('told');
  const began = performance.now();
  await poll(() => isBuilding(second, 'told') && isBuilding(first.services, 'told')).toBe(true);
  expect(performance.now() - began).toBeLessThan(1_500);
  end();
  await poll(() => isReady(second, 'told') && isReady(first.services, 'told')).toBe(true);
});

test('no build begins while some process still writes by what was in force before', async () => {
  const end = second.context.live.beginWrite();
  await add('waits');
  await poll(() => isBuilding(second, 'waits')).toBe(true);
  await delay(1_500);
  expect(await statusOf('waits')).toBe('building');
  expect(isReady(first.services, 'waits')).toBe(false);
  end();
  await poll(() => statusOf('waits')).toBe('ready');
});

test('nor while a transaction that began before has not ended', async () => {
  const client = new Client({ connectionString: first.databaseUrl });
  await client.connect();
  await client.query('begin');
  await client.query('select pg_current_xact_id()');
  await add('late');
  await poll(() => isBuilding(second, 'late')).toBe(true);
  await delay(500);
  expect(isReady(first.services, 'late')).toBe(false);
  await client.query('commit');
  await client.end();
  await poll(() => statusOf('late')).toBe('ready');
});

test('a process whose watching connection is lost extracts nothing until it knows again', async () => {
  const client = new Client({ connectionString: first.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'anamnesis parameters' and datname = current_database()",
  );
  expect(rows).toHaveLength(2);
  await client.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [rows.map(({ pid }) => pid)]);
  await client.end();
  await poll(() => first.services.context.live.isKnown()).toBe(false);
  expect(() => second.context.extract({ resourceType: 'Patient' }, 'Patient', 'x')).toThrow('which search parameters are in force');
  await poll(() => first.services.context.live.isKnown() && second.context.live.isKnown()).toBe(true);
  expect((await first.request('POST', '/Patient', { body: { resourceType: 'Patient' } })).status).toBe(201);
  await add('afterwards');
  await poll(() => statusOf('afterwards')).toBe('ready');
});

test('another process takes over where the one that builds ends', async () => {
  await add('handed-over');
  await second.close();
  await poll(() => statusOf('handed-over')).toBe('ready');
  expect(isReady(first.services, 'handed-over')).toBe(true);
});

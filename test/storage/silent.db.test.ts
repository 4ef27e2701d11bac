import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, withoutLimits } from '../../src/storage/database.ts';
import { createDatabase } from '../support/cluster.ts';
import { type CutConnections, cutConnections } from '../support/cut-connection.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let connections: CutConnections;
let drop: () => Promise<void>;

beforeAll(async () => {
  const main = await createDatabase('main');
  drop = main.drop;
  connections = await cutConnections(main.url);
  const limits = { TRANSACTION_TIMEOUT_MS: '3000', SEARCH_TIMEOUT_MS: '3000', AUDIT_TIMEOUT_MS: '3000' };
  server = await startTestServer({ DATABASE_URL: connections.url, ...limits });
});
afterAll(async () => {
  await server?.stop();
  await connections?.close();
  await drop?.();
});

test('what nothing limits may take longer than the database and we would wait otherwise', async () => {
  const { pool, ...limited } = await openDatabase({
    url: server.databaseUrl,
    poolSize: 1,
    applicationName: 'limits',
    statementTimeoutMs: 100,
    plans: 'generic',
  });
  try {
    await expect(pool.query('select pg_sleep(1)')).rejects.toMatchObject({ code: '57014' });
    const client = await pool.connect();
    await withoutLimits(client);
    expect((await client.query('select pg_sleep(5.5)')).rowCount).toBe(1);
    client.release(true);
  } finally {
    await limited.close();
  }
});

test('a database that says nothing any more is not waited for: requests are answered 503, and served again once it speaks', {
  timeout: 120_000,
}, async () => {
  const body = { resourceType: 'Patient', name: [{ family: 'Silent' }] };
  const { id } = (await server.request('POST', '/Patient', { body })).json;
  const requests = [
    () => server.request('GET', `/Patient/${id}`),
    () => server.request('GET', '/Patient?family=Silent'),
    () => server.request('POST', '/Patient', { body }),
    () => server.request('GET', `${server.origin}/api/v1/patients/${id}`),
  ];
  for (const each of requests) expect((await each()).status).toBeLessThan(300);
  connections.fallSilent();
  const refused = await Promise.all(requests.map((each) => each()));
  expect(refused.map(({ status }) => status)).toEqual(requests.map(() => 503));
  for (const { headers } of refused) expect(headers.get('retry-after')).toMatch(/^\d+$/);
  connections.speakAgain();
  await expect
    .poll(async () => (await Promise.all(requests.map((each) => each()))).map(({ status }) => status), { timeout: 30_000 })
    .toEqual([200, 200, 201, 200]);
});

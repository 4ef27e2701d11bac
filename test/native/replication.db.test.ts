import { chown, cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Cluster, startCluster } from '../../src/storage/embedded/cluster.ts';
import { accountFor } from '../../src/storage/embedded/folders.ts';
import { settingsFor } from '../../src/storage/embedded/settings.ts';
import { createFolder } from '../support/cluster.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const clusters: Cluster[] = [];
let folder: string;
let server: TestServer;
let standby: Cluster;

/** A primary with a standby that streams from it: a copy of its files, taken while it was down. */
beforeAll(async () => {
  folder = await createFolder();
  const settings = { ...settingsFor('main', 2 ** 30), max_wal_senders: '4' };
  const first = await startCluster({ dir: join(folder, 'primary'), settings });
  await first.stop();
  await cp(join(folder, 'primary'), join(folder, 'standby'), {
    recursive: true,
    filter: (path) => !path.endsWith('/socket') && !path.endsWith('.pid'),
  });
  const signal = join(folder, 'standby', 'data', 'standby.signal');
  await writeFile(signal, '');
  const account = await accountFor(join(folder, 'primary', 'data'));
  if (account !== undefined) for (const path of await listed(join(folder, 'standby', 'data'))) await chown(path, account.uid, account.gid);
  const primary = await startCluster({ dir: join(folder, 'primary'), settings });
  clusters.push(primary);
  const { user, password } = primary.superuser;
  const database = primary.url({ user, password, database: 'postgres' });
  const conninfo = `host=${primary.host} port=${primary.port} user=${user} password=${password} application_name=standby-1`;
  standby = await startCluster({ dir: join(folder, 'standby'), settings: { ...settings, primary_conninfo: conninfo } });
  clusters.push(standby);
  server = await startTestServer({ DATABASE_URL: database, REPLICA_LAG_MAX_MS: '5000', RPO_TARGET_SECONDS: '3' });
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await Promise.all(clusters.map((cluster) => cluster.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function status(roles: readonly string[]) {
  const token = await server.token({ scope: 'user/*.cruds', user: 'Practitioner/boss', roles });
  const response = await fetch(`${server.origin}/api/v1/replication/status`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, json: (await response.json()) as { replicas?: readonly { lag_bytes: number }[]; code?: string } };
}

test('administrators see a standby that streams, all others nothing', async () => {
  await server.request('POST', '/Patient', { body: { resourceType: 'Patient' } });
  await vi.waitFor(async () => {
    const { json } = await status(['admin']);
    expect(json).toMatchObject({
      role: 'primary',
      is_visible: true,
      targets: { rpo_seconds: 3, rto_seconds: 60 },
      replicas: [{ name: 'standby-1', state: 'streaming', sync: 'async', in_service: true, lag_bytes: 0, lag_ms: 0 }],
      measured: { rpo_seconds: 0, rto_seconds: null },
    });
  }, 20_000);
  expect(await status(['provider'])).toMatchObject({ status: 403, json: { code: 'forbidden' } });
});

test('one whose replay stands still is behind', async () => {
  const { user, password } = standby.superuser;
  const client = new Client({ connectionString: standby.url({ user, password, database: 'postgres' }) });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select pg_wal_replay_pause()');
  await server.request('POST', '/Patient', { body: { resourceType: 'Patient' } });
  const { json } = await status(['admin']);
  expect(json.replicas?.[0]?.lag_bytes).toBeGreaterThan(0);
  await client.query('select pg_wal_replay_resume()');
  await client.end();
  await vi.waitFor(async () => expect((await status(['admin'])).json).toMatchObject({ replicas: [{ lag_bytes: 0 }] }), 20_000);
});

async function listed(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true });
  return [path, ...entries.map((entry) => join(path, entry))];
}

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { type Cluster, startCluster } from '../../src/storage/embedded/cluster.ts';
import { accountFor, ifMissing, layoutOf } from '../../src/storage/embedded/folders.ts';
import { clearLeftovers } from '../../src/storage/embedded/leftovers.ts';
import { lockDataDir } from '../../src/storage/embedded/lock.ts';
import { settingsFor, type ClusterKind, type Settings } from '../../src/storage/embedded/settings.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's connection URI for each cluster. */
    clusterUrls: Readonly<Record<ClusterKind, string>>;
    /** The run's own folder. */
    runFolder: string;
  }
}

// Short: a socket's path has to fit 107 bytes.
const prefix = 'anamnesis-db-';

/**
 * Vitest's global set-up of all tests that need PostgreSQL: one throw-away main cluster and one key cluster for the whole run, or the
 * servers of TEST_DATABASE_URL and TEST_KEY_DATABASE_URL (superusers' URIs), if these are given.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_DATABASE_URL: main, TEST_KEY_DATABASE_URL: keys } = process.env;
  await removeAbandoned();
  const folder = await openFolder(join(tmpdir(), prefix));
  const lock = await lockDataDir(folder);
  const clusters: Cluster[] = [];
  const startThrowAway = async (kind: ClusterKind) => {
    const cluster = await startCluster({ dir: join(folder, kind), settings: throwAwaySettings(kind) });
    clusters.push(cluster);
    return cluster.url({ ...cluster.superuser, database: 'postgres' });
  };
  const [mainUrl, keysUrl] = await Promise.all([main || startThrowAway('main'), keys || startThrowAway('keys')]);
  project.provide('clusterUrls', { main: mainUrl, keys: keysUrl });
  project.provide('runFolder', folder);
  return async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    await lock.release();
    await rm(folder, { recursive: true, force: true });
  };
}

/**
 * An empty database of the caller's own on the run's main or key cluster; only for test files.
 *
 * @returns  the superuser's connection URI for it, and what removes it, open connections or not
 */
export async function createDatabase(kind: ClusterKind = 'main'): Promise<{ url: string; drop: () => Promise<void> }> {
  const clusterUrl = inject('clusterUrls')[kind];
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOn(clusterUrl, `create database ${name}`);
  const url = new URL(clusterUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runOn(clusterUrl, `drop database if exists ${name} with (force)`) };
}

/** What a commit promises against power failures is of no use to a cluster that lives for one run. */
const hasty: Settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

function throwAwaySettings(kind: ClusterKind): Settings {
  const size: Settings = kind === 'main' ? { shared_buffers: '256MB', max_wal_size: '1GB', min_wal_size: '80MB' } : {};
  // Test files run side by side, each with servers of its own.
  return { ...settingsFor(kind, 2 ** 31), ...size, ...hasty, max_connections: '200' };
}

/** An empty folder that goes with the run, passable for PostgreSQL's user; only for test files. */
export async function createFolder(): Promise<string> {
  return openFolder(join(inject('runFolder'), 'test-'));
}

async function openFolder(start: string): Promise<string> {
  const folder = await mkdtemp(start);
  // PostgreSQL passes through as another user when the tests run as root.
  await chmod(folder, 0o711);
  return folder;
}

/** Folders of runs that were killed, and a PostgreSQL that lived on there: whoever gets a folder's lock is alone with it. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(tmpdir(), name);
    // A run that is just starting may not have locked its folder yet.
    const found = await stat(folder).catch(ifMissing);
    if (found === undefined || Date.now() - found.birthtimeMs < 60_000) continue;
    const lock = await lockDataDir(folder).catch(() => undefined);
    if (lock === undefined) continue;
    for (const postmaster of await readdir(folder, { recursive: true })) {
      if (!postmaster.endsWith('data/postmaster.pid')) continue;
      const layout = await layoutOf(join(folder, postmaster, '../..'));
      await clearLeftovers(layout, await accountFor(layout.pgdata));
    }
    await lock.release();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

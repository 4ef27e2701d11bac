import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Pool } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster, type Cluster, type ClusterExit, type ClusterOptions } from '../../../src/storage/embedded/cluster.ts';
import { postgresIn } from '../../../src/storage/embedded/processes.ts';
import { settingsFor } from '../../../src/storage/embedded/settings.ts';
import { createFolder } from '../../support/cluster.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

let root: string;
let running: Cluster | undefined;

beforeAll(async () => {
  root = await createFolder();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function start(name: string, options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  running = await startCluster({ dir: join(root, name), settings: settingsFor('keys', 2 ** 30), ...options });
  return running;
}

const urlOf = (cluster: Cluster) => cluster.url({ ...cluster.superuser, database: 'postgres' });

async function query(cluster: Cluster, text: string): Promise<unknown[][]> {
  const client = new Client({ connectionString: urlOf(cluster) });
  await client.connect();
  const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
  await client.end();
  return rows;
}

describe('the first start', () => {
  test('makes a cluster with checksums, UTF-8 and passwords, readable by nobody else', async () => {
    const cluster = await start('first', { settings: {} });
    expect(await query(cluster, 'show data_checksums')).toEqual([['on']]);
    const locale = 'select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database order by 1, 2, 3';
    expect(new Set((await query(cluster, locale)).map(String))).toEqual(new Set(['b,C.UTF-8,UTF8']));
    expect(await query(cluster, 'select distinct auth_method from pg_hba_file_rules')).toEqual([['scram-sha-256']]);
    const stranger = new Client({ connectionString: cluster.url({ user: 'postgres', password: 'guess', database: 'postgres' }) });
    await expect(stranger.connect()).rejects.toMatchObject({ code: '28P01' });
    const names = ['superuser.password', 'data', 'socket'];
    const modes = await Promise.all(names.map(async (name) => (await stat(join(cluster.dir, name))).mode & 0o777));
    expect(modes).toEqual([0o600, 0o700, 0o700]);
    expect((await readdir(cluster.dir)).sort()).toEqual(['data', 'server.lock', 'server.pid', 'socket', 'superuser.password']);
    expect(await readFile(join(cluster.dir, 'superuser.password'), 'utf8')).toBe(`${cluster.superuser.password}\n`);
    expect(cluster.superuser.password).toHaveLength(43);
  });

  test('listens on a socket in a private folder, and on no port', async () => {
    const cluster = await start('first');
    expect(cluster.host).toBe(join(cluster.dir, 'socket'));
    expect(await query(cluster, 'show listen_addresses')).toEqual([['']]);
    expect(await readdir(cluster.host)).toEqual(['.s.PGSQL.5432', '.s.PGSQL.5432.lock']);
  });

  test('keeps PostgreSQL out of reach of a Ctrl-C in our terminal', async () => {
    const cluster = await start('first');
    const { stdout } = await run('ps', ['-o', 'pgid=', '-p', String(cluster.pid)]);
    expect(Number(stdout)).toBe(cluster.pid);
  });

  test('after an initdb that was cut short begins anew and leaves nothing of it', async () => {
    const dir = join(root, 'cut');
    await run('mkdir', ['-p', join(dir, 'new-abc', 'data', 'base')]);
    await writeFile(join(dir, 'new-abc', 'data', 'PG_VERSION'), '18\n');
    const cluster = await start('cut');
    expect(await query(cluster, 'select 1')).toEqual([[1]]);
    expect(await readdir(dir)).not.toContain('new-abc');
  });
});

describe('the next start', () => {
  test('finds what was committed, with the same password, in a moment', async () => {
    const cluster = await start('first');
    await query(cluster, "create table kept as select 'before the stop' as text");
    await cluster.stop();
    const begin = performance.now();
    const again = await start('first');
    // 250 ms is what it takes at most on a quiet machine.
    expect(performance.now() - begin).toBeLessThan(2000);
    expect(await query(again, 'select text from kept')).toEqual([['before the stop']]);
    expect(again.superuser).toEqual(cluster.superuser);
  });

  test('is refused while the cluster runs, whose process and folder it names', async () => {
    const cluster = await start('first');
    await expect(startCluster({ dir: cluster.dir })).rejects.toThrow(`Another server (process ${process.pid}) is using "${cluster.dir}"`);
    expect(await query(cluster, 'select 1')).toEqual([[1]]);
  });

  test('names both versions when the cluster is of another major version, and touches nothing', async () => {
    const file = join(root, 'first', 'data', 'PG_VERSION');
    await writeFile(file, '17\n');
    await expect(start('first')).rejects.toThrow(/is of PostgreSQL 17, the embedded one is 18/);
    await writeFile(file, '18\n');
    expect(await query(await start('first'), 'select text from kept')).toEqual([['before the stop']]);
  });

  test('asks for the password file when it is gone', async () => {
    const file = join(root, 'first', 'superuser.password');
    await rename(file, `${file}.away`);
    await expect(start('first')).rejects.toThrow(`restore "${file}"`);
    await rename(`${file}.away`, file);
  });

  test('refuses a data folder that holds something else', async () => {
    await run('mkdir', ['-p', join(root, 'foreign', 'data', 'photos')]);
    await expect(start('foreign')).rejects.toThrow("isn't empty, but holds no PostgreSQL cluster");
    expect(await readdir(join(root, 'foreign', 'data'))).toEqual(['photos']);
  });

  test("says PostgreSQL's last words when it doesn't start", async () => {
    await expect(start('first', { settings: { shared_buffers: 'plenty' } })).rejects.toThrow(/shared_buffers.*plenty/);
    await expect(start('first', { settings: { max_wal_size: '1MB' } })).rejects.toThrow(
      /outside the valid range for parameter "max_wal_size"/,
    );
  });
});

describe('after a stop', () => {
  test('no process, socket, pid file or lock is left', async () => {
    const cluster = await start('first');
    const idle = new Client({ connectionString: urlOf(cluster) });
    idle.on('error', () => undefined);
    await idle.connect();
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(await postgresIn(join(cluster.dir, 'data'), undefined)).toEqual([]);
    expect(await readdir(join(cluster.dir, 'socket'))).toEqual([]);
    expect(await readdir(join(cluster.dir, 'data'))).not.toContain('postmaster.pid');
    expect(await readdir(cluster.dir)).not.toContain('server.pid');
    await start('first');
  });
});

describe('when the postmaster is killed', () => {
  test('it is started again at the same address, with every committed row, and a pool reconnects', async () => {
    const exits: ClusterExit[] = [];
    const cluster = await start('first', { restart: true, onExit: (exit) => exits.push(exit) });
    const pool = new Pool({ connectionString: urlOf(cluster), max: 2 });
    pool.on('error', () => undefined);
    await pool.query("create table survivor as select 'committed' as text");
    // An orphan in a long query doesn't notice by itself that its postmaster is gone.
    const busy = pool.query('select count(*) from generate_series(1, 1e11::bigint)').catch((error: unknown) => error);
    await delay(100);
    const killed = cluster.pid;
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(async () => expect((await pool.query('select text from survivor')).rows).toEqual([{ text: 'committed' }]), {
      timeout: 15_000,
      interval: 100,
    });
    expect(exits).toEqual([{ code: null, signal: 'SIGKILL', failures: 1, restartInMs: 100 }]);
    await vi.waitFor(() => expect(cluster.pid).not.toBe(killed));
    expect(await busy).toBeInstanceOf(Error);
    await pool.end();
  });

  test('without being asked to restart it stays down and is reported', async () => {
    const exits: ClusterExit[] = [];
    const cluster = await start('first', { onExit: (exit) => exits.push(exit) });
    process.kill(cluster.pid, 'SIGKILL');
    await vi.waitFor(() => expect(exits).toEqual([{ code: null, signal: 'SIGKILL', failures: 1, restartInMs: null }]));
    await expect(query(cluster, 'select 1')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });

  test('a stop at that moment ends the restart and leaves no process', async () => {
    const cluster = await start('first', { restart: true });
    process.kill(cluster.pid, 'SIGKILL');
    await delay(150);
    await cluster.stop();
    expect(await postgresIn(join(cluster.dir, 'data'), undefined)).toEqual([]);
    expect(await readdir(cluster.dir)).not.toContain('server.pid');
  });

  test('and can never come up again, it is given up after the failures allowed', async () => {
    const exits: ClusterExit[] = [];
    const cluster = await start('first', { restart: { failuresMax: 3 }, onExit: (exit) => exits.push(exit) });
    const control = join(cluster.dir, 'data', 'global', 'pg_control');
    await rename(control, `${control}.away`);
    process.kill(cluster.pid, 'SIGKILL');
    await vi.waitFor(() => expect(exits.at(-1)?.restartInMs).toBe(null), { timeout: 10_000 });
    expect(exits.map(({ restartInMs }) => restartInMs)).toEqual([100, 200, null]);
    expect(String(exits[2]?.error)).toContain('pg_control');
    await rename(`${control}.away`, control);
  });
});

describe('a pid file left behind', () => {
  test("doesn't stop the start, nor harm the process that has its pid now", async () => {
    const cluster = await start('first');
    await cluster.stop();
    // A program of another kind, and a PostgreSQL of another folder.
    const sleeper = spawn('sleep', ['60']);
    const neighbour = await startCluster({ dir: join(root, 'cut'), settings: settingsFor('keys', 2 ** 30) });
    for (const pid of [sleeper.pid, neighbour.pid, 4_194_304]) {
      const left = `${pid}\n${cluster.dir}/data\n1700000000\n5432\n${cluster.host}\n\n  1234567   999999\nready   \n`;
      await writeFile(join(cluster.dir, 'data', 'postmaster.pid'), left);
      await writeFile(join(cluster.host, '.s.PGSQL.5432.lock'), left);
      expect(await query(await start('first'), 'select text from kept')).toEqual([['before the stop']]);
      await running?.stop();
    }
    expect(sleeper.exitCode ?? sleeper.signalCode).toBe(null);
    expect(await query(neighbour, 'select 1')).toEqual([[1]]);
    await neighbour.stop();
    const gone = once(sleeper, 'exit');
    sleeper.kill();
    await gone;
  });
});

describe('the address', () => {
  test('is a port of 127.0.0.1 when a socket would have too long a path, the same after a restart', async () => {
    const exits: ClusterExit[] = [];
    const name = `long-${'x'.repeat(100)}`;
    const cluster = await start(name, { restart: true, onExit: (exit) => exits.push(exit) });
    const { host, port } = cluster;
    expect(host).toBe('127.0.0.1');
    expect(await query(cluster, 'select host(inet_server_addr()), inet_server_port()')).toEqual([[host, port]]);
    expect(await query(cluster, 'show unix_socket_directories')).toEqual([['']]);
    process.kill(cluster.pid, 'SIGKILL');
    await vi.waitFor(() => expect(exits).toHaveLength(1));
    await vi.waitFor(async () => expect(await query(cluster, 'select inet_server_port()')).toEqual([[port]]), { timeout: 10_000 });
  });

  test('may hold any character a path may', async () => {
    const cluster = await start('a "b", %2F ü+Ä/c', { settings: { ...settingsFor('keys', 2 ** 30), fsync: 'off' } });
    expect(await query(cluster, 'show listen_addresses')).toEqual([['']]);
  });
});

/** A size as its number of bytes, since PostgreSQL shows it in the largest unit that fits; anything else as it is. */
function inBytes(value: string): string {
  const size = /^(\d+)(kB|MB|GB)$/.exec(value);
  return size === null ? value : String(Number(size[1]) * 1024 ** (['kB', 'MB', 'GB'].indexOf(size[2] ?? '') + 1));
}

describe('the settings', () => {
  test.each(['main', 'keys'] as const)('of a %s cluster are those in effect, and a caller has the last word', async (kind) => {
    const own = { work_mem: '3MB' };
    const expected = { ...settingsFor(kind, 2 ** 32), ...own };
    const cluster = await start('first', { settings: expected });
    const rows = await query(cluster, 'select lower(name), current_setting(name), source from pg_settings');
    const set = rows.filter(([name, , source]) => source === 'command line' && String(name) in expected);
    const found = Object.fromEntries(set.map(([name, value]) => [String(name), inBytes(String(value))]));
    expect(found).toEqual(Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, inBytes(value)])));
    expect(found['fsync']).toBe('on');
  });
});

describe('the log', () => {
  test('has the codes of failed statements, and nothing of what was sent in them', async () => {
    const lines: string[] = [];
    const cluster = await start('first', { onLog: (line) => lines.push(line) });
    const client = new Client({ connectionString: urlOf(cluster) });
    await client.connect();
    await client.query('create temp table canary (text text primary key check (length(text) < 20), day date)');
    const insert = 'insert into canary values ($1, $2)';
    await client.query(insert, ['xyzzyplugh', null]);
    await expect(client.query(insert, ['xyzzyplugh', null])).rejects.toMatchObject({ code: '23505' });
    await expect(client.query(insert, ['xyzzyplugh more than it takes', null])).rejects.toMatchObject({ code: '23514' });
    await expect(client.query("select 'xyzzy\nplugh'::date")).rejects.toMatchObject({ code: '22007' });
    await expect(client.query('select xyzzyplugh')).rejects.toMatchObject({ code: '42703' });
    await client.query("do $$ begin raise warning 'xyzzyplugh'; raise log 'for the log'; end $$");
    await client.end();
    await cluster.stop();
    const log = lines.join('\n');
    expect(log).not.toMatch(/xyzzy|plugh/);
    for (const code of ['23505', '23514', '22007', '42703']) expect(log).toMatch(new RegExp(`^client backend \\d+: ERROR ${code}$`, 'm'));
    expect(log).toContain('LOG for the log');
    expect(log).toContain('LOG database system is ready to accept connections');
  });
});

describe.runIf(isRoot)('for root', () => {
  test('PostgreSQL runs as another user, who owns its data and can read nothing of ours', async () => {
    const cluster = await start('first');
    const { uid } = await stat(join(cluster.dir, 'data'));
    expect(uid).not.toBe(0);
    expect((await stat(`/proc/${cluster.pid}`)).uid).toBe(uid);
    expect((await stat(join(cluster.dir, 'superuser.password'))).uid).toBe(0);
    expect((await stat(cluster.dir)).mode & 0o777).toBe(0o711);
  });

  test("a cluster that root copied becomes PostgreSQL's again, and one of another user stays his", async () => {
    const data = join(root, 'first', 'data');
    await run('chown', ['-R', '0:0', data]);
    await chmod(data, 0o755);
    const cluster = await start('first');
    expect(await query(cluster, 'select text from kept')).toEqual([['before the stop']]);
    await cluster.stop();
    await run('chown', ['-R', '12345:12345', data]);
    const again = await start('first');
    expect((await stat(`/proc/${again.pid}`)).uid).toBe(12345);
    await again.stop();
    await run('chown', ['-R', '0:0', data]);
  });

  test("a folder that PostgreSQL's user can't pass is named", async () => {
    const closed = await mkdtemp(join(root, 'closed-'));
    await expect(startCluster({ dir: join(closed, 'main') })).rejects.toThrow(`can't pass the folder "${closed}" (mode 700)`);
  });
});

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { commandBeside, endServer, freePort, type OwnServer, spawnServer } from '../faults/own-server.ts';
import { createDatabase } from '../support/cluster.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { readTrail } from './trail-of.ts';

/* Where AUDIT_FAILURE is spool, reads are answered while the database doesn't take their events: none is lost, none is there twice. */

const ann = { resourceType: 'Patient', id: 'ann', name: [{ family: 'Bergstrom' }] };
const lock = 'lock table audit_event in access exclusive mode';

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (await isSo()) return;
    await delay(50);
  }
  throw new Error(`it is not so after 15 s: ${what}`);
}

const filesIn = (dir: string): Promise<string[]> => readdir(dir).catch(() => []);
const isEmpty = (dir: string) => async (): Promise<boolean> => (await filesIn(dir)).length === 0;

describe('beside a database whose audit table is held', () => {
  let server: TestServer;
  let owner: Client;
  let dir: string;
  let log = '';
  const since = new Date().toISOString();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'anamnesis-spool-'));
    await rm(dir, { recursive: true });
    server = await startTestServer(
      { AUDIT_FAILURE: 'spool', AUDIT_SPOOL_DIR: dir, AUDIT_TIMEOUT_MS: '2000', TRANSACTION_TIMEOUT_MS: '1500', LOG_LEVEL: 'warn' },
      { write: (line: string) => void (log += line) },
    );
    owner = new Client({ connectionString: server.databaseUrl });
    await owner.connect();
    await server.request('PUT', '/Patient/ann', { body: ann });
  });
  beforeEach(() => {
    log = '';
  });
  afterEach(async () => {
    await owner.query('rollback');
    await until(isEmpty(dir), 'the spool is empty');
  });
  afterAll(async () => {
    await owner?.end();
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const asked = (requestId: string, method: string, path: string, body?: object, token?: string | null): Promise<Answered> =>
    server.request(method, path, {
      headers: { 'x-request-id': requestId },
      ...(body === undefined ? {} : { body }),
      ...(token === undefined ? {} : { token }),
    });
  const hold = async (): Promise<void> => {
    await owner.query('begin');
    await owner.query(lock);
  };

  test('reads, searches and refusals are answered once they are on disk, and are in the trail later, in order and once', async () => {
    await hold();
    expect((await asked('s-0', 'GET', '/Patient/ann')).json).toMatchObject({ id: 'ann' });
    const [file = ''] = await filesIn(dir);
    expect(file).toMatch(/\.spool$/);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
    const sizes: number[] = [];
    for (const [n, path] of ['/Patient?family=Bergstrom', '/Patient/ann/_history', '/Patient/none', '/Patient/ann/$everything'].entries()) {
      expect((await asked(`s-${n + 1}`, 'GET', path)).status).toBe(path === '/Patient/none' ? 404 : 200);
      sizes.push((await stat(join(dir, (await filesIn(dir)).at(-1) ?? ''))).size);
    }
    expect(sizes.every((size) => size > 24)).toBe(true);
    expect((await asked('s-5', 'GET', '/Patient/ann', undefined, null)).status).toBe(401);
    const many = await Promise.all(Array.from({ length: 60 }, (_, n) => asked(`s-m${n}`, 'GET', '/Patient/ann')));
    expect(many.map(({ status }) => status)).toEqual(many.map(() => 200));
    for (const name of await filesIn(dir)) expect(await readFile(join(dir, name), 'latin1')).not.toMatch(/Patient|Bergstrom|family=/i);
    await owner.query('rollback');
    await until(isEmpty(dir), 'brought in');
    const trail = await readTrail(server, since);
    const told = [0, 1, 2, 3, 4, 5].map((n) => trail.told(`s-${n}`));
    expect(told.map((events) => events.map(({ kind, outcome, patient }) => [kind, outcome, patient]))).toEqual([
      [['read', '0', 'Patient/ann']],
      [['search', '0', 'Patient/ann']],
      [['history-instance', '0', 'Patient/ann']],
      [['read', '4', undefined]],
      [['operation', '0', 'Patient/ann']],
      [['read', '4', 'Patient/ann']],
    ]);
    for (const n of many.keys()) expect(trail.told(`s-m${n}`)).toHaveLength(1);
    const order = [0, 1, 2, 3, 4, 5].map((n) => trail.events(`s-${n}`)[0].recorded);
    expect(order.every((at, n) => n === 0 || at >= order[n - 1])).toBe(true);
    expect((await owner.query('select rid from audit_event group by rid having count(*) > 1')).rows).toEqual([]);
    expect(log).toMatch(/audit events: they are kept in AUDIT_SPOOL_DIR/);
    expect(log).toMatch(/has taken the audit events that waited/);
    expect(log).not.toMatch(/Bergstrom|Patient\/ann/);
  });

  test('what is written is refused: nothing changes, and no event says that it did', async () => {
    await hold();
    expect((await asked('w-0', 'GET', '/Patient/ann')).status).toBe(200);
    const entry = [{ resource: { ...ann, id: 'new' }, request: { method: 'PUT', url: 'Patient/new' } }];
    for (const [n, answer] of [
      await asked('w-1', 'PUT', '/Patient/new', { ...ann, id: 'new' }),
      await asked('w-2', 'POST', '/Patient', { resourceType: 'Patient' }),
      await asked('w-3', 'DELETE', '/Patient/ann'),
      await asked('w-4', 'POST', '', { resourceType: 'Bundle', type: 'transaction', entry }),
      // What stands as it was asked for changes nothing, and is told by a row alone all the same.
      await asked('w-5', 'PUT', '/Patient/ann', ann),
      await asked('w-6', 'DELETE', '/Patient/none'),
    ].entries()) {
      expect(answer.status, `${n}: ${answer.text}`).toBe(503);
      expect(answer.text).not.toContain('Bergstrom');
    }
    expect((await asked('w-7', 'GET', '/Patient/ann')).status).toBe(200);
    await owner.query('rollback');
    await until(isEmpty(dir), 'brought in');
    expect((await asked('w-8', 'GET', '/Patient/new')).status).toBe(404);
    const trail = await readTrail(server, since);
    for (const n of [1, 2, 3, 4, 5, 6]) expect(trail.told(`w-${n}`).filter(({ outcome }) => outcome === '0')).toEqual([]);
    expect((await asked('w-9', 'PUT', '/Patient/ann', { ...ann, active: true })).status).toBe(200);
  });

  test('where the database has become read-only, row ids come from a stock', async () => {
    const { rows } = await owner.query<{ name: string }>('select current_database() as name');
    const name = rows[0]?.name ?? '';
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    await owner.query(`alter database ${name} set default_transaction_read_only = on`);
    await owner.query(cut);
    try {
      await until(async () => (await asked('r-0', 'GET', '/Patient/ann')).status === 200, 'reads are answered');
      // More than a block of row ids has.
      for (let from = 0; from < 1_100; from += 20) {
        const many = await Promise.all(Array.from({ length: 20 }, (_, n) => asked(`r-m${from + n}`, 'GET', '/Patient/ann')));
        expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
      }
      expect((await asked('r-1', 'PUT', '/Patient/ann', ann)).status).toBeGreaterThanOrEqual(500);
    } finally {
      await owner.query('begin read write');
      await owner.query(`alter database ${name} reset default_transaction_read_only`);
      await owner.query('commit');
      await owner.query(cut);
    }
    await until(isEmpty(dir), 'brought in');
    await until(async () => (await asked('r-2', 'GET', '/Patient/ann')).status === 200, 'reads are answered');
    const trail = await readTrail(server, since);
    for (let n = 0; n < 1_100; n++) expect(trail.told(`r-m${n}`)).toHaveLength(1);
    expect((await owner.query('select rid from audit_event group by rid having count(*) > 1')).rows).toEqual([]);
  });

  test('the trail verifies, and tells of the beginning and the end', async () => {
    await until(async () => (await server.services.trail.verify({})).unsealed.rows === 0, 'sealed');
    const { findings, waiting } = await server.services.trail.verify({});
    expect({ findings, waiting }).toEqual({ findings: [], waiting: 0 });
    const { text } = await server.request('GET', `/AuditEvent?_lastUpdated=ge${since}&subtype=maintenance&_count=200`);
    expect(text).toContain('audit-spool-begun');
    expect(text).toContain('audit-spool-ended');
  });
});

describe('a server', () => {
  let databases: readonly Awaited<ReturnType<typeof createDatabase>>[];
  let folder: string;
  let spool: string;
  let owner: Client;
  let server: OwnServer | undefined;
  const since = new Date().toISOString();

  beforeAll(async () => {
    databases = await Promise.all([createDatabase('main'), createDatabase('keys')]);
    folder = await mkdtemp(join(tmpdir(), 'anamnesis-spool-'));
    spool = join(folder, 'keys', 'audit-spool');
    owner = new Client({ connectionString: databases[0]?.url ?? '' });
    await owner.connect();
  });
  afterEach(async () => {
    await owner.query('rollback');
    if (server !== undefined) await endServer(server, 'SIGKILL');
    await rm(spool, { recursive: true, force: true });
  });
  afterAll(async () => {
    await owner?.end();
    await Promise.all(databases.map(({ drop }) => drop()));
    await rm(folder, { recursive: true, force: true });
  });

  async function start(
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ own: OwnServer; ask: (id: string, path?: string) => Promise<Response> }> {
    const own = spawnServer(folder, await freePort(), {
      DATABASE_URL: databases[0]?.url ?? '',
      KEY_DATABASE_URL: databases[1]?.url ?? '',
      AUDIT_FAILURE: 'spool',
      AUDIT_TIMEOUT_MS: '1000',
      LOG_LEVEL: 'warn',
      ...env,
    });
    server = own;
    await own.ready();
    const token = await own.token();
    const ask = (id: string, path = '/Patient/none'): Promise<Response> =>
      fetch(`${own.base}${path}`, { headers: { authorization: `Bearer ${token}`, 'x-request-id': id } });
    return { own, ask };
  }

  /** How often each of the requests is told of. */
  async function told(own: OwnServer, ids: readonly string[]): Promise<Record<string, number>> {
    const token = await own.token();
    const request = async (_: string, path: string) => {
      const answer = await fetch(path.startsWith('http') ? path : `${own.base}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const text = await answer.text();
      return { status: answer.status, text, json: JSON.parse(text) };
    };
    const trail = await readTrail({ request } as unknown as TestServer, since);
    return Object.fromEntries(ids.map((id) => [id, trail.told(id).length]));
  }

  async function spooled(env: Readonly<Record<string, string>> = {}, prefix = 'k', count = 20): Promise<string[]> {
    const { own, ask } = await start(env);
    await owner.query('begin');
    await owner.query(lock);
    const ids = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
    for (const id of ids) expect((await ask(id)).status).toBe(404);
    await endServer(own, 'SIGKILL');
    await owner.query('rollback');
    return ids;
  }

  test('that is killed loses none: the next brings them in before it answers, once', async () => {
    const ids = await spooled();
    expect((await filesIn(spool)).length).toBeGreaterThan(0);
    const { own } = await start();
    expect(await filesIn(spool)).toEqual([]);
    expect(await told(own, ids)).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
  });

  test('that refuses by now brings in what was left all the same; and what is there already it adds to nothing', async () => {
    const ids = await spooled({}, 'a');
    const names = await filesIn(spool);
    const copies = await Promise.all(names.map(async (name) => [name, await readFile(join(spool, name))] as const));
    const first = await start({ AUDIT_FAILURE: 'refuse' });
    expect(await filesIn(spool)).toEqual([]);
    await owner.query('begin');
    await owner.query(lock);
    expect((await first.ask('a-refused')).status).toBe(503);
    await owner.query('rollback');
    expect(await filesIn(spool)).toEqual([]);
    await endServer(first.own, 'SIGKILL');
    // As after a crash between the commit and the removal; and with an end that was never acknowledged.
    for (const [name, bytes] of copies) await writeFile(join(spool, name), Buffer.concat([bytes, Buffer.from([0, 0, 1, 0, 9, 9])]));
    const { own } = await start();
    expect(await filesIn(spool)).toEqual([]);
    expect(own.output()).toContain('is cut short');
    expect(await told(own, ids)).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
    expect((await owner.query('select rid from audit_event group by rid having count(*) > 1')).rows).toEqual([]);
  });

  test('takes nothing that was altered, says so, and keeps it', async () => {
    const ids = await spooled({}, 't', 5);
    const [name = ''] = await filesIn(spool);
    const bytes = await readFile(join(spool, name));
    const at = bytes.length - 100;
    bytes[at] = (bytes[at] ?? 0) ^ 0x01;
    await writeFile(join(spool, name), bytes);
    const { own } = await start();
    expect(await filesIn(spool)).toEqual([expect.stringMatching(/\.refused$/)]);
    expect(own.output()).toMatch(/altered or removed/);
    const found = await told(own, ids);
    expect(ids.map((id) => found[id])).toEqual([1, 1, 1, 1, 0]);
    const { code, output } = await commandBeside(own, ['audit', 'verify']);
    expect(code).toBe(1);
    expect(output).toContain('1 files of events that waited for the database were altered');
  });

  test('refuses beyond what may wait, and what waits is kept', async () => {
    const { own, ask } = await start({ AUDIT_SPOOL_MIB: '1' });
    await owner.query('begin');
    await owner.query(lock);
    const wide = `/Patient?name=${'x'.repeat(6_000)}`;
    const ids = Array.from({ length: 150 }, (_, n) => `f-${n}`);
    const statuses: Record<string, number> = {};
    for (const id of ids) statuses[id] = (await ask(id, wide)).status;
    expect(new Set(Object.values(statuses))).toEqual(new Set([200, 503]));
    await owner.query('rollback');
    await until(isEmpty(spool), 'brought in');
    const found = await told(own, ids);
    for (const id of ids) if (statuses[id] === 200) expect(found[id], id).toBe(1);
    expect((await ask('f-after')).status).toBe(404);
  });

  test('does not keep events in a folder that is open to others', async () => {
    await mkdir(spool, { recursive: true });
    await chmod(spool, 0o755);
    const { ask } = await start();
    await owner.query('begin');
    await owner.query(lock);
    expect((await ask('o-1')).status).toBe(503);
    expect(await filesIn(spool)).toEqual([]);
  });
});

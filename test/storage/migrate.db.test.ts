import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { migrate } from '../../src/storage/migrate.ts';
import { MigrationMismatch } from '../../src/storage/migration-files.ts';
import { createDatabase, createFolder } from '../support/cluster.ts';

const shipped = join(import.meta.dirname, '../../migrations/main');
let names: string[];
let folder: string;
beforeAll(async () => {
  names = (await readdir(shipped)).sort().map((name) => name.slice(0, -4));
});
beforeEach(async () => {
  folder = await createFolder();
  await cp(shipped, folder, { recursive: true });
});

const drops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const drop of drops) await drop();
});

async function fresh(): Promise<string> {
  const { url, drop } = await createDatabase();
  drops.push(drop);
  return url;
}

async function on<R extends object>(url: string, text: string, values: unknown[] = []): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R & Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}
const userOf = (url: string) => decodeURIComponent(new URL(url).username);
const run = (url: string, from = folder) => migrate(url, from, userOf(url));

describe('migrations', () => {
  test('are all applied to an empty database, once', async () => {
    const url = await fresh();
    expect(await run(url)).toEqual(names);
    expect(await run(url)).toEqual([]);
    const recorded = await on<{ name: string }>(url, 'select name from migration_checksum order by name');
    expect(recorded.map(({ name }) => name)).toEqual(names);
    expect(await on(url, 'select count(*)::int as n from resource')).toEqual([{ n: 0 }]);
  });

  test('are applied once by servers that start together', async () => {
    const url = await fresh();
    const applied = await Promise.all([run(url), run(url), run(url)]);
    expect(applied.flat().sort()).toEqual(names);
  });

  test('added later are applied alone', async () => {
    const url = await fresh();
    await run(url);
    await writeFile(join(folder, '9999-later.sql'), 'create table later (n int);');
    expect(await run(url)).toEqual(['9999-later']);
    expect(await on(url, 'select * from later')).toEqual([]);
  });

  test('that fail leave nothing, not even those before them in the same start, and can be repaired', async () => {
    const url = await fresh();
    await run(url);
    await writeFile(join(folder, '9998-good.sql'), 'create table good (n int);');
    await writeFile(join(folder, '9999-bad.sql'), 'create table half (n int); select 1 / 0;');
    await expect(run(url)).rejects.toThrow(/division by zero/);
    expect(await on(url, `select to_regclass('good') as good, to_regclass('half') as half`)).toEqual([{ good: null, half: null }]);
    await writeFile(join(folder, '9999-bad.sql'), 'create table half (n int);');
    expect(await run(url)).toEqual(['9998-good', '9999-bad']);
  });

  test('changed after they were applied stop the start, which names them', async () => {
    const url = await fresh();
    await run(url);
    const [first = ''] = names;
    await writeFile(join(folder, `${first}.sql`), `${await readFile(join(folder, `${first}.sql`), 'utf8')}\n-- harmless`);
    const refused = run(url);
    await expect(refused).rejects.toBeInstanceOf(MigrationMismatch);
    await expect(refused).rejects.toThrow(`Migration ${first} was changed after it was applied`);
  });

  test('that the database has and the files have not stop the start, which names them', async () => {
    const url = await fresh();
    await run(url);
    const last = names.at(-1) ?? '';
    await rm(join(folder, `${last}.sql`));
    await expect(run(url)).rejects.toThrow(`The database has migration ${last}, which this version doesn't know`);
    await writeFile(join(folder, '9999-new.sql'), 'create table must_not_be (n int);');
    await expect(run(url)).rejects.toBeInstanceOf(MigrationMismatch);
    expect(await on(url, `select to_regclass('must_not_be') as found`)).toEqual([{ found: null }]);
  });
});

describe('the server’s role, where another owns the schema', () => {
  let owner: string;
  let server: string;
  beforeAll(async () => {
    const superuser = inject('clusterUrls').main;
    const suffix = randomBytes(4).toString('hex');
    const url = await fresh();
    const roles = { owner: `owner_${suffix}`, server: `server_${suffix}` };
    for (const role of Object.values(roles)) await on(superuser, `create role ${role} login password 'secret'`);
    await on(superuser, `alter database ${new URL(url).pathname.slice(1)} owner to ${roles.owner}`);
    drops.push(async () => {
      for (const role of Object.values(roles)) await on(superuser, `drop role ${role}`);
    });
    const as = (role: string) => {
      const own = new URL(url);
      own.username = role;
      own.password = 'secret';
      return own.href;
    };
    owner = as(roles.owner);
    server = as(roles.server);
    await migrate(owner, shipped, roles.server);
    await on(server, 'select ensure_audit_partition(now())');
    await on(
      server,
      `insert into audit_event (rid, id, version, last_updated, interaction, ref_key, tokens, content) values (1, 'a', 1, now(), 'c', 1, '{}', 'x')`,
    );
  });

  test('reads and writes resources, facts and state', async () => {
    await on(server, `insert into store_state values ('x', 'y') on conflict (name) do update set value = 'z'`);
    await on(server, `insert into erased_patient (ref_key) values (5)`);
    for (const table of ['resource', 'resource_version', 'fact_date', 'fact_quantity', 'fact_reference', 'fact_sort', 'search_element'])
      await on(server, `delete from ${table}`);
    expect(await on(server, `select nextval('resource_rid')::int > 0 as ok`)).toEqual([{ ok: true }]);
    // The page that the event's tokens wait in.
    expect(await on(server, 'select clean_pending_lists()::int as n')).toEqual([{ n: 1 }]);
    expect(await on(server, 'select id from audit_event')).toEqual([{ id: 'a' }]);
  });

  const partition = `audit_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
  test.each([
    'create table mine (n int)',
    'drop table resource',
    'alter table resource add column n int',
    'alter table audit_event disable trigger all',
    'create or replace function refuse_change() returns trigger language plpgsql as $$ begin return new; end $$',
    `update audit_event set content = 'y'`,
    'delete from audit_event',
    'truncate audit_event',
    `update ${partition} set content = 'y'`,
    `delete from ${partition}`,
    `insert into ${partition} select * from audit_event`,
    'update audit_id set ref_key = 2',
    'delete from audit_id',
    `update migration_checksum set checksum = ''`,
    'delete from migration_checksum',
    'set role postgres',
  ])('may not: %s', async (statement) => {
    await expect(on(server, statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('keeps to that after the next migration too', async () => {
    const more = await createFolder();
    await cp(shipped, more, { recursive: true });
    await writeFile(join(more, '9999-more.sql'), 'create table more (n int);');
    await migrate(owner, more, userOf(server));
    await on(server, 'insert into more values (1)');
    await expect(on(server, `delete from ${partition}`)).rejects.toMatchObject({ code: '42501' });
    await on(
      owner,
      `drop table more; delete from migration_checksum where name = '9999-more'; delete from migration where name = '9999-more'`,
    );
  });

  test('gets back at the next start what a cut-off one had not granted', async () => {
    await on(owner, `revoke insert on resource from ${userOf(server)}`);
    await migrate(owner, shipped, userOf(server));
    expect(await on(server, `select has_table_privilege('resource', 'insert') as may`)).toEqual([{ may: true }]);
  });

  test.each([`update audit_event set content = 'y'`, 'delete from audit_event', `update ${partition} set content = 'y'`])(
    'even the owner is refused by the trigger: %s',
    async (statement) => {
      await expect(on(owner, statement)).rejects.toThrow(/never changed/);
    },
  );
});

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Migration } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';

type MigrationFile = { readonly name: string; readonly sql: string; readonly checksum: string };

/** A migration that was applied is not what the files say now. The start must stop: the store is not what the code expects. */
export class MigrationMismatch extends Error {}

/** Any number that is ours: two servers that start together migrate one after the other. */
const migrationLock = 7_205_140_331;

/**
 * Brings a database to the newest schema: `migrations/<folder>/NNNN-title.sql`, in order, each in a transaction, under an
 * advisory lock, recorded with its checksum; then grants the server's role what it needs.
 *
 * @param url         connects as the owner of the schema
 * @param serverRole  the role the server itself connects as
 * @returns           the names applied now
 * @throws            MigrationMismatch if an applied migration is missing from the files or was changed
 */
export async function migrate(url: string, folder: string, serverRole: string): Promise<readonly string[]> {
  const files = await readMigrations(folder);
  const orm = await MikroORM.init({
    clientUrl: url,
    dbName: new URL(url).pathname.slice(1),
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [(await import('@mikro-orm/migrations')).Migrator],
    logger: () => {},
    driverOptions: { connectionString: url, max: 2 },
    migrations: {
      tableName: 'migration',
      snapshot: false,
      transactional: true,
      allOrNothing: true,
      silent: true,
      migrationsList: files.map(({ name, sql, checksum }) => ({ name, class: migrationClass(name, sql, checksum) })),
    },
  });
  try {
    const pool = await orm.em.getConnection().getNativeClient();
    const lock = await pool.connect();
    try {
      await lock.query('select pg_advisory_lock($1)', [migrationLock]);
      await lock.query(`create table if not exists migration_checksum (name text primary key, checksum text not null)`);
      const applied = await lock.query<{ name: string; checksum: string }>('select name, checksum from migration_checksum order by name');
      assertUnchanged(applied.rows, files);
      const done = applied.rows.length === files.length ? [] : await orm.migrator.up();
      await grantServer(lock, serverRole);
      return done.map(({ name }) => name);
    } finally {
      await lock.query('select pg_advisory_unlock($1)', [migrationLock]).catch(() => {});
      lock.release();
    }
  } finally {
    await orm.close();
  }
}

async function readMigrations(folder: string): Promise<readonly MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8');
      return { name: name.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

function migrationClass(name: string, sql: string, checksum: string): new (...args: ConstructorParameters<typeof Migration>) => Migration {
  return class extends Migration {
    override up(): void {
      this.addSql(sql);
      this.addSql(`insert into migration_checksum values ('${name}', '${checksum}')`);
    }
  };
}

function assertUnchanged(applied: readonly { name: string; checksum: string }[], files: readonly MigrationFile[]): void {
  const known = new Map(files.map((file) => [file.name, file.checksum]));
  for (const { name, checksum } of applied) {
    const now = known.get(name);
    if (now === undefined)
      throw new MigrationMismatch(
        `The database has migration ${name}, which this version doesn't know. Start the version that made it, or a newer one.`,
      );
    if (now !== checksum)
      throw new MigrationMismatch(
        `Migration ${name} was changed after it was applied. Restore its file; put changes into a new migration.`,
      );
  }
}

/** The server's role reads and writes rows; it changes no schema, and audit events only by adding. */
async function grantServer(client: { query(sql: string): Promise<unknown> }, role: string): Promise<void> {
  const name = `"${role.replaceAll('"', '""')}"`;
  await client.query(`
    do $$ begin
      if current_user <> '${role.replaceAll("'", "''")}' then
        grant usage on schema public to ${name};
        grant select, insert, update, delete on all tables in schema public to ${name};
        grant usage, select on all sequences in schema public to ${name};
        grant execute on all functions in schema public to ${name};
        if to_regclass('public.audit_event') is not null then
          execute (select string_agg(format('revoke update, delete, truncate on %s from ${name.replaceAll("'", "''")}', oid::regclass), '; ')
                   from pg_class where oid = 'audit_event'::regclass or oid in (select inhrelid from pg_inherits where inhparent = 'audit_event'::regclass)
                   or oid = 'audit_id'::regclass);
        end if;
        revoke insert, update, delete on migration_checksum from ${name};
      end if;
    end $$`);
}

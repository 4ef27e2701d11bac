import { Migration, Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { assertUnchanged, type MigrationFile } from './migration-files.ts';

/** Any number that is ours: two servers that start together migrate one after the other. */
const migrationLock = 7_205_140_331;

/** Applies what is pending, under the lock, and grants. @returns the names applied now */
export async function applyMigrations(url: string, files: readonly MigrationFile[], serverRole: string): Promise<readonly string[]> {
  const orm = await MikroORM.init({
    clientUrl: url,
    dbName: new URL(url).pathname.slice(1),
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
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
      const applied = await assertUnchanged(lock, files);
      const done = applied === files.length ? [] : await orm.migrator.up();
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

function migrationClass(name: string, sql: string, checksum: string): new (...args: ConstructorParameters<typeof Migration>) => Migration {
  return class extends Migration {
    override up(): void {
      this.addSql(sql);
      this.addSql(`insert into migration_checksum values ('${name}', '${checksum}')`);
    }
  };
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
                   or oid in (select to_regclass(name) from unnest(array['audit_id', 'audit_block']) name));
        end if;
        revoke insert, update, delete on migration_checksum from ${name};
      end if;
    end $$`);
}

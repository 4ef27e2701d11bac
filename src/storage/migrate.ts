import { Client } from 'pg';
import type { Queryable } from './database.ts';
import { assertUnchanged, type MigrationFile, readMigrations } from './migration-files.ts';

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
  if (await isUpToDate(url, files, serverRole)) return [];
  // Only a start that has something to do pays for the migrator.
  const { applyMigrations } = await import('./apply-migrations.ts');
  return applyMigrations(url, files, serverRole);
}

/** Nothing is locked or written. Where it answers no, the migrator looks again, under its lock. */
async function isUpToDate(url: string, files: readonly MigrationFile[], serverRole: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ known: boolean }>(`select to_regclass('public.migration_checksum') is not null as known`);
    if (rows[0]?.known !== true) return false;
    const count = await assertUnchanged(client, files);
    return count === files.length && (await hasGrants(client, serverRole));
  } finally {
    await client.end();
  }
}

/** Whether the server's role has what `grantServer` gives: a start may have been cut short before, or another role be configured. */
async function hasGrants(db: Queryable, serverRole: string): Promise<boolean> {
  const { rows } = await db.query<{ granted: boolean }>(
    `select current_user = $1 or coalesce(bool_and(case
       when relname in ('migration', 'migration_checksum') then true
       when relname in ('audit_event', 'audit_id', 'audit_block') then has_table_privilege($1, oid, 'insert') and not has_table_privilege($1, oid, 'update')
       else has_table_privilege($1, oid, 'select') and has_table_privilege($1, oid, 'insert')
         and has_table_privilege($1, oid, 'update') and has_table_privilege($1, oid, 'delete') end), false) as granted
     from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    [serverRole],
  );
  return rows[0]?.granted === true;
}

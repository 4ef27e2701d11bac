import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from './database.ts';

export type MigrationFile = { readonly name: string; readonly sql: string; readonly checksum: string };

/** A migration that was applied is not what the files say now. The start must stop: the store is not what the code expects. */
export class MigrationMismatch extends Error {}

/** The migrations of a folder, in their order. */
export async function readMigrations(folder: string): Promise<readonly MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8');
      return { name: name.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * Holds the applied migrations against the files.
 *
 * @returns how many are applied
 * @throws  MigrationMismatch
 */
export async function assertUnchanged(db: Queryable, files: readonly MigrationFile[]): Promise<number> {
  const { rows } = await db.query<{ name: string; checksum: string }>('select name, checksum from migration_checksum order by name');
  const known = new Map(files.map((file) => [file.name, file.checksum]));
  for (const { name, checksum } of rows) {
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
  return rows.length;
}

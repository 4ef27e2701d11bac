import { join } from 'node:path';
import type { Pool } from 'pg';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { type NewVersion, noFacts } from '../../src/storage/rows.ts';
import { createDatabase } from './cluster.ts';

export type Store = {
  readonly url: string;
  readonly database: Database;
  readonly pool: Pool;
  readonly sql: <R extends object>(text: string, values?: unknown[]) => Promise<R[]>;
  readonly close: () => Promise<void>;
};

const migrations = join(import.meta.dirname, '../../migrations');

/** An empty, migrated database of one kind, without a server in front of it; only for test files. */
export async function openStore(kind: 'main' | 'keys' = 'main'): Promise<Store> {
  const { url, drop } = await createDatabase(kind);
  await migrate(url, join(migrations, kind), decodeURIComponent(new URL(url).username));
  const database = await openDatabase({ url, poolSize: 6, applicationName: 'test', statementTimeoutMs: 10_000, plans: 'generic' });
  const { pool } = database;
  return {
    url,
    database,
    pool,
    sql: async <R extends object>(text: string, values: unknown[] = []) =>
      (await pool.query<R & Record<string, unknown>>(text, values)).rows,
    async close() {
      await database.close();
      await drop();
    },
  };
}

/** The tokens of a row as they are written: 8 bytes each, in network order. */
export function tokenBytes(...tokens: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(tokens.length * 8);
  tokens.forEach((token, at) => bytes.writeBigInt64BE(token, at * 8));
  return bytes;
}

/** A first version of an Observation without facts, but for what is given. */
export function versionOf(rid: number, more: Partial<NewVersion> = {}): NewVersion {
  return {
    rid,
    type: 'Observation',
    id: `o${rid}`,
    refKey: BigInt(rid) * 1_000_003n,
    version: 1,
    interaction: 'c',
    patient: null,
    clinicalAt: null,
    tokens: tokenBytes(1n, 2n),
    content: Buffer.from(`content ${rid}`),
    owners: [],
    facts: noFacts,
    ...more,
  };
}

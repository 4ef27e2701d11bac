import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type { KeyManagement } from '../encryption/keys.ts';
import { type DataKey, makeDataKey } from '../encryption/seal.ts';
import { idBytes, secretBytes, wrapContext } from './own-keys.ts';

/** `audit-month` seals the records of one month, `audit-query` the texts of its searches that concern no single patient. */
export type AuditKeyPurpose = 'audit-month' | 'audit-query';

/** The keys of the audit's months, each a generation of its purpose: 202611. They go one by one, and what they sealed with them. */
export type AuditKeys = {
  /** The key of a month, made now if there is none. */
  readonly ofMonth: (purpose: AuditKeyPurpose, month: number) => Promise<DataKey>;
  /** The key of this id, or undefined if it is destroyed. */
  readonly byId: (id: Buffer) => Promise<DataKey | undefined>;
  /** Destroys the keys of all months before this one. @returns the months whose keys there were */
  readonly destroyBefore: (purpose: AuditKeyPurpose, month: number) => Promise<readonly number[]>;
};

/** How long a destroyed key may still be at hand in another process. */
const cacheMs = 300_000;

type KeyRow = { readonly key_id: string; readonly purpose: string; readonly wrapped: Buffer };

/** @param pool  of the key database */
export function openAuditKeys(pool: Pool, management: KeyManagement): AuditKeys {
  const byMonth = new LRUCache<string, Promise<DataKey>>({ max: 256, ttl: cacheMs });
  const byId = new LRUCache<string, Promise<DataKey | undefined>>({ max: 256, ttl: cacheMs });

  async function opened(row: KeyRow | undefined): Promise<DataKey | undefined> {
    if (row === undefined) return undefined;
    const id = idBytes(row.key_id);
    return makeDataKey(id, await management.unwrap(row.wrapped, wrapContext(id, row.purpose)));
  }

  async function find(purpose: AuditKeyPurpose, month: number): Promise<DataKey | undefined> {
    const { rows } = await pool.query<KeyRow>('select key_id, purpose, wrapped from data_key where purpose = $1 and generation = $2', [
      purpose,
      month,
    ]);
    return opened(rows[0]);
  }

  /** Of two processes that make it at once, one does: unique (purpose, generation). */
  async function findOrMake(purpose: AuditKeyPurpose, month: number): Promise<DataKey> {
    const known = await find(purpose, month);
    if (known !== undefined) return known;
    const id = idBytes(randomUUID());
    await pool.query('insert into data_key (key_id, purpose, generation, wrapped) values ($1, $2, $3, $4) on conflict do nothing', [
      id.toString('hex'),
      purpose,
      month,
      await management.wrap(randomBytes(secretBytes), wrapContext(id, purpose)),
    ]);
    const made = await find(purpose, month);
    if (made === undefined) throw new Error('a key of the audit vanished while it was made');
    return made;
  }

  async function findId(id: Buffer): Promise<DataKey | undefined> {
    const { rows } = await pool.query<KeyRow>(
      `select key_id, purpose, wrapped from data_key where key_id = $1 and purpose in ('audit-month', 'audit-query')`,
      [id.toString('hex')],
    );
    return opened(rows[0]);
  }

  return {
    ofMonth: (purpose, month) => kept(byMonth, `${purpose} ${month}`, () => findOrMake(purpose, month)),
    byId: (id) => kept(byId, id.toString('hex'), () => findId(id)),
    async destroyBefore(purpose, month) {
      const { rows } = await pool.query<{ generation: number }>(
        'delete from data_key where purpose = $1 and generation < $2 returning generation',
        [purpose, month],
      );
      byMonth.clear();
      byId.clear();
      return rows.map(({ generation }) => generation).sort((a, b) => a - b);
    },
  };
}

/** Asked once for all who want it meanwhile; what failed is asked again. */
function kept<T extends DataKey | undefined>(cache: LRUCache<string, Promise<T>>, name: string, ask: () => Promise<T>): Promise<T> {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const asked = ask();
  cache.set(name, asked);
  asked.catch(() => cache.delete(name));
  return asked;
}

/** 202611 of an instant: a month in UTC, as the partitions are. */
export function monthOf(at: number): number {
  const date = new Date(at);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}

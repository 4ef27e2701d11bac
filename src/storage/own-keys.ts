import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { keyIdBytes } from '../encryption/content-header.ts';
import type { KeyManagement } from '../encryption/keys.ts';
import { type DataKey, makeDataKey } from '../encryption/seal.ts';

/** What the keys of no patient are for. */
export type KeyPurpose = 'common' | 'token' | 'audit' | 'cursor' | 'oauth';
const purposes: readonly KeyPurpose[] = ['common', 'token', 'audit', 'cursor', 'oauth'];

export const secretBytes = 32;

type KeyRow = { readonly key_id: string; readonly purpose: string; readonly wrapped: Buffer };

/** The newest generation of each purpose's key. */
type OwnKeys = ReadonlyMap<KeyPurpose, { readonly key: DataKey; readonly secret: Buffer }>;

/** Opens the keys of no patient; the first time, makes them. */
export async function loadOwnKeys(pool: Pool, management: KeyManagement): Promise<OwnKeys> {
  let rows = await fetchOwnKeys(pool);
  const missing = purposes.filter((purpose) => !rows.some((row) => row.purpose === purpose));
  if (missing.length > 0) {
    await Promise.all(missing.map((purpose) => makeOwnKey(pool, management, purpose)));
    rows = await fetchOwnKeys(pool);
  }
  const loaded = await Promise.all(
    rows.map(async (row) => {
      const id = idBytes(row.key_id);
      const secret = await management.unwrap(row.wrapped, wrapContext(id, row.purpose));
      return [row.purpose as KeyPurpose, { key: makeDataKey(id, secret), secret }] as const;
    }),
  );
  return new Map(loaded);
}

async function fetchOwnKeys(pool: Pool): Promise<readonly KeyRow[]> {
  const { rows } = await pool.query<KeyRow>(
    'select distinct on (purpose) key_id, purpose, wrapped from data_key where purpose = any($1) order by purpose, generation desc',
    [purposes],
  );
  return rows;
}

/** Of two processes that make it at once, one does: unique (purpose, generation). */
async function makeOwnKey(pool: Pool, management: KeyManagement, purpose: KeyPurpose): Promise<void> {
  const id = idBytes(randomUUID());
  await pool.query('insert into data_key (key_id, purpose, generation, wrapped) values ($1, $2, 1, $3) on conflict do nothing', [
    id.toString('hex'),
    purpose,
    await management.wrap(randomBytes(secretBytes), wrapContext(id, purpose)),
  ]);
}

/** Whether any wrapped key exists: then the root key must too, and none may be made in its place. */
export async function holdsKeys(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ holds: boolean }>('select exists (select from data_key) as holds');
  return rows[0]?.holds ?? false;
}

export function ownKey(own: OwnKeys, purpose: KeyPurpose): { readonly key: DataKey; readonly secret: Buffer } {
  const found = own.get(purpose);
  if (found === undefined) throw new Error(`the key database has no ${purpose} key`);
  return found;
}

/** In memory of its own: caches keep it for long, and would keep all of the pool that small buffers share. */
export function idBytes(uuid: string): Buffer {
  return Buffer.alloc(keyIdBytes, uuid.replaceAll('-', ''), 'hex');
}

/** What a wrapped key is bound to: it opens as this key, for this purpose. */
export function wrapContext(id: Buffer, purpose: string): string {
  return `${id.toString('hex')} ${purpose}`;
}

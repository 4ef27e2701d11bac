import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type { DataKey } from '../encryption/seal.ts';
import { makeDataKey } from '../encryption/seal.ts';
import type { KeyManagement } from '../encryption/keys.ts';
import { int8Array } from './binary.ts';

/** What the keys of no patient are for. */
export type KeyPurpose = 'common' | 'token' | 'audit' | 'cursor';
const purposes: readonly KeyPurpose[] = ['common', 'token', 'audit', 'cursor'];

/** The wrapped key that was asked for is destroyed: what it sealed can't be read by anyone, ever. */
export class KeyErased extends Error {}

/** The data keys, unwrapped and kept for a bounded time, in front of the key database. */
export type KeyStore = {
  /** The newest generation of a purpose's key. */
  readonly secretOf: (purpose: KeyPurpose) => Buffer;
  readonly common: DataKey;
  /** The keys of these patients (ref_keys), made now where they don't exist yet. Throws KeyErased if one is destroyed. */
  readonly ofOwners: (owners: readonly bigint[]) => Promise<DataKey[]>;
  /** For each list, a key that opens what names them: the first that isn't destroyed. Throws KeyErased where none is left. */
  readonly opening: (candidates: readonly (readonly Buffer[])[]) => Promise<DataKey[]>;
  /** Destroys a patient's key. Nothing brings it back but a backup of the key database older than this. */
  readonly erase: (owner: bigint) => Promise<void>;
  /** The random id that stands for the patient where his own must not. */
  readonly idOf: (owner: bigint) => Promise<Buffer | undefined>;
};

export type KeyStoreOptions = {
  readonly pool: Pool;
  readonly management: KeyManagement;
  readonly cacheMax: number;
  readonly cacheMs: number;
};

/** Caches are trusted this long after the key database said that no key was destroyed since. */
const trustMs = 250;
const secretBytes = 32;

type KeyRow = { readonly key_id: string; readonly purpose: string; readonly wrapped: Buffer | null };

/**
 * Opens the key store; the first time, makes the keys of no patient. Destroyed keys leave the caches of every process within
 * 250 ms: whoever finds his last look at the generation older than that asks again before using a cached key.
 */
export async function openKeyStore(options: KeyStoreOptions): Promise<KeyStore> {
  const { pool, management } = options;
  const byId = new LRUCache<string, DataKey>({ max: options.cacheMax, ttl: options.cacheMs });
  const byOwner = new LRUCache<bigint, DataKey>({ max: options.cacheMax, ttl: options.cacheMs });
  const own = await loadOwnKeys(pool, management);
  const permanent = new Map([...own.values()].map(({ key }) => [key.id.toString('hex'), key]));
  let generation = '';
  let confirmedAt = 0;
  let confirming: Promise<void> | undefined;

  async function confirm(): Promise<void> {
    const asked = performance.now();
    const { rows } = await pool.query<{ generation: string }>({ name: 'key_generation', text: 'select generation from key_generation' });
    const now = rows[0]?.generation ?? '';
    if (now !== generation) {
      byId.clear();
      byOwner.clear();
      generation = now;
    }
    confirmedAt = asked;
  }

  async function assertTrusted(): Promise<void> {
    if (performance.now() - confirmedAt < trustMs) return;
    confirming ??= confirm().finally(() => {
      confirming = undefined;
    });
    await confirming;
  }

  async function keyOf(row: KeyRow): Promise<DataKey> {
    if (row.wrapped === null) throw new KeyErased();
    const id = idBytes(row.key_id);
    return makeDataKey(id, await management.unwrap(row.wrapped, wrapContext(id, row.purpose)));
  }

  function remember(key: DataKey, owner?: bigint): DataKey {
    byId.set(key.id.toString('hex'), key);
    if (owner !== undefined) byOwner.set(owner, key);
    return key;
  }

  async function fetchOwners(owners: readonly bigint[]): Promise<Map<bigint, DataKey>> {
    const { rows } = await pool.query<KeyRow & { owner: string }>({
      name: 'keys_of_owners',
      text: `select key_id, 'patient' as purpose, owner, wrapped from patient_key where owner = any($1::int8[])`,
      values: [int8Array(owners)],
    });
    return new Map(await Promise.all(rows.map(async (row) => [BigInt(row.owner), remember(await keyOf(row), BigInt(row.owner))] as const)));
  }

  /** Two processes may make a patient's key at once: the first row stays, and both read it back. */
  async function makeKeys(owners: readonly bigint[]): Promise<void> {
    const made = await Promise.all(
      owners.map(async (owner) => {
        const id = idBytes(randomUUID());
        return { owner, id, wrapped: await management.wrap(randomBytes(secretBytes), wrapContext(id, 'patient')) };
      }),
    );
    await pool.query({
      name: 'make_patient_keys',
      text: `insert into patient_key (key_id, owner, wrapped) select * from unnest($1::uuid[], $2::int8[], $3::bytea[]) order by 2 on conflict (owner) do nothing`,
      values: [made.map(({ id }) => id.toString('hex')), int8Array(made.map(({ owner }) => owner)), made.map(({ wrapped }) => wrapped)],
    });
  }

  async function ofOwners(owners: readonly bigint[]): Promise<DataKey[]> {
    await assertTrusted();
    const keys = new Map<bigint, DataKey>();
    for (const owner of owners) {
      const key = byOwner.get(owner);
      if (key !== undefined) keys.set(owner, key);
    }
    const missing = owners.filter((owner) => !keys.has(owner));
    if (missing.length > 0) {
      for (const [owner, key] of await fetchOwners(missing)) keys.set(owner, key);
      const unmade = missing.filter((owner) => !keys.has(owner));
      if (unmade.length > 0) {
        await makeKeys(unmade);
        for (const [owner, key] of await fetchOwners(unmade)) keys.set(owner, key);
      }
    }
    return owners.map((owner) => {
      const key = keys.get(owner);
      if (key === undefined) throw new Error('a patient key vanished while it was made');
      return key;
    });
  }

  function cached(candidates: readonly Buffer[]): DataKey | undefined {
    for (const id of candidates) {
      const hex = id.toString('hex');
      const key = permanent.get(hex) ?? byId.get(hex);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  async function fetchIds(ids: readonly Buffer[]): Promise<void> {
    const { rows } = await pool.query<KeyRow>({
      name: 'keys_by_id',
      text: `select key_id, 'patient' as purpose, wrapped from patient_key where key_id = any($1::uuid[]) and wrapped is not null
        union all select key_id, purpose, wrapped from data_key where key_id = any($1::uuid[])`,
      values: [ids.map((id) => id.toString('hex'))],
    });
    for (const row of rows) remember(await keyOf(row));
  }

  async function opening(candidates: readonly (readonly Buffer[])[]): Promise<DataKey[]> {
    await assertTrusted();
    const first = candidates.map(cached);
    const missing = candidates.filter((_, at) => first[at] === undefined).flat();
    if (missing.length > 0) await fetchIds(missing);
    return candidates.map((list, at) => {
      const key = first[at] ?? cached(list);
      if (key === undefined) throw new KeyErased();
      return key;
    });
  }

  async function erase(owner: bigint): Promise<void> {
    await pool.query(
      `with erased as (update patient_key set wrapped = null, erased_at = coalesce(erased_at, clock_timestamp()) where owner = $1)
       update key_generation set generation = generation + 1`,
      [owner.toString()],
    );
    await confirm();
  }

  async function idOf(owner: bigint): Promise<Buffer | undefined> {
    const { rows } = await pool.query<{ key_id: string }>('select key_id from patient_key where owner = $1', [owner.toString()]);
    return rows[0] === undefined ? undefined : idBytes(rows[0].key_id);
  }

  return { secretOf: (purpose) => secretIn(own, purpose), common: ownKey(own, 'common'), ofOwners, opening, erase, idOf };
}

type OwnKeys = ReadonlyMap<KeyPurpose, { readonly key: DataKey; readonly secret: Buffer }>;

async function loadOwnKeys(pool: Pool, management: KeyManagement): Promise<OwnKeys> {
  for (const purpose of purposes) {
    const id = idBytes(randomUUID());
    await pool.query(
      `insert into data_key (key_id, purpose, generation, wrapped) select $1::uuid, $2, 1, $3 where not exists (select from data_key where purpose = $2) on conflict do nothing`,
      [id.toString('hex'), purpose, await management.wrap(randomBytes(secretBytes), wrapContext(id, purpose))],
    );
  }
  const { rows } = await pool.query<KeyRow>(
    'select distinct on (purpose) key_id, purpose, wrapped from data_key order by purpose, generation desc',
  );
  const loaded = await Promise.all(
    rows.map(async (row) => {
      const id = idBytes(row.key_id);
      if (row.wrapped === null) throw new KeyErased();
      const secret = await management.unwrap(row.wrapped, wrapContext(id, row.purpose));
      return [row.purpose as KeyPurpose, { key: makeDataKey(id, secret), secret }] as const;
    }),
  );
  return new Map(loaded);
}

/** Whether any wrapped key exists: then the root key must too, and none may be made in its place. */
export async function holdsKeys(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ holds: boolean }>('select exists (select from data_key) as holds');
  return rows[0]?.holds ?? false;
}

function secretIn(own: OwnKeys, purpose: KeyPurpose): Buffer {
  const found = own.get(purpose);
  if (found === undefined) throw new Error(`the key database has no ${purpose} key`);
  return found.secret;
}

function ownKey(own: OwnKeys, purpose: KeyPurpose): DataKey {
  const found = own.get(purpose);
  if (found === undefined) throw new Error(`the key database has no ${purpose} key`);
  return found.key;
}

const idBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

const wrapContext = (id: Buffer, purpose: string): string => `${id.toString('hex')} ${purpose}`;

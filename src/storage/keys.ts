import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type { DataKey } from '../encryption/seal.ts';
import { makeDataKey } from '../encryption/seal.ts';
import type { KeyManagement } from '../encryption/keys.ts';
import { atMost } from '../fhir/at-most.ts';
import { int8Array } from './binary.ts';
import { idBytes, type KeyPurpose, loadOwnKeys, ownKey, secretBytes, wrapContext } from './own-keys.ts';

/** The wrapped key that was asked for is destroyed: what it sealed can't be read by anyone, ever. */
export class KeyErased extends Error {}

/** The key database holds no such key, not even a destroyed one: it is not the one that this store was filled with, or an older copy. */
export class KeyUnknown extends Error {}

/** The data keys, unwrapped and kept for a bounded time, in front of the key database. */
export type KeyStore = {
  /** The newest generation of a purpose's key. */
  readonly secretOf: (purpose: KeyPurpose) => Buffer;
  readonly common: DataKey;
  /** The id of the key that all tokens are made with: it tells one key database from another. */
  readonly tokenKeyId: Buffer;
  /**
   * The keys of these patients (ref_keys), made now where they don't exist yet. Throws KeyErased if one is destroyed.
   *
   * @param passing  they aren't asked for again soon: none is kept that isn't yet
   */
  readonly ofOwners: (owners: readonly bigint[], passing?: boolean) => Promise<DataKey[]>;
  /** For each list of ids, a key that opens what names them, or undefined where all are destroyed. Throws KeyUnknown. */
  readonly opening: (candidates: readonly (readonly Buffer[])[]) => Promise<(DataKey | undefined)[]>;
  /** Destroys patients' keys, and makes sure that none is ever made for them. Nothing brings one back but an older backup of the key database. */
  readonly erase: (owners: readonly bigint[]) => Promise<void>;
  /** The random ids that stand for the patients where their own must not, and whether their keys are destroyed. */
  readonly idsOf: (owners: readonly bigint[]) => Promise<OwnerKeyId[]>;
  /** The patients among whose keys these are; of destroyed ones and of the keys of no patient, nothing. */
  readonly ownersOf: (ids: readonly Buffer[]) => Promise<bigint[]>;
  /** The same, each with its id. */
  readonly ownedBy: (ids: readonly Buffer[]) => Promise<OwnerKeyId[]>;
};

export type OwnerKeyId = { readonly owner: bigint; readonly id: Buffer; readonly erased: boolean };

export type KeyStoreOptions = {
  readonly pool: Pool;
  readonly management: KeyManagement;
  readonly cacheMax: number;
  readonly cacheMs: number;
};

/** Caches are trusted this long after the key database said that no key was destroyed since. */
const trustMs = 250;

/** Owners whose keys are asked for together, and which of them are kept. */
type Asked = { readonly owners: Set<bigint>; readonly kept: Set<bigint> };

type KeyRow = { readonly key_id: string; readonly purpose: string; readonly wrapped: Buffer | null };

/**
 * Opens the key store; the first time, makes the keys of no patient. Destroyed keys leave the caches of every process within
 * 250 ms: whoever finds his last look at the generation older than that asks again before using a cached key.
 */
export async function openKeyStore(options: KeyStoreOptions): Promise<KeyStore> {
  const { pool, management } = options;
  const byId = new LRUCache<string, DataKey>({ ...atMost(options.cacheMax), ttl: options.cacheMs });
  const byOwner = new LRUCache<bigint, DataKey>({ ...atMost(options.cacheMax), ttl: options.cacheMs });
  const own = await loadOwnKeys(pool, management);
  const permanent = new Map([...own.values()].map(({ key }) => [key.id.toString('hex'), key]));
  let generation = '';
  let confirmedAt = 0;
  let confirming: Promise<void> | undefined;
  let gathering: (Asked & { readonly keys: Promise<Map<bigint, DataKey | 'erased'>> }) | undefined;

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

  /** Keeps a key that was fetched while `asOf` was the generation: one destroyed since must not come back into the cleared caches. */
  function remember(key: DataKey, asOf: string, owner?: bigint): DataKey {
    if (asOf !== generation) return key;
    byId.set(key.id.toString('hex'), key);
    if (owner !== undefined) byOwner.set(owner, key);
    return key;
  }

  async function fetchOwners(owners: readonly bigint[], kept: Asked['kept']): Promise<Map<bigint, DataKey | 'erased'>> {
    const asOf = generation;
    const { rows } = await pool.query<KeyRow & { owner: string }>({
      name: 'keys_of_owners',
      text: `select key_id, 'patient' as purpose, owner, wrapped from patient_key where owner = any($1::int8[])`,
      values: [int8Array(owners)],
    });
    const opened = rows.map(async (row): Promise<[bigint, DataKey | 'erased']> => {
      const owner = BigInt(row.owner);
      if (row.wrapped === null) return [owner, 'erased'];
      const key = await keyOf(row);
      return [owner, kept.has(owner) ? remember(key, asOf, owner) : key];
    });
    return new Map(await Promise.all(opened));
  }

  /** Makes keys and gives those that were kept: where another process was first, its row stays. */
  async function makeKeys(owners: readonly bigint[], kept: Asked['kept']): Promise<Map<bigint, DataKey>> {
    const asOf = generation;
    const made = await Promise.all(
      owners.map(async (owner) => {
        const id = idBytes(randomUUID());
        const secret = randomBytes(secretBytes);
        return { owner, id, secret, wrapped: await management.wrap(secret, wrapContext(id, 'patient')) };
      }),
    );
    const { rows } = await pool.query<{ owner: string }>({
      name: 'make_patient_keys',
      text: `insert into patient_key (key_id, owner, wrapped) select * from unnest($1::uuid[], $2::int8[], $3::bytea[]) order by 2
        on conflict (owner) do nothing returning owner`,
      values: [made.map(({ id }) => id.toString('hex')), int8Array(made.map(({ owner }) => owner)), made.map(({ wrapped }) => wrapped)],
    });
    const stored = new Set(rows.map(({ owner }) => BigInt(owner)));
    const ours = made.filter(({ owner }) => stored.has(owner)).map(({ owner, id, secret }) => [owner, makeDataKey(id, secret)] as const);
    for (const [owner, key] of ours) if (kept.has(owner)) remember(key, asOf, owner);
    return new Map(ours);
  }

  async function fetchOrMake({ owners, kept }: Asked): Promise<Map<bigint, DataKey | 'erased'>> {
    const keys = await fetchOwners([...owners], kept);
    const without = () => [...owners].filter((owner) => !keys.has(owner));
    if (without().length > 0) for (const [owner, key] of await makeKeys(without(), kept)) keys.set(owner, key);
    if (without().length > 0) for (const [owner, key] of await fetchOwners(without(), kept)) keys.set(owner, key);
    return keys;
  }

  /** Owners asked for in the same turn of the event loop, as the entries of a bundle do, are looked up together. */
  function gather(owners: readonly bigint[], passing: boolean): Promise<Map<bigint, DataKey | 'erased'>> {
    if (gathering === undefined) {
      const asked = { owners: new Set<bigint>(), kept: new Set<bigint>() };
      const keys = new Promise<Map<bigint, DataKey | 'erased'>>((resolve) => {
        setImmediate(() => {
          gathering = undefined;
          resolve(fetchOrMake(asked));
        });
      });
      gathering = { ...asked, keys };
    }
    for (const owner of owners) {
      gathering.owners.add(owner);
      if (!passing) gathering.kept.add(owner);
    }
    return gathering.keys;
  }

  async function ofOwners(owners: readonly bigint[], passing = false): Promise<DataKey[]> {
    await assertTrusted();
    const known = owners.map((owner) => byOwner.get(owner));
    const missing = owners.filter((_, at) => known[at] === undefined);
    const found = missing.length === 0 ? undefined : await gather(missing, passing);
    return owners.map((owner, at) => {
      const key = known[at] ?? found?.get(owner);
      if (key === 'erased') throw new KeyErased();
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

  async function fetchIds(ids: readonly Buffer[]): Promise<Map<string, DataKey | undefined>> {
    const asOf = generation;
    const { rows } = await pool.query<KeyRow>({
      name: 'keys_by_id',
      text: `select key_id, 'patient' as purpose, wrapped from patient_key where key_id = any($1::uuid[])
        union all select key_id, purpose, wrapped from data_key where key_id = any($1::uuid[])`,
      values: [ids.map((id) => id.toString('hex'))],
    });
    return new Map(
      await Promise.all(
        rows.map(async (row) => {
          const key = row.wrapped === null ? undefined : remember(await keyOf(row), asOf);
          return [row.key_id.replaceAll('-', ''), key] as const;
        }),
      ),
    );
  }

  async function opening(candidates: readonly (readonly Buffer[])[]): Promise<(DataKey | undefined)[]> {
    await assertTrusted();
    const first = candidates.map(cached);
    const missing = candidates.filter((_, at) => first[at] === undefined).flat();
    if (missing.length === 0) return first;
    const fetched = await fetchIds(missing);
    return candidates.map((list, at) => first[at] ?? fetchedKey(list, fetched));
  }

  async function erase(owners: readonly bigint[]): Promise<void> {
    await pool.query(
      `with erased as (
         insert into patient_key (key_id, owner, wrapped, erased_at)
         select gen_random_uuid(), owner, null, clock_timestamp() from unnest($1::int8[]) owner order by owner
         on conflict (owner) do update set wrapped = null, erased_at = coalesce(patient_key.erased_at, excluded.erased_at)
       )
       update key_generation set generation = generation + 1`,
      [int8Array(owners)],
    );
    await confirm();
  }

  async function idsOf(owners: readonly bigint[]): Promise<OwnerKeyId[]> {
    const { rows } = await pool.query<{ owner: string; key_id: string; erased: boolean }>(
      'select owner, key_id, wrapped is null as erased from patient_key where owner = any($1::int8[])',
      [int8Array(owners)],
    );
    return rows.map(({ owner, key_id, erased }) => ({ owner: BigInt(owner), id: idBytes(key_id), erased }));
  }

  async function ownedBy(ids: readonly Buffer[]): Promise<OwnerKeyId[]> {
    const { rows } = await pool.query<{ owner: string; key_id: string }>({
      name: 'owners_of_keys',
      text: 'select owner, key_id from patient_key where key_id = any($1::uuid[]) and wrapped is not null',
      values: [ids.map((id) => id.toString('hex'))],
    });
    return rows.map(({ owner, key_id }) => ({ owner: BigInt(owner), id: idBytes(key_id), erased: false }));
  }

  return {
    secretOf: (purpose) => ownKey(own, purpose).secret,
    common: ownKey(own, 'common').key,
    tokenKeyId: ownKey(own, 'token').key.id,
    ofOwners,
    opening,
    erase,
    idsOf,
    ownersOf: async (ids) => (await ownedBy(ids)).map(({ owner }) => owner),
    ownedBy,
  };
}

/** The first of the listed keys that isn't destroyed. */
function fetchedKey(ids: readonly Buffer[], fetched: ReadonlyMap<string, DataKey | undefined>): DataKey | undefined {
  let known = false;
  for (const id of ids) {
    const hex = id.toString('hex');
    const key = fetched.get(hex);
    if (key !== undefined) return key;
    known ||= fetched.has(hex);
  }
  if (known) return undefined;
  throw new KeyUnknown('the key database does not know the key of a stored document');
}

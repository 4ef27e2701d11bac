import { keyIdsOf } from '../encryption/seal.ts';
import { int8Array } from './binary.ts';
import type { Queryable } from './database.ts';
import type { KeyStore } from './keys.ts';
import type { Address } from './read.ts';
import { type NewVersion, storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';
import type { Opener, SealedFor } from './sealing.ts';

/** A patient whose key seals a Binary because a resource of his names it: the ref_key of his, and his owner's token. */
export type LinkedOwner = { readonly owner: bigint; readonly token: bigint };

export type BinaryLink = LinkedOwner & { readonly binary: Address };

/** By the ref_key of the Binary. */
export type LinkedOwners = ReadonlyMap<bigint, readonly LinkedOwner[]>;

export type Binding = {
  /** What the resources about to be written say of Binaries. */
  readonly links: readonly BinaryLink[];
  /** The Binaries about to be written. */
  readonly written: readonly Address[];
  /** ref_keys of those whose rows the transaction has locked, or whose ids nobody else can know. */
  readonly held: ReadonlySet<bigint>;
};

/**
 * Seals a stored version anew, so that these patients (ref_keys) are among its owners too and the common key opens it no longer.
 * Gives the content itself back if they are already, and undefined if nobody can open it.
 */
export type Reseal = (row: StoredVersion, owners: readonly bigint[]) => Promise<Buffer | undefined>;

/** @param open  gives documents as they are stored: files stay where they are, and what leads to them is sealed anew */
export function makeResealer(
  keys: Pick<KeyStore, 'ownersOf'>,
  open: Opener,
  seal: (json: string, address: SealedFor) => Promise<Buffer>,
): Reseal {
  return async (row, owners) => {
    const [opened] = await open([row]);
    if (row.content === undefined || opened === undefined || opened.erased) return undefined;
    const present = await keys.ownersOf(keyIdsOf(row.content));
    if (owners.every((owner) => present.includes(owner))) return row.content;
    const { type, id, version } = row;
    const { file } = opened;
    const address = { type, id, version, owners: [...new Set([...present, ...owners])] };
    return seal(opened.json.toString(), file === undefined ? address : { ...address, file });
  };
}

/**
 * Notes the owners that Binaries get from what is about to be written, and seals all that is stored of these Binaries for them too.
 * What is stored afterwards is the same version: nobody but erasure sees a difference. The owners' shared locks, and whether one of them
 * is erased, are left to the write that follows in the same transaction, which has the same owners.
 *
 * Who names a Binary and who writes it meet at its row, or, while there is none, at an advisory lock on its ref_key, taken before the
 * row is looked for: whoever is second finds what the first has left.
 *
 * @returns the owners by link of the Binaries about to be written
 */
export async function bindBinaries(client: Queryable, reseal: Reseal, { links, written, held }: Binding): Promise<LinkedOwners> {
  if (links.length === 0 && written.length === 0) return new Map();
  const named = [...new Map(links.map(({ binary }) => [binary.refKey, binary])).values()];
  const unseen = [...new Set([...named, ...written].map(({ refKey }) => refKey))].filter((refKey) => !held.has(refKey));
  // One round trip: each statement sees what was committed when the locks before it were had.
  const [, , noted, versions, owners] = await Promise.all([
    unseen.length === 0 ? undefined : lockUnseen(client, unseen),
    named.length === 0 ? undefined : lockRows(client, named),
    named.length === 0 ? noBinaries : noteOwners(client, links),
    named.length === 0 ? [] : listVersions(client, named),
    written.length === 0 ? new Map<bigint, LinkedOwner[]>() : readOwners(client, written),
  ]);
  for (const binary of named) {
    if (!noted.has(binary.refKey)) continue;
    const own = versions.filter(({ refKey, id }) => refKey === binary.refKey && id === binary.id);
    await resealVersions(
      client,
      reseal,
      own,
      links.filter((link) => link.binary.refKey === binary.refKey),
    );
  }
  return owners;
}

const noBinaries: ReadonlySet<bigint> = new Set();

/** The lock of a Binary that may not exist yet, until the transaction ends. Ascending, as all advisory locks on ref_keys are taken. */
async function lockUnseen(client: Queryable, refKeys: readonly bigint[]): Promise<void> {
  await client.query({
    name: 'lock_binaries',
    text: 'select count(pg_advisory_xact_lock(k)) from unnest($1::int8[]) k',
    values: [int8Array(refKeys.toSorted((a, b) => (a < b ? -1 : 1)))],
  });
}

/** Rides unique (type, ref_key). */
async function lockRows(client: Queryable, binaries: readonly Address[]): Promise<void> {
  await client.query({
    name: 'lock_binary_rows',
    text: `select from resource_other where type = 'Binary' and ref_key = any($1::int8[]) order by id for update`,
    values: [keysOf(binaries)],
  });
}

/** @returns the Binaries that got an owner they didn't have: of all others, every version is sealed for these owners already */
async function noteOwners(client: Queryable, links: readonly BinaryLink[]): Promise<ReadonlySet<bigint>> {
  const { rows } = await client.query<{ binary_key: string }>({
    name: 'note_binary_owners',
    text: `insert into binary_owner (binary_key, owner, token)
      select distinct * from unnest($1::int8[], $2::int8[], $3::int8[]) as l(binary_key, owner, token) order by binary_key, owner
      on conflict do nothing returning binary_key`,
    values: [
      keysOf(links.map(({ binary }) => binary)),
      int8Array(links.map(({ owner }) => owner)),
      int8Array(links.map(({ token }) => token)),
    ],
  });
  return new Set(rows.map((row) => BigInt(row.binary_key)));
}

type VersionPlace = { readonly refKey: bigint; readonly id: string; readonly version: number; readonly table: string };

/** All versions that aren't erased, oldest first. Rides unique (type, ref_key) and unique (ref_key, version). */
async function listVersions(client: Queryable, binaries: readonly Address[]): Promise<VersionPlace[]> {
  const { rows } = await client.query<{ ref_key: string; id: string; version: number; source: string }>({
    name: 'binary_versions',
    text: `select ref_key, id, version, 'resource_version' as source from resource_version
      where ref_key = any($1::int8[]) and type = 'Binary' and interaction <> 'e'
      union all
      select ref_key, id, version, 'resource_other' from resource_other
      where ref_key = any($1::int8[]) and type = 'Binary' and interaction <> 'e'
      order by version`,
    values: [keysOf(binaries)],
  });
  return rows.map(({ ref_key, id, version, source }) => ({ refKey: BigInt(ref_key), id, version, table: source }));
}

/** One at a time: a Binary may be large. */
async function resealVersions(
  client: Queryable,
  reseal: Reseal,
  versions: readonly VersionPlace[],
  links: readonly LinkedOwner[],
): Promise<void> {
  const owners = links.map(({ owner }) => owner);
  const tokens = int8Array(links.map(({ token }) => token));
  let owned = false;
  for (const { table, refKey, version } of versions) {
    const place = [refKey.toString(), version];
    const { rows } = await client.query<VersionRow>(
      `select ${versionColumns('r')} from ${table} r where r.type = 'Binary' and r.ref_key = $1 and r.version = $2`,
      place,
    );
    const [row] = rows.map(storedVersion);
    if (row === undefined) continue;
    const content = await reseal(row, owners);
    // A deletion goes with what it ended; what nobody opens belongs to an erasure that is under way.
    if (row.content !== undefined) owned = content !== undefined;
    if (!owned) continue;
    await client.query(
      `update ${table} set content = $3, tokens = array(select distinct t from unnest(tokens || $4::int8[]) t order by t)
       where type = 'Binary' and ref_key = $1 and version = $2`,
      [...place, content ?? null, tokens],
    );
  }
}

/** The owners that Binaries have by links, but for some. Rides the primary key. */
export async function readOwners(
  client: Queryable,
  binaries: readonly Pick<Address, 'refKey'>[],
  without: readonly bigint[] = [],
): Promise<Map<bigint, LinkedOwner[]>> {
  const { rows } = await client.query<{ binary_key: string; owner: string; token: string }>({
    name: 'binary_owners',
    text: 'select binary_key, owner, token from binary_owner where binary_key = any($1::int8[]) and owner <> all($2::int8[])',
    values: [keysOf(binaries), int8Array(without)],
  });
  const owners = rows.map((row) => ({ binary: BigInt(row.binary_key), owner: BigInt(row.owner), token: BigInt(row.token) }));
  return Map.groupBy(owners, ({ binary }) => binary);
}

/**
 * After erased patients' Binaries were cleaned: others go on with what they shared. A Binary that was named by them alone and never came
 * stays theirs, so that it is refused if it comes now.
 */
export async function forgetOwners(db: Queryable, refKeys: readonly bigint[]): Promise<void> {
  await db.query(
    `delete from binary_owner o where owner = any($1::int8[]) and (
       exists (select from binary_owner other where other.binary_key = o.binary_key and other.owner <> all($1::int8[]))
       or exists (select from resource_other r where r.type = 'Binary' and r.ref_key = o.binary_key))`,
    [int8Array(refKeys)],
  );
}

/** The tokens of a version (8 bytes each, back to back) with owners' among them, ordered by value: where one stands tells nothing. */
export function withOwners(tokens: Buffer, owners: readonly LinkedOwner[]): Buffer {
  if (owners.length === 0) return tokens;
  const all = new Set(owners.map(({ token }) => token));
  for (let at = 0; at < tokens.length; at += 8) all.add(tokens.readBigInt64BE(at));
  const out = Buffer.allocUnsafe(all.size * 8);
  [...all].sort((a, b) => (a < b ? -1 : 1)).forEach((token, at) => out.writeBigInt64BE(token, at * 8));
  return out;
}

/** A version that erasure rewrites, still found by those whose links to it stay. */
export function keepOwners(version: NewVersion, owners: readonly LinkedOwner[]): NewVersion {
  return version.interaction === 'e' ? version : { ...version, tokens: withOwners(version.tokens, owners) };
}

function keysOf(binaries: readonly Pick<Address, 'refKey'>[]): Buffer {
  return int8Array(binaries.map(({ refKey }) => refKey));
}

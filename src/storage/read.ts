import type { Queryable } from './database.ts';
import { int8Array } from './binary.ts';
import { filterSql, pastSql, type RowFilter } from './filter.ts';
import { relationOf, typeIs } from './relations.ts';
import { type FactTableName, instantOf, storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';
import { sqlValues, statement } from './sql.ts';

/** What a resource is found by. */
export type Address = { readonly type: string; readonly id: string; readonly refKey: bigint };

/**
 * Reads the current version (which may be a deletion), if the filter lets the caller see it.
 * Rides unique (type, ref_key); the id is compared because a ref_key finds but never proves.
 */
export async function readCurrent(db: Queryable, address: Address, filter: RowFilter): Promise<StoredVersion | undefined> {
  const { text, bounds } = currentStatement(address.type, filter);
  const { rows } = await db.query<VersionRow>(statement(text, [address.refKey.toString(), ...bounds]));
  return rows.map(storedVersion).find((row) => row.id === address.id);
}

/** A statement for one type and filter: all values but the first are the filter's. */
type CurrentStatement = { readonly text: string; readonly bounds: readonly unknown[] };

/** A caller's filter is the same object for all his reads, so that its statement is written once. */
const currentStatements = new WeakMap<object, Map<string, CurrentStatement>>();
const unfiltered = {};

function currentStatement(type: string, filter: RowFilter): CurrentStatement {
  const owner = filter === 'all' ? unfiltered : filter;
  let byType = currentStatements.get(owner);
  if (byType === undefined) {
    byType = new Map();
    currentStatements.set(owner, byType);
  }
  let written = byType.get(type);
  if (written === undefined) {
    const values = sqlValues();
    const text = `select ${versionColumns('r')} from ${relationOf(type)} r
    where ${typeIs('r', type)} and r.ref_key = ${values.add('')} and ${filterSql(filter, 'r', values)}`;
    written = { text, bounds: values.list.slice(1) };
    byType.set(type, written);
  }
  return written;
}

/** Reads one version, current or superseded. Rides unique (type, ref_key) and unique (ref_key, version). */
export async function readVersion(db: Queryable, address: Address, version: number, filter: RowFilter): Promise<StoredVersion | undefined> {
  const values = sqlValues();
  const key = values.add(address.refKey.toString());
  const wanted = values.add(version);
  const text = `select ${versionColumns('r')} from ${relationOf(address.type)} r
      where ${typeIs('r', address.type)} and r.ref_key = ${key} and r.version = ${wanted} and ${filterSql(filter, 'r', values)}
    union all
    select ${versionColumns('v')} from resource_version v
      where v.ref_key = ${key} and v.version = ${wanted} and ${typeIs('v', address.type)} and ${filterSql(filter, 'v', values)}
      and ${pastSql(filter, relationOf(address.type), 'v', values)}`;
  const { rows } = await db.query<VersionRow>(statement(text, values.list));
  return rows.map(storedVersion).find((row) => row.id === address.id);
}

/** When superseded first versions were written, by ref_key. Rides unique (ref_key, version). */
export async function firstWritten(db: Queryable, refKeys: readonly bigint[]): Promise<ReadonlyMap<bigint, string>> {
  const { rows } = await db.query<{ ref_key: string; last_updated: string }>({
    name: 'first_written',
    text: 'select ref_key, last_updated from resource_version where ref_key = any($1::int8[]) and version = 1',
    values: [int8Array(refKeys)],
  });
  return new Map(rows.map((row) => [BigInt(row.ref_key), instantOf(row.last_updated)]));
}

/** A current version locked for writing, with the columns that a deletion keeps and a restriction is checked on. */
export type LockedVersion = StoredVersion & {
  readonly refKey: bigint;
  readonly patient: bigint | null;
  readonly tokens: Buffer;
  /** The fact tables that hold something of it. */
  readonly factsBefore: readonly FactTableName[];
};

type LockedRow = VersionRow & { ref_key: string; patient: string | null; token_bytes: Buffer };

/**
 * Locks the current versions of what exists among the addresses until the transaction ends, relation by relation and
 * within each by (type, id): the one order for all writers, so that two bundles over the same resources can't deadlock.
 * With `skip locked`, what somebody else holds is left out instead of waited for.
 */
export async function lockCurrent(
  client: Queryable,
  addresses: readonly Address[],
  wait: '' | 'skip locked' = '',
): Promise<LockedVersion[]> {
  const byRelation = [...Map.groupBy(addresses, (address) => relationOf(address.type))].sort(([a], [b]) => (a < b ? -1 : 1));
  const answers = byRelation.map(async ([relation, part]) => {
    const values = [[...new Set(part.map((address) => address.type))], int8Array(part.map((address) => address.refKey))];
    const locking = `select ${versionColumns('r')}, r.ref_key, r.patient, array_send(r.tokens) as token_bytes from ${relation} r
      where r.type = any($1::text[]) and r.ref_key = any($2::int8[]) order by r.type, r.id for update ${wait}`;
    const [locked, facts] = await Promise.all([
      client.query<LockedRow>(statement(locking, values)),
      client.query<FactsRow>(statement(factsText(relation), values)),
    ]);
    const factsOf = new Map(facts.rows.map((row) => [row.rid, row.facts]));
    return locked.rows.map((row) => lockedVersion(row, factsOf.get(row.rid) ?? []));
  });
  const rows = (await Promise.all(answers)).flat();
  const wanted = new Set(addresses.map(({ type, id }) => `${type}/${id}`));
  return rows.filter((row) => wanted.has(`${row.type}/${row.id}`));
}

type FactsRow = { readonly rid: string; readonly facts: FactTableName[] };

/**
 * Where the locked rows have facts. Not part of the locking statement: what that one reads beside the row may be older than
 * the lock it waited for.
 */
function factsText(relation: string): string {
  const tables = ['fact_date', 'fact_quantity', 'fact_reference', 'fact_sort'].map(
    (table) => `case when exists (select from ${table} f where f.rid = r.rid) then '${table}' end`,
  );
  return `select r.rid, array_remove(array[${tables.join(', ')}], null) as facts from ${relation} r where r.type = any($1::text[]) and r.ref_key = any($2::int8[])`;
}

/** The superseded versions of these resources, oldest first. Rides unique (ref_key, version). */
export async function readSuperseded(db: Queryable, addresses: readonly Address[]): Promise<LockedVersion[]> {
  const { rows } = await db.query<LockedRow>(
    `select ${versionColumns('v')}, v.ref_key, v.patient, array_send(v.tokens) as token_bytes from resource_version v
     where v.ref_key = any($1::int8[]) order by v.ref_key, v.version`,
    [int8Array(addresses.map(({ refKey }) => refKey))],
  );
  const wanted = new Set(addresses.map(({ type, id }) => `${type}/${id}`));
  return rows.filter((row) => wanted.has(`${row.type}/${row.id}`)).map((row) => lockedVersion(row, []));
}

function lockedVersion(row: LockedRow, factsBefore: readonly FactTableName[]): LockedVersion {
  return {
    ...storedVersion(row),
    refKey: BigInt(row.ref_key),
    patient: row.patient === null ? null : BigInt(row.patient),
    tokens: elementsOf(row.token_bytes),
    factsBefore,
  };
}

/** The eight-byte elements of a binary int8[]: 20 bytes of header, then length and value each. */
function elementsOf(array: Buffer): Buffer {
  const count = array.readInt32BE(0) === 0 ? 0 : array.readInt32BE(12);
  const out = Buffer.allocUnsafe(count * 8);
  for (let n = 0; n < count; n++) array.copy(out, n * 8, 20 + n * 12 + 4, 20 + n * 12 + 12);
  return out;
}

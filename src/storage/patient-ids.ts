import { int8Array } from './binary.ts';
import type { Queryable } from './database.ts';
import { typeIs } from './relations.ts';
import { statement } from './sql.ts';

/** The ids of the Patients of these ref_keys, as far as they were ever stored here. Rides unique (type, ref_key). */
export async function patientIdsOf(db: Queryable, owners: readonly bigint[]): Promise<Map<bigint, string>> {
  if (owners.length === 0) return new Map();
  const text = `select r.ref_key, r.id from resource_patient r where ${typeIs('r', 'Patient')} and r.ref_key = any($1::int8[])`;
  const { rows } = await db.query<{ ref_key: string; id: string }>(statement(text, [int8Array(owners)]));
  return new Map(rows.map(({ ref_key, id }) => [BigInt(ref_key), id]));
}

/** Which of these Patients were erased. Rides the key of erased_patient. */
export async function erasedPatients(db: Queryable, owners: readonly bigint[]): Promise<ReadonlySet<bigint>> {
  const { rows } = await db.query<{ ref_key: string }>(
    statement('select ref_key from erased_patient where ref_key = any($1::int8[])', [int8Array(owners)]),
  );
  return new Set(rows.map(({ ref_key }) => BigInt(ref_key)));
}

import { LRUCache } from 'lru-cache';
import { atMost } from '../fhir/at-most.ts';
import type { Queryable } from '../storage/database.ts';
import type { KeyStore } from '../storage/keys.ts';
import { patientIdsOf } from '../storage/patient-ids.ts';
import type { KeyId } from './record.ts';

/** Who is meant by the ids of keys: Patients whose keys exist, and who are stored here. */
export type PatientNames = (keyIds: readonly KeyId[]) => Promise<ReadonlyMap<KeyId, string>>;

/** Whether a key still exists is asked each time; what a Patient of a ref_key is called never changes. */
export function patientNames(db: Queryable, keys: Pick<KeyStore, 'ownedBy'>, cacheMax: number): PatientNames {
  const known = new LRUCache<bigint, string>(atMost(cacheMax));
  return async (keyIds) => {
    if (keyIds.length === 0) return new Map();
    const owned = await keys.ownedBy([...new Set(keyIds)].map((keyId) => Buffer.from(keyId, 'base64url')));
    const missing = owned.filter(({ owner }) => !known.has(owner)).map(({ owner }) => owner);
    for (const [owner, id] of await patientIdsOf(db, missing)) known.set(owner, id);
    return new Map(
      owned.flatMap(({ id, owner }) => {
        const name = known.get(owner);
        return name === undefined ? [] : [[id.toString('base64url'), name] as const];
      }),
    );
  };
}

import { LRUCache } from 'lru-cache';
import { keyIdsOf } from '../encryption/seal.ts';
import { atMost } from '../fhir/at-most.ts';
import type { KeyStore } from '../storage/keys.ts';
import type { AuditedPatient } from './event.ts';

/** A row as stored; without content it tells of nobody. */
export type Disclosed = { readonly content: Buffer | null | undefined };

export type Concerned = {
  /**
   * The patients whose keys seal any of these rows, each once. At once where all are known.
   *
   * @param passing  as of `KeyStore.ofOwners`
   */
  readonly ofRows: (rows: readonly Disclosed[], passing?: boolean) => readonly AuditedPatient[] | Promise<readonly AuditedPatient[]>;
  /** Undefined where nobody's key is known by this ref_key, or it is destroyed. */
  readonly ofOwner: (owner: bigint) => Promise<AuditedPatient | undefined>;
};

type Keys = Pick<KeyStore, 'ownedBy' | 'idsOf'>;

/**
 * Tells from the key ids in the headers of what was read or written whom it concerns: nothing is opened. Whose a key is never changes, so
 * it is remembered; that a key is no patient's is remembered too.
 */
export function makeConcerned(keys: Keys, patientsMax: number): Concerned {
  const known = new LRUCache<string, AuditedPatient | 'nobody'>(atMost(patientsMax));

  let gathering: { readonly ids: Map<string, Buffer>; readonly owners: Promise<ReadonlyMap<string, AuditedPatient>> } | undefined;

  /** Keys asked for in the same turn of the event loop, as the rows of many writes do, are looked up together. */
  function gather(missing: readonly (readonly [string, Buffer])[]): Promise<ReadonlyMap<string, AuditedPatient>> {
    gathering ??= {
      ids: new Map(),
      owners: new Promise((resolve) => {
        setImmediate(() => {
          const asked = [...(gathering?.ids.values() ?? [])];
          gathering = undefined;
          resolve(ownersOf(asked));
        });
      }),
    };
    for (const [name, id] of missing) gathering.ids.set(name, id);
    return gathering.owners;
  }

  async function ownersOf(ids: readonly Buffer[]): Promise<ReadonlyMap<string, AuditedPatient>> {
    return new Map((await keys.ownedBy(ids)).map(({ id, owner }) => [nameOf(id), { keyId: id, owner }]));
  }

  async function look(ids: ReadonlyMap<string, Buffer>, passing: boolean): Promise<readonly AuditedPatient[]> {
    const found = new Map([...ids.keys()].map((name) => [name, known.get(name)]));
    const missing = [...ids].filter(([name]) => found.get(name) === undefined);
    const owners = await gather(missing);
    for (const [name] of missing) {
      const owner = owners.get(name);
      found.set(name, owner);
      if (!passing) known.set(name, owner ?? 'nobody');
    }
    return [...found.values()].filter((each) => each !== undefined && each !== 'nobody');
  }

  return {
    ofRows(rows, passing = false) {
      const ids = new Map<string, Buffer>();
      for (const { content } of rows)
        if (content != null && isDocument(content)) for (const id of keyIdsOf(content)) ids.set(nameOf(id), id);
      const patients: AuditedPatient[] = [];
      for (const name of ids.keys()) {
        const patient = known.get(name);
        if (patient === undefined) return look(ids, passing);
        if (patient !== 'nobody') patients.push(patient);
      }
      return patients;
    },
    async ofOwner(owner) {
      const [found] = await keys.idsOf([owner]);
      return found === undefined || found.erased ? undefined : { keyId: found.id, owner };
    },
  };
}

/** The records of our own events begin with another byte: whom they concern is sealed in them. */
const isDocument = (content: Buffer): boolean => content[0] === 0 || content[0] === 1;

const nameOf = (id: Buffer): string => id.toString('latin1');

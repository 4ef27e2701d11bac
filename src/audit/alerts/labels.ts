import { LRUCache } from 'lru-cache';
import { atMost } from '../../fhir/at-most.ts';
import type { Extractor } from '../../search/extract.ts';
import { labelledPatients } from '../../storage/alerts.ts';
import type { Queryable } from '../../storage/database.ts';

const knownMax = 50_000;
/** A label that is set or taken away counts after so long at the latest. */
const knownMs = 60_000;

/**
 * Tells which patients have one of the labels in their meta.security: by the tokens that a search for it would use.
 *
 * @param labels  `system|code`
 */
export function makeLabelled(
  db: Queryable,
  extract: Extractor,
  labels: readonly string[],
): (owners: readonly bigint[]) => Promise<ReadonlySet<bigint>> {
  const known = new LRUCache<bigint, boolean>({ ...atMost(knownMax), ttl: knownMs });
  return async (owners) => {
    const asked = owners.filter((owner) => known.get(owner) === undefined);
    if (asked.length > 0) {
      const found = new Set(
        await labelledPatients(
          db,
          asked,
          labels.map((label) => tokensOf(extract, label)),
        ),
      );
      for (const owner of asked) known.set(owner, found.has(owner));
    }
    return new Set(owners.filter((owner) => known.get(owner) === true));
  };
}

/** What a label adds to a patient's tokens, whatever else he has. */
function tokensOf(extract: Extractor, label: string): readonly bigint[] {
  const at = label.lastIndexOf('|');
  const security = [{ system: label.slice(0, at), code: label.slice(at + 1) }];
  const patient = { resourceType: 'Patient', id: 'label' };
  const without = new Set(listOf(extract(patient, 'Patient', 'label').tokens));
  return listOf(extract({ ...patient, meta: { security } }, 'Patient', 'label').tokens).filter((each) => !without.has(each));
}

const listOf = (tokens: Buffer): readonly bigint[] => Array.from({ length: tokens.length / 8 }, (_, at) => tokens.readBigInt64BE(at * 8));

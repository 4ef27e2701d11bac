import type { Definitions } from '../../definitions/load.ts';
import type { Conformance, ConformanceType } from '../../fhir/conformance.ts';
import { isVersion, splitCanonical } from '../../fhir/version.ts';
import type { Queryable } from '../../storage/database.ts';
import type { RowFilter } from '../../storage/filter.ts';
import { findPackaged } from '../../storage/packages.ts';
import { findStored, type StoredContext } from './stored.ts';

export type LiveConformance = Conformance & {
  /** Something has changed: all who listen hear of it before this returns. */
  readonly changed: () => void;
};

export type ConformanceOptions = {
  readonly definitions: Pick<Definitions, 'resource' | 'own'>;
  /** Not the pool of transactions: what a transaction waits for here must not wait for that transaction's connection. */
  readonly db: Queryable;
  readonly stored: StoredContext;
  /** What of the stored ones may be seen; by default all. */
  readonly filter?: (type: string) => RowFilter;
};

/**
 * Looks for a conformance resource in R4's definitions and our own, in the packages, then among what clients stored; of what isn't found nothing is
 * remembered, nor of what is. R4 goes first, so that nobody's resource stands in for the standard's own.
 */
export function makeConformance({ definitions, db, stored, filter = () => 'all' }: ConformanceOptions): LiveConformance {
  const listeners = new Set<() => void>();

  async function find(type: ConformanceType, canonical: string): Promise<object | undefined> {
    const { url, version } = splitCanonical(canonical);
    // An id or a place alone would find a definition too; here only urls name one.
    if (!/^[a-z][a-z\d+.-]*:/i.test(url)) return undefined;
    const packaged = (): Promise<object | undefined> => findPackaged(db, type, url, version);
    const places = [() => defined(type, url, version), packaged];
    if (isMovedOn(type, url)) places.reverse();
    for (const place of places) {
      const found = await place();
      if (found !== undefined) return found;
    }
    return findStored(stored, db, { type, canonical, filter });
  }

  async function defined(type: ConformanceType, url: string, version: string | undefined): Promise<object | undefined> {
    const found = (await definitions.resource(type, url)) ?? (await definitions.own.find(type, url));
    if (typeof found !== 'object' || found === null) return undefined;
    const has = 'version' in found && typeof found.version === 'string' ? found.version : undefined;
    return version === undefined || isVersion(has, version) ? found : undefined;
  }

  return {
    find,
    onChange(listener) {
      listeners.add(listener);
    },
    changed() {
      for (const listener of listeners) listener();
    },
  };
}

/** R4 carries early copies of HL7's terminology: a package always has a newer one, whatever the number of its version says. */
function isMovedOn(type: ConformanceType, url: string): boolean {
  return (type === 'CodeSystem' || type === 'ValueSet') && url.startsWith('http://terminology.hl7.org/');
}

const conformanceTypes: ReadonlySet<string> = new Set<ConformanceType>([
  'StructureDefinition',
  'ValueSet',
  'CodeSystem',
  'ConceptMap',
  'NamingSystem',
]);

/** Whether a change of a resource of this type may change what others mean. */
export function isConformanceType(type: string): boolean {
  return conformanceTypes.has(type);
}

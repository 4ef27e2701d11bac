import type { Definitions } from '../../definitions/load.ts';
import type { ConformanceType, LiveConformance } from '../../fhir/conformance.ts';
import { compareVersions, isVersion, splitCanonical } from '../../fhir/version.ts';
import type { Queryable } from '../../storage/database.ts';
import type { RowFilter } from '../../storage/filter.ts';
import { findPackaged } from '../../storage/packages.ts';
import { findStored, type StoredContext } from './stored.ts';

export type ConformanceOptions = {
  readonly definitions: Pick<Definitions, 'resource' | 'own' | 'published'>;
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
    // An id alone would find a definition too; here only urls name one. A place, `ValueSet/id`, is one of ours.
    if (!/^[a-z][a-z\d+.-]*:/i.test(url)) return url.includes('/') ? findStored(stored, db, { type, canonical, filter }) : undefined;
    const packaged = (): Promise<object | undefined> => findPackaged(db, type, url, version);
    const standard = (): Promise<object | undefined> => defined(type, url, version);
    const moved = async (): Promise<object | undefined> => newest(await published(type, url, version), await packaged());
    const places = isMovedOn(type, url) ? [moved, standard] : [standard, packaged];
    for (const place of places) {
      const found = await place();
      if (found !== undefined) return found;
    }
    return findStored(stored, db, { type, canonical, filter });
  }

  async function published(type: ConformanceType, url: string, version: string | undefined): Promise<object | undefined> {
    const found = await definitions.published.resource(type, url);
    return isObject(found) && (version === undefined || isVersion(versionOf(found), version)) ? found : undefined;
  }

  async function defined(type: ConformanceType, url: string, version: string | undefined): Promise<object | undefined> {
    const found = (await definitions.resource(type, url)) ?? (await definitions.own.find(type, url));
    return isObject(found) && (version === undefined || isVersion(versionOf(found), version)) ? found : undefined;
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

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function versionOf(resource: object): string | undefined {
  return 'version' in resource && typeof resource.version === 'string' ? resource.version : undefined;
}

function newest(a: object | undefined, b: object | undefined): object | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareVersions(versionOf(a), versionOf(b)) < 0 ? b : a;
}

/**
 * R4 carries early copies of HL7's terminology. Ours and that of a package are newer, whatever the numbers of their versions say:
 * they began anew at 1.0.0. The copies still answer for their own versions.
 */
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

import { readFile } from 'node:fs/promises';
import type { ConformanceType } from '../fhir/conformance.ts';
import { splitCanonical } from '../fhir/version.ts';

/** The product's own profiles, extensions, value sets, code systems and operations, as they stand in `profiles/`. */
export type OwnDefinitions = {
  /** @param canonical  with or without `|version`; undefined if it isn't ours, or of another version */
  readonly find: (type: OwnType, canonical: string) => Promise<object | undefined>;
  readonly entries: () => Promise<readonly OwnDefinition[]>;
};

type OwnType = ConformanceType | 'OperationDefinition';

/** One line of `profiles/index.json`. */
export type OwnDefinition = {
  readonly resourceType: OwnType;
  readonly url: string;
  readonly version: string;
  /** Below `profiles/`. */
  readonly file: string;
  /** What a StructureDefinition constrains. */
  readonly type?: string;
};

/** What all our canonical urls begin with: of other urls it is known without looking that they aren't here. */
const own = 'https://anamnesis.health/fhir/';

/** The index is read when the first of ours is asked for; a definition each time, as who compiles it keeps that. */
export function ownDefinitions(folder: URL = new URL('../../profiles/', import.meta.url)): OwnDefinitions {
  let index: Promise<readonly OwnDefinition[]> | undefined;
  const read = async (file: string): Promise<object> => JSON.parse(await readFile(new URL(file, folder), 'utf8')) as object;
  const entries = (): Promise<readonly OwnDefinition[]> => {
    index ??= read('index.json').then((list) => list as readonly OwnDefinition[]);
    return index;
  };
  return {
    entries,
    async find(type, canonical) {
      if (!canonical.startsWith(own)) return undefined;
      const { url, version } = splitCanonical(canonical);
      const found = (await entries()).find((entry) => entry.resourceType === type && entry.url === url);
      return found === undefined || (version !== undefined && version !== found.version) ? undefined : read(found.file);
    },
  };
}

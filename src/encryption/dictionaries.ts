import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Texts that a type's resources have in common; written by tools/dictionaries.ts, where it stands what they are made from. */
export type Dictionaries = {
  /** The version that new contents are packed with. */
  readonly current: number;
  /** The dictionary of a type, or the common one; undefined if this release doesn't have that version. */
  readonly of: (type: string, version: number) => Buffer | undefined;
};

/** All that ever were released: contents name the version they were packed with, so none may change or go. */
const versions = [1];
const common = 'Resource';

/**
 * Makes the store of dictionaries; each is read from disk when it is first needed, in blocking calls (8 kB).
 *
 * @param folder  of the versions; ends with a slash
 */
export function makeDictionaries(folder: URL = new URL('./dictionaries/', import.meta.url)): Dictionaries {
  const checksums = new Map(versions.map((version) => [version, readChecksums(new URL(`${version}/SHA256SUMS`, folder))]));
  const loaded = new Map(versions.map((version) => [version, new Map<string, Buffer>()]));

  function load(name: string, version: number, checksum: string | undefined): Buffer {
    const dictionary = readFileSync(new URL(`${version}/${name}.txt`, folder));
    // Raw deflate knows nothing of its dictionary: with a changed one it would give another text, or none.
    if (hash('sha256', dictionary) !== checksum) throw new Error(`dictionaries/${version}/${name}.txt is not the file that was released`);
    return dictionary;
  }

  function of(type: string, version: number): Buffer | undefined {
    const known = checksums.get(version);
    const read = loaded.get(version);
    if (known === undefined || read === undefined) return undefined;
    const present = read.get(type);
    if (present !== undefined) return present;
    const name = known.has(type) ? type : common;
    const dictionary = read.get(name) ?? load(name, version, known.get(name));
    read.set(name, dictionary);
    return dictionary;
  }

  return { current: versions.at(-1) ?? 0, of };
}

/** By name; the file is what sha256sum writes and checks. */
function readChecksums(file: URL): Map<string, string> {
  const lines = readFileSync(file, 'utf8').matchAll(/^([0-9a-f]{64}) {2}(\w+)\.txt$/gm);
  return new Map(Array.from(lines, ([, checksum = '', name = '']) => [name, checksum]));
}

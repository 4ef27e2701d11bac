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

/** Makes the store of dictionaries; each is read from disk when it is first needed, in blocking calls (8 kB). */
export function makeDictionaries(): Dictionaries {
  const checksums = new Map(versions.map((version) => [version, readChecksums(version)]));
  const loaded = new Map(versions.map((version) => [version, new Map<string, Buffer>()]));

  function load(name: string, version: number, checksum: string | undefined): Buffer {
    const dictionary = readFileSync(fileOf(version, `${name}.txt`));
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

function readChecksums(version: number): Map<string, string> {
  const checksums: Readonly<Record<string, string>> = JSON.parse(readFileSync(fileOf(version, 'checksums.json'), 'utf8'));
  return new Map(Object.entries(checksums));
}

function fileOf(version: number, name: string): URL {
  return new URL(`./dictionaries/${version}/${name}`, import.meta.url);
}

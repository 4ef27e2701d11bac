import type { Codec } from '../encryption/codec.ts';
import { type DataKey, keyIdsOf, open, seal } from '../encryption/seal.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { KeyErased, type KeyStore } from './keys.ts';
import type { OpenedTexts } from './opened.ts';
import type { FoundVersion, StoredVersion } from './rows.ts';
import { splitFileHead, type StoredFile, withFileHead } from './stored-file.ts';

/** A version with its document opened, UTF-8 JSON without versionId and lastUpdated; or erased, if nothing can open it any more. */
export type Opened<V> = V & {
  readonly json: Buffer;
  readonly erased: boolean;
  /** Of a Binary whose bytes lie beside it: then the JSON is without them, unless they were put into it. */
  readonly file?: StoredFile;
  /** It lacks the bytes of its file, which are too many to be shown in JSON. */
  readonly partial?: true;
};

export type OpenedVersion = Opened<StoredVersion>;
export type OpenedFound = Opened<FoundVersion>;

export type Opener = <V extends FoundVersion>(rows: readonly V[]) => Promise<Opened<V>[]>;

/**
 * Makes the function that opens stored versions, all keys of a page fetched together. Deletions open to an empty document,
 * and so does, marked as erased, what only destroyed keys would open. A Binary's file is not put into it: see `showingFiles`.
 */
export function makeOpener(keys: KeyStore, codec: Codec, texts: OpenedTexts): Opener {
  function textOf(content: Buffer, row: FoundVersion, key: DataKey): Buffer {
    const known = texts.get(content, row, key);
    if (known !== undefined) return known;
    const text = open(content, { type: row.type, id: row.id, version: row.version }, key, codec);
    texts.set(content, row, key, text);
    return text;
  }

  return async <V extends FoundVersion & { readonly erased?: boolean }>(rows: readonly V[]) => {
    const sealed = rows.filter((row) => row.content !== undefined);
    const opening = await keys.opening(sealed.map((row) => keyIdsOf(row.content ?? empty)));
    let next = 0;
    return rows.map((row) => {
      if (row.content === undefined) return { ...row, json: empty, erased: row.erased === true };
      const key = opening[next++];
      if (key === undefined) return { ...row, json: empty, erased: true };
      return { ...row, ...splitFileHead(textOf(row.content, row, key)), erased: false };
    });
  };
}

const empty = Buffer.alloc(0);

export type SealedFor = {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly owners: readonly bigint[];
  /** One of very many: what it needs is kept for none of them, so that it pushes out nothing of what others read. */
  readonly passing?: boolean | undefined;
  readonly file?: StoredFile;
};

/**
 * Makes the function that seals documents: with the common key, the one owner's, or a key of its own wrapped for each owner.
 * What changes is likely to be read or changed again, so the text of a later version stays at hand.
 */
export function makeSealer(keys: KeyStore, codec: Codec, texts: OpenedTexts): (json: string, address: SealedFor) => Promise<Buffer> {
  return async (json, { type, id, version, owners, passing, file }) => {
    const owning = owners.length === 0 ? [keys.common] : await keys.ofOwners(owners, passing).catch(refuseErased);
    const text = withFileHead(json, file);
    const address = { type, id, version };
    const content = seal(text, address, owning, codec);
    const [key] = owning;
    if (version > 1 && key !== undefined) texts.set(content, address, key, text);
    return content;
  };
}

function refuseErased(error: unknown): never {
  if (error instanceof KeyErased) throw erasedPatient();
  throw error;
}

function erasedPatient(): FhirError {
  return new FhirError(422, [
    issue('business-rule', 'patient-erased', 'The request names a patient whose record was erased. Erased ids are never used again.'),
  ]);
}

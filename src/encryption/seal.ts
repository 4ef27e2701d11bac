import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { boxBytes, openBox, secretBytes, writeBox } from './aes-gcm.ts';
import type { Codec } from './codec.ts';
import {
  boundOfBody,
  boundOfWrap,
  type ContentAddress,
  type ContentHeader,
  isRemoved,
  keyIdAt,
  keyIdBytes,
  layHeader,
  readHeader,
  wrapBytes,
  writeHeader,
} from './content-header.ts';
import { SealBroken } from './seal-broken.ts';

export type { ContentAddress } from './content-header.ts';

/** A secret and the random id that names it in clear. A KeyObject isn't printed, cloned or written as JSON by accident. */
export type DataKey = { readonly id: Buffer; readonly secret: KeyObject };

/** Takes 16 bytes of id and 32 secret ones, which are copied. */
export function makeDataKey(id: Buffer, secret: Buffer): DataKey {
  if (id.length !== keyIdBytes || secret.length !== secretBytes)
    throw new RangeError('a data key has an id of 16 bytes and a secret of 32');
  // Memory of its own: a key that is kept for long would keep all 64 KiB of the pool that small buffers share.
  return { id: Buffer.alloc(keyIdBytes, id), secret: createSecretKey(secret) };
}

/** Bytes of the checksum that ends a content of format 0. */
const checksumBytes = 4;

/**
 * Packs and encrypts the text of one version of a resource:
 *
 *     header (see ContentHeader) ‖ iv(12) ‖ AES-256-GCM(packed text) ‖ tag(16)
 *
 * bound to the header, all key ids and the address: it opens nowhere else. With one key the text is encrypted with it; with several, with a
 * new random key that is wrapped for each, and any of them opens it. With `codec.encrypted` false nothing is encrypted, and a checksum ends
 * it.
 *
 * @param keys      at least one; one given twice counts once
 * @param spliceAt  kept in the header in clear for the reader (see `spliceAtOf`): the byte offset in the text where he inserts
 *                  what isn't part of it
 */
export function seal(text: string | Buffer, address: ContentAddress, keys: readonly DataKey[], codec: Codec, spliceAt = 0): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  if (!Number.isInteger(spliceAt) || spliceAt < 0 || spliceAt > bytes.length) throw new RangeError('spliceAt is no offset in the text');
  const packed = codec.pack(bytes, address.type);
  const distinct = sortedKeys(keys);
  const [first] = distinct;
  if (first === undefined) throw new RangeError('a content needs at least one key');
  const header = layHeader({
    format: codec.encrypted ? 1 : 0,
    dictionary: codec.dictionaryVersion,
    owners: distinct.length === 1 ? 0 : distinct.length,
    spliceAt,
  });
  const content = Buffer.allocUnsafe(header.bodyAt + packed.length + (header.format === 1 ? boxBytes : checksumBytes));
  writeHeader(
    header,
    distinct.map((key) => key.id),
    content,
  );
  const bound = boundOfBody(content, header, address);
  if (header.format === 0) writeChecked(bound, packed, content, header.bodyAt);
  else if (header.owners === 0) writeBox(first.secret, bound, packed, content, header.bodyAt);
  else {
    const own = randomBytes(secretBytes);
    distinct.forEach((key, number) => {
      writeBox(key.secret, boundOfWrap(key.id, address), own, content, header.keysAt + number * header.stride + keyIdBytes);
    });
    writeBox(own, bound, packed, content, header.bodyAt);
    own.fill(0);
  }
  return content;
}

/**
 * The text of a content, as UTF-8.
 *
 * @param key  one of those that `keyIdsOf` names
 * @throws     SealBroken if anything was altered, the content is another version's, or the key isn't its own. While `codec.encrypted` is
 *             true that includes every content that isn't encrypted: whoever can write into the store could make one
 */
export function open(content: Buffer, address: ContentAddress, key: DataKey, codec: Codec): Buffer {
  const header = readHeader(content);
  if (header.format === 0 && codec.encrypted) throw new SealBroken('seal-format');
  const bound = boundOfBody(content, header, address);
  const packed =
    header.format === 0
      ? checked(content, header, bound)
      : openBox(secretOf(content, header, address, key), bound, content.subarray(header.bodyAt));
  return codec.expand(packed, address.type, header.dictionary);
}

/** The ids of the keys that open a content, each on its own; those of removed owners are left out. */
export function keyIdsOf(content: Buffer): Buffer[] {
  const header = readHeader(content);
  const ids: Buffer[] = [];
  for (let number = 0; number < header.keys; number++) if (!isRemoved(content, header, number)) ids.push(keyIdAt(content, header, number));
  return ids;
}

/** What `seal` was given as `spliceAt`. It is authenticated when the content is opened, not before. */
export function spliceAtOf(content: Buffer): number {
  return readHeader(content).spliceAt;
}

/**
 * The content without one owner's way in; all others open it as before. It needs no secret: the key id stays (a random number, which the
 * text is bound to), only the wrap goes. A content that the key doesn't open is returned as it is.
 *
 * @throws RangeError if the key is the content's only one: without wraps there is nothing to remove, and the key itself must be destroyed
 */
export function removeOwner(content: Buffer, address: ContentAddress, keyId: Buffer): Buffer {
  const header = readHeader(content);
  const number = numberOf(content, header, keyId);
  if (number === -1 || isRemoved(content, header, number)) return content;
  if (header.owners === 0) throw new RangeError('a content with one key has no owner to remove');
  const out = Buffer.from(content);
  const at = header.keysAt + number * header.stride;
  if (header.format === 1) out.fill(0, at + keyIdBytes, at + header.stride);
  else {
    const packed = checked(content, header, boundOfBody(content, header, address));
    out.fill(0, at, at + keyIdBytes);
    writeChecked(boundOfBody(out, header, address), packed, out, header.bodyAt);
  }
  return out;
}

/** In the order of ids, which tells nothing, and each once. */
function sortedKeys(keys: readonly DataKey[]): readonly DataKey[] {
  if (keys.length < 2) return keys;
  const sorted = keys.toSorted((a, b) => a.id.compare(b.id));
  return sorted.filter((key, at) => sorted[at - 1]?.id.equals(key.id) !== true);
}

function secretOf(content: Buffer, header: ContentHeader, address: ContentAddress, key: DataKey): KeyObject | Buffer {
  const number = numberOf(content, header, key.id);
  if (number === -1 || isRemoved(content, header, number)) throw new SealBroken('seal-key');
  if (header.owners === 0) return key.secret;
  const at = header.keysAt + number * header.stride + keyIdBytes;
  return openBox(key.secret, boundOfWrap(key.id, address), content.subarray(at, at + wrapBytes));
}

function numberOf(content: Buffer, header: ContentHeader, keyId: Buffer): number {
  for (let number = 0; number < header.keys; number++) {
    const at = header.keysAt + number * header.stride;
    if (content.compare(keyId, 0, keyIdBytes, at, at + keyIdBytes) === 0) return number;
  }
  return -1;
}

function writeChecked(bound: Buffer, packed: Buffer, out: Buffer, start: number): void {
  out.set(packed, start);
  out.writeUInt32BE(crc32(packed, crc32(bound)), start + packed.length);
}

function checked(content: Buffer, header: ContentHeader, bound: Buffer): Buffer {
  const checksumAt = content.length - checksumBytes;
  if (checksumAt < header.bodyAt) throw new SealBroken('seal-format');
  const packed = content.subarray(header.bodyAt, checksumAt);
  if (content.readUInt32BE(checksumAt) !== crc32(packed, crc32(bound))) throw new SealBroken('seal-altered');
  return packed;
}

import { boxBytes, secretBytes } from './aes-gcm.ts';
import { SealBroken } from './seal-broken.ts';
import { readVarint, varintBytes, writeVarint } from './varint.ts';

/** What a content is bound to: the version of a resource that it is. */
export type ContentAddress = { readonly type: string; readonly id: string; readonly version: number };

/** 0: packed only; 1: packed and encrypted with AES-256-GCM. */
export type ContentFormat = 0 | 1;

/**
 * The first part of every content:
 *
 *     format(1) ‖ dictionary version(1) ‖ owners(varint) ‖ spliceAt(varint) ‖ keys
 *
 * keys: without owners the id(16) of the one key that encrypts the text itself; else for each owner, in the order of their ids, id(16) ‖
 * wrap(60): a box that holds the text's own key. A wrap that was removed is 60 zero bytes. In format 0 there are ids only, and 16 zero
 * bytes for a removed one.
 */
export type ContentHeader = {
  readonly format: ContentFormat;
  readonly dictionary: number;
  /** 0 means one key, without a wrap. */
  readonly owners: number;
  /** Where in the text (bytes) a caller writes what he adds on reading; not interpreted here. */
  readonly spliceAt: number;
  readonly keysAt: number;
  readonly keys: number;
  /** From one key id to the next. */
  readonly stride: number;
  readonly bodyAt: number;
};

export const keyIdBytes = 16;
export const wrapBytes = secretBytes + boxBytes;
const dictionaryMax = 255;

type HeaderFields = Pick<ContentHeader, 'format' | 'dictionary' | 'owners' | 'spliceAt'>;

/** Where the parts of a content with this header are. */
export function layHeader(fields: HeaderFields): ContentHeader {
  const keysAt = 2 + varintBytes(fields.owners) + varintBytes(fields.spliceAt);
  const keys = Math.max(1, fields.owners);
  const stride = fields.format === 1 && fields.owners > 0 ? keyIdBytes + wrapBytes : keyIdBytes;
  return { ...fields, keysAt, keys, stride, bodyAt: keysAt + keys * stride };
}

/** Writes all but the wraps. */
export function writeHeader(header: ContentHeader, ids: readonly Buffer[], out: Buffer): void {
  if (header.dictionary > dictionaryMax) throw new RangeError('dictionary versions end at 255');
  out[0] = header.format;
  out[1] = header.dictionary;
  writeVarint(header.spliceAt, out, writeVarint(header.owners, out, 2));
  ids.forEach((id, number) => {
    out.set(id, header.keysAt + number * header.stride);
  });
}

/** @throws SealBroken `seal-format` */
export function readHeader(content: Buffer): ContentHeader {
  const [format, dictionary] = content;
  const owners = readVarint(content, 2);
  if ((format !== 0 && format !== 1) || dictionary === undefined || owners === undefined) throw new SealBroken('seal-format');
  const spliceAt = readVarint(content, 2 + varintBytes(owners));
  if (spliceAt === undefined) throw new SealBroken('seal-format');
  const header = layHeader({ format, dictionary, owners, spliceAt });
  if (header.bodyAt > content.length) throw new SealBroken('seal-format');
  return header;
}

export function keyIdAt(content: Buffer, header: ContentHeader, number: number): Buffer {
  const at = header.keysAt + number * header.stride;
  return content.subarray(at, at + keyIdBytes);
}

/** Whether the key's owner was taken out of the content. */
export function isRemoved(content: Buffer, header: ContentHeader, number: number): boolean {
  if (header.owners === 0) return false;
  const at = header.keysAt + number * header.stride;
  const [from, to] = header.format === 1 ? [at + keyIdBytes, at + header.stride] : [at, at + keyIdBytes];
  for (let i = from; i < to; i++) if (content[i] !== 0) return false;
  return true;
}

/** What the text is bound to: the header with all key ids, without the wraps, then the address. */
export function boundOfBody(content: Buffer, header: ContentHeader, address: ContentAddress): Buffer {
  const path = pathOf(address);
  const fixed = header.keysAt;
  const out = Buffer.allocUnsafe(fixed + header.keys * keyIdBytes + path.length);
  content.copy(out, 0, 0, fixed);
  for (let number = 0; number < header.keys; number++) {
    const from = fixed + number * header.stride;
    content.copy(out, fixed + number * keyIdBytes, from, from + keyIdBytes);
  }
  out.set(path, fixed + header.keys * keyIdBytes);
  return out;
}

/** What a wrap is bound to; the text's key is the text's alone, so the other owners needn't be named. The first byte is no format. */
export function boundOfWrap(keyId: Buffer, address: ContentAddress): Buffer {
  return Buffer.concat([wrapLabel, keyId, pathOf(address)]);
}

const wrapLabel = Buffer.from('wrap\x00');

/** `Observation/123/_history/4`, as in FHIR: types hold no slash and versions are numbers, so it can be read in one way only. */
function pathOf({ type, id, version }: ContentAddress): Buffer {
  if (type.includes('/') || !Number.isSafeInteger(version) || version < 1) throw new TypeError('not the address of a content');
  return Buffer.from(`${type}/${id}/_history/${version}`);
}

import { type FileKey, fileIdBytes, fileKeyOf } from '../encryption/seal-chunks.ts';
import { secretBytes } from '../encryption/aes-gcm.ts';
import { SealBroken } from '../encryption/seal-broken.ts';

/** A file whose bytes lie beside the document of their Binary; `size` in bytes. */
export type StoredFile = { readonly key: FileKey; readonly size: number };

/**
 * The text of a Binary with such a file begins with what leads to it: mark(1) ‖ id(16) ‖ secret(32) ‖ size(8), then the resource without
 * `data`. It is no member of the resource: no client can send it, whatever the resource holds, and none is ever shown it.
 */
const mark = 1;
const sizeAt = 1 + fileIdBytes + secretBytes;
const headBytes = sizeAt + 8;

export function withFileHead(json: string, file: StoredFile | undefined): Buffer {
  if (file === undefined) return Buffer.from(json);
  const { key, size } = file;
  const head = Buffer.alloc(headBytes);
  head[0] = mark;
  head.set(key.id, 1);
  head.set(key.secret.export(), 1 + fileIdBytes);
  head.writeBigUInt64BE(BigInt(size), sizeAt);
  return Buffer.concat([head, Buffer.from(json)]);
}

/** The resource as JSON without the file, and what leads to it, if there is one. */
export function splitFileHead(text: Buffer): { readonly json: Buffer; readonly file?: StoredFile } {
  if (text[0] !== mark) return { json: text };
  if (text.length < headBytes) throw new SealBroken('seal-text');
  const key = fileKeyOf(text.subarray(1, 1 + fileIdBytes), text.subarray(1 + fileIdBytes, sizeAt));
  return { json: text.subarray(headBytes), file: { key, size: Number(text.readBigUInt64BE(sizeAt)) } };
}

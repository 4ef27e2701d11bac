import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { boxBytes, openBox, secretBytes, writeBox } from './aes-gcm.ts';

/** What a file is named by, and what its pieces are sealed with: a secret of the file's own. */
export type FileKey = { readonly id: Buffer; readonly secret: KeyObject };

/** Where in a file a piece is: counted from 0. */
export type ChunkPlace = { readonly seq: number; readonly isLast: boolean };

export const fileIdBytes = 16;

export function newFileKey(): FileKey {
  return fileKeyOf(randomBytes(fileIdBytes), randomBytes(secretBytes));
}

/** Takes 16 bytes of id and 32 secret ones, which are copied. */
export function fileKeyOf(id: Buffer, secret: Buffer): FileKey {
  if (id.length !== fileIdBytes || secret.length !== secretBytes)
    throw new RangeError('a file key has an id of 16 bytes and a secret of 32');
  return { id: Buffer.alloc(fileIdBytes, id), secret: createSecretKey(secret) };
}

/**
 * Encrypts one piece of a file: iv(12) ‖ AES-256-GCM(piece) ‖ tag(16), bound to the file, to its place and to whether it is the last one.
 * So pieces can be opened one after the other, and none is missing, repeated or moved, nor the end cut off, unless it shows.
 *
 * @see https://eprint.iacr.org/2015/189 (STREAM)
 */
export function sealChunk({ id, secret }: FileKey, place: ChunkPlace, piece: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(piece.length + boxBytes);
  writeBox(secret, boundOf(id, place), piece, sealed, 0);
  return sealed;
}

/** @throws SealBroken if anything was altered, or it is another file's piece, or that of another place */
export function openChunk({ id, secret }: FileKey, place: ChunkPlace, sealed: Buffer): Buffer {
  return openBox(secret, boundOf(id, place), sealed);
}

const label = Buffer.from('chunk\x00');

function boundOf(id: Buffer, { seq, isLast }: ChunkPlace): Buffer {
  const place = Buffer.alloc(5);
  place.writeUInt32BE(seq);
  place[4] = isLast ? 1 : 0;
  return Buffer.concat([label, id, place]);
}

import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { fillRandom } from './random.ts';
import { SealBroken } from './seal-broken.ts';

/**
 * AES-256-GCM (NIST SP 800-38D) with random 96-bit IVs: at most 2^31 boxes a key, of which two share an IV with a probability below 2^-34.
 */
const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const tag = { authTagLength: tagBytes } as const;

export const secretBytes = 32;
/** What a box is longer than its text. */
export const boxBytes = ivBytes + tagBytes;

/** A secret of 32 bytes. */
export type Secret = KeyObject | Buffer;

/**
 * Encrypts into a box at `out[start]`: iv(12) ‖ ciphertext ‖ tag(16).
 *
 * @param bound  what the box is bound to; must be the same when it is opened
 * @returns      the offset after the box
 */
export function writeBox(secret: Secret, bound: Buffer, text: Buffer, out: Buffer, start: number): number {
  fillRandom(out, start, ivBytes);
  const iv = out.subarray(start, start + ivBytes);
  const cipher = createCipheriv(algorithm, secret, iv, tag);
  cipher.setAAD(bound);
  out.set(cipher.update(text), start + ivBytes);
  cipher.final();
  out.set(cipher.getAuthTag(), start + ivBytes + text.length);
  return start + boxBytes + text.length;
}

/** @throws SealBroken `seal-altered` */
export function openBox(secret: Secret, bound: Buffer, box: Buffer): Buffer {
  const tagAt = box.length - tagBytes;
  if (tagAt < ivBytes) throw new SealBroken('seal-format');
  const decipher = createDecipheriv(algorithm, secret, box.subarray(0, ivBytes), tag);
  decipher.setAAD(bound);
  decipher.setAuthTag(box.subarray(tagAt));
  const text = decipher.update(box.subarray(ivBytes, tagAt));
  try {
    decipher.final();
  } catch (cause) {
    throw new SealBroken('seal-altered', { cause });
  }
  return text;
}

import { boxBytes, openBox, writeBox } from './aes-gcm.ts';
import { keyIdBytes } from './content-header.ts';
import type { DataKey } from './seal.ts';
import { SealBroken } from './seal-broken.ts';

const version = 1;
const headBytes = 1 + keyIdBytes;
const label = Buffer.from('bytes\x00');

/**
 * Encrypts what isn't a resource but may tell of one (stored answers, job arguments, cursors, blocks of files):
 *
 *     version(1) ‖ key id(16) ‖ iv(12) ‖ AES-256-GCM(bytes) ‖ tag(16)
 *
 * @param purpose  what the bytes are and where they belong (`idempotency/<row>`, `export/<job>/<file>/<block>`): they open for that only
 */
export function sealBytes(key: DataKey, purpose: string, bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(headBytes + boxBytes + bytes.length);
  out[0] = version;
  out.set(key.id, 1);
  writeBox(key.secret, boundOf(out, purpose), bytes, out, headBytes);
  return out;
}

/** @throws SealBroken if anything was altered, or key or purpose are others */
export function openBytes(key: DataKey, purpose: string, sealed: Buffer): Buffer {
  if (!key.id.equals(keyIdOf(sealed))) throw new SealBroken('seal-key');
  return openBox(key.secret, boundOf(sealed, purpose), sealed.subarray(headBytes));
}

/** The id of the key that opens sealed bytes. */
export function keyIdOf(sealed: Buffer): Buffer {
  if (sealed[0] !== version || sealed.length < headBytes + boxBytes) throw new SealBroken('seal-format');
  return sealed.subarray(1, headBytes);
}

function boundOf(sealed: Buffer, purpose: string): Buffer {
  return Buffer.concat([label, sealed.subarray(0, headBytes), Buffer.from(purpose)]);
}

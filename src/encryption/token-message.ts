import { hash } from 'node:crypto';
import { varintBytes, writeVarint } from './varint.ts';

/** Parts longer than this many UTF-8 bytes stand in the message as their SHA-256, so that one buffer holds any message. */
const partBytesMax = 1024;
const digestBytes = 32;
/** Up to this many characters a length takes one byte, if all of them are ASCII. */
const oneByteLength = 127;

/**
 * Lays out the message whose keyed hash is a token: each part as its length in UTF-8 bytes (LEB128), then those bytes, or their SHA-256
 * where there are more than 1,024. Read from the front it can be cut into parts in one way only, so two lists of parts never give the same
 * message. Strings must be well formed: a lone surrogate becomes U+FFFD (`parseJson` refuses them).
 *
 * @param start  where in `message` the first part goes
 * @returns      the offset after the last part
 * @throws       RangeError if the parts don't fit the buffer
 */
export function layParts(parts: readonly string[], message: Buffer, start: number): number {
  let at = start;
  for (const part of parts) at = layPart(part, message, at);
  return at;
}

function layPart(part: string, message: Buffer, start: number): number {
  const length = part.length;
  if (length > oneByteLength || start + 1 + length > message.length) return layAnyPart(part, message, start);
  // A loop beats Buffer.write (a call into C++) for the short ASCII strings that nearly all parts are.
  let at = start;
  message[at++] = length;
  for (let i = 0; i < length; i++) {
    const unit = part.charCodeAt(i);
    if (unit > 0x7f) return layAnyPart(part, message, start);
    message[at++] = unit;
  }
  return at;
}

function layAnyPart(part: string, message: Buffer, start: number): number {
  const bytes = Buffer.byteLength(part);
  const taken = bytes > partBytesMax ? digestBytes : bytes;
  if (start + varintBytes(bytes) + taken > message.length) throw new RangeError('the parts of a token are too many for one message');
  const at = writeVarint(bytes, message, start);
  if (bytes > partBytesMax) message.set(hash('sha256', part, 'buffer'), at);
  else message.write(part, at, bytes);
  return at + taken;
}

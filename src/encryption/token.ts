import { hash } from 'node:crypto';
import { siphashModule } from './siphash-module.ts';
import { layParts } from './token-message.ts';

export type TokenAlgorithm = 'siphash' | 'sha256';

/**
 * A keyed function from lists of strings to 64 bits. The secret lives in closures: printing a TokenKey shows nothing of it.
 * The message is laid out in a buffer of the key's own, so a key is for one thread.
 */
export type TokenKey = {
  readonly algorithm: TokenAlgorithm;
  /** Computes the token of these parts; it is then in `high` and `low`. */
  readonly compute: (parts: readonly string[]) => void;
  /**
   * Computes the tokens of `[...before, prefix]` for the prefixes of `text` that are 1, 2, … `max` code points long
   * (and no longer than the text), and calls `each` after every one.
   */
  readonly computePrefixes: (before: readonly string[], text: string, max: number, each: () => void) => void;
  /** The upper half of the token computed last, as a signed 32-bit integer. */
  readonly high: () => number;
  /** The lower half, likewise. */
  readonly low: () => number;
};

/** Bytes of the secret that a token key is made from. */
export const tokenSecretBytes = 16;

/** 42 UTF-16 units are at most 126 bytes of UTF-8, whose length takes one byte in the message. */
const prefixUnitsMax = 42;

/**
 * Makes the function that turns what is searched for into tokens that tell nothing to whoever has no key.
 *
 * @param bytes      the 16 secret bytes; copied
 * @param algorithm  `siphash`: SipHash-2-4, a pseudorandom function with a key of 128 bits, in WebAssembly; `sha256`: the first 64 bits of
 *                   SHA-256(secret ‖ 48 zero bytes ‖ message), some ten times slower, for sites that may use approved algorithms only
 * @see              https://www.aumasson.jp/siphash/siphash.pdf
 */
export function makeTokenKey(bytes: Buffer, algorithm: TokenAlgorithm): TokenKey {
  if (bytes.length !== tokenSecretBytes) throw new RangeError(`a token key is made from ${tokenSecretBytes} bytes`);
  const { message, digest, result } = algorithm === 'siphash' ? siphash(bytes) : sha256(bytes);

  function compute(parts: readonly string[]): void {
    digest(layParts(parts, message, 0));
  }

  function computePrefixes(before: readonly string[], text: string, max: number, each: () => void): void {
    const start = layParts(before, message, 0);
    const units = prefixUnits(text, max);
    if (units > prefixUnitsMax) throw new RangeError(`a prefix has at most ${prefixUnitsMax} UTF-16 units`);
    if (start + 1 + 3 * units > message.length) throw new RangeError('the parts of a token are too many for one message');
    // One layout serves all prefixes: only the length of the last part is written anew for each, and the bytes after it are not read.
    let at = start + 1;
    for (let i = 0; i < units; ) {
      const codePoint = text.codePointAt(i) ?? 0;
      i += codePoint > 0xffff ? 2 : 1;
      at = writeCodePoint(codePoint, message, at);
      message[start] = at - start - 1;
      digest(at);
      each();
    }
  }

  return { algorithm, compute, computePrefixes, high: () => result.getInt32(4, true), low: () => result.getInt32(0, true) };
}

/** Writes the token of these parts as 8 bytes, big endian (PostgreSQL's binary int8), at `out[offset]`. */
export function writeToken(key: TokenKey, parts: readonly string[], out: Buffer, offset: number): void {
  key.compute(parts);
  out.writeInt32BE(key.high(), offset);
  out.writeInt32BE(key.low(), offset + 4);
}

/** The token of these parts as PostgreSQL's bigint has it: for plans and single look-ups. */
export function token(key: TokenKey, ...parts: readonly string[]): bigint {
  key.compute(parts);
  return (BigInt(key.high()) << 32n) | BigInt(key.low() >>> 0);
}

/** `digest(length)` puts that many bytes of `message` through the function; `result` then holds 64 bits, little endian. */
type Digest = { readonly message: Buffer; readonly digest: (length: number) => void; readonly result: DataView };

/** What is used here of WebAssembly; its types come with those of the DOM only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: SiphashExports };
};
type SiphashExports = { readonly memory: { readonly buffer: ArrayBuffer }; readonly hash: (length: number) => void };

function siphash(secret: Buffer): Digest {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(siphashModule, 'base64')));
  const { memory, hash: digest } = instance.exports;
  Buffer.from(memory.buffer, 0, tokenSecretBytes).set(secret);
  const message = Buffer.from(memory.buffer, 32, memory.buffer.byteLength - 32 - 8); // the last word is read whole
  return { message, digest, result: new DataView(memory.buffer, 16, 8) };
}

function sha256(secret: Buffer): Digest {
  const blockBytes = 64;
  const block = Buffer.alloc(65_536);
  block.set(secret);
  const result = new DataView(new ArrayBuffer(8));
  function digest(length: number): void {
    const full = hash('sha256', block.subarray(0, blockBytes + length), 'buffer');
    result.setInt32(4, full.readInt32BE(0), true);
    result.setInt32(0, full.readInt32BE(4), true);
  }
  return { message: block.subarray(blockBytes), digest, result };
}

/** The UTF-16 units of the first `max` code points. */
function prefixUnits(text: string, max: number): number {
  let units = 0;
  for (let taken = 0; taken < max && units < text.length; taken++) units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  return units;
}

function writeCodePoint(codePoint: number, out: Buffer, start: number): number {
  if (codePoint < 0x80) {
    out[start] = codePoint;
    return start + 1;
  }
  return start + out.write(String.fromCodePoint(codePoint), start);
}

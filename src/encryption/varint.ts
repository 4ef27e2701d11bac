/**
 * Whole numbers from 0 to 2^32 - 1 in LEB128: seven bits a byte, the lowest first, the highest bit set in all bytes but the last.
 * Lengths and counts are small nearly always and take one byte or two.
 */
export function writeVarint(value: number, out: Buffer, start: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

export function varintBytes(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : value < 2 ** 21 ? 3 : value < 2 ** 28 ? 4 : 5;
}

/**
 * The number at `start`, or undefined if the bytes end within it, it is over 2^32 - 1, or a shorter form exists: each number has one form
 * only.
 */
export function readVarint(bytes: Buffer, start: number): number | undefined {
  let value = 0;
  for (let taken = 0; taken < 5; taken++) {
    const byte = bytes[start + taken];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * taken);
    if (byte > 127) continue;
    return value < 2 ** 32 && varintBytes(value) === taken + 1 ? value : undefined;
  }
  return undefined;
}

const mask = (1n << 64n) - 1n;
const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & mask;

/** SipHash-2-4 as the paper writes it down, in BigInt: slow and plain, to compare others with. */
export function siphash24(key: Buffer, message: Buffer): bigint {
  let v0 = key.readBigUInt64LE(0) ^ 0x736f6d6570736575n;
  let v1 = key.readBigUInt64LE(8) ^ 0x646f72616e646f6dn;
  let v2 = key.readBigUInt64LE(0) ^ 0x6c7967656e657261n;
  let v3 = key.readBigUInt64LE(8) ^ 0x7465646279746573n;
  function rounds(count: number): void {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & mask;
      v2 = (v2 + v3) & mask;
      v1 = rotate(v1, 13n) ^ v0;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = rotate(v0, 32n);
      v2 = (v2 + v1) & mask;
      v0 = (v0 + v3) & mask;
      v1 = rotate(v1, 17n) ^ v2;
      v3 = rotate(v3, 21n) ^ v0;
      v2 = rotate(v2, 32n);
    }
  }
  const padded = Buffer.alloc((Math.floor(message.length / 8) + 1) * 8);
  message.copy(padded);
  padded[padded.length - 1] = message.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

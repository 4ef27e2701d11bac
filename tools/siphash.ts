/**
 * Assembles SipHash-2-4 as a WebAssembly module and writes it, in base64, to `src/encryption/siphash-module.ts`.
 *
 *   node tools/siphash.ts
 *
 * JavaScript has no 64-bit integers outside BigInt; WebAssembly has, and one call of some 60 instructions is twice as fast as halves of 32
 * bits. The module needs no toolchain: the instructions it takes are the few functions below.
 *
 * Memory (one page): 0–15 the key, 16–23 the result, from 32 the message; everything little endian, as in the paper.
 * Export `hash(length: i32)`: hashes the message's first `length` bytes and stores the result.
 *
 * @see https://www.aumasson.jp/siphash/siphash.pdf
 * @see https://webassembly.github.io/spec/core/binary/index.html
 */
import { writeFileSync } from 'node:fs';

type Code = readonly number[];

const I32 = 0x7f;
const I64 = 0x7e;
const KEY_AT = 0;
const RESULT_AT = 16;
const MESSAGE_AT = 32;

// Locals: the parameter, then those declared in `body`.
const length = 0;
const v0 = 1;
const v1 = 2;
const v2 = 3;
const v3 = 4;
const word = 5;
const at = 6;
const end = 7;

const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];
const i32 = (value: number | bigint): Code => [0x41, ...signed(BigInt(value))];
const i64 = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
const load64 = (address: Code, offset = 0): Code => [...address, 0x29, 0, ...unsigned(offset)]; // alignment hint 0: any address
const store64 = (address: Code, value: Code): Code => [...address, ...value, 0x37, 0, 0];
const binary =
  (opcode: number) =>
  (left: Code, right: Code): Code => [...left, ...right, opcode];
const add32 = binary(0x6a);
const and32 = binary(0x71);
const below32 = binary(0x49);
const shift32 = binary(0x74);
const add = binary(0x7c);
const subtract = binary(0x7d);
const and = binary(0x83);
const or = binary(0x84);
const xor = binary(0x85);
const shift = binary(0x86);
const rotate = binary(0x89);
const widen = (value: Code): Code => [...value, 0xad];

const addTo = (target: number, other: number): Code => set(target, add(get(target), get(other)));
const rotateThenXor = (target: number, bits: bigint, other: number): Code => set(target, xor(rotate(get(target), i64(bits)), get(other)));
const rotateBy = (target: number, bits: bigint): Code => set(target, rotate(get(target), i64(bits)));

/** The paper's figure 2.1. */
const round: Code = [
  ...addTo(v0, v1),
  ...rotateThenXor(v1, 13n, v0),
  ...rotateBy(v0, 32n),
  ...addTo(v2, v3),
  ...rotateThenXor(v3, 16n, v2),
  ...addTo(v0, v3),
  ...rotateThenXor(v3, 21n, v0),
  ...addTo(v2, v1),
  ...rotateThenXor(v1, 17n, v2),
  ...rotateBy(v2, 32n),
];
const absorb: Code = [...set(v3, xor(get(v3), get(word))), ...round, ...round, ...set(v0, xor(get(v0), get(word)))];

const initial = (target: number, keyAt: number, constant: bigint): Code => set(target, xor(load64(i32(keyAt)), i64(constant)));

const body: Code = [
  ...initial(v0, KEY_AT, 0x736f6d6570736575n),
  ...initial(v1, KEY_AT + 8, 0x646f72616e646f6dn),
  ...initial(v2, KEY_AT, 0x6c7967656e657261n),
  ...initial(v3, KEY_AT + 8, 0x7465646279746573n),
  ...set(end, and32(get(length), i32(-8))),
  // while (at < end) absorb the next eight bytes
  ...[0x02, 0x40, 0x03, 0x40],
  ...[...below32(get(at), get(end)), 0x45, 0x0d, 1],
  ...set(word, load64(get(at), MESSAGE_AT)),
  ...absorb,
  ...set(at, add32(get(at), i32(8))),
  ...[0x0c, 0, 0x0b, 0x0b],
  // The last word: the 0–7 bytes that are left, masked from the eight that stand there, and the length in the highest byte.
  ...set(
    word,
    or(
      and(load64(get(at), MESSAGE_AT), subtract(shift(i64(1n), widen(shift32(and32(get(length), i32(7)), i32(3)))), i64(1n))),
      shift(widen(get(length)), i64(56n)),
    ),
  ),
  ...absorb,
  ...set(v2, xor(get(v2), i64(0xffn))),
  ...round,
  ...round,
  ...round,
  ...round,
  ...store64(i32(RESULT_AT), xor(xor(get(v0), get(v1)), xor(get(v2), get(v3)))),
  0x0b,
];

/** The whole module; exported so that a test can compare it with what is checked in. */
export function assemble(): Uint8Array {
  const locals = [2, 5, I64, 2, I32]; // two groups: five of 64 bits, two of 32
  const code = [...locals, ...body];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]), // one type: (i32) → nothing
    ...section(3, [1, 0]), // one function of that type
    ...section(5, [1, 1, 1, 1]), // one memory: one page, never more
    ...section(7, [2, ...name('memory'), 2, 0, ...name('hash'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): Code {
  return [text.length, ...Buffer.from(text)];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** Signed LEB128: ends where the rest repeats the sign bit. */
function signed(value: bigint): Code {
  const low = Number(value & 127n);
  const rest = value >> 7n;
  const complete = (rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0);
  return complete ? [low] : [low | 128, ...signed(rest)];
}

if (import.meta.main) {
  const lines =
    Buffer.from(assemble())
      .toString('base64')
      .match(/.{1,120}/g) ?? [];
  writeFileSync(
    new URL('../src/encryption/siphash-module.ts', import.meta.url),
    `// Written by tools/siphash.ts, where the instructions can be read; don't edit.\n\n` +
      `/** SipHash-2-4 in WebAssembly: \`memory\` holds key (0), result (16) and message (32), \`hash(length)\` runs it. */\n` +
      `export const siphashModule =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`,
  );
}

import type { TokenKey } from './token.ts';

/** Tokens collected from one resource, each once. */
export type TokenSet = {
  readonly add: (parts: readonly string[]) => void;
  /** Adds the tokens of `[...before, prefix]` for the prefixes of `text` of 1 to `max` code points. */
  readonly addPrefixes: (before: readonly string[], text: string, max: number) => void;
  readonly size: () => number;
  /**
   * Hands out the tokens, 8 bytes each, big endian, and empties the set for the next resource. They come in an order that their values
   * decide, not the order of `add`: the place of a token doesn't tell which parameter it is of.
   */
  readonly take: () => Buffer;
};

const tokenBytes = 8;
const slotsAtFirst = 256;
/** A set that grew larger for one resource is made anew, since `take` walks over all slots. */
const slotsKept = 2048;

/** Makes an empty set; it serves any number of resources, one after the other. */
export function makeTokenSet(key: TokenKey): TokenSet {
  // Open addressing: a slot holds the number of an entry, counted from 1, or 0. Tokens are random, so their low bits are hash enough.
  let slots = new Int32Array(slotsAtFirst);
  let mask = slots.length - 1;
  let halves = new Int32Array(slots.length); // high, low of each entry; at most half of the slots are taken
  let size = 0;

  function insert(): void {
    const high = key.high();
    const low = key.low();
    let slot = low & mask;
    for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
      if (halves[2 * entry - 1] === low && halves[2 * entry - 2] === high) return;
      slot = (slot + 1) & mask;
    }
    halves[2 * size] = high;
    halves[2 * size + 1] = low;
    slots[slot] = ++size;
    if (2 * size === slots.length) grow();
  }

  function grow(): void {
    const wider = new Int32Array(2 * halves.length);
    wider.set(halves);
    halves = wider;
    slots = new Int32Array(2 * slots.length);
    mask = slots.length - 1;
    for (let entry = 1; entry <= size; entry++) {
      let slot = (halves[2 * entry - 1] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
  }

  function add(parts: readonly string[]): void {
    key.compute(parts);
    insert();
  }

  function addPrefixes(before: readonly string[], text: string, max: number): void {
    key.computePrefixes(before, text, max, insert);
  }

  function take(): Buffer {
    const out = Buffer.allocUnsafe(size * tokenBytes);
    let at = 0;
    for (const entry of slots) {
      if (entry === 0) continue;
      at = out.writeInt32BE(halves[2 * entry - 2] ?? 0, at);
      at = out.writeInt32BE(halves[2 * entry - 1] ?? 0, at);
    }
    empty();
    return out;
  }

  function empty(): void {
    size = 0;
    if (slots.length <= slotsKept) {
      slots.fill(0);
      return;
    }
    slots = new Int32Array(slotsAtFirst);
    mask = slots.length - 1;
    halves = new Int32Array(slots.length);
  }

  return { add, addPrefixes, size: () => size, take };
}

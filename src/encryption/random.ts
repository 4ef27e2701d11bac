import { randomFillSync } from 'node:crypto';

/** Random bytes come in blocks: one call into the system's generator for many values. What was given out is wiped from the block. */
const block = Buffer.alloc(4_096);
let used = block.length;

/** Fills `out` from `start` with so many random bytes, at most 4,096; they are as good as `crypto.randomBytes`. */
export function fillRandom(out: Buffer, start: number, count: number): void {
  if (used + count > block.length) {
    randomFillSync(block);
    used = 0;
  }
  block.copy(out, start, used, used + count);
  block.fill(0, used, used + count);
  used += count;
}

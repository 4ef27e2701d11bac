import { randomBytes } from 'node:crypto';

/** Random bytes come in blocks: one call into the kernel for many ids. */
let pool = Buffer.alloc(0);
let used = 0;

/**
 * A UUID of version 7, whose order is that of the times they were made for.
 *
 * @param at  epoch ms
 * @see       https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function uuidv7(at: number): string {
  if (used + 10 > pool.length) {
    pool = randomBytes(4_000);
    used = 0;
  }
  const random = pool.toString('hex', used, used + 10);
  used += 10;
  const time = at.toString(16).padStart(12, '0');
  const variant = ((Number.parseInt(random[3] ?? '0', 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}

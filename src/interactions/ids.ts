import { randomBytes, randomUUID } from 'node:crypto';

/**
 * A new id: UUIDv7, whose order is that of creation, so that indexes fill from one side; a Patient's is UUIDv4, because his
 * id must not tell when he was registered.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function newId(type: string): string {
  return type === 'Patient' ? randomUUID() : uuidv7();
}

/** Random bytes come in blocks: one call into the kernel for many ids. */
let pool = Buffer.alloc(0);
let used = 0;

function uuidv7(): string {
  if (used + 10 > pool.length) {
    pool = randomBytes(4_000);
    used = 0;
  }
  const random = pool.toString('hex', used, used + 10);
  used += 10;
  const time = Date.now().toString(16).padStart(12, '0');
  const variant = ((Number.parseInt(random[3] ?? '0', 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}

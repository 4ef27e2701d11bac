import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeDataKey } from '../../src/encryption/seal.ts';
import { openBytes, sealBytes } from '../../src/encryption/seal-bytes.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { type CursorCodec, cursorCodec } from '../../src/interactions/cursor.ts';

function codecOf(secret: number): CursorCodec {
  const key = makeDataKey(Buffer.alloc(16), Buffer.alloc(32, secret));
  return cursorCodec({
    seal: (purpose, bytes) => sealBytes(key, purpose, bytes),
    open: (purpose, sealed) => openBytes(key, purpose, sealed),
  });
}
const cursors = codecOf(1);

function statusOf(attempt: () => unknown): number {
  try {
    attempt();
  } catch (error) {
    if (error instanceof FhirError) return error.status;
    throw error;
  }
  return 200;
}

describe('a cursor', () => {
  const position = { value: 'Smith', rid: 4711 };
  const cursor = cursors.seal(position, 'Patient?name=s', 'ann');

  test('comes back as it was sealed, for whatever position, query and caller', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.string(), (value, query, caller) => {
        const expected: unknown = JSON.parse(JSON.stringify(value));
        expect(cursors.open(cursors.seal(value, query, caller), query, caller)).toEqual(expected);
      }),
    );
  });

  test('is 403 for another caller, 400 for another query, key or none', () => {
    expect(statusOf(() => cursors.open(cursor, 'Patient?name=s', 'ann'))).toBe(200);
    expect(statusOf(() => cursors.open(cursor, 'Patient?name=s', 'bob'))).toBe(403);
    expect(statusOf(() => cursors.open(cursor, 'Patient?name=t', 'ann'))).toBe(400);
    expect(statusOf(() => codecOf(2).open(cursor, 'Patient?name=s', 'ann'))).toBe(400);
    for (const none of ['', 'x', '====', 'bnVsbA', cursor.slice(0, 30)])
      expect(statusOf(() => cursors.open(none, 'Patient?name=s', 'ann'))).toBe(400);
  });

  test('is refused when any one of its bits is turned', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = Buffer.from(bytes);
      turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(
        statusOf(() => cursors.open(turned.toString('base64url'), 'Patient?name=s', 'ann')),
        `bit ${bit}`,
      ).toBe(400);
    }
  });

  test('tells neither position nor caller, and never looks the same twice', () => {
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toMatch(/Smith|4711|ann/);
    expect(cursors.seal(position, 'Patient?name=s', 'ann')).not.toBe(cursor);
  });
});

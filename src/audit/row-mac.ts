import { createHmac, createSecretKey } from 'node:crypto';
import type { AuditRow } from '../storage/audit-rows.ts';

/** What a row's mac is over. `clinicalAt` is `at` where it isn't given: so it is in the rows that are ours. */
export type MacedRow = Omit<AuditRow, 'mac'> & { readonly clinicalAt?: number | null };

/** The same as the database has it: times in microseconds. */
export type MacedFields = Omit<MacedRow, 'at' | 'clinicalAt' | 'rid'> & {
  readonly rid: bigint;
  readonly atMicros: bigint;
  readonly clinicalMicros: bigint | null;
};

export type RowMac = {
  readonly of: (row: MacedRow) => Buffer;
  readonly ofFields: (row: MacedFields) => Buffer;
};

/**
 * HMAC-SHA256 over all that a row says, each part of known length: no two rows have one text.
 *
 * @param secret  of the audit
 */
export function makeRowMac(secret: Buffer): RowMac {
  const key = createSecretKey(createHmac('sha256', secret).update('audit row').digest());
  const ofFields = (row: MacedFields): Buffer => createHmac('sha256', key).update(canonical(row)).digest();
  return {
    ofFields,
    of: ({ at, clinicalAt = at, rid, ...row }) =>
      ofFields({ ...row, rid: BigInt(rid), atMicros: micros(at), clinicalMicros: clinicalAt === null ? null : micros(clinicalAt) }),
  };
}

const version = 1;
const fixedBytes = 1 + 8 + 8 + 8 + 9 + 9 + 3 * 4;

function canonical({ rid, id, refKey, atMicros, clinicalMicros, patient, tokens, content }: MacedFields): Buffer {
  const idBytes = Buffer.byteLength(id);
  const out = Buffer.allocUnsafe(fixedBytes + idBytes + tokens.length + content.length);
  out[0] = version;
  out.writeBigInt64BE(rid, 1);
  out.writeBigInt64BE(refKey, 9);
  out.writeBigInt64BE(atMicros, 17);
  let at = writeNullable(out, clinicalMicros, 25);
  at = writeNullable(out, patient, at);
  at = out.writeInt32BE(idBytes, at);
  at += out.write(id, at);
  at = out.writeInt32BE(tokens.length, at);
  at += tokens.copy(out, at);
  at = out.writeInt32BE(content.length, at);
  content.copy(out, at);
  return out;
}

function writeNullable(out: Buffer, value: bigint | null, at: number): number {
  out[at] = value === null ? 0 : 1;
  return out.writeBigInt64BE(value ?? 0n, at + 1);
}

const micros = (ms: number): bigint => BigInt(Math.trunc(ms)) * 1000n;

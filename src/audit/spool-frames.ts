import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { AuditRow } from '../storage/audit-rows.ts';
import { makeRowMac } from './row-mac.ts';

/**
 * A file of events that wait to be written to the database:
 *
 *     magic(8) ‖ random(16), then frames: length(4) ‖ crc32 of the rows(4) ‖ crc32 of both(4) ‖ rows ‖ mac(32)
 *
 * The rows are those of the table, sealed and with their own macs. The mac of a frame is over the one before and its rows: frames can't
 * be taken out, moved or brought from another file unseen, but for those at the end.
 */
export type SpoolFrames = {
  /** The head of a new file, and what its first frame is linked to. */
  readonly begin: () => { readonly head: Buffer; readonly link: Buffer };
  readonly frame: (link: Buffer, rows: readonly AuditRow[]) => { readonly bytes: Buffer; readonly link: Buffer };
  readonly read: (file: Buffer) => SpoolContent;
};

export type SpoolContent = {
  /** Those whose macs fit, in order. */
  readonly rows: readonly AuditRow[];
  /** What was altered, removed or added: frames that don't fit, rows that don't. None but for a disk that fails or somebody's doing. */
  readonly faults: number;
  /** Bytes of a frame that a crash cut short: nobody was told that it was kept. */
  readonly torn: number;
};

const magic = Buffer.from('ANMSPL1\n');
const headBytes = magic.length + 16;
const prefixBytes = 12;
const macBytes = 32;

/** @param secret  of the audit */
export function makeSpoolFrames(secret: Buffer): SpoolFrames {
  const key = createSecretKey(createHmac('sha256', secret).update('audit spool').digest());
  const rowMac = makeRowMac(secret);
  return {
    begin() {
      const head = Buffer.concat([magic, randomBytes(16)]);
      return { head, link: linkOf(key, head, Buffer.alloc(0)) };
    },
    frame(link, rows) {
      const payload = Buffer.from(JSON.stringify(rows.map(written)));
      const prefix = Buffer.alloc(prefixBytes);
      prefix.writeUInt32BE(payload.length, 0);
      prefix.writeUInt32BE(crc32(payload), 4);
      prefix.writeUInt32BE(crc32(prefix.subarray(0, 8)), 8);
      const next = linkOf(key, link, payload);
      return { bytes: Buffer.concat([prefix, payload, next]), link: next };
    },
    read(file) {
      if (file.length < headBytes) return { rows: [], faults: isStartOf(file) ? 0 : 1, torn: file.length };
      const head = file.subarray(0, headBytes);
      let link = linkOf(key, head, Buffer.alloc(0));
      let faults = head.subarray(0, magic.length).equals(magic) ? 0 : 1;
      const rows: AuditRow[] = [];
      for (let at = headBytes; at < file.length; ) {
        const found = frameAt(file, at);
        if (found === 'torn') return { rows, faults, torn: file.length - at };
        if (found === 'altered') return { rows, faults: faults + 1, torn: 0 };
        const { payload, mac, isWhole } = found;
        const listed = isWhole ? rowsOf(payload) : undefined;
        const good = listed?.filter((row) => rowMac.of(row).equals(row.mac)) ?? [];
        rows.push(...good);
        const fits = timingSafeEqual(mac, linkOf(key, link, payload));
        faults += listed === undefined ? 1 : Math.max(listed.length - good.length, fits ? 0 : 1);
        // As it stands in the file: what comes behind a frame that was altered is judged by itself.
        link = mac;
        at += prefixBytes + payload.length + macBytes;
      }
      return { rows, faults, torn: 0 };
    },
  };
}

const isStartOf = (file: Buffer): boolean => magic.subarray(0, file.length).equals(file.subarray(0, magic.length));

function linkOf(key: KeyObject, before: Buffer, payload: Buffer): Buffer {
  return createHmac('sha256', key).update(before).update(payload).digest();
}

type Frame = { readonly payload: Buffer; readonly mac: Buffer; readonly isWhole: boolean };

/** A crash leaves less than the whole frame, or the length of it with nothing but zeros at its end. */
function frameAt(file: Buffer, at: number): Frame | 'torn' | 'altered' {
  if (file.length - at < prefixBytes || file.subarray(at).every((byte) => byte === 0)) return 'torn';
  // Without this an altered length would look like an end cut short, and all that follows would go with it.
  if (crc32(file.subarray(at, at + 8)) !== file.readUInt32BE(at + 8)) return 'altered';
  const length = file.readUInt32BE(at);
  const macAt = at + prefixBytes + length;
  if (macAt + macBytes > file.length) return 'torn';
  const payload = file.subarray(at + prefixBytes, macAt);
  const mac = file.subarray(macAt, macAt + macBytes);
  const isWhole = crc32(payload) === file.readUInt32BE(at + 4);
  const isLast = macAt + macBytes === file.length;
  return isLast && mac.every((byte) => byte === 0) ? 'torn' : { payload, mac, isWhole };
}

const written = ({ rid, id, refKey, at, patient, tokens, content, mac }: AuditRow): readonly (string | number | null)[] => [
  rid,
  id,
  refKey.toString(),
  at,
  patient === null ? null : patient.toString(),
  ...[tokens, content, mac].map((bytes) => bytes.toString('base64')),
];

/** Undefined where it is nothing that was written here. */
function rowsOf(payload: Buffer): AuditRow[] | undefined {
  try {
    return (JSON.parse(payload.toString()) as ReturnType<typeof written>[]).map(([rid, id, refKey, at, patient, ...bytes]) => {
      const [tokens, content, mac] = bytes.map((text) => Buffer.from(String(text), 'base64'));
      if (tokens === undefined || content === undefined || mac === undefined) throw new Error('a row is cut short');
      return {
        rid: Number(rid),
        id: String(id),
        refKey: BigInt(String(refKey)),
        at: Number(at),
        patient: patient == null ? null : BigInt(patient),
        tokens,
        content,
        mac,
      };
    });
  } catch {
    return undefined;
  }
}

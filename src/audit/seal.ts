import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { boxBytes, openBox, writeBox } from '../encryption/aes-gcm.ts';
import { keyIdBytes } from '../encryption/content-header.ts';
import { type DataKey, makeDataKey } from '../encryption/seal.ts';
import { SealBroken } from '../encryption/seal-broken.ts';
import { type AuditKeyPurpose, type AuditKeys, monthOf } from '../storage/audit-keys.ts';
import { type MacedRow, makeRowMac } from './row-mac.ts';

/** What a sealed record belongs to: it opens as the record of this row only. */
export type RecordAddress = { readonly id: string; readonly at: number };

/**
 * Seals the records of our own events with the key of their month, and the texts of searches that concern no single patient with one that
 * is destroyed sooner:
 *
 *     format(1) ‖ key id(16) ‖ iv(12) ‖ AES-256-GCM(record) ‖ tag(16)
 *
 * The format byte is none that a document's content begins with. What encrypts is a key derived for the hour, so that no number of
 * events wears a month's key out.
 */
export type AuditSeal = {
  /** Has the keys of the month of this time at hand: to be awaited before something of that time is sealed. */
  readonly ready: (at: number) => Promise<void>;
  /** @throws Error if the month's keys aren't at hand */
  readonly sealRecord: (record: Buffer, address: RecordAddress) => Buffer;
  /** @throws SealBroken if anything was altered */
  readonly openRecord: (content: Buffer, address: RecordAddress) => Promise<Buffer>;
  readonly sealQuery: (text: Buffer, address: RecordAddress) => Buffer;
  /** Undefined once the key is destroyed. */
  readonly openQuery: (sealed: Buffer, address: RecordAddress) => Promise<Buffer | undefined>;
  readonly mac: (row: MacedRow) => Buffer;
};

const formats = { 'audit-month': 2, 'audit-query': 3 } as const;
const headBytes = 1 + keyIdBytes;
const hourMs = 3_600_000;

/** Whether a row's content is a record of ours, and no document. */
export function isRecord(content: Buffer): boolean {
  return content[0] === formats['audit-month'];
}

/** @param secret  of the audit: the macs are made with a key derived from it */
export function makeAuditSeal({ keys, secret }: { readonly keys: AuditKeys; readonly secret: Buffer }): AuditSeal {
  const atHand = new Map<string, DataKey>();
  const hours = new LRUCache<string, DataKey>({ max: 512 });
  const rowMac = makeRowMac(secret);

  async function ready(at: number): Promise<void> {
    const month = monthOf(at);
    if (atHand.has(nameOf('audit-month', month)) && atHand.has(nameOf('audit-query', month))) return;
    for (const purpose of ['audit-month', 'audit-query'] as const) atHand.set(nameOf(purpose, month), await keys.ofMonth(purpose, month));
    // The month that ends and the one that begins, and one that was asked for late.
    for (const name of [...atHand.keys()].slice(0, -6)) atHand.delete(name);
  }

  function hourKey(key: DataKey, at: number): DataKey {
    const hour = Math.floor(at / hourMs);
    const name = `${key.id.toString('hex')} ${hour}`;
    const known = hours.get(name);
    if (known !== undefined) return known;
    const derived = makeDataKey(key.id, createHmac('sha256', key.secret).update(`audit hour ${hour}`).digest());
    hours.set(name, derived);
    return derived;
  }

  function seal(purpose: AuditKeyPurpose, bytes: Buffer, address: RecordAddress): Buffer {
    const monthKey = atHand.get(nameOf(purpose, monthOf(address.at)));
    if (monthKey === undefined) throw new Error('the audit keys of the month are not at hand');
    const { id, secret: hourSecret } = hourKey(monthKey, address.at);
    const out = Buffer.allocUnsafe(headBytes + boxBytes + bytes.length);
    out[0] = formats[purpose];
    out.set(id, 1);
    writeBox(hourSecret, boundOf(out, address), bytes, out, headBytes);
    return out;
  }

  async function open(purpose: AuditKeyPurpose, sealed: Buffer, address: RecordAddress): Promise<Buffer | undefined> {
    if (sealed[0] !== formats[purpose] || sealed.length < headBytes + boxBytes) throw new SealBroken('seal-format');
    const key = await keys.byId(sealed.subarray(1, headBytes));
    if (key === undefined) return undefined;
    return openBox(hourKey(key, address.at).secret, boundOf(sealed, address), sealed.subarray(headBytes));
  }

  return {
    ready,
    sealRecord: (record, address) => seal('audit-month', record, address),
    async openRecord(content, address) {
      const record = await open('audit-month', content, address);
      if (record === undefined) throw new SealBroken('seal-key');
      return record;
    },
    sealQuery: (text, address) => seal('audit-query', text, address),
    openQuery: (sealed, address) => open('audit-query', sealed, address),
    mac: rowMac.of,
  };
}

const nameOf = (purpose: AuditKeyPurpose, month: number): string => `${purpose} ${month}`;

function boundOf(sealed: Buffer, { id, at }: RecordAddress): Buffer {
  const out = Buffer.allocUnsafe(headBytes + 8 + Buffer.byteLength(id));
  sealed.copy(out, 0, 0, headBytes);
  out.writeBigInt64BE(BigInt(at), headBytes);
  out.write(id, headBytes + 8);
  return out;
}

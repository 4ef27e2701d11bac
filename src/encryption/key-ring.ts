import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { boxBytes, openBox, secretBytes, writeBox } from './aes-gcm.ts';
import { SealBroken } from './seal-broken.ts';

/** One root key. */
export type RootKey = { readonly id: string; readonly created: string; readonly secret: KeyObject };

/** Root keys: the current one wraps, all unwrap. */
export type KeyRing = { readonly current: RootKey; readonly keys: readonly RootKey[] };

const version = 1;
const idBytes = 16;
const headBytes = 1 + idBytes;
const wrappable = { min: 16, max: 64 } as const;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const label = Buffer.from('root\x00');

export function makeRootKey(created: string): RootKey {
  return { id: randomUUID(), created, secret: createSecretKey(randomBytes(secretBytes)) };
}

/** version(1) ‖ root key id(16) ‖ iv(12) ‖ AES-256-GCM(secret) ‖ tag(16), bound to the first two and the context. */
export function wrapSecret({ current }: KeyRing, secret: Buffer, context: string): Buffer {
  if (secret.length < wrappable.min || secret.length > wrappable.max) throw new RangeError('a secret to wrap has 16 to 64 bytes');
  const out = Buffer.allocUnsafe(headBytes + boxBytes + secret.length);
  out[0] = version;
  out.set(Buffer.from(current.id.replaceAll('-', ''), 'hex'), 1);
  writeBox(current.secret, boundOf(out, context), secret, out, headBytes);
  return out;
}

/** @throws SealBroken if the bytes or the context were altered */
export function unwrapSecret(key: RootKey, wrapped: Buffer, context: string): Buffer {
  return openBox(key.secret, boundOf(wrapped, context), wrapped.subarray(headBytes));
}

/** The id of the root key that unwraps these bytes. @throws SealBroken `seal-format` */
export function rootKeyIdOf(wrapped: Buffer): string {
  if (wrapped[0] !== version || wrapped.length < headBytes + boxBytes + wrappable.min) throw new SealBroken('seal-format');
  const hex = wrapped.toString('hex', 1, headBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * A ring as text: `{ "version": 1, "current": id, "keys": [{ "id": uuid, "created": instant, "secret": base64 }] }`. It holds the secrets
 * in clear.
 */
export function formatRing({ current, keys }: KeyRing): string {
  const entries = keys.map(({ id, created, secret }) => ({ id, created, secret: secret.export().toString('base64') }));
  return `${JSON.stringify({ version, current: current.id, keys: entries }, null, 2)}\n`;
}

/** The ring, or undefined if the text is none. Why isn't told: JSON.parse quotes what it can't read. */
export function parseRing(text: string): KeyRing | undefined {
  const file = parseOrUndefined(text);
  if (!isRecord(file) || file.version !== version || !Array.isArray(file.keys)) return undefined;
  const keys: RootKey[] = [];
  for (const entry of file.keys) {
    const key = parseKey(entry);
    if (key === undefined || keys.some(({ id }) => id === key.id)) return undefined;
    keys.push(key);
  }
  const current = keys.find(({ id }) => id === file.current);
  return current === undefined ? undefined : { current, keys };
}

function parseKey(entry: unknown): RootKey | undefined {
  if (!isRecord(entry)) return undefined;
  const { id, created, secret } = entry;
  if (typeof id !== 'string' || typeof created !== 'string' || typeof secret !== 'string') return undefined;
  const bytes = Buffer.from(secret, 'base64');
  // Node skips what isn't base64; a key that lost or gained characters must not pass for another.
  if (!uuid.test(id) || Number.isNaN(Date.parse(created)) || bytes.length !== secretBytes || bytes.toString('base64') !== secret)
    return undefined;
  return { id, created, secret: createSecretKey(bytes) };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says so without the reason
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function boundOf(wrapped: Buffer, context: string): Buffer {
  return Buffer.concat([label, wrapped.subarray(0, headBytes), Buffer.from(context)]);
}

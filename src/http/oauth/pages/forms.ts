import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openBytes, sealBytes } from '../../../encryption/seal-bytes.ts';
import { SealBroken } from '../../../encryption/seal-broken.ts';
import type { DataKey } from '../../../encryption/seal.ts';
import { readBody } from '../../body.ts';

export type Form = { readonly text: (name: string) => string; readonly all: (name: string) => readonly string[] };

/** A form that isn't from a page of ours. */
export class ForgedForm extends Error {}

export type Forms = {
  /** What the forms of a page carry; the browser gets the cookie that it belongs to. */
  readonly token: (incoming: IncomingMessage, outgoing: ServerResponse, place: string) => string;
  /** @throws ForgedForm; FhirError 413 */
  readonly read: (incoming: IncomingMessage, place: string) => Promise<Form>;
  /** Keeps a small value in a cookie that only we can read, for some minutes; undefined removes it. */
  readonly keep: (outgoing: ServerResponse, name: string, value: object | undefined, seconds?: number) => void;
  readonly kept: (incoming: IncomingMessage, name: string) => unknown;
  /** A value that a form carries back: nobody else can make one. */
  readonly sealed: (purpose: string, value: string) => string;
  readonly opened: (purpose: string, sealed: string) => string | undefined;
};

export type FormsOptions = {
  /** Where these pages stand: `https://fhir.example.org`. */
  readonly origin: string;
  readonly key: DataKey;
  /** For forms' tokens; 32 bytes. */
  readonly secret: Buffer;
  readonly now?: () => number;
};

const formBytesMax = 65_536;
const cookieName = 'anamnesis_form';

export function makeForms({ origin, key, secret, now = Date.now }: FormsOptions): Forms {
  const isSecure = origin.startsWith('https:');
  // By its name a browser takes it from this very host alone: no neighbour below the same domain plants one.
  const prefix = isSecure ? '__Host-' : '';
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  /** Those that were made for a request: all forms of a page belong to one. */
  const made = new WeakMap<IncomingMessage, string>();
  const formCookie = `${prefix}${cookieName}`;
  const tokenOf = (cookie: string, place: string): Buffer => createHmac('sha256', secret).update(`form\0${cookie}\0${place}`).digest();

  return {
    token(incoming, outgoing, place) {
      let cookie = made.get(incoming) ?? cookieOf(incoming, formCookie);
      if (cookie === undefined || !/^[\w-]{43}$/.test(cookie)) {
        cookie = randomBytes(32).toString('base64url');
        made.set(incoming, cookie);
        outgoing.appendHeader('set-cookie', `${formCookie}=${cookie}${attributes}`);
      }
      return tokenOf(cookie, place).toString('base64url');
    },
    async read(incoming, place) {
      const cookie = cookieOf(incoming, formCookie);
      const [media = ''] = (incoming.headers['content-type'] ?? '').split(';');
      // Every browser sends its Origin with a form; what sends none is no browser, or hides it.
      if (incoming.headers.origin !== origin || cookie === undefined || media.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
        throw new ForgedForm();
      const fields = new URLSearchParams((await readBody(incoming, formBytesMax)).toString('utf8'));
      const given = Buffer.from(fields.get('form_token') ?? '', 'base64url');
      const expected = tokenOf(cookie, place);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ForgedForm();
      return { text: (name) => fields.get(name) ?? '', all: (name) => fields.getAll(name) };
    },
    keep(outgoing, name, value, seconds = 300) {
      if (value === undefined) {
        outgoing.appendHeader('set-cookie', `${prefix}${name}=; Max-Age=0${attributes}`);
        return;
      }
      const text = JSON.stringify({ until: now() + seconds * 1000, value });
      const sealed = sealBytes(key, `cookie/${name}`, Buffer.from(text)).toString('base64url');
      outgoing.appendHeader('set-cookie', `${prefix}${name}=${sealed}; Max-Age=${seconds}${attributes}`);
    },
    kept(incoming, name) {
      const cookie = cookieOf(incoming, `${prefix}${name}`);
      const text = cookie === undefined ? undefined : openText(key, `cookie/${name}`, cookie);
      if (text === undefined) return undefined;
      const { until, value } = JSON.parse(text) as { until: number; value: unknown };
      return until > now() ? value : undefined;
    },
    sealed: (purpose, value) => sealBytes(key, `field/${purpose}`, Buffer.from(value)).toString('base64url'),
    opened: (purpose, sealed) => openText(key, `field/${purpose}`, sealed),
  };
}

function openText(key: DataKey, purpose: string, sealed: string): string | undefined {
  try {
    return openBytes(key, purpose, Buffer.from(sealed, 'base64url')).toString('utf8');
  } catch (error) {
    if (error instanceof SealBroken) return undefined; // It is somebody's own making, or of another installation.
    throw error;
  }
}

function cookieOf(incoming: IncomingMessage, name: string): string | undefined {
  for (const part of (incoming.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

import { randomBytes } from 'node:crypto';
import type { OauthItems } from '../storage/oauth-items.ts';

/** A signature that somebody is to confirm in his browser, by proving anew who he is. */
export type AskedSignature = {
  /** The account that is to confirm it. */
  readonly account: string;
  /** What the app that asks got its tokens by. */
  readonly grantId: string;
  /** The version: `DocumentReference/0198c1f2-…/_history/3`. */
  readonly target: string;
  readonly meaning: string;
};

/** `amr`: what he proved himself by. */
export type ConfirmedSignature = AskedSignature & { readonly amr: readonly string[] };

/** Signatures that wait to be confirmed. Each is confirmed once, and is good for one signature. */
export type SignatureConfirmations = {
  readonly begin: (asked: AskedSignature) => Promise<{ readonly id: string; readonly expiresAt: Date }>;
  /** Undefined where it is not there, too old, or decided on. */
  readonly find: (id: string) => Promise<AskedSignature | undefined>;
  /** @returns false where it is not there any more, or was decided on before */
  readonly confirm: (id: string, amr: readonly string[]) => Promise<boolean>;
  readonly refuse: (id: string) => Promise<void>;
  /** Without using it up. */
  readonly confirmed: (id: string) => Promise<ConfirmedSignature | undefined>;
  /** Of many at once, one gets true. */
  readonly use: (id: string) => Promise<boolean>;
};

/** From the question to the signature. */
const seconds = 600;
const [askedKind, confirmedKind] = ['SignatureAsked', 'SignatureConfirmed'];

export function makeSignatureConfirmations(items: OauthItems): SignatureConfirmations {
  const unused = async <T>(kind: string, id: string): Promise<T | undefined> => {
    const found = await items.find(kind, id);
    return found === undefined || found.consumedAt !== undefined ? undefined : (found.payload as T);
  };
  return {
    async begin(asked) {
      const id = randomBytes(32).toString('base64url');
      await items.put({ kind: askedKind, id, payload: asked, account: asked.account, ttlSeconds: seconds });
      return { id, expiresAt: new Date(Date.now() + seconds * 1000) };
    },
    find: (id) => unused<AskedSignature>(askedKind, id),
    async confirm(id, amr) {
      const asked = await items.take(askedKind, id);
      if (asked === undefined) return false;
      const payload = { ...asked.payload, amr };
      const account = (asked.payload as AskedSignature).account;
      await items.put({ kind: confirmedKind, id, payload, account, ttlSeconds: seconds });
      return true;
    },
    async refuse(id) {
      await items.consume(askedKind, id);
    },
    confirmed: (id) => unused<ConfirmedSignature>(confirmedKind, id),
    use: (id) => items.consume(confirmedKind, id),
  };
}

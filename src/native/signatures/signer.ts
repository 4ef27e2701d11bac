import { createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, FlattenedSign, flattenedVerify } from 'jose';

export type Meaning = 'author' | 'reviewer' | 'approver';

/** What a signature says beside what it is over: all of it is signed. */
export type Signed = {
  /** `Condition/x/_history/3` */
  readonly target: string;
  readonly meaning: Meaning;
  /** `Practitioner/x` */
  readonly who: string;
  /** As it is printed. */
  readonly name: string;
  /** The account. */
  readonly sub: string;
  /** Epoch seconds. */
  readonly iat: number;
  /** What he proved himself by: `pwd`, `otp`. */
  readonly components: readonly string[];
  /** The session that he signed in; told apart, not told. */
  readonly session: string;
};

export type Signer = {
  /** A JWS whose payload is detached: `header..signature`. */
  readonly sign: (signed: Signed, payload: string) => Promise<string>;
  /** What it says, if it is ours and over this payload. */
  readonly verify: (jws: string, payload: string) => Promise<Signed | undefined>;
  /** What a session is named by; undefined where the token has no name. */
  readonly sessionOf: (caller: { readonly issuer: string; readonly subject: string; readonly tokenId?: string }) => string | undefined;
  /** The public half of the key that signs. */
  readonly publicKey: PublicKey;
  /** All with which something may have been signed, the newest first. */
  readonly publicKeys: () => readonly PublicKey[];
};

/** With it anybody may verify. @see https://www.rfc-editor.org/rfc/rfc8037 */
type PublicKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly kid: string; readonly use: 'sig' };

const algorithm = 'EdDSA';
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. @see https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Signs for those who proved who they are: the key is the server's, bound to the signer by what is signed. Keys are numbered: the newest signs,
 * and what those before it signed is verified as ever. So is what the next one signed, as processes are given their settings one by one.
 *
 * @param secret  lasts as long as signatures are to be verified
 * @param number  of the key that signs, from 1
 * @see           https://www.rfc-editor.org/rfc/rfc7515#appendix-F
 */
export function makeSigner(secret: Buffer, number = 1): Signer {
  const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `signatures/${purpose}`, 32));
  const made = new Map<number, SigningKey>();
  const keyAt = (each: number): SigningKey => {
    const key = made.get(each) ?? signingKey(derived(each === 1 ? 'key' : `key/${each}`));
    made.set(each, key);
    return key;
  };
  // The newest first: most is signed by it.
  const keys = function* (newest: number): Generator<SigningKey> {
    for (let each = newest; each >= 1; each--) yield keyAt(each);
  };
  const current = keyAt(number);
  const sessions = derived('sessions');
  return {
    publicKey: current.shown,
    publicKeys: () => [...keys(number)].map(({ shown }) => shown),
    async sign(signed, payload) {
      const header = { alg: algorithm, kid: current.shown.kid, ...signed };
      const signing = new FlattenedSign(Buffer.from(payload)).setProtectedHeader(header);
      const { protected: head = '', signature } = await signing.sign(current.privateKey);
      return `${head}..${signature}`;
    },
    async verify(jws, payload) {
      const [head = '', middle, signature = '', ...rest] = jws.split('.');
      if (middle !== '' || rest.length > 0) return undefined;
      try {
        const { kid } = decodeProtectedHeader({ protected: head });
        const key = [...keys(number + 1)].find(({ shown }) => shown.kid === kid);
        if (key === undefined) return undefined;
        const parts = { protected: head, payload: Buffer.from(payload).toString('base64url'), signature };
        const { protectedHeader } = await flattenedVerify(parts, key.publicKey, { algorithms: [algorithm] });
        return protectedHeader as unknown as Signed;
      } catch {
        return undefined;
      }
    },
    sessionOf({ issuer, subject, tokenId }) {
      if (tokenId === undefined) return undefined;
      return createHmac('sha256', sessions)
        .update(JSON.stringify([issuer, subject, tokenId]))
        .digest('base64url')
        .slice(0, 32);
    },
  };
}

type SigningKey = { readonly privateKey: KeyObject; readonly publicKey: KeyObject; readonly shown: PublicKey };

function signingKey(seed: Buffer): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(x).digest('base64url').slice(0, 22);
  return { privateKey, publicKey, shown: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig' } };
}

import { createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { FlattenedSign, flattenedVerify } from 'jose';

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
  /** The public key, with which anybody may verify. @see https://www.rfc-editor.org/rfc/rfc8037 */
  readonly publicKey: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly kid: string; readonly use: 'sig' };
};

const algorithm = 'EdDSA';
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. @see https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Signs for those who proved who they are: the key is the server's, bound to the signer by what is signed.
 *
 * @param secret  lasts as long as signatures are to be verified
 * @see           https://www.rfc-editor.org/rfc/rfc7515#appendix-F
 */
export function makeSigner(secret: Buffer): Signer {
  const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `signatures/${purpose}`, 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, derived('key')]), format: 'der', type: 'pkcs8' });
  const key = createPublicKey(privateKey);
  const { x = '' } = key.export({ format: 'jwk' });
  const kid = createHash('sha256').update(x).digest('base64url').slice(0, 22);
  const sessions = derived('sessions');
  return {
    publicKey: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig' },
    async sign(signed, payload) {
      const header = { alg: algorithm, kid, ...signed };
      const { protected: head = '', signature } = await new FlattenedSign(Buffer.from(payload)).setProtectedHeader(header).sign(privateKey);
      return `${head}..${signature}`;
    },
    async verify(jws, payload) {
      const [head = '', middle, signature = '', ...rest] = jws.split('.');
      if (middle !== '' || rest.length > 0) return undefined;
      try {
        const parts = { protected: head, payload: Buffer.from(payload).toString('base64url'), signature };
        const { protectedHeader } = await flattenedVerify(parts, key, { algorithms: [algorithm] });
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

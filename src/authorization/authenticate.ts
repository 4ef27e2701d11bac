import { hash } from 'node:crypto';
import { createLocalJWKSet } from 'jose';
import { LRUCache } from 'lru-cache';
import { badRequest } from '../fhir/error.ts';
import { type Access, type AccessContext, accessOf } from './access.ts';
import { type ApiKeysOptions, makeApiKeys } from './api-keys.ts';
import { developmentIssuer, developmentKey } from './development-issuer.ts';
import type { Grant } from './grant.ts';
import { ourClaims, type TrustedIssuer } from './issuers.ts';
import { grantOf } from './token-claims.ts';
import { invalidToken, makeVerifier, remoteIssuer, unauthenticated, type VerifyingIssuer } from './verify.ts';

export type AuthenticationOptions = {
  readonly audience: string;
  /** Where the development issuer's key is; undefined where its tokens are refused. */
  readonly developmentKeyFile: string | undefined;
  readonly issuers: readonly TrustedIssuer[];
  readonly apiKeys: Pick<ApiKeysOptions<Caller>, 'find' | 'touch'>;
};

export type Caller = { readonly grant: Grant; readonly access: Access };

/** The headers that may say who calls. */
export type Credentials = { readonly authorization?: string | undefined; readonly 'x-api-key'?: string | readonly string[] | undefined };

/** Turns the headers of a request into a caller, or refuses with 401. */
export type Authenticate = (credentials: Credentials) => Promise<Caller>;

/** A verified token is trusted this long without another look at its signature. */
const trustMs = 60_000;
const tokenBytesMax = 8_192;

/** Verified tokens are kept by their hash, with the access they give, for at most a minute. */
export async function makeAuthenticate(options: AuthenticationOptions, context: AccessContext): Promise<Authenticate> {
  const verify = makeVerifier([...(await developmentIssuers(options)), ...options.issuers.map(remoteIssuer)]);
  const verified = new LRUCache<string, { caller: Caller; until: number }>({ max: 10_000, ttl: trustMs });
  const byKey = makeApiKeys({ ...options.apiKeys, callerOf: (grant) => ({ grant, access: accessOf(grant, context) }) });
  return async ({ authorization, 'x-api-key': apiKey }) => {
    if (apiKey !== undefined) {
      if (authorization !== undefined) throw badRequest('credentials-ambiguous', 'Send Authorization or X-Api-Key, not both.');
      return byKey(String(apiKey));
    }
    const token = /^Bearer ([A-Za-z0-9\-_.~+/=]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined)
      throw unauthenticated(
        authorization === undefined ? 'token-missing' : 'token-malformed',
        'The request needs a bearer token: "Authorization: Bearer <token>".',
      );
    if (token.length > tokenBytesMax) throw invalidToken();
    const name = hash('sha256', token);
    const known = verified.get(name);
    if (known !== undefined && known.until > Date.now()) return known.caller;
    const { payload, claims } = await verify(token);
    const grant = grantOf(payload, claims);
    const caller = { grant, access: accessOf(grant, context) };
    verified.set(name, { caller, until: (payload.exp ?? 0) * 1000 });
    return caller;
  };
}

async function developmentIssuers({ audience, developmentKeyFile }: AuthenticationOptions): Promise<VerifyingIssuer[]> {
  if (developmentKeyFile === undefined) return [];
  const { d: _secret, ...publicKey } = await developmentKey(developmentKeyFile);
  const keys = createLocalJWKSet({ keys: [publicKey] });
  const requiredClaims = ['exp', 'sub', 'iat', 'jti', 'client_id'];
  return [
    { issuer: developmentIssuer, audience: [audience], algorithms: ['ES256'], claims: ourClaims, keys, typ: 'at+jwt', requiredClaims },
  ];
}

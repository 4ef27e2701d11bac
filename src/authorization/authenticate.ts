import { hash } from 'node:crypto';
import { createLocalJWKSet } from 'jose';
import { LRUCache } from 'lru-cache';
import { atMost } from '../fhir/at-most.ts';
import { badRequest, FhirError } from '../fhir/error.ts';
import { type Access, type AccessContext, accessOf } from './access.ts';
import { type ApiKeysOptions, makeApiKeys } from './api-keys.ts';
import { type Attempt, attempted, refusedUnseen } from './attempt.ts';
import { developmentIssuer, developmentKey } from './development-issuer.ts';
import type { Grant } from './grant.ts';
import { ourClaims, type TrustedIssuer } from './issuers.ts';
import { namesOf, type Revocations } from './revocations.ts';
import { grantOf } from './token-claims.ts';
import { invalidToken, makeVerifier, remoteIssuer, unauthenticated, type VerifyingIssuer } from './verify.ts';

export type AuthenticationOptions = {
  readonly audience: string;
  /** Where the development issuer's key is; undefined where its tokens are refused. */
  readonly developmentKeyFile: string | undefined;
  readonly issuers: readonly TrustedIssuer[];
  readonly apiKeys: Pick<ApiKeysOptions<Caller>, 'find' | 'touch'>;
  /** Our own authorization server's tokens, and which of them are over before their time. */
  readonly own?: { readonly own: VerifyingIssuer; readonly revocations: Revocations };
};

export type Caller = { readonly grant: Grant; readonly access: Access };

/** The headers that may say who calls. */
export type Credentials = { readonly authorization?: string | undefined; readonly 'x-api-key'?: string | readonly string[] | undefined };

/** Turns the headers of a request into a caller, or refuses with 401. */
export type Authenticate = (credentials: Credentials, attempt?: Attempt) => Promise<Caller>;

type Verified = {
  readonly caller: Caller;
  readonly until: number;
  readonly issuedAt: number;
  /** Of a token of ours: by what it can be ended. */
  readonly endedBy?: readonly string[];
};

/** A verified token is trusted this long without another look at its signature. */
const trustMs = 60_000;
const tokenBytesMax = 8_192;

/** Verified tokens are kept by their hash, with the access they give, for at most a minute. */
export async function makeAuthenticate(options: AuthenticationOptions, context: AccessContext): Promise<Authenticate> {
  const { own } = options;
  const local = own === undefined ? [] : [own.own];
  const verify = makeVerifier([...(await developmentIssuers(options)), ...local, ...options.issuers.map(remoteIssuer)]);
  const verified = new LRUCache<string, Verified>({ ...atMost(10_000), ttl: trustMs });
  /** Signatures are remembered; whether a token of ours is over is asked each time. */
  const inForce = (found: Verified): Caller | Promise<Caller> => {
    if (found.endedBy === undefined || own === undefined) return found.caller;
    const answer = (): Caller => {
      if (own.revocations.isOver(found.endedBy ?? [], found.issuedAt)) throw invalidToken();
      return found.caller;
    };
    return own.revocations.isKnown() ? answer() : own.revocations.refresh().then(answer);
  };
  /** Of a token that was revoked each use counts as one that is refused. */
  const callerInForce = async (found: Verified, attempt: Attempt | undefined): Promise<Caller> => {
    try {
      return await inForce(found);
    } catch (error) {
      if (error instanceof FhirError && error.status === 401) return refusedUnseen(attempt, error);
      throw error;
    }
  };
  const byKey = makeApiKeys({ ...options.apiKeys, callerOf: (grant) => ({ grant, access: accessOf(grant, context) }) });
  return async ({ authorization, 'x-api-key': apiKey }, attempt) => {
    if (apiKey !== undefined) {
      if (authorization !== undefined)
        return refusedUnseen(attempt, badRequest('credentials-ambiguous', 'Send Authorization or X-Api-Key, not both.'));
      const caller = await byKey(String(apiKey), attempt);
      attempt?.known?.(caller.grant);
      return caller;
    }
    const token = /^Bearer ([A-Za-z0-9\-_.~+/=]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined)
      return refusedUnseen(
        attempt,
        unauthenticated(
          authorization === undefined ? 'token-missing' : 'token-malformed',
          'The request needs a bearer token: "Authorization: Bearer <token>".',
        ),
      );
    if (token.length > tokenBytesMax) return refusedUnseen(attempt, invalidToken());
    const name = hash('sha256', token);
    const known = verified.get(name);
    if (known !== undefined && known.until > Date.now()) {
      const caller = await callerInForce(known, attempt);
      attempt?.known?.(caller.grant);
      return caller;
    }
    const { payload, claims } = await attempted(attempt, () => verify(token));
    const isOwn = payload.iss === own?.own.issuer;
    const given = withTokenId(grantOf(payload, claims), name);
    const grant = isOwn && typeof payload['gid'] === 'string' ? { ...given, grantId: payload['gid'] } : given;
    attempt?.known?.(grant);
    const caller = { grant, access: accessOf(grant, context) };
    const found: Verified = {
      caller,
      until: (payload.exp ?? 0) * 1000,
      issuedAt: payload.iat ?? 0,
      ...(isOwn ? { endedBy: namesOf(payload) } : {}),
    };
    verified.set(name, found);
    return callerInForce(found, attempt);
  };
}

/** A token that has no id of its own is told from others by its hash. */
function withTokenId(grant: Grant, tokenHash: string): Grant {
  return grant.tokenId === undefined ? { ...grant, tokenId: `sha256:${tokenHash}` } : grant;
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

import { hash } from 'node:crypto';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { FhirError, issue } from '../fhir/error.ts';
import { type Access, type AccessContext, accessOf } from './access.ts';
import { developmentIssuer, developmentKey } from './development-issuer.ts';
import type { Grant } from './grant.ts';
import { parseScopes } from './scopes.ts';

export type AuthenticationOptions = {
  readonly audience: string;
  /** Where the development issuer's key is; undefined where its tokens are refused. */
  readonly developmentKeyFile: string | undefined;
};

export type Caller = { readonly grant: Grant; readonly access: Access };

/** Turns an Authorization header into a caller, or refuses with 401. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

const skewSeconds = 30;
const algorithms = ['ES256'];
/** A verified token is trusted this long without another look at its signature. */
const trustMs = 60_000;
const tokenBytesMax = 8_192;

/**
 * Verifies bearer JWTs: algorithm pinned by issuer, audience, issuer, times; no key, address or algorithm from the token itself
 * is ever used. Verified tokens are kept by their hash, with the access they give, for at most a minute.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725
 */
export async function makeAuthenticate(options: AuthenticationOptions, context: AccessContext): Promise<Authenticate> {
  const keys = await trustedKeys(options.developmentKeyFile);
  const verified = new LRUCache<string, { caller: Caller; until: number }>({ max: 10_000, ttl: trustMs });
  return async (authorization) => {
    const token = /^Bearer ([A-Za-z0-9\-_.~+/=]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined)
      throw unauthenticated(
        authorization === undefined ? 'token-missing' : 'token-malformed',
        'The request needs a bearer token: "Authorization: Bearer <token>".',
      );
    if (token.length > tokenBytesMax) throw unauthenticated('token-invalid', 'The access token is not valid here.');
    const name = hash('sha256', token);
    const known = verified.get(name);
    if (known !== undefined && known.until > Date.now()) return known.caller;
    const payload = await verify(token, keys, options.audience);
    const grant = grantOf(payload);
    const caller = { grant, access: accessOf(grant, context) };
    verified.set(name, { caller, until: (payload.exp ?? 0) * 1000 });
    return caller;
  };
}

async function trustedKeys(developmentKeyFile: string | undefined): Promise<ReturnType<typeof createLocalJWKSet> | undefined> {
  if (developmentKeyFile === undefined) return undefined;
  const { d: _secret, ...publicKey } = await developmentKey(developmentKeyFile);
  return createLocalJWKSet({ keys: [publicKey] });
}

async function verify(token: string, keys: ReturnType<typeof createLocalJWKSet> | undefined, audience: string): Promise<JWTPayload> {
  if (keys === undefined) throw unauthenticated('token-invalid', 'The access token is not valid here.');
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: developmentIssuer,
      audience,
      algorithms,
      typ: 'at+jwt',
      clockTolerance: skewSeconds,
      requiredClaims: ['exp', 'sub', 'iat', 'jti', 'client_id'],
    });
    return payload;
  } catch (error) {
    const expired = (error as { code?: string }).code === 'ERR_JWT_EXPIRED';
    throw unauthenticated(
      expired ? 'token-expired' : 'token-invalid',
      expired ? 'The access token has expired. Get a new one.' : 'The access token is not valid here.',
      error,
    );
  }
}

function grantOf(payload: JWTPayload): Grant {
  const text = (name: string): string | undefined => (typeof payload[name] === 'string' ? payload[name] : undefined);
  const patient = text('patient');
  const fhirUser = text('fhirUser');
  return {
    issuer: payload.iss ?? '',
    subject: payload.sub ?? '',
    clientId: text('client_id') ?? '',
    scopes: parseScopes(payload.scope),
    ...(patient === undefined ? {} : { patient }),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    ...(payload.jti === undefined ? {} : { tokenId: payload.jti }),
  };
}

/** 401, with the challenge of RFC 6750. */
function unauthenticated(id: string, text: string, cause?: unknown): FhirError {
  const challenge = id === 'token-missing' ? 'Bearer realm="FHIR"' : 'Bearer realm="FHIR", error="invalid_token"';
  return new FhirError(401, [issue('login', id, text)], { cause, headers: { 'www-authenticate': challenge } });
}

import { createRemoteJWKSet, customFetch, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { FhirError, issue } from '../fhir/error.ts';
import type { ClaimMap, TrustedIssuer } from './issuers.ts';
import { limitedFetch } from './limited-fetch.ts';
import { isAccessToken } from './token-claims.ts';

/** An issuer whose keys are at hand. */
export type VerifyingIssuer = Omit<TrustedIssuer, 'jwksUri'> & {
  readonly keys: JWTVerifyGetKey;
  /** The header's `typ`, where the issuer always sets it. */
  readonly typ?: string;
  readonly requiredClaims: readonly string[];
};

export type Verified = { readonly payload: JWTPayload; readonly claims: ClaimMap };

const skewSeconds = 30;

/** The keys of an outside issuer: fetched when first needed, kept for ten minutes, asked for again at most twice a minute. */
export function remoteIssuer({ jwksUri, ...issuer }: TrustedIssuer): VerifyingIssuer {
  const fetched = createRemoteJWKSet(jwksUri, {
    timeoutDuration: 3_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    [customFetch]: limitedFetch,
  });
  const keys: JWTVerifyGetKey = async (header, token) => {
    try {
      return await fetched(header, token);
    } catch (error) {
      if (faultsOfTokens.some((fault) => error instanceof fault)) throw error;
      throw unreachable(error); // That keys couldn't be fetched is no fault of the caller's.
    }
  };
  return { ...issuer, keys, requiredClaims: ['exp', 'sub'] };
}

/** What looking for a key can end in because of the token's header. */
const faultsOfTokens = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported, errors.JOSEAlgNotAllowed];

/**
 * Verifies a JWT: by who it says issued it, then by that issuer's keys and algorithms alone. No key, address or algorithm from the
 * token itself is ever used.
 *
 * @throws  FhirError 401 for every fault of the token, with one text; 503 where the issuer's keys can't be had
 * @see     https://www.rfc-editor.org/rfc/rfc8725
 */
export function makeVerifier(issuers: readonly VerifyingIssuer[]): (token: string) => Promise<Verified> {
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  // Of two with one name, one would verify what the other has signed.
  if (byName.size < issuers.length) throw new Error('TRUSTED_ISSUERS names an issuer that this server is itself');
  return async (token) => {
    const issuer = byName.get(issuerNamed(token));
    if (issuer === undefined) throw invalidToken();
    const { payload } = await jwtVerify(token, issuer.keys, {
      issuer: issuer.issuer,
      ...(issuer.claims.audience === 'aud' ? { audience: [...issuer.audience] } : {}),
      algorithms: [...issuer.algorithms],
      clockTolerance: skewSeconds,
      requiredClaims: [...issuer.requiredClaims],
      ...(issuer.typ === undefined ? {} : { typ: issuer.typ }),
    }).catch((error: unknown) => {
      throw refusalOf(error);
    });
    if (!isAccessToken(payload, issuer.claims) || !isForUs(payload, issuer)) throw invalidToken();
    return { payload, claims: issuer.claims };
  };
}

function issuerNamed(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch (error) {
    throw invalidToken(error);
  }
}

function isForUs(payload: JWTPayload, { claims, audience }: VerifyingIssuer): boolean {
  if (claims.audience === 'aud') return true;
  const client = payload['client_id'];
  return typeof client === 'string' && audience.includes(client);
}

function refusalOf(error: unknown): FhirError {
  if (error instanceof FhirError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated('token-expired', 'The access token has expired. Get a new one.', error);
  return invalidToken(error);
}

function unreachable(cause: unknown): FhirError {
  const text = "The keys of the token's issuer can't be fetched at the moment. Try again.";
  return new FhirError(503, [issue('transient', 'issuer-unreachable', text)], { cause, headers: { 'retry-after': '5' } });
}

export function invalidToken(cause?: unknown): FhirError {
  return unauthenticated('token-invalid', 'The access token is not valid here.', cause);
}

/** 401, with the challenge of RFC 6750. */
export function unauthenticated(id: string, text: string, cause?: unknown): FhirError {
  const challenge = id === 'token-missing' ? 'Bearer realm="FHIR"' : 'Bearer realm="FHIR", error="invalid_token"';
  return new FhirError(401, [issue('login', id, text)], { cause, headers: { 'www-authenticate': challenge } });
}

import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { AdapterPayload } from 'oidc-provider';
import { ourClaims } from '../../authorization/issuers.ts';
import { namesOf, type Revocations } from '../../authorization/revocations.ts';
import { makeVerifier, type VerifyingIssuer } from '../../authorization/verify.ts';
import { FhirError } from '../../fhir/error.ts';
import { signingAlgorithm } from '../../storage/oauth-keys.ts';

export type TokenReading = {
  readonly issuer: string;
  /** Whom tokens are for: the FHIR base. */
  readonly base: string;
  /** Those that sign, and those that did until lately. */
  readonly signing: readonly JWK[];
  readonly revocations: Revocations;
};

/** Our own tokens, to be verified here without asking anybody. */
export function ownIssuer({ issuer, base }: Pick<TokenReading, 'issuer' | 'base'>, keys: JWTVerifyGetKey): VerifyingIssuer {
  return {
    issuer,
    audience: [base],
    algorithms: [signingAlgorithm],
    claims: ourClaims,
    keys,
    typ: 'at+jwt',
    requiredClaims: ['exp', 'sub', 'iat', 'jti', 'client_id'],
  };
}

/** Public halves, by their ids. */
export function publicKeys(signing: readonly JWK[]): JWTVerifyGetKey {
  const keys = signing.map(({ kty, kid, n, e, alg, use }) => ({ kty, kid, n, e, alg, use }));
  return createLocalJWKSet({ keys } as JSONWebKeySet);
}

/** Reads the claims of a token of ours; undefined for anything that isn't in force. */
export function makeTokenReader(own: VerifyingIssuer, revocations: Revocations): (token: string) => Promise<JWTPayload | undefined> {
  const verify = makeVerifier([own]);
  return async (token) => {
    try {
      const { payload } = await verify(token);
      if (!revocations.isKnown()) await revocations.refresh();
      return revocations.isOver(namesOf(payload), payload.iat ?? 0) ? undefined : payload;
    } catch (error) {
      if (error instanceof FhirError && error.status === 401) return undefined;
      throw error;
    }
  };
}

/** Reads one of our access tokens as the authorization server would have stored it. */
export function readAccessToken(options: TokenReading): (token: string) => Promise<AdapterPayload | undefined> {
  const claimsOf = makeTokenReader(ownIssuer(options, publicKeys(options.signing)), options.revocations);
  return async (token) => {
    const text = unwrapToken(token);
    const payload = text === undefined ? undefined : await claimsOf(text);
    if (payload === undefined) return undefined;
    const { iss: _iss, aud, exp, iat, jti, sub, scope, client_id: clientId, gid, ...extra } = payload as Record<string, unknown>;
    const isClients = typeof gid !== 'string';
    const kind = isClients ? 'ClientCredentials' : 'AccessToken';
    const bound = isClients ? {} : { grantId: gid, accountId: sub };
    return { kind, format: 'opaque', jti, exp, iat, aud, scope, clientId, extra, ...bound } as AdapterPayload;
  };
}

const wrapping = 'jwt~';

/** The authorization server refuses to be asked about JWTs; wrapped, they are tokens like others to it. */
export function wrapToken(token: string): string {
  return `${wrapping}${Buffer.from(token).toString('base64url')}`;
}

function unwrapToken(token: string): string | undefined {
  return token.startsWith(wrapping) ? Buffer.from(token.slice(wrapping.length), 'base64url').toString('utf8') : undefined;
}

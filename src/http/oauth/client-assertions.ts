import { hash } from 'node:crypto';
import { errors, type Client, type KoaContextWithOIDC } from 'oidc-provider';
import type { OauthItems } from '../../storage/oauth-items.ts';
import { keysOf } from './client-keys.ts';

/** A client's assertion lives no longer, in seconds. @see https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html */
const assertionSecondsMax = 300;
const skewSeconds = 15;

type Parts = {
  readonly claims: { readonly [claim: string]: unknown };
  readonly header: { readonly [name: string]: unknown };
  readonly client: Client;
};

/** What SMART asks of a client's assertion beyond RFC 7523. Its signature was verified before. */
export function assertAssertion(tokenUrl: string, _ctx: KoaContextWithOIDC, { claims, header, client }: Parts): void {
  const refuse = (reason: string): never => {
    throw new errors.InvalidClientAuth(reason);
  };
  const now = Date.now() / 1000;
  if (claims['aud'] !== tokenUrl) refuse('the audience of the client_assertion has to be the token endpoint, as one text');
  if (typeof claims['exp'] !== 'number' || claims['exp'] > now + assertionSecondsMax + skewSeconds)
    refuse('the client_assertion lives longer than 5 minutes');
  if (claims['sub'] !== claims['iss']) refuse('iss and sub of the client_assertion differ');
  if (typeof claims['jti'] !== 'string' || claims['jti'] === '') refuse('the client_assertion has no jti');
  if (typeof header['kid'] !== 'string' || header['kid'] === '') refuse('the client_assertion has no kid');
  const { typ } = header;
  if (typ !== undefined && !(typeof typ === 'string' && /^(?:application\/)?jwt$/i.test(typ)))
    refuse('the client_assertion is of another type');
  if (header['jku'] !== undefined && header['jku'] !== client.jwksUri) refuse('the jku of the client_assertion is not the registered one');
  if (header['crit'] !== undefined) refuse('the client_assertion has critical headers');
  const keys = [...keysOf(client)].filter(({ kid }) => kid === header['kid']);
  if (keys.length !== 1) refuse('the kid of the client_assertion does not name one key of the client');
}

/** In place of a look and then a write, between which another request may do the same: of many with one `jti`, one is first. */
export function claimAssertion(items: OauthItems): (iss: string, jti: string, expiresAt: number) => Promise<boolean> {
  return (iss, jti, expiresAt) =>
    items.claim({
      kind: 'Assertion',
      id: hash('sha256', JSON.stringify([iss, jti]), 'base64url'),
      payload: {},
      ttlSeconds: expiresAt - Date.now() / 1000 + skewSeconds,
    });
}

import { type ApiKeysOptions, apiKeyIssuer, isKeyInForce } from './api-keys.ts';
import type { Grant } from './grant.ts';
import { namesOf, type Revocations } from './revocations.ts';
import type { Users } from './users.ts';

export type InForceOptions = {
  readonly findKey: ApiKeysOptions<unknown>['find'];
  readonly users: Pick<Users, 'find'>;
  /** Our own authorization server. */
  readonly own?: { readonly issuer: string; readonly revocations: Revocations };
};

/**
 * Whether nobody has ended what a caller was given, asked where his request is long answered: a key that is revoked or over, a token, consent,
 * client or account whose tokens were ended. That a token expires ends nothing, and of other issuers' tokens nothing is known.
 *
 * @param since  when his request was taken, epoch ms: what was ended before was not his
 */
export function makeInForce({ findKey, users, own }: InForceOptions): (grant: Grant, since: number) => Promise<boolean> {
  return async ({ issuer, subject, clientId, tokenId, grantId }, since) => {
    if (issuer === apiKeyIssuer) {
      const key = await findKey(clientId);
      return key !== undefined && isKeyInForce(key);
    }
    if (issuer !== own?.issuer) return true;
    const { revocations } = own;
    if (!revocations.isKnown()) await revocations.refresh();
    if (revocations.isOver(namesOf({ jti: tokenId, gid: grantId, client_id: clientId, sub: subject }), since / 1000)) return false;
    // Revocations are kept as long as tokens live, which jobs may outlive; who is disabled stays so. A client that acts for itself has no account.
    return grantId === undefined || (await users.find(subject)) !== undefined;
  };
}

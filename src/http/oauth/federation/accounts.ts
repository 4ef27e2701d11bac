import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { isRole, type Role } from '../../../authorization/roles.ts';
import type { SecurityEvents } from '../../../authorization/security-events.ts';
import { claimOf, textsOf } from '../../../authorization/token-claims.ts';
import type { User, Users } from '../../../authorization/users.ts';
import { inTransaction } from '../../../storage/database.ts';
import { bindIdentity, federatedIdentity } from '../../../storage/federated-identities.ts';
import { revokeAccount } from '../../../storage/oauth-revocations.ts';
import type { OutsideProvider } from './providers.ts';

type Claims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string };

/** Who somebody is here, whom an outside provider vouches for. */
export type OutsideAccounts = {
  /** @param claims  verified ones. @returns a word for the log where he is nobody here; who asks is told the same for each */
  readonly userOf: (provider: OutsideProvider, claims: Claims) => Promise<User | Refusal>;
};

export type Refusal =
  | 'no-account'
  | 'not-verified'
  | 'disabled'
  | 'role-not-allowed'
  | 'no-role'
  | 'bound-to-another'
  | 'record-missing'
  | 'invalid';

const subjectLengthMax = 255;
const retriesMax = 3;

/** @param key  32 bytes that the main database doesn't hold */
export function outsideAccounts({
  pool,
  users,
  key,
  events,
}: {
  readonly pool: Pool;
  readonly users: Users;
  readonly key: Buffer;
  readonly events: SecurityEvents;
}): OutsideAccounts {
  async function known(provider: OutsideProvider, claims: Claims, account: string, isMade: boolean): Promise<User | Refusal> {
    const user = await users.find(account);
    if (user === undefined) return 'disabled';
    return isMade ? followed(provider, claims, user) : allowed(provider, user);
  }

  /** An account that was made for him has the rights that the provider says, from this moment on. */
  async function followed(provider: OutsideProvider, claims: Claims, user: User): Promise<User | Refusal> {
    const rights = rightsOf(provider, claims);
    if (typeof rights === 'string' || (user.fhirUser !== undefined && rights.fhirUser === undefined)) {
      await revokeAccount(pool, user.id);
      return typeof rights === 'string' ? rights : 'record-missing';
    }
    if (isSame(user, rights)) return user;
    if ((await users.setRights(user, rights)) !== undefined) return 'invalid';
    return (await users.find(user.id)) ?? 'disabled';
  }

  async function linked(provider: OutsideProvider, claims: Claims, subject: Buffer): Promise<User | Refusal> {
    const login = claimOf(claims, provider.linkBy);
    if (typeof login !== 'string' || login === '') return 'no-account';
    // A mailbox that nobody looked into is anybody's.
    if (provider.linkBy === 'email' && claims['email_verified'] !== true) return 'not-verified';
    const user = await users.findByLogin(login);
    if (user === undefined) return 'no-account';
    if (!user.enabled) return 'disabled';
    const found = allowed(provider, user);
    return typeof found === 'string' ? found : bound(provider, claims, subject, found, false);
  }

  async function made(provider: OutsideProvider, claims: Claims, subject: Buffer): Promise<User | Refusal> {
    const rights = rightsOf(provider, claims);
    if (typeof rights === 'string') return rights;
    // Its own for each person: what the provider lets him be called decides nothing here.
    const login = `${provider.id}-${subject.toString('hex').slice(0, 32)}`;
    const called = claimOf(claims, provider.claims.name);
    const name = typeof called === 'string' && called.trim() !== '' ? called.trim().slice(0, 200) : provider.name;
    const added = await users.add({ login, name, ...rights });
    // Somebody else made it at this moment, or was interrupted before he could bind it.
    const user = added === 'login-taken' ? await users.findByLogin(login) : added;
    if (user === undefined || typeof user === 'string') return 'invalid';
    return user.enabled ? bound(provider, claims, subject, user, true) : 'disabled';
  }

  async function bound(provider: OutsideProvider, claims: Claims, subject: Buffer, user: User, isMade: boolean): Promise<User | Refusal> {
    const { id: account, fhirUser } = user;
    const isBound = await inTransaction(pool, { retriesMax }, async ({ client }) => {
      const isNew = await bindIdentity(client, { subject, account, issuer: provider.issuer.href, made: isMade });
      const who = fhirUser === undefined ? { account } : { account, fhirUser };
      if (isNew) await events({ kind: 'account-linked', outcome: 0, ...who, detail: provider.id });
      return isNew;
    });
    if (isBound) return user;
    const first = await federatedIdentity(pool, subject);
    return first?.account === user.id ? user : 'bound-to-another';
  }

  return {
    async userOf(provider, claims) {
      if (claims.sub.length > subjectLengthMax) return 'invalid';
      const subject = createHmac('sha256', key)
        .update(JSON.stringify([provider.issuer.href, claims.sub]))
        .digest();
      const identity = await federatedIdentity(pool, subject);
      if (identity !== undefined) return known(provider, claims, identity.account, identity.made);
      return provider.accounts === 'create' ? made(provider, claims, subject) : linked(provider, claims, subject);
    },
  };
}

/** An account that may do more than its provider may vouch for doesn't come in by it. */
function allowed({ roles }: OutsideProvider, user: User): User | Refusal {
  return user.roles.every((role) => roles.includes(role)) ? user : 'role-not-allowed';
}

type Rights = { readonly roles: readonly Role[]; readonly fhirUser?: string };

function rightsOf(provider: OutsideProvider, claims: Claims): Rights | Refusal {
  const { roleNames, fhirUser: claim } = provider.claims;
  const named = textsOf(claimOf(claims, provider.claims.roles)).map((text) =>
    Object.hasOwn(roleNames, text) ? (roleNames[text] ?? '') : text,
  );
  const roles = [...new Set(named.filter(isRole))].filter((role) => provider.roles.includes(role));
  if (roles.length === 0) return 'no-role';
  const fhirUser = claim === undefined ? undefined : claimOf(claims, claim);
  if (fhirUser === undefined) return { roles };
  return typeof fhirUser === 'string' ? { roles, fhirUser } : 'invalid';
}

function isSame(user: User, { roles, fhirUser }: Rights): boolean {
  return user.fhirUser === fhirUser && user.roles.length === roles.length && user.roles.every((role) => roles.includes(role));
}

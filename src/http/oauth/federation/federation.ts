import type { Pool } from 'pg';
import type { SecurityEvents } from '../../../authorization/security-events.ts';
import type { User, Users } from '../../../authorization/users.ts';
import { issuersOf } from '../../../storage/federated-identities.ts';
import type { OauthItems } from '../../../storage/oauth-items.ts';
import type { Log } from '../../../telemetry/log.ts';
import { outsideAccounts, type Refusal } from './accounts.ts';
import { type Conversation, ConversationFailed, type ConversationFault, conversationWith, isStateOf, type Sent } from './conversation.ts';
import type { OutsideProvider } from './providers.ts';

/** What is kept of a sign-in elsewhere until the browser comes back, where only we can read it. */
export type Begun = Sent & { readonly provider: string; readonly place: string; readonly fresh: boolean };

/** Why nobody is signed in; `over`: it was not begun in this browser, or it has come back before. */
export type FederationFault = ConversationFault | 'refused' | 'over';

/** Signing in by OpenID providers outside. */
export type Federation = {
  /** In the order of the file. */
  readonly providers: readonly { readonly id: string; readonly name: string }[];
  /** @returns undefined for a provider that isn't there */
  readonly begin: (
    provider: string,
    door: Pick<Begun, 'place' | 'fresh'>,
  ) => Promise<{ readonly to: string; readonly begun: Begun } | FederationFault | undefined>;
  /** @param back  the parameters that the browser came back with, to the address of this provider */
  readonly end: (
    provider: string,
    back: URLSearchParams,
    begun: Begun | undefined,
  ) => Promise<{ readonly user: User; readonly hasSecondFactor: boolean } | FederationFault>;
  /** Where somebody signs out at the providers that he signs in by. */
  readonly signOutAt: (account: string) => Promise<readonly { readonly name: string; readonly to: string }[]>;
};

export type FederationOptions = {
  readonly providers: readonly OutsideProvider[];
  /** Where our pages stand: `https://fhir.example.org`. */
  readonly origin: string;
  readonly pool: Pool;
  readonly items: OauthItems;
  readonly users: Users;
  /** 32 bytes that the main database doesn't hold. */
  readonly key: Buffer;
  readonly events: SecurityEvents;
  readonly log: Log;
};

/** How long somebody may take to sign in elsewhere. */
export const awaySeconds = 600;

/** Each provider answers to an address of its own: what one says can't pass for what another says. */
function backFrom(provider: string): string {
  return `/oauth/sign-in/from/${provider}`;
}

export function makeFederation({ providers, origin, pool, items, users, key, events, log }: FederationOptions): Federation {
  const accounts = outsideAccounts({ pool, users, key, events });
  const conversations = new Map<string, Conversation>(
    providers.map((each) => [each.id, conversationWith(each, `${origin}${backFrom(each.id)}`, `${origin}/oauth/sign-in`)]),
  );
  const byId = new Map(providers.map((each) => [each.id, each]));

  function faultOf(provider: string, error: unknown): ConversationFault {
    if (!(error instanceof ConversationFailed)) throw error;
    const { fault, reason } = error;
    log.warn({ provider, fault, reason }, 'nobody was signed in by the outside provider');
    return fault;
  }

  async function refused(provider: string, reason: Refusal): Promise<void> {
    log.warn({ provider, reason }, 'nobody was signed in by the outside provider');
    await events({ kind: 'login-failed', outcome: 4, detail: `${provider}: ${reason}` });
  }

  return {
    providers: providers.map(({ id, name }) => ({ id, name })),
    async begin(id, { place, fresh }) {
      const conversation = conversations.get(id);
      if (conversation === undefined) return undefined;
      try {
        const { to, sent } = await conversation.begin(fresh);
        return { to, begun: { ...sent, provider: id, place, fresh } };
      } catch (error) {
        return faultOf(id, error);
      }
    },
    async end(id, back, begun) {
      const [provider, conversation] = [byId.get(id), conversations.get(id)];
      if (provider === undefined || conversation === undefined || begun?.provider !== id || !isStateOf(begun, back.get('state')))
        return 'over';
      // Of two that come back with the same, one does.
      if (!(await items.claim({ kind: 'Federation', id: begun.state, payload: {}, ttlSeconds: 2 * awaySeconds }))) return 'over';
      try {
        const claims = await conversation.end(back, begun, begun.fresh);
        const user = await accounts.userOf(provider, claims);
        if (typeof user === 'string') {
          await refused(id, user);
          return 'refused';
        }
        return { user, hasSecondFactor: hasSecondFactor(provider, claims) };
      } catch (error) {
        const fault = faultOf(id, error);
        if (fault === 'unbelievable') await events({ kind: 'login-failed', outcome: 4, detail: `${id}: ${fault}` });
        return fault;
      }
    },
    async signOutAt(account) {
      if (providers.length === 0) return [];
      const issuers = await issuersOf(pool, account);
      const found = providers
        .filter(({ issuer }) => issuers.includes(issuer.href))
        .map(async ({ id, name }) => {
          // Who can't be reached is left out: the sign-out here is done.
          const to = await conversations
            .get(id)
            ?.signOutAt()
            .catch((error: unknown) => {
              faultOf(id, error);
              return undefined;
            });
          return to === undefined ? [] : [{ name, to }];
        });
      return (await Promise.all(found)).flat();
    },
  };
}

/** Its word for it counts where the operator says which word. */
function hasSecondFactor({ secondFactor }: OutsideProvider, claims: Readonly<Record<string, unknown>>): boolean {
  const { acr, amr } = claims;
  const methods = Array.isArray(amr) ? amr : [];
  return (typeof acr === 'string' && secondFactor.acr.includes(acr)) || methods.some((each) => secondFactor.amr.includes(each as string));
}

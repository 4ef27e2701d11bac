import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import type { Users } from '../../authorization/users.ts';
import type { Accounts, Interactions } from './interaction.ts';
import { lifetimes } from './lifetimes.ts';

type SessionOptions = {
  readonly provider: () => Promise<Provider>;
  readonly accounts: Accounts;
  readonly users: Pick<Users, 'find' | 'changePassword'>;
  readonly events: SecurityEvents;
  readonly sessionIdleSeconds: number;
};

/** What the types leave out of the authorization server's sessions. */
type OwnSession = {
  readonly id: string;
  readonly accountId?: string;
  readonly loginTs?: number;
  resetIdentifier: () => void;
  loginAccount: (details: { accountId: string; loginTs: number; amr: string[] }) => void;
  save: (ttl: number) => Promise<unknown>;
  destroy: () => Promise<void>;
};

/** The sessions of people, as the authorization server keeps them, for pages of our own. */
export function oauthSessions({
  provider: made,
  accounts,
  users,
  events,
  sessionIdleSeconds,
}: SessionOptions): Pick<Interactions, 'session' | 'openSession' | 'closeSession' | 'changePassword'> {
  async function open(incoming: IncomingMessage, outgoing: ServerResponse) {
    const provider = await made();
    const ctx = provider.createContext(incoming, outgoing);
    const session = (await provider.Session.get(ctx)) as unknown as OwnSession;
    const name = provider.cookieName('session');
    const options = {
      httpOnly: true,
      sameSite: 'lax',
      signed: true,
      secure: provider.issuer.startsWith('https:'),
      path: '/',
      overwrite: true,
    } as const;
    const keep = async (): Promise<void> => {
      const now = Math.floor(Date.now() / 1000);
      await session.save(Math.max(1, Math.min(sessionIdleSeconds, lifetimes.session - (now - (session.loginTs ?? now)))));
      ctx.cookies.set(name, session.id, options);
    };
    const forget = async (): Promise<void> => {
      await session.destroy();
      ctx.cookies.set(name, null, options);
    };
    return { session, keep, forget };
  }
  return {
    async session(incoming, outgoing) {
      const { session, keep } = await open(incoming, outgoing);
      if (session.accountId === undefined) return undefined;
      const account = await accounts.find(session.accountId);
      if (account !== undefined) await keep();
      return account;
    },
    async openSession(incoming, outgoing, { accountId, amr }) {
      const { session, keep } = await open(incoming, outgoing);
      // Another id than before the login: nobody has planted it.
      session.resetIdentifier();
      session.loginAccount({ accountId, loginTs: Math.floor(Date.now() / 1000), amr: [...amr] });
      await keep();
    },
    async changePassword(incoming, outgoing, attempt) {
      const { session, keep } = await open(incoming, outgoing);
      const user = session.accountId === undefined ? undefined : await users.find(session.accountId);
      if (user === undefined) return 'signed-out';
      const change = await users.changePassword(user, attempt, session.id);
      if (change === 'changed') {
        session.resetIdentifier();
        await keep();
      }
      return change;
    },
    async closeSession(incoming, outgoing) {
      const { session, forget } = await open(incoming, outgoing);
      await forget();
      if (session.accountId !== undefined) await events({ kind: 'logout', outcome: 0, account: session.accountId });
    },
  };
}

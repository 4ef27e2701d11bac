import type { Hono } from 'hono';
import type { Access } from '../../authorization/access.ts';
import type { Context } from '../../interactions/context.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Account } from './interaction.ts';
import { oauthInteractions } from './interactions.ts';
import type { OauthServices } from './open.ts';
import { type PagesEnv, pagesApp } from './pages/app.ts';
import { accountsOf, choicesOf, makePagesContext } from './pages/context.ts';

export type PagesMountOptions = {
  readonly oauth: OauthServices;
  readonly context: Context;
  readonly accessOfUser: (account: Account) => Promise<Access>;
  readonly log: Log;
};

/** The pages of the authorization server, with what they work with. */
export function oauthPages({ oauth, context, accessOfUser, log }: PagesMountOptions): Hono<PagesEnv> {
  const { config, pool } = context;
  const { users, events, federation, items, launches, authority, revocations, confirmations } = oauth;
  const { records, patients } = choicesOf(context, accessOfUser);
  const accounts = accountsOf(users);
  const interactions = oauthInteractions({
    provider: authority.provider,
    accounts,
    users,
    patients,
    launches,
    items,
    revocations,
    events,
    pool,
    base: config.baseUrl,
    sessionIdleSeconds: config.sessionIdleSeconds,
  });
  const pages = makePagesContext({ config, users, federation, interactions, confirmations, records, secret: oauth.secretFor('pages') });
  const hasDemo = config.nodeEnv !== 'production';
  return pagesApp({ context: () => Promise.resolve(pages), log, base: config.baseUrl, hasDemo });
}

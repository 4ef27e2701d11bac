import type { Pool } from 'pg';
import type { Audit } from '../audit/trail.ts';
import type { Access } from '../authorization/access.ts';
import { type Authenticate, type AuthenticationOptions, makeAuthenticate } from '../authorization/authenticate.ts';
import { developmentKeyFileOf } from '../authorization/development-issuer.ts';
import type { Grant } from '../authorization/grant.ts';
import { makeInForce } from '../authorization/in-force.ts';
import { loadIssuers } from '../authorization/issuers.ts';
import type { RightsOf } from '../authorization/rights/rights.ts';
import type { RightsStore } from '../authorization/rights/store.ts';
import { withRights } from '../authorization/rights/with-rights.ts';
import { type SecurityEvents, securityEvents, securityLines } from '../authorization/security-events.ts';
import { type Signed, userAccess } from '../authorization/user-access.ts';
import { makeUsers, type Users } from '../authorization/users.ts';
import type { Config } from '../config.ts';
import { securityTrail } from '../interactions/security-trail.ts';
import { findApiKey, touchApiKey } from '../storage/api-keys.ts';
import type { Log } from '../telemetry/log.ts';
import { type OauthServices, openOauth } from './oauth/open.ts';

/** Who may call, and how he is known. */
export type Callers = {
  readonly authenticate: Authenticate;
  /** Undefined where this is no authorization server. */
  readonly oauth?: OauthServices;
  /** Local accounts. */
  readonly users: Users;
  /** Notes who got access and who changed it. */
  readonly events: SecurityEvents;
  /** What a user may read himself, whatever app he uses. */
  readonly accessOfUser: (user: Signed) => Promise<Access>;
  /** Whether what a caller was given is not ended since a time (epoch ms). */
  readonly isInForce: (grant: Grant, since: number) => Promise<boolean>;
};

export type OpenCallersOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly pool: Pool;
  /** Of the main database, for notices. */
  readonly url: string;
  readonly secret: Buffer;
  readonly audit: Audit;
  readonly rights: RightsOf;
  readonly deciding: RightsStore & Parameters<typeof userAccess>[1];
  /** Given what undoes each step. */
  readonly opened: (() => Promise<unknown>)[];
};

/** Opens the accounts, the authorization server and what tells callers apart. */
export async function openCallers(options: OpenCallersOptions): Promise<Callers> {
  const { config, log, pool, url, secret, audit, rights, deciding, opened } = options;
  const recorded = securityTrail(audit, `${new URL(config.baseUrl).origin}/oauth`);
  const told = securityLines(log);
  const events = securityEvents(async (event) => {
    await recorded(event);
    await told(event);
  });
  const users = makeUsers({ pool, secret, events });
  const oauth = config.authorizationServer ? await openOauth({ config, url, pool, users, events, secret, log }) : undefined;
  if (oauth !== undefined) opened.push(() => oauth.close());
  const keys = storedKeys(pool, log);
  const known = await makeAuthenticate(
    {
      audience: config.baseUrl,
      developmentKeyFile: config.devTokenIssuer ? developmentKeyFileOf(config) : undefined,
      issuers: await loadIssuers(config.trustedIssuers, config.baseUrl),
      apiKeys: keys,
      ...(oauth === undefined ? {} : { own: oauth }),
    },
    deciding,
  );
  const authenticate = withRights(known, {
    rights,
    context: deciding,
    breakers: config.breakGlass,
    // The reason and the patient are the audit's: a log line tells neither.
    onBreakGlass: ({ clientId }) => log.warn({ clientId }, 'the glass was broken'),
  });
  const isInForce = makeInForce({ findKey: keys.find, users, ...(oauth === undefined ? {} : { own: oauth }) });
  const callers = { authenticate, users, events, accessOfUser: userAccess(rights, deciding), isInForce };
  return oauth === undefined ? callers : { ...callers, oauth };
}

function storedKeys(pool: Pool, log: Log): AuthenticationOptions['apiKeys'] {
  return {
    find: (id) => findApiKey(pool, id),
    touch: (id) => void touchApiKey(pool, id).catch((error: unknown) => log.warn({}, 'the use of an API key was not noted', error)),
  };
}

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { Pool } from 'pg';
import type { Config } from '../../config.ts';
import { type SecurityEvents, withOrigin } from '../../authorization/security-events.ts';
import { knownFault } from '../../interactions/faults.ts';
import { addressReader } from '../peers.ts';
import { countUnusedClients, noteClientUse } from '../../storage/oauth-clients.ts';
import type { Log } from '../../telemetry/log.ts';
import { itemOf } from './adapter.ts';
import { grantedScopes } from './client-metadata.ts';
import { completeAnswers } from './answers.ts';
import { answerError, answerJson, BodyRefused } from './forms.ts';
import { introspectByBearer } from './introspection.ts';
import { beginLaunch, type Bearer } from './launch-endpoint.ts';
import { grantSeconds } from './lifetimes.ts';
import type { OauthServices } from './open.ts';
import { isPage } from './pages/app.ts';
import { prepareRequest, type Refusal } from './requests.ts';

export type MountOptions = {
  readonly oauth: OauthServices;
  readonly config: Config;
  readonly pool: Pool;
  readonly log: Log;
};

export type OauthListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

const prefix = '/oauth';

/** What the pages of the authorization server itself may load: our style, and scripts that it names. No page frames them. */
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Whether a request is for the authorization server itself; the pages below the same path are not. */
export function isOauth(url: string): boolean {
  if (url.startsWith(metadataPath)) return true;
  return /^\/oauth(?:[/?]|$)/.test(url) && !isPage(url);
}

/** RFC 8414 puts the issuer's path behind the well-known one. */
const metadataPath = '/.well-known/oauth-authorization-server/oauth';

/** Answers what is below /oauth. Its host and scheme are those that are configured; the listener before it has set them. */
export function oauthListener(options: MountOptions): OauthListener {
  const { oauth, config, log } = options;
  const { events } = oauth;
  const addressOf = addressReader(config.trustedProxies);
  const listeners = new WeakMap<Provider, ReturnType<Provider['callback']>>();

  async function provider(): Promise<Provider> {
    const made = await oauth.authority.provider();
    if (!listeners.has(made)) {
      completeAnswers(made, {
        renewGrant: (grantId) => renewGrant(oauth, grantId, config.baseUrl),
        noteUse: (clientId) => noteClientUse(options.pool, clientId),
        events,
        log,
      });
      listeners.set(made, made.callback());
    }
    return made;
  }

  async function bearerOf({ headers }: IncomingMessage): Promise<Bearer | undefined> {
    const token = /^Bearer ([\w.-]+)$/i.exec(headers.authorization ?? '')?.[1];
    const claims = token === undefined ? undefined : await oauth.claimsOf(token);
    const clientId = claims?.['client_id'];
    if (claims === undefined || typeof clientId !== 'string') return undefined;
    const { scope } = claims;
    return { clientId, scopes: typeof scope === 'string' ? scope.split(' ') : [] };
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = incoming.url ?? '';
    incoming.url = url.startsWith(metadataPath) ? '/.well-known/oauth-authorization-server' : url.slice(prefix.length) || '/';
    const path = /^[^?]*/.exec(incoming.url)?.[0] ?? '/';
    const made = await provider();
    if (path === '/launch' && incoming.method === 'POST')
      return beginLaunch(incoming, outgoing, { launches: oauth.launches, db: options.pool, bearerOf, events });
    if (path === '/introspect' && /^Bearer /i.test(incoming.headers.authorization ?? ''))
      return introspectByBearer(incoming, outgoing, {
        bearerOf,
        events,
        claimsOf: oauth.claimsOf,
        isGranted: async (grantId) => (await oauth.items.find('Grant', grantId)) !== undefined,
      });
    const asking = {
      base: config.baseUrl,
      clientKeys: oauth.clientKeys,
      registration: config.oauthRegistration,
      unusedClients: () => countUnusedClients(options.pool),
    };
    const refusal = await prepareRequest(made, incoming, outgoing, path, asking);
    if (refusal !== undefined) {
      await noteRefusal(events, path, refusal);
      answerError(outgoing, refusal.status, refusal.error, refusal.reason);
      return;
    }
    Object.assign(incoming, { originalUrl: `${prefix}${incoming.url}` });
    await listeners.get(made)?.(incoming, outgoing);
  }

  return (incoming, outgoing) => {
    const asked = incoming.headers['x-request-id'];
    const requestId = typeof asked === 'string' && /^[\w.-]{1,64}$/.test(asked) ? asked : randomUUID();
    incoming.headers['x-request-id'] = requestId;
    outgoing.setHeader('x-request-id', requestId);
    outgoing.setHeader('x-content-type-options', 'nosniff');
    outgoing.setHeader('referrer-policy', 'same-origin');
    outgoing.setHeader('content-security-policy', contentPolicy);
    if (oauth.issuer.startsWith('https:')) outgoing.setHeader('strict-transport-security', 'max-age=31536000');
    withOrigin({ address: addressOf(incoming), requestId }, () => answer(incoming, outgoing)).catch((error: unknown) => {
      const known = knownFault(error);
      if (outgoing.headersSent) outgoing.destroy();
      else if (error instanceof BodyRefused) answerError(outgoing, error.status, 'invalid_request', error.message);
      else if (known !== undefined && (known.status < 500 || known.status === 503))
        answerJson(outgoing, known.status, { error: 'temporarily_unavailable' }, known.headers);
      else {
        log.error({ requestId }, 'the authorization server failed', error);
        answerError(outgoing, 500, 'server_error', `report the request id ${requestId}`);
      }
    });
  };
}

async function noteRefusal(events: SecurityEvents, path: string, { error }: Refusal): Promise<void> {
  if (path === '/token') await events({ kind: 'token-refused', outcome: 4, detail: error });
  if (path === '/introspect') await events({ kind: 'introspection-refused', outcome: 4, detail: error });
}

/** It was just used. */
async function renewGrant({ items }: OauthServices, grantId: string, base: string): Promise<void> {
  const found = await items.find('Grant', grantId);
  if (found === undefined) return;
  const seconds = grantSeconds(grantedScopes(found.payload, base));
  await items.renew(itemOf('Grant', grantId, { ...found.payload, exp: Math.floor(Date.now() / 1000) + seconds }, seconds));
}

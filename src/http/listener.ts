import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { FhirError, type Issue, issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import type { Env } from './exchange.ts';
import type { AddressBudget, RateLimits } from './rate-limits.ts';
import { plainTarget } from './request-target.ts';
import { fhirJson } from './respond.ts';

export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

export type ListenerOptions = {
  readonly app: Hono<Env>;
  /** The authorization server, which answers by itself what is its own. */
  readonly oauth?: { readonly isOwn: (url: string) => boolean; readonly answer: Listener };
  readonly limits: RateLimits;
  readonly baseUrl: string;
};

/** More headers than any client has reason for. Node itself would drop those beyond 2,000 in silence. */
const headersMax = 200;

/**
 * Takes a request before anything else does. Where the server stands is configured, so whatever a client or proxy says of it is replaced:
 * nothing behind this can be led to build an address from a `Host` or `X-Forwarded-Host`.
 */
export function makeListener({ app, oauth, limits, baseUrl }: ListenerOptions): Listener {
  const fromApp = getRequestListener(app.fetch);
  // Its promise never rejects: the app answers every error.
  const answer: Listener = (incoming, outgoing) => {
    if (oauth?.isOwn(incoming.url ?? '') === true) oauth.answer(incoming, outgoing);
    else void fromApp(incoming, outgoing);
  };
  const { host, protocol } = new URL(baseUrl);
  const scheme = protocol.slice(0, -1);
  return (incoming, outgoing) => {
    if (incoming.rawHeaders.length > 2 * headersMax) {
      refuse(outgoing, 431, issue('too-long', 'headers-too-many', `A request has at most ${headersMax} headers.`));
      return;
    }
    if (isNamedTwice(incoming.rawHeaders, 'authorization')) {
      refuse(outgoing, 400, issue('security', 'credentials-ambiguous', 'Send Authorization once.'));
      return;
    }
    incoming.url = plainTarget(incoming.url ?? '/');
    const { headers } = incoming;
    headers.host = host;
    headers['x-forwarded-proto'] = scheme;
    if (headers['x-forwarded-host'] !== undefined) headers['x-forwarded-host'] = host;
    const budget = budgetAt(incoming);
    const taken = budget === undefined ? undefined : limits.takeAt(incoming, budget);
    if (taken === undefined) answer(incoming, outgoing);
    else
      void taken.then(
        () => answer(incoming, outgoing),
        (error: unknown) => refuseFlood(outgoing, error),
      );
  };
}

/** What the authorization server is asked is taken from the budget of the address, for who asks isn't known yet. */
function budgetAt({ method, url = '' }: IncomingMessage): AddressBudget | undefined {
  if (!url.startsWith('/oauth/')) return undefined;
  if (/^\/oauth\/(?:(?:interaction|sign)\/[\w-]+|sign-in)\/(?:with|from)\//.test(url)) return 'sign-in';
  if (method !== 'POST') return 'public';
  return /^\/oauth\/(?:interaction|pages|sign|apps|account)/.test(url) ? 'sign-in' : 'token';
}

/** In the words of OAuth, which has none of its own for this. */
function refuseFlood(outgoing: ServerResponse, error: unknown): void {
  const { status, headers } = error instanceof FhirError ? error : { status: 503, headers: { 'retry-after': '5' } };
  const body = Buffer.from(
    JSON.stringify({ error: 'temporarily_unavailable', error_description: `Too many requests. Try again in ${headers['retry-after']} s.` }),
  );
  outgoing
    .writeHead(status, { ...headers, 'cache-control': 'no-store', 'content-type': 'application/json', 'content-length': body.length })
    .end(body);
}

/** Of two, Node takes the first; a proxy may have looked at the other. */
function isNamedTwice(rawHeaders: readonly string[], name: string): boolean {
  let times = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at];
    if (header?.length === name.length && header.toLowerCase() === name) times++;
  }
  return times > 1;
}

function refuse(outgoing: ServerResponse, status: number, fault: Issue): void {
  const body = Buffer.from(outcomeJson([fault]));
  outgoing
    .writeHead(status, { connection: 'close', 'cache-control': 'no-store', 'content-type': fhirJson, 'content-length': body.length })
    .end(body);
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { badRequest, FhirError } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import type { Env } from './exchange.ts';
import { assertPlainRequest } from './plain-request.ts';
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
  /** Told of each request that is worked on, which may take longer than its client stays. */
  readonly onWork: (work: Promise<unknown>) => void;
};

/**
 * Takes a request before anything else does. Where the server stands is configured, so whatever a client or proxy says of it is replaced:
 * nothing behind this can be led to build an address from a `Host` or `X-Forwarded-Host`.
 */
export function makeListener({ app, oauth, limits, baseUrl, onWork }: ListenerOptions): Listener {
  const fromApp = getRequestListener(app.fetch);
  // Its promise never rejects: the app answers every error.
  const answer: Listener = (incoming, outgoing) => {
    if (oauth?.isOwn(incoming.url ?? '') !== true) return onWork(fromApp(incoming, outgoing));
    try {
      assertPlainRequest(incoming);
    } catch (error) {
      return refuse(outgoing, error);
    }
    oauth.answer(incoming, outgoing);
  };
  const { host, protocol } = new URL(baseUrl);
  const scheme = protocol.slice(0, -1);
  return (incoming, outgoing) => {
    incoming.url = targetOf(incoming);
    if (!incoming.url.startsWith('/')) return refuse(outgoing, badRequest('target-malformed', 'What is asked for is no path.'));
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

/** `OPTIONS *` asks what the server can as a whole. */
const targetOf = ({ method, url = '/' }: IncomingMessage): string => (method === 'OPTIONS' && url === '*' ? '/' : plainTarget(url));

/** What doesn't come as far as the app. */
function refuse(outgoing: ServerResponse, error: unknown): void {
  if (!(error instanceof FhirError)) throw error;
  const body = Buffer.from(outcomeJson(error.issues));
  outgoing
    .writeHead(error.status, { connection: 'close', 'cache-control': 'no-store', 'content-type': fhirJson, 'content-length': body.length })
    .end(body);
}

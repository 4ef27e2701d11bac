import { randomUUID } from 'node:crypto';
import { type Handler, Hono } from 'hono';
import type { Authenticate } from '../authorization/authenticate.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import type { Context } from '../interactions/context.ts';
import type { Log } from '../telemetry/log.ts';
import type { ClientOrigins } from './client-origins.ts';
import { docsApp } from './docs.ts';
import type { Env, Exchange } from './exchange.ts';
import { fhirApp } from './fhir.ts';
import { healthApp } from './health.ts';
import { answerError } from './outcome.ts';
import type { Brands } from './oauth/brands.ts';
import { discoveryApp } from './oauth/discovery.ts';
import type { PagesEnv } from './oauth/pages/app.ts';
import { assertPlainRequest } from './plain-request.ts';
import type { RateLimits } from './rate-limits.ts';
import { fhirJson } from './respond.ts';
import { refusedNatively } from './v1.ts';

export type AppOptions = {
  readonly context: Context;
  readonly authenticate: Authenticate;
  readonly limits: RateLimits;
  readonly clientOrigins: ClientOrigins;
  readonly log: Log;
  /** What people see of the authorization server. */
  readonly pages?: Hono<PagesEnv>;
  /** Who runs this server, where it gives tokens. */
  readonly brands?: Brands;
  /** The native API. */
  readonly native: Hono<Env>;
  /** Rejects where the databases don't answer. */
  readonly ready: () => Promise<unknown>;
  /** Set while the server drains. */
  readonly draining: () => boolean;
};

/** Where the FHIR API stands; BASE_URL is what clients call it. */
const fhirPath = '/fhir/R4';
/** The native API, and its short name. */
const nativePaths = ['/api/v1', '/v1'];

const isNative = (path: string): boolean => nativePaths.some((each) => path === each || path.startsWith(`${each}/`));

/**
 * The whole HTTP face. Headers that every answer has are set before the handler, by name: touching the finished Response
 * costs more than all else that middleware does.
 */
export function buildApp(options: AppOptions): Hono<Env> {
  const { context, log } = options;
  const { corsOrigins, baseUrl } = context.config;
  const allowed: AllowedOrigin = async (origin, path) => {
    if (openToAll.test(path)) return '*';
    return corsOrigins.includes('*') || corsOrigins.includes(origin) || (await options.clientOrigins.has(origin)) ? origin : undefined;
  };
  const isSecure = baseUrl.startsWith('https:');
  // A slash at the end of a path changes nothing.
  const app = new Hono<Env>({ strict: false });
  app.use('*', async (c, next) => {
    const asked = c.env.incoming.headers['x-request-id'];
    const requestId = typeof asked === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(asked) ? asked : randomUUID();
    c.set('requestId', requestId);
    c.header('x-request-id', requestId);
    c.header('cache-control', 'no-store');
    c.header('vary', 'Authorization, X-Api-Key, Accept, Accept-Encoding, Prefer, Origin');
    c.header('x-content-type-options', 'nosniff');
    c.header('content-security-policy', contentPolicy);
    c.header('referrer-policy', 'no-referrer');
    if (isSecure) c.header('strict-transport-security', transportPolicy);
    if (options.draining()) c.header('connection', 'close');
    const { origin } = c.env.incoming.headers;
    const allowedOrigin = origin === undefined ? undefined : await allowed(origin, c.req.path);
    if (allowedOrigin !== undefined) {
      c.header('access-control-allow-origin', allowedOrigin);
      c.header('access-control-expose-headers', exposed);
    }
    assertPlainRequest(c.env.incoming);
    if ((c.env.incoming.url ?? '').length > context.config.urlBytesMax) {
      throw new FhirError(414, [
        issue('too-long', 'url-too-long', `The URL is longer than ${context.config.urlBytesMax} bytes. Search by POST to _search instead.`),
      ]);
    }
    await next();
    if (c.req.method === 'HEAD') await sayLength(c);
  });
  app.options('*', preflight(allowed));
  const health = healthApp(options);
  app.route('/', health);
  app.route('/', docsApp(options));
  app.route(fhirPath, discoveryApp(context.config, options.brands));
  app.route(fhirPath, fhirApp(options));
  for (const path of nativePaths) app.route(path, health).route(path, options.native);
  if (options.pages !== undefined) app.route('/', options.pages);
  app.notFound((c) => {
    const text = `There is nothing at this address. FHIR is at ${fhirPath}.`;
    return c.body(outcomeJson([issue('not-found', 'path-unknown', text)]), 404, { 'content-type': fhirJson });
  });
  app.onError((error, c) => {
    if (isNative(c.req.path)) return refusedNatively(c, error, log);
    const { status, issues = [], headers } = answerError(error, log, c.var.requestId);
    const body = Buffer.from(outcomeJson(issues));
    return c.body(body, {
      status: status as 400,
      headers: { 'content-type': fhirJson, 'content-length': String(body.length), ...headers },
    });
  });
  return app;
}

/** What the API answers is for programs: a browser that is led to it shows and runs nothing of it, and no page frames it. */
const contentPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";
const transportPolicy = 'max-age=31536000';
const exposed =
  'ETag, Last-Modified, Location, Content-Location, Content-Disposition, Allow, WWW-Authenticate, Retry-After, Idempotency-Replayed, X-Request-Id';
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** The answer to HEAD tells how long it would be, where that is known. */
async function sayLength(c: Exchange): Promise<void> {
  if (c.res.headers.has('content-length')) return;
  const { byteLength } = await c.res.clone().arrayBuffer();
  if (byteLength > 0) c.header('content-length', String(byteLength));
}

/** What a page is told of its origin: itself, or that all may; undefined: nothing, and the browser keeps the answer from it. */
type AllowedOrigin = (origin: string, path: string) => Promise<string | undefined>;

/** What tells apps how to begin, and holds nothing of anybody. @see https://hl7.org/fhir/smart-app-launch/conformance.html */
const openToAll = /^\/fhir\/R4\/(?:metadata|\.well-known\/[\w-]+)$/;

/** CORS without credentials: tokens travel in a header, never in a cookie. */
function preflight(allowed: AllowedOrigin): Handler<Env> {
  return async (c) => {
    const { origin } = c.env.incoming.headers;
    const headers: Record<string, string> = { allow: methods };
    if (origin !== undefined && (await allowed(origin, c.req.path)) !== undefined) {
      headers['access-control-allow-methods'] = methods;
      headers['access-control-allow-headers'] =
        'Authorization, Content-Type, Accept, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, Prefer, Idempotency-Key, X-Request-Id, X-Consistency-Token, X-Purpose-Of-Use, X-Break-Glass, X-Break-Glass-Patient, X-Provenance';
      headers['access-control-max-age'] = '600';
    }
    return c.body(null, { status: 204, headers });
  };
}

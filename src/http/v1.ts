import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import type { Authenticate } from '../authorization/authenticate.ts';
import { FhirError } from '../fhir/error.ts';
import { parseJson } from '../fhir/json.ts';
import type { Context } from '../interactions/context.ts';
import { limitsOf } from '../interactions/document.ts';
import { isRecorded, recordFault } from '../interactions/leaving.ts';
import type { Contract, Operation } from '../native/contract.ts';
import { NativeError } from '../native/error.ts';
import type { NativeAnswer, NativeCall, NativeHandler, NativeServices, Stream } from '../native/handler.ts';
import { once } from '../native/idempotency.ts';
import { nativeRefusal } from '../native/refusals.ts';
import type { Log } from '../telemetry/log.ts';
import { bodyStream, readBody } from './body.ts';
import { callOf, type Env, type Exchange, pairsOf } from './exchange.ts';
import { answerError } from './outcome.ts';
import { addressReader } from './peers.ts';
import { sentStream } from './sent-stream.ts';
import type { CallerBudget, RateLimits } from './rate-limits.ts';
import { authenticateFor, beginTrail } from './trails.ts';

export type NativeAppOptions = {
  readonly context: Context;
  readonly services: NativeServices;
  readonly contract: Contract;
  /** By operationId: every operation of the contract has one, but those that anybody may ask, which stand before this app. */
  readonly handlers: Readonly<Record<string, NativeHandler>>;
  readonly authenticate: Authenticate;
  readonly limits: RateLimits;
  /** What idempotency keys are kept under. */
  readonly secret: Buffer;
  readonly log: Log;
};

/** The native API, relative to `/api/v1`. What it takes and answers is told by openapi.yaml, which requests are checked against. */
export function nativeApp(options: NativeAppOptions): Hono<Env> {
  const { context, contract, handlers, log } = options;
  const missing = contract.operations.filter(({ id, isPublic }) => !isPublic && handlers[id] === undefined);
  if (missing.length > 0) throw new Error(`operations of the contract without a handler: ${missing.map(({ id }) => id).join(', ')}`);
  const app = new Hono<Env>();
  app.get('/openapi.yaml', (c) => c.body(contract.text, 200, { 'content-type': 'application/yaml; charset=utf-8' }));
  const addressOf = addressReader(context.config.trustedProxies);
  app.all('*', async (c) => {
    const address = addressOf(c.env.incoming);
    c.set('trail', beginTrail(c, 'unknown-interaction', context.registry, address));
    try {
      return sent(c, await answer(options, address, c), log);
    } catch (error) {
      const failed = await recordRefusal(context, c, error).then(
        () => error,
        (unrecorded: unknown) => unrecorded,
      );
      return refusedNatively(c, failed, log);
    }
  });
  return app;
}

async function answer(
  { context: ctx, services, contract, handlers, authenticate, limits, secret }: NativeAppOptions,
  address: string,
  c: Exchange,
): Promise<NativeAnswer> {
  const { incoming } = c.env;
  const caller = await authenticateFor(ctx, c, address, authenticate, limits.attemptOf(incoming));
  const found = contract.find(c.req.method, pathOf(incoming.url ?? ''));
  if (Array.isArray(found)) throw found.length === 0 ? unknownPath() : methodUnknown(found);
  const { operation, values } = found;
  await limits.takeOf(caller.grant, budgetOf(operation));
  const header = (name: string): string | undefined => {
    const value = incoming.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  const parameters = operation.parameters({ path: values, query: pairsOf(c), header });
  const handler = handlers[operation.id];
  if (handler === undefined) throw unknownPath();
  const request = { ctx, call: callOf(c), grant: caller.grant, requestId: c.var.requestId, parameters, services };
  const end = operation.method === 'GET' ? undefined : ctx.live.beginWrite();
  try {
    const { received, stream, ...body } = await bodyOf(ctx, c, operation);
    const whole = { ...request, ...body };
    const key = parameters.header['idempotency-key'];
    const doneOnce = async (work: NativeHandler, what: string | undefined): Promise<NativeAnswer> =>
      key === undefined ? work(whole) : once(whole, work, secret, key, JSON.stringify([operation.method, incoming.url, what]));
    return await (stream === undefined ? doneOnce(handler, received) : handler({ ...whole, stream: { ...stream, once: doneOnce } }));
  } finally {
    end?.();
  }
}

/** What no interaction has recorded yet: what is refused before one is asked, and behind it. */
async function recordRefusal(ctx: Context, c: Exchange, error: unknown): Promise<void> {
  if (!isRecorded(error)) await recordFault(ctx, c.var.trail, error);
}

/** Behind `/api/v1` or `/v1`, without the slash at its end. */
function pathOf(url: string): string {
  const mark = url.indexOf('?');
  const path = (mark === -1 ? url : url.slice(0, mark)).replace(/^(?:\/api)?\/v1/, '');
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** JSON is read and checked; what else the operation takes is handed on as it comes. */
async function bodyOf(
  ctx: Context,
  c: Exchange,
  operation: Operation,
): Promise<Pick<NativeCall, 'body'> & { received?: string; stream?: Omit<Stream, 'once'> }> {
  const { incoming } = c.env;
  const hasBody = incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0;
  if (operation.bodyTypes.length === 0) {
    if (hasBody) throw new NativeError('invalid_request', 'This operation takes no body.');
    return { body: undefined };
  }
  if (!hasBody) {
    if (operation.isBodyRequired) throw new NativeError('invalid_request', 'This operation needs a body.');
    return { body: undefined };
  }
  const mediaType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (operation.bodyTypes.includes('*/*')) return { body: undefined, stream: fileBody(incoming, mediaType) };
  if (!operation.bodyTypes.includes(mediaType))
    throw new NativeError('unsupported_media_type', `The body is one of: ${operation.bodyTypes.join(', ')}.`);
  if (operation.isJob) {
    const stream = { mediaType, ...charsetOf(incoming.headers['content-type']), body: bodyStream(incoming) };
    return { body: undefined, stream };
  }
  if (mediaType !== 'application/json') return { body: undefined, stream: { mediaType, body: incoming } };
  const { charset = 'utf-8' } = charsetOf(incoming.headers['content-type']);
  if (charset !== 'utf-8' && charset !== 'utf8') throw new NativeError('unsupported_media_type', 'JSON is UTF-8.');
  const { value, text } = parseJson(await readBody(incoming, ctx.config.bodyLimitBytes), limitsOf(ctx));
  operation.checkBody(mediaType, value);
  return { body: value, received: text };
}

function charsetOf(contentType = ''): { charset?: string } {
  const charset = /;\s*charset=\s*"?([\w.:-]{1,40})"?/i.exec(contentType)?.[1];
  return charset === undefined ? {} : { charset: charset.toLowerCase() };
}

/** A file of any type. */
function fileBody(incoming: IncomingMessage, mediaType: string): Omit<Stream, 'once'> {
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(mediaType)) throw new NativeError('unsupported_media_type', 'Say what the file is, by Content-Type.');
  const declared = incoming.headers['content-encoding'] === undefined ? incoming.headers['content-length'] : undefined;
  return { mediaType, body: bodyStream(incoming), ...(declared === undefined ? {} : { declaredBytes: Number(declared) }) };
}

function budgetOf({ method, path }: Operation): CallerBudget {
  if (method !== 'GET') return 'writes';
  return path.endsWith('}') ? 'reads' : 'searches';
}

function sent(c: Exchange, { status, body, headers = {} }: NativeAnswer, log: Log): Response {
  if (body === undefined)
    return c.body(null, { status: status as 200, headers: status === 204 ? headers : { ...headers, 'content-length': '0' } });
  if (body instanceof Readable) return c.newResponse(sentStream(c, body, log), { status: status as 200, headers });
  return c.body(JSON.stringify(body), { status: status as 200, headers: { 'content-type': nativeJson, ...headers } });
}

const nativeJson = 'application/json; charset=utf-8';

/** A refusal in the words of this API. */
export function refusedNatively(c: Exchange, error: unknown, log: Log): Response {
  const { code, status, message, details, headers } = refusalOf(error, log, c.var.requestId);
  const body = { code, message, ...(details.length === 0 ? {} : { details }), request_id: c.var.requestId };
  return c.body(JSON.stringify(body), { status: status as 400, headers: { 'content-type': nativeJson, ...headers } });
}

function refusalOf(error: unknown, log: Log, requestId: string): NativeError {
  if (error instanceof NativeError) return error;
  if (error instanceof FhirError) return nativeRefusal(error);
  const { status, issues = [], headers } = answerError(error, log, requestId);
  return nativeRefusal(new FhirError(status, issues, { headers }));
}

function unknownPath(): NativeError {
  return new NativeError('not_found', 'There is nothing at this address. See /api/v1/openapi.yaml.');
}

function methodUnknown(methods: readonly string[]): NativeError {
  return new NativeError('method_not_allowed', `This address takes ${methods.join(', ')}.`, { headers: { allow: methods.join(', ') } });
}

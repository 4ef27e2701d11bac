import { Hono } from 'hono';
import type { AuditKind } from '../audit/event.ts';
import type { Authenticate, Caller } from '../authorization/authenticate.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { withPositions } from '../fhir/locate.ts';
import type { Answer } from '../interactions/answer.ts';
import { makeCapabilities } from '../interactions/capabilities.ts';
import type { Context } from '../interactions/context.ts';
import { create } from '../interactions/create.ts';
import { documentOf, limitsOf } from '../interactions/document.ts';
import { history } from '../interactions/history.ts';
import { recordAnswer, recordFault } from '../interactions/leaving.ts';
import { conditionalPatch, patch, type Patch } from '../interactions/patch.ts';
import { parameterStatus } from '../interactions/parameters/status.ts';
import { assertType } from '../interactions/prepare.ts';
import { read, type ReadConditions, vread } from '../interactions/read.ts';
import { conditionalRemove, remove } from '../interactions/remove.ts';
import { searchAt, type SearchAddress } from '../interactions/search-address.ts';
import { partOfAnswer } from '../interactions/subset.ts';
import { conditionalUpdate, update } from '../interactions/update.ts';
import { operations } from '../operations/operations.ts';
import type { Log } from '../telemetry/log.ts';
import { budgetOf, entriesOf } from './budgets.ts';
import { asksForFile, createFile, formatFor, isFileSent, putFile, readFileAs, renderAny } from './binaries.ts';
import { bodyKindOf, readJson, unsupported } from './body.ts';
import { runBundle } from './bundle.ts';
import { callOf, type Env, type Exchange, headerOf, ifNoneExistOf, pairsOf, preferOf, queryOf, writingCallOf } from './exchange.ts';
import { formOf } from './form.ts';
import { callOperation, placed } from './operations.ts';
import { addressReader } from './peers.ts';
import type { RateLimits } from './rate-limits.ts';
import { type Format, formatOf, render, send } from './respond.ts';
import { authenticateFor, beginTrail, withForm } from './trails.ts';

export type FhirAppOptions = {
  readonly context: Context;
  readonly authenticate: Authenticate;
  readonly limits: RateLimits;
  readonly log: Log;
};

type Handler = (c: Exchange) => Promise<Answer>;

/** The FHIR API, relative to its base. @see https://hl7.org/fhir/R4/http.html */
export function fhirApp({ context: ctx, authenticate, limits, log }: FhirAppOptions): Hono<Env> {
  const app = new Hono<Env>();
  const capabilities = makeCapabilities(ctx, operations);
  const options = { base: ctx.config.baseUrl, compressionMinBytes: ctx.config.compressionMinBytes };

  const addressOf = addressReader(ctx.config.trustedProxies);
  const run = async (c: Exchange, caller: Caller, handler: Handler): Promise<Answer> => {
    await limits.takeOf(caller.grant, budgetOf(c));
    const type = c.req.param('type');
    if (type !== undefined) assertType(ctx.registry, type, undefined, 404);
    return placedAnswer(await handler(c), c.var.received);
  };
  /** Answers what a known caller asks, once what happened is recorded. The kind tells the audit trail which interaction it is. */
  const known = (kind: AuditKind, handler: Handler) => async (c: Exchange) => {
    const address = addressOf(c.env.incoming);
    c.set('trail', beginTrail(c, kind, ctx.registry, address));
    const end = c.req.method === 'GET' || c.req.method === 'HEAD' ? undefined : ctx.live.beginWrite();
    let answer: Answer;
    let format: Format;
    try {
      const caller = await authenticateFor(ctx, c, address, authenticate, limits.attemptOf(c.env.incoming));
      format = formatFor(c);
      answer = await run(c, caller, handler);
    } catch (error) {
      const fault = placed(error, c.var.received);
      await recordFault(ctx, c.var.trail, fault);
      throw fault;
    } finally {
      end?.();
    }
    const recorded = recordAnswer(ctx, c.var.trail, answer);
    // It is rendered meanwhile; what can't be recorded isn't answered.
    const [rendered] = await Promise.all([renderAny(c, answer, format, options, log), recorded]);
    return send(c, rendered);
  };
  const body = (c: Exchange, links = false) => readJson(c.env.incoming, ctx.config.bodyLimitBytes, limitsOf(ctx), links);
  const resource = async (c: Exchange) => {
    if (bodyKindOf(headerOf(c, 'content-type')) !== 'resource') throw unsupported('Send application/fhir+json; JSON Patch is for PATCH.');
    const parsed = await body(c);
    c.set('received', parsed.received);
    return documentOf(parsed, parsed.value, 'Resource');
  };
  const patchBody = async (c: Exchange): Promise<Patch> => {
    const kind = bodyKindOf(headerOf(c, 'content-type')) === 'json-patch' ? 'json' : 'fhirpath';
    return { kind, parsed: await body(c) };
  };
  const writeOptions = (c: Exchange) => {
    const ifMatch = headerOf(c, 'if-match');
    const ifNoneMatch = headerOf(c, 'if-none-match');
    return {
      prefer: preferOf(c).return ?? 'representation',
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    } as const;
  };
  /** What a path takes none of its routes for. */
  const others = (path: string, allow: string): void => {
    app.all(
      path,
      known('unknown-interaction', (c) => Promise.reject(methodNotAllowed(c.req.method, allow))),
    );
  };

  /** A search by GET, and by POST to `_search` below the same path. */
  const searched = (path: string, kind: AuditKind = 'search-type'): void => {
    app.get(
      path,
      known(kind, (c) => searchAt(ctx, callOf(c), searchAddressOf(c), pairsOf(c))),
    );
    const form = `${path === '/' ? '' : path}/_search`;
    app.post(
      form,
      known(kind, async (c) => {
        const form = await formOf(ctx, c);
        c.set('trail', withForm(c.var.trail, form));
        return searchAt(ctx, callOf(c), searchAddressOf(c), [...pairsOf(c), ...new URLSearchParams(form)]);
      }),
    );
    others(form, 'POST');
  };

  app.get('/metadata', async (c) => {
    const format = formatOf(c, queryOf(c));
    await limits.takeAt(c.env.incoming, 'public');
    return send(c, await render(c, part(ctx, c, await capabilities()), format, options));
  });
  others('/metadata', 'GET, HEAD');
  app.post(
    '/',
    known('unknown-interaction', async (c) => {
      const parsed = await body(c, true);
      c.set('received', parsed.received);
      await limits.charge(c.var.caller.grant, 'writes', entriesOf(parsed) - 1);
      return runBundle(ctx, c, parsed, log);
    }),
  );
  searched('/', 'search-system');
  others('/', 'GET, HEAD, POST');
  app.get(
    '/_history',
    known('history-system', (c) => history(ctx, callOf(c), {}, pairsOf(c))),
  );
  others('/_history', 'GET, HEAD');

  app.get(
    '/SearchParameter/:id/$status',
    known('operation', (c) => parameterStatus(ctx, callOf(c), param(c, 'id'))),
  );
  others('/SearchParameter/:id/$status', 'GET, HEAD');
  for (const place of ['', '/:type', '/:type/:id']) {
    app.all(
      `${place}/:operation{${operationName}}`,
      known('operation', (c) => callOperation(ctx, c)),
    );
  }

  searched('/:type');
  app.post(
    '/:type',
    known('create', async (c) => {
      if (isFileSent(c)) return createFile(ctx, await writingCallOf(ctx, c), c);
      const ifNoneExist = ifNoneExistOf(c);
      const prefer = preferOf(c).return ?? 'representation';
      return create(
        ctx,
        await writingCallOf(ctx, c),
        param(c, 'type'),
        await resource(c),
        ifNoneExist === undefined ? { prefer } : { prefer, ifNoneExist },
      );
    }),
  );
  app.put(
    '/:type',
    known('update', async (c) =>
      conditionalUpdate(ctx, await writingCallOf(ctx, c), param(c, 'type'), queryOf(c), await resource(c), writeOptions(c)),
    ),
  );
  app.patch(
    '/:type',
    known('patch', async (c) =>
      conditionalPatch(ctx, await writingCallOf(ctx, c), param(c, 'type'), queryOf(c), await patchBody(c), writeOptions(c)),
    ),
  );
  app.delete(
    '/:type',
    known('delete', async (c) => conditionalRemove(ctx, await writingCallOf(ctx, c), param(c, 'type'), queryOf(c), true)),
  );
  others('/:type', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  app.get(
    '/:type/_history',
    known('history-type', (c) => history(ctx, callOf(c), { type: param(c, 'type') }, pairsOf(c))),
  );
  others('/:type/_history', 'GET, HEAD');

  app.get(
    '/:type/:id',
    known('read', async (c) => {
      if (asksForFile(c)) return readFileAs(ctx, callOf(c), c, param(c, 'id'));
      return part(ctx, c, await read(ctx, callOf(c), param(c, 'type'), param(c, 'id'), conditionsOf(c)));
    }),
  );
  app.put(
    '/:type/:id',
    known('update', async (c) => {
      if (isFileSent(c)) return putFile(ctx, await writingCallOf(ctx, c), c, param(c, 'id'), writeOptions(c));
      return update(ctx, await writingCallOf(ctx, c), param(c, 'type'), param(c, 'id'), await resource(c), writeOptions(c));
    }),
  );
  app.patch(
    '/:type/:id',
    known('patch', async (c) =>
      patch(ctx, await writingCallOf(ctx, c), param(c, 'type'), param(c, 'id'), await patchBody(c), writeOptions(c)),
    ),
  );
  app.delete(
    '/:type/:id',
    known('delete', async (c) => remove(ctx, await writingCallOf(ctx, c), param(c, 'type'), param(c, 'id'), headerOf(c, 'if-match'))),
  );
  others('/:type/:id', 'GET, HEAD, PUT, PATCH, DELETE');
  app.get(
    '/:type/:id/_history',
    known('history-instance', (c) => history(ctx, callOf(c), { type: param(c, 'type'), id: param(c, 'id') }, pairsOf(c))),
  );
  others('/:type/:id/_history', 'GET, HEAD');
  app.get(
    '/:type/:id/_history/:version',
    known('vread', async (c) => {
      if (asksForFile(c)) return readFileAs(ctx, callOf(c), c, param(c, 'id'), param(c, 'version'));
      return part(ctx, c, await vread(ctx, callOf(c), param(c, 'type'), param(c, 'id'), param(c, 'version')));
    }),
  );
  others('/:type/:id/_history/:version', 'GET, HEAD');

  searched('/:type/:id/:member');
  others('/:type/:id/:member', 'GET, HEAD');

  /** Whoever isn't known learns nothing of what exists: unknown paths ask for a token first. */
  app.all(
    '*',
    known('unknown-interaction', () => Promise.reject(unknownPath())),
  );
  return app;
}

/** `$validate`; some clients escape the dollar sign. */
const operationName = '(?:\\$|%24).+';

/** The answer with the places of its issues in what was sent. */
function placedAnswer(answer: Answer, received: string | undefined): Answer {
  if (received === undefined || answer.issues === undefined) return answer;
  return { ...answer, issues: withPositions(answer.issues, received) };
}

/** `Observation`, `Patient/123/Observation` or `Patient/123/*`. */
function searchAddressOf(c: Exchange): SearchAddress {
  const type = c.req.param('type');
  const id = c.req.param('id');
  if (type === undefined) return {};
  if (id === undefined) return { type };
  const member = param(c, 'member');
  return { compartment: { type, id }, ...(member === '*' ? {} : { type: member }) };
}

function param(c: Exchange, name: 'type' | 'id' | 'version' | 'member'): string {
  return c.req.param(name) ?? '';
}

function conditionsOf(c: Exchange): ReadConditions {
  const ifNoneMatch = headerOf(c, 'if-none-match');
  const ifModifiedSince = headerOf(c, 'if-modified-since');
  return {
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
  };
}

/** As much of one resource as the query asks for. */
function part(ctx: Context, c: Exchange, answer: Answer): Answer {
  return queryOf(c) === '' ? answer : partOfAnswer(answer, pairsOf(c), ctx.definitions.schema);
}

function unknownPath(): FhirError {
  return new FhirError(404, [
    issue('not-found', 'path-unknown', 'There is nothing at this address. See /metadata for what this server does.'),
  ]);
}

function methodNotAllowed(method: string, allow: string): FhirError {
  const text = `${/^[A-Z]{1,32}$/.test(method) ? method : 'This method'} is not possible at this address. It takes ${allow}.`;
  return new FhirError(405, [issue('not-supported', 'method-unsupported', text)], { headers: { allow: `${allow}, OPTIONS` } });
}

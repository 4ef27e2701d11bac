import type { IncomingMessage } from 'node:http';
import type { Context as HonoContext } from 'hono';
import type { Trail } from '../audit/trail.ts';
import type { Caller } from '../authorization/authenticate.ts';
import type { Call, Context } from '../interactions/context.ts';
import { withProvenance } from '../interactions/provenance.ts';

/** What Hono carries for us through a request. */
export type Env = {
  Bindings: { readonly incoming: IncomingMessage };
  Variables: {
    requestId: string;
    caller: Caller;
    trail: Trail;
    /** The text of the body, where it is what the answer's issues are about. */
    received?: string;
  };
};

export type Exchange = HonoContext<Env>;

/** The call as interactions see it: who asks, and how strictly. */
export function callOf(c: Exchange): Call {
  return { access: c.var.caller.access, lenient: preferOf(c).lenient, trail: c.var.trail };
}

/** The call of what writes: it may bring a Provenance of its own. */
export function writingCallOf(ctx: Context, c: Exchange): Promise<Call> {
  const value = c.env.incoming.headers['x-provenance'];
  return withProvenance(ctx, callOf(c), Array.isArray(value) ? value.join(',') : value);
}

export type Prefer = { readonly return?: 'representation' | 'minimal' | 'OperationOutcome'; readonly lenient: boolean };

/** The Prefer header's `return` and `handling`. @see https://hl7.org/fhir/R4/http.html#ops */
export function preferOf(c: Exchange): Prefer {
  const header = c.env.incoming.headers.prefer;
  if (header === undefined) return { lenient: false };
  const text = Array.isArray(header) ? header.join(',') : header;
  const asked = /(?:^|[,;\s])return\s*=\s*"?(representation|minimal|OperationOutcome)\b/i.exec(text)?.[1];
  const found = (['representation', 'minimal', 'OperationOutcome'] as const).find((each) => each.toLowerCase() === asked?.toLowerCase());
  const lenient = /(?:^|[,;\s])handling\s*=\s*"?lenient\b/i.test(text);
  return found === undefined ? { lenient } : { return: found, lenient };
}

/** Decoded query parameters in order. Read from the raw URL: Hono's own reader folds repeated names away. */
export function pairsOf(c: Exchange): [string, string][] {
  const query = queryOf(c);
  return query === '' ? [] : [...new URLSearchParams(query)];
}

export function queryOf(c: Exchange): string {
  const url = c.env.incoming.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

export function headerOf(
  c: Exchange,
  name:
    | 'if-match'
    | 'if-none-match'
    | 'if-modified-since'
    | 'accept'
    | 'content-type'
    | 'authorization'
    | 'accept-encoding'
    | 'content-encoding',
): string | undefined {
  return c.env.incoming.headers[name];
}

/** `If-None-Exist`, which Node doesn't know by name. */
export function ifNoneExistOf(c: Exchange): string | undefined {
  const value = c.env.incoming.headers['if-none-exist'];
  return Array.isArray(value) ? value.join('&') : value;
}

import { FhirError, issue } from '../fhir/error.ts';
import { type JsonLimits, parseJson, type ParsedJson } from '../fhir/json.ts';
import { withPositions } from '../fhir/locate.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Context } from '../interactions/context.ts';
import { limitsOf } from '../interactions/document.ts';
import type { Operation } from '../operations/operation.ts';
import { operationAt, runOperation } from '../operations/operations.ts';
import { bodyKindOf, readBody, unsupported } from './body.ts';
import { callOf, type Exchange, headerOf, pairsOf } from './exchange.ts';

const methods = 'GET, HEAD, POST';

/** Calls the operation in the URL: by GET with parameters in the query, by POST with Parameters or the one resource it takes. */
export async function callOperation(ctx: Context, c: Exchange): Promise<Answer> {
  const [type, id, name = ''] = [c.req.param('type'), c.req.param('id'), c.req.param('operation')];
  const place = { ...(type === undefined ? {} : { type }), ...(id === undefined ? {} : { id }) };
  const operation = operationAt(name.slice(1), place);
  if (!methods.includes(c.req.method)) throw methodNotAllowed();
  const call = callOf(c);
  const body = c.req.method === 'POST' ? await bodyOf(c, ctx.config.bodyLimitBytes) : undefined;
  const parsed = body === undefined ? undefined : readFor(operation, body, limitsOf(ctx));
  if (parsed !== undefined && 'status' in parsed) return parsed;
  const ifMatch = headerOf(c, 'if-match');
  const invocation = {
    ...place,
    call,
    decimals: parsed?.decimals ?? new Map(),
    ...(parsed === undefined ? {} : { received: parsed.received }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
  const given = { pairs: pairsOf(c), lenient: call.lenient, ...(parsed === undefined ? {} : { body: parsed.value }) };
  try {
    return await runOperation(ctx, operation, given, invocation);
  } catch (error) {
    throw placed(error, parsed?.received);
  }
}

/** The same error with the places of its issues in the text it is about. */
export function placed(error: unknown, received: string | undefined): unknown {
  if (received === undefined || !(error instanceof FhirError)) return error;
  const issues = withPositions(error.issues, received);
  return issues === error.issues ? error : new FhirError(error.status, issues, { cause: error, headers: error.headers });
}

/** Undefined where nothing was sent. */
async function bodyOf(c: Exchange, limitBytes: number): Promise<Buffer | undefined> {
  const bytes = await readBody(c.env.incoming, limitBytes);
  if (bytes.length === 0) return undefined;
  if (bodyKindOf(headerOf(c, 'content-type')) !== 'resource') throw unsupported('Send application/fhir+json; JSON Patch is for PATCH.');
  return bytes;
}

/** The body, or the answer to one that can't be read. */
function readFor({ unreadable }: Operation, body: Buffer, limits: JsonLimits): ParsedJson | Answer {
  try {
    return parseJson(body, limits);
  } catch (error) {
    const answer = unreadable?.(error);
    if (answer === undefined) throw error;
    return answer;
  }
}

function methodNotAllowed(): FhirError {
  const text = `An operation is called by GET or POST.`;
  return new FhirError(405, [issue('not-supported', 'method-unsupported', text)], { headers: { allow: `${methods}, OPTIONS` } });
}

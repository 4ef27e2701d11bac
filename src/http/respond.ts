import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { FhirError, issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import { prettyJson } from '../fhir/pretty.ts';
import type { Answer } from '../interactions/answer.ts';
import { type Exchange, headerOf, queryOf } from './exchange.ts';

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

export const fhirJson = 'application/fhir+json; charset=utf-8';

/** How an answer is to be written. */
export type Format = { readonly mediaType: string; readonly pretty: boolean };

const jsonFormats: ReadonlyMap<string, string> = new Map([
  ['json', fhirJson],
  ['application/json', 'application/json; charset=utf-8'],
  ['application/fhir+json', fhirJson],
  ['application/json+fhir', fhirJson],
  ['text/json', 'application/json; charset=utf-8'],
]);

/**
 * What the client can read: `_format` before Accept. @throws FhirError 406 where that is neither JSON nor anything
 * @see https://hl7.org/fhir/R4/http.html#mime-type
 */
export function formatOf(c: Exchange, query: string): Format {
  if (query === '' && headerOf(c, 'accept') === 'application/fhir+json') return { mediaType: fhirJson, pretty: false };
  const parameters = new URLSearchParams(query);
  const pretty = parameters.get('_pretty') === 'true';
  const asked = parameters.get('_format');
  if (asked !== null && asked !== '') {
    // A plus sign that was not escaped arrives as a space.
    const mediaType = jsonFormats.get((asked.split(';')[0] ?? '').trim().replace(' ', '+').toLowerCase());
    if (mediaType === undefined) throw notAcceptable();
    return { mediaType, pretty };
  }
  const accept = headerOf(c, 'accept');
  if (accept === undefined || accept === '') return { mediaType: fhirJson, pretty };
  for (const media of acceptedRanges(c)) {
    const mediaType = jsonOf(media);
    if (mediaType !== undefined) return { mediaType, pretty };
  }
  throw notAcceptable();
}

const jsonOf = (range: string): string | undefined => (range === '*/*' || range === 'application/*' ? fhirJson : jsonFormats.get(range));

/** Whether JSON may be answered, as far as Accept and `_format` say. */
export function asksForJson(c: Exchange): boolean {
  const accept = headerOf(c, 'accept');
  if (accept === undefined || accept === '' || new URLSearchParams(queryOf(c)).get('_format')) return true;
  return acceptedRanges(c).some((range) => jsonOf(range) !== undefined);
}

/** The media ranges of Accept that aren't refused by `q=0`, without parameters and in lower case. */
export function acceptedRanges(c: Exchange): string[] {
  return (headerOf(c, 'accept') ?? '').split(',').flatMap((range) => {
    const [media = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) ? [] : [media];
  });
}

export function notAcceptable(): FhirError {
  return new FhirError(406, [
    issue('not-supported', 'format-unsupported', 'This server answers JSON. Ask for application/fhir+json by Accept or _format.'),
  ]);
}

export type RespondOptions = { readonly base: string; readonly compressionMinBytes: number };

/** What is to be sent. Hono keeps the headers of any Response it makes, so none is made before it is sure to be the one that is sent. */
export type Rendered = {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream | null;
};

export function send(c: Exchange, { status, headers, body }: Rendered): Response {
  return c.newResponse(body, { status: status as 200, headers });
}

/** Renders an interaction's answer. */
export async function render(c: Exchange, answer: Answer, format: Format, options: RespondOptions): Promise<Rendered> {
  const { status, stamp, issues } = answer;
  const headers: Record<string, string> = {};
  if (stamp !== undefined) {
    headers['etag'] = `W/"${stamp.version}"`;
    headers['last-modified'] = new Date(stamp.lastUpdated).toUTCString();
    if (answer.located) headers['location'] = `${options.base}/${stamp.type}/${stamp.id}/_history/${stamp.version}`;
  }
  const body = answer.body ?? (issues === undefined || status === 204 ? undefined : outcomeJson(issues));
  if (body === undefined || status === 304) {
    if (status !== 204 && status !== 304) headers['content-length'] = '0';
    return { status, headers, body: null };
  }
  headers['content-type'] = format.mediaType;
  const text = format.pretty ? prettyJson(body.toString()) : body;
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const sent = await compressed(c, bytes, headers, options.compressionMinBytes);
  // Said here, so that the answer to HEAD has it too.
  headers['content-length'] = String(sent.length);
  return { status, headers, body: sent as Uint8Array<ArrayBuffer> };
}

/** Compresses what is worth it; small answers go as they are. */
async function compressed(c: Exchange, bytes: Buffer, headers: Record<string, string>, minBytes: number): Promise<Buffer> {
  const accept = headerOf(c, 'accept-encoding');
  if (accept === undefined || bytes.length < minBytes) return bytes;
  const encoding = /\bbr\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accept)
    ? 'br'
    : /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accept)
      ? 'gzip'
      : undefined;
  if (encoding === undefined) return bytes;
  headers['content-encoding'] = encoding;
  if (encoding === 'gzip') return gzipAsync(bytes, { level: 4 });
  return brotliAsync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
}

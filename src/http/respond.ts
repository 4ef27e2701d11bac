import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { FhirError, issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import { prettyJson } from '../fhir/pretty.ts';
import type { Answer } from '../interactions/answer.ts';
import { type Exchange, headerOf } from './exchange.ts';

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
  for (const range of accept.split(',')) {
    const [media = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) continue;
    if (media === '*/*' || media === 'application/*') return { mediaType: fhirJson, pretty };
    const known = jsonFormats.get(media);
    if (known !== undefined) return { mediaType: known, pretty };
  }
  throw notAcceptable();
}

function notAcceptable(): FhirError {
  return new FhirError(406, [
    issue('not-supported', 'format-unsupported', 'This server answers JSON. Ask for application/fhir+json by Accept or _format.'),
  ]);
}

export type RespondOptions = { readonly base: string; readonly compressionMinBytes: number };

/** Renders an interaction's answer. */
export async function respond(c: Exchange, answer: Answer, format: Format, options: RespondOptions): Promise<Response> {
  const { status, stamp, issues } = answer;
  const headers: Record<string, string> = {};
  if (stamp !== undefined) {
    headers['etag'] = `W/"${stamp.version}"`;
    headers['last-modified'] = new Date(stamp.lastUpdated).toUTCString();
    if (answer.located) headers['location'] = `${options.base}/${stamp.type}/${stamp.id}/_history/${stamp.version}`;
  }
  const body = answer.body ?? (issues === undefined || status === 204 ? undefined : outcomeJson(issues));
  if (body === undefined || status === 304) return c.body(null, { status: status as 200, headers });
  headers['content-type'] = format.mediaType;
  const text = format.pretty ? prettyJson(body.toString()) : body;
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const sent = await compressed(c, bytes, headers, options.compressionMinBytes);
  // Said here, so that the answer to HEAD has it too.
  headers['content-length'] = String(sent.length);
  return c.body(sent as Uint8Array<ArrayBuffer>, { status: status as 200, headers });
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

import type { Readable } from 'node:stream';
import { FhirError, issue } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Answer, FileBody } from '../interactions/answer.ts';
import type { Call, Context } from '../interactions/context.ts';
import { create } from '../interactions/create.ts';
import { assertCreatable } from '../interactions/create-many.ts';
import type { Document } from '../interactions/document.ts';
import { assertChangeable, type FileAnswer, readFile } from '../interactions/file.ts';
import { newId } from '../interactions/ids.ts';
import { assertId, validated } from '../interactions/prepare.ts';
import { versionNotFound } from '../interactions/read.ts';
import { update, type UpdateOptions } from '../interactions/update.ts';
import type { Log } from '../telemetry/log.ts';
import { bodyStream, isResourceType } from './body.ts';
import { type Exchange, headerOf, ifNoneExistOf, queryOf } from './exchange.ts';
import {
  acceptedRanges,
  asksForJson,
  fhirJson,
  type Format,
  formatOf,
  notAcceptable,
  render,
  type Rendered,
  type RespondOptions,
} from './respond.ts';
import { sentStream } from './sent-stream.ts';

/*
 * Binaries as what they are: the body is the file, and Content-Type and Accept its type.
 *
 * @see https://hl7.org/fhir/R4/binary.html#rest
 */

/** Whether a Binary is asked for as a file: by an Accept that has no place for JSON. */
export function asksForFile(c: Exchange): boolean {
  if (c.req.param('type') !== 'Binary' || c.req.param('id') === undefined || (c.req.method !== 'GET' && c.req.method !== 'HEAD'))
    return false;
  return !asksForJson(c) && !acceptedRanges(c).some((range) => /^application\/(?:fhir\+xml|xml\+fhir)$/.test(range));
}

/** What refuses the request for a file is told in JSON. @throws FhirError 406 */
export const formatFor = (c: Exchange): Format => (asksForFile(c) ? { mediaType: fhirJson, pretty: false } : formatOf(c, queryOf(c)));

/** @throws FhirError 406 where it is of another type than was asked for */
export async function readFileAs(ctx: Context, call: Call, c: Exchange, id: string, version?: string): Promise<FileAnswer> {
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) throw versionNotFound('Binary');
  const answer = await readFile(ctx, call, id, version === undefined ? undefined : Number(version));
  const type = plainType(answer.file.contentType);
  const [major] = type.split('/');
  if (!acceptedRanges(c).some((range) => range === type || range === `${major}/*`)) throw notAcceptable();
  return answer;
}

/** Renders an interaction's answer, or the file that it is. */
export async function renderAny(c: Exchange, answer: Answer, format: Format, options: RespondOptions, log: Log): Promise<Rendered> {
  return answer.file === undefined ? render(c, answer, format, options) : renderFile(c, answer, answer.file, log);
}

function renderFile(
  c: Exchange,
  { status, stamp }: Answer,
  { contentType, size, content, securityContext: context }: FileBody,
  log: Log,
): Rendered {
  const headers: Record<string, string> = {
    'content-type': isPrintable(contentType) ? contentType : 'application/octet-stream',
    'content-length': String(size),
    // No browser shows it as a page of this server.
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    ...(stamp === undefined ? {} : { etag: `W/"${stamp.version}"`, 'last-modified': new Date(stamp.lastUpdated).toUTCString() }),
    ...(context !== undefined && isPrintable(context) ? { 'x-security-context': context } : {}),
  };
  return { status, headers, body: sentStream(c, content, log) };
}

const isPrintable = (text: string): boolean => /^[\x20-\x7e]{1,1000}$/.test(text);

const plainType = (contentType: string): string => (contentType.split(';')[0] ?? '').trim().toLowerCase();

/** Whether the body is a file that is to be a Binary. */
export function isFileSent(c: Exchange): boolean {
  const contentType = headerOf(c, 'content-type');
  return c.req.param('type') === 'Binary' && contentType !== undefined && !isResourceType(contentType);
}

export async function createFile(ctx: Context, call: Call, c: Exchange): Promise<Answer> {
  const document = documentSent(c);
  await assertCreatable(ctx, call, { type: 'Binary', id: newId('Binary'), document });
  const ifNoneExist = ifNoneExistOf(c);
  const options = { prefer: 'minimal', ...(ifNoneExist === undefined ? {} : { ifNoneExist }) } as const;
  return withFile(ctx, c, document, (whole) => create(ctx, call, 'Binary', whole, options));
}

export async function putFile(ctx: Context, call: Call, c: Exchange, id: string, options: UpdateOptions): Promise<Answer> {
  call.access.permit('u', 'Binary');
  assertId(id);
  const document = await validated(ctx, documentSent(c, id));
  await assertChangeable(ctx, call, 'Binary', id, options);
  return withFile(ctx, c, document, (whole) => update(ctx, call, 'Binary', id, whole, { ...options, prefer: 'minimal' }));
}

/** The Binary that a file becomes; whose it is stands in X-Security-Context. */
function documentSent(c: Exchange, id?: string): Document {
  const context = c.env.incoming.headers['x-security-context'];
  const value: JsonObject = {
    resourceType: 'Binary',
    ...(id === undefined ? {} : { id }),
    contentType: headerOf(c, 'content-type')?.trim() ?? '',
    ...(typeof context === 'string' ? { securityContext: { reference: context } } : {}),
  };
  return { type: 'Binary', value, decimals: new Map() };
}

/** Stores the body while it comes, and writes with it; what isn't taken then is removed. */
async function withFile(ctx: Context, c: Exchange, document: Document, write: (document: Document) => Promise<Answer>): Promise<Answer> {
  const { incoming } = c.env;
  const bytesMax = ctx.config.attachmentMib * 1_048_576;
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const file = await ctx.files.write(limited(bodyStream(incoming), bytesMax));
  try {
    return await write({ ...document, file });
  } finally {
    // What can't be removed now is removed later.
    await ctx.files.discard(file).catch(() => {});
  }
}

async function* limited(body: Readable, bytesMax: number): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax) break;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw new FhirError(
      400,
      [issue('structure', 'body-unreadable', 'The body could not be read: it ended early or its Content-Encoding is not what it says.')],
      { cause: error },
    );
  } finally {
    // What is refused is let go by, so that the answer arrives.
    if (!body.readableEnded && !body.destroyed) body.resume();
  }
  if (bytes > bytesMax) throw tooLarge(bytesMax);
  if (bytes === 0) throw new FhirError(400, [issue('structure', 'body-empty', 'The body is empty. Send the file.')]);
}

function tooLarge(bytesMax: number): FhirError {
  return new FhirError(413, [issue('too-long', 'body-too-large', `A file has at most ${bytesMax} bytes.`)], {
    headers: { connection: 'close' },
  });
}

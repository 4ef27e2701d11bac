import type { IncomingMessage } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FhirError, issue } from '../fhir/error.ts';
import { type JsonLimits, type ParsedJson, parseJson } from '../fhir/json.ts';

/**
 * Reads a request body, decompressed, up to a limit that counts decompressed bytes: a small bomb ends where it grows too large.
 *
 * @throws FhirError 413 over the limit, 415 for an unknown encoding, 400 where the compression is broken
 */
export async function readBody(incoming: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = Number(incoming.headers['content-length'] ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const encoding = incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of decoded(incoming, encoding)) {
      bytes += (chunk as Buffer).length;
      if (bytes > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof FhirError) throw error;
    throw new FhirError(
      400,
      [issue('structure', 'body-unreadable', 'The body could not be read: it ended early or its Content-Encoding is not what it says.')],
      { cause: error },
    );
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** The body without its Content-Encoding, however long it is. @throws FhirError 415 for an unknown encoding */
export function bodyStream(incoming: IncomingMessage): Readable {
  const body = decoded(incoming, incoming.headers['content-encoding']?.trim().toLowerCase() ?? 'identity');
  // What goes wrong before anybody reads is told to who reads then: without a listener it would end the process.
  body.on('error', () => {});
  return body;
}

function decoded(incoming: IncomingMessage, encoding: string): Readable {
  switch (encoding) {
    case 'identity':
      return incoming;
    case 'gzip':
    case 'x-gzip':
      return unpacked(incoming, createGunzip());
    case 'br':
      return unpacked(incoming, createBrotliDecompress());
    case 'deflate':
      return unpacked(incoming, createInflate());
    default:
      throw new FhirError(
        415,
        [issue('not-supported', 'content-encoding-unsupported', 'Content-Encoding is one of gzip, br and deflate.')],
        { headers: { 'accept-encoding': 'gzip, br, deflate' } },
      );
  }
}

/** A request that breaks off ends the decompressor too: `pipe` alone would leave it waiting for ever. */
function unpacked(incoming: IncomingMessage, decompressor: Transform): Transform {
  incoming.once('error', (error) => decompressor.destroy(error));
  incoming.once('close', () => {
    if (!incoming.readableEnded) decompressor.destroy(new Error('the request ended early'));
  });
  return incoming.pipe(decompressor);
}

function tooLarge(limitBytes: number): FhirError {
  return new FhirError(413, [issue('too-long', 'body-too-large', `The body is larger than ${limitBytes} bytes. Send it in parts.`)], {
    headers: { connection: 'close' },
  });
}

const jsonTypes = new Set(['application/fhir+json', 'application/json', 'application/json+fhir', 'text/json']);

/** Whether a body of this type is meant as a resource or a patch of one, in a format that is known or isn't: all else is a file. */
export function isResourceType(contentType: string): boolean {
  const media = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  return (
    media === '' || media === 'application/json-patch+json' || jsonTypes.has(media) || /^application\/(?:fhir\+xml|xml\+fhir)$/.test(media)
  );
}

export type BodyKind = 'resource' | 'json-patch';

/** What the Content-Type says the body is. @throws FhirError 415 */
export function bodyKindOf(contentType: string | undefined): BodyKind {
  const [media = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw unsupported('FHIR is always UTF-8: send charset=utf-8 or none.');
  if (media === 'application/json-patch+json') return 'json-patch';
  if (jsonTypes.has(media)) return 'resource';
  if (media === '') throw unsupported('Say what the body is: Content-Type: application/fhir+json.');
  throw unsupported(media.includes('xml') ? 'XML is not answered yet. Send application/fhir+json.' : 'Send application/fhir+json.');
}

export function unsupported(text: string): FhirError {
  return new FhirError(415, [issue('not-supported', 'content-type-unsupported', text)]);
}

export async function readJson(incoming: IncomingMessage, limitBytes: number, limits: JsonLimits, links = false): Promise<ParsedJson> {
  return parseJson(await readBody(incoming, limitBytes), limits, { links });
}

import type { IncomingMessage, ServerResponse } from 'node:http';

/** A form is read up to here; scopes alone may be refused for being too long. */
const formBytesMax = 262_144;

/** What a body was refused for. */
export class BodyRefused extends Error {
  readonly status: 400 | 413 | 415;

  constructor(status: 400 | 413 | 415, text: string) {
    super(text);
    this.status = status;
  }
}

/** Reads a body whole. @throws BodyRefused where it is too long or cut short */
export async function readWhole(incoming: IncomingMessage, bytesMax = formBytesMax): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) throw new BodyRefused(413, 'the body is too long');
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new BodyRefused(413, 'the body is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof BodyRefused ? error : new BodyRefused(400, 'the body was cut short');
  }
  return Buffer.concat(chunks, bytes);
}

/** A form's fields, in their order. */
export async function readForm(incoming: IncomingMessage, bytesMax = formBytesMax): Promise<URLSearchParams> {
  const type = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const body = await readWhole(incoming, bytesMax);
  if (body.length > 0 && type !== 'application/x-www-form-urlencoded') throw new BodyRefused(415, 'send application/x-www-form-urlencoded');
  return new URLSearchParams(body.toString('utf8'));
}

/** Gives a request another body, as if it had come with it: the authorization server reads it as its own. */
export function replaceBody(incoming: IncomingMessage, body: string): void {
  const bytes = Buffer.from(body);
  incoming.headers['content-length'] = String(bytes.length);
  delete incoming.headers['transfer-encoding'];
  Object.defineProperties(incoming, {
    readable: { value: true },
    iterator: {
      value: async function* iterate() {
        yield await Promise.resolve(bytes);
      },
    },
  });
}

/** An OAuth error or answer in JSON. */
export function answerJson(outgoing: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  outgoing.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(bytes.length),
    'cache-control': 'no-store',
    pragma: 'no-cache',
    ...headers,
  });
  outgoing.end(bytes);
}

export function answerError(outgoing: ServerResponse, status: number, error: string, description: string): void {
  answerJson(outgoing, status, { error, error_description: description });
}

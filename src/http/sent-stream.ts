import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Log } from '../telemetry/log.ts';
import type { Exchange } from './exchange.ts';

type Content = Readable | Iterable<Buffer> | AsyncIterable<Buffer>;

/**
 * A body that is sent while it is read. Where reading fails the connection is broken off: any other end would say that this is the whole.
 * To HEAD there is none, and nothing is read: what nobody takes would stay open.
 */
export function sentStream(c: Exchange, content: Content, log: Log): ReadableStream | null {
  if (c.req.method === 'HEAD') {
    if (content instanceof Readable) content.destroy();
    return null;
  }
  return Readable.toWeb(Readable.from(whole(c, content, log), { objectMode: false, highWaterMark: 65_536 })) as ReadableStream;
}

async function* whole(c: Exchange, content: Content, log: Log): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    // A client that went away is nobody's fault.
    if (!isAbort(error)) log.error({ requestId: c.var.requestId }, 'an answer was broken off', error);
    breakOff(c.env.incoming.socket);
  }
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** By a reset: to HTTP/1.0, as proxies speak it, an end without one would be the end of the answer. TLS tells the two apart by itself. */
function breakOff(socket: Socket): void {
  if (socket.destroyed || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

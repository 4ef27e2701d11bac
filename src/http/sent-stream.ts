import { Readable } from 'node:stream';
import type { Log } from '../telemetry/log.ts';
import type { Exchange } from './exchange.ts';

/** A body that is sent while it is read. Where reading fails the connection is broken off: any other end would say that this is the whole. */
export function sentStream(c: Exchange, content: Iterable<Buffer> | AsyncIterable<Buffer>, log: Log): ReadableStream {
  return Readable.toWeb(Readable.from(whole(c, content, log), { objectMode: false, highWaterMark: 65_536 })) as ReadableStream;
}

async function* whole(c: Exchange, content: Iterable<Buffer> | AsyncIterable<Buffer>, log: Log): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    log.error({ requestId: c.var.requestId }, 'an answer was broken off', error);
    c.env.incoming.socket.destroy();
  }
}

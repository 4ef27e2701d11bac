import { Readable } from 'node:stream';
import type { NativeAnswer } from '../handler.ts';

/** A file, sent as it is made; `name` is what a browser saves it by. */
export function streamed(chunks: AsyncIterable<Buffer>, contentType: string, name: string): NativeAnswer {
  const headers = {
    'content-type': contentType,
    'content-disposition': `attachment; filename="${name}"`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  return { status: 200, headers, body: Readable.from(chunks, { objectMode: false, highWaterMark: 65_536 }) };
}

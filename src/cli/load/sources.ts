import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { bunzip2 } from './bzip2.ts';

/** One Bundle as it was read. `name` says where from: `patients.ndjson.gz:12`, the line counted from 1. */
export type Source = { readonly name: string; readonly bytes: Buffer };

/** The longest line or file that is held in memory. */
const BYTES_MAX = 256 * 1024 * 1024;
const NEWLINE = 0x0a;

/** The forms a file may have, by its name. */
export const FILE_NAME = /\.(json|ndjson)(\.gz|\.bz2)?$/;

/**
 * The Bundles of one file in their order: one for `.json`, one a line for `.ndjson`; each may be compressed (`.gz`, `.bz2`).
 * A line is read only when it is asked for.
 */
export async function* bundlesOf(file: string): AsyncGenerator<Source> {
  const [, format] = FILE_NAME.exec(file) ?? [];
  if (format === undefined) throw new Error(`${file} is none of .json, .ndjson, with or without .gz or .bz2`);
  if (format === 'json') {
    yield { name: file, bytes: await whole(contentOf(file)) };
    return;
  }
  let number = 0;
  for await (const line of linesOf(contentOf(file))) {
    number++;
    if (line.some((byte) => byte > 0x20)) yield { name: `${file}:${number}`, bytes: line };
  }
}

function contentOf(file: string): AsyncIterable<Uint8Array> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  if (file.endsWith('.bz2')) return bunzip2(source);
  // The reader of the last stream gets the error of either; the callback has nothing to add.
  return file.endsWith('.gz') ? pipeline(source, createGunzip(), () => {}) : source;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of content) {
    length += part.length;
    assertLength(length);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const line = (last: Uint8Array): Buffer => {
    const joined = parts.length === 0 ? Buffer.from(last.buffer, last.byteOffset, last.length) : Buffer.concat([...parts, last]);
    parts = [];
    length = 0;
    return joined;
  };
  for await (const chunk of content) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield line(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) continue;
    length += chunk.length - start;
    assertLength(length);
    parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield line(Buffer.alloc(0));
}

function assertLength(length: number): void {
  if (length > BYTES_MAX) throw new Error(`a Bundle of more than ${BYTES_MAX} bytes`);
}

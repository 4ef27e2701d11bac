import { expect, test } from 'vitest';
import { checkedFile } from '../../src/native/records/file-check.ts';

const large = 600_000;

/** A file in parts, and how much of it was asked for when the first part came out. */
async function passed(content: Buffer, declared: string): Promise<{ readonly bytes: Buffer; readonly askedFirst: number }> {
  let asked = 0;
  // oxlint-disable-next-line typescript/require-await -- as a request's body comes
  async function* parts(): AsyncGenerator<Buffer> {
    for (let at = 0; at < content.length; at += 10_000) {
      asked = Math.min(content.length, at + 10_000);
      yield content.subarray(at, asked);
    }
  }
  const out: Buffer[] = [];
  let askedFirst = 0;
  for await (const part of checkedFile(parts(), declared, 1)) {
    if (out.length === 0) askedFirst = asked;
    out.push(part);
  }
  return { bytes: Buffer.concat(out), askedFirst };
}

const filled = (head: Buffer): Buffer => Buffer.concat([head, Buffer.alloc(large - head.length, 7)]);

function zipWith(name: string): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt32LE(large, 18);
  head.writeUInt32LE(large, 22);
  head.writeUInt16LE(name.length, 26);
  return filled(Buffer.concat([head, Buffer.from(name)]));
}

const tiff = filled(Buffer.from([0x49, 0x49, 0x2a, 0, 0, 0, 0x08, 0]));
const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

test.each([
  ['a TIFF whose directory stands at its end', tiff, 'image/tiff'],
  ['a document of Word whose list of types stands at its end', zipWith('word/media/image1.png'), word],
  ['an archive', zipWith('data.bin'), 'application/zip'],
  ['what has no mark', filled(Buffer.from([1, 2, 3])), 'application/octet-stream'],
  ['a text', Buffer.from('ä'.repeat(large / 2)), 'text/plain'],
  ['a small text', Buffer.from('ä'), 'text/plain'],
] as const)('%s passes as it is, and nothing of it before its beginning was looked at', async (_, content, declared) => {
  const { bytes, askedFirst } = await passed(content, declared);
  expect([bytes.equals(content), askedFirst]).toEqual([true, Math.min(content.length, 200_000)]);
});

test.each([
  ['a TIFF', tiff, 'image/png', 'The file is not of this type.'],
  ['an archive', zipWith('data.bin'), word, 'The file is not of this type.'],
  ['what has no mark', filled(Buffer.from([1, 2, 3])), 'application/pdf', 'The file is not of this type.'],
  ['a text that ends within a letter', Buffer.from('ä'.repeat(large / 2)).subarray(0, -1), 'text/plain', 'The file is not of this type.'],
  ['a program', filled(Buffer.from('#!/bin/sh\n')), 'text/plain', 'Files that can run are not taken.'],
  ['a file of two MiB', Buffer.alloc(2 ** 21, 7), 'application/octet-stream', 'A file has at most 1 MiB.'],
] as const)('%s is refused as what it is not', async (_, content, declared, message) => {
  const error = await passed(content, declared).catch((fault: unknown) => fault);
  const { message: said, details = [] } = error as { message: string; details?: readonly { message: string }[] };
  expect([said, ...details.map((each) => each.message)]).toContain(message);
});

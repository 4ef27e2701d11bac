import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * One file of named sections. The first two (`summary`, `types`) are read at start and checked by a CRC; the last two
 * (`catalogue`, `documents`) are read on demand and consist of frames with checksums of their own.
 *
 *   header, 60 bytes: magic 8, per section offset and length as 48-bit integers, CRC-32 of these and the first two sections
 */
export type CacheSections = Readonly<Record<SectionName, Buffer>>;

export type SectionName = (typeof SECTIONS)[number];
export type Span = { readonly offset: number; readonly length: number };
export type CacheHeader = { readonly spans: Readonly<Record<SectionName, Span>>; readonly crc: number };

const SECTIONS = ['summary', 'types', 'catalogue', 'documents'] as const;
const MAGIC = Buffer.from('ANAMDEF1', 'latin1');
const CRC_AT = MAGIC.length + SECTIONS.length * 12;
const HEADER_BYTES = CRC_AT + 4;

/**
 * Writes the file so that a reader sees all of it or none, also after a crash; of two writers either one's file stays.
 *
 * @throws  the system's error if the folder can't be written
 */
export async function writeCacheFile(path: string, sections: CacheSections): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await writeDurably(draft, [headerOf(sections), ...SECTIONS.map((name) => sections[name])]);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Reads the parts a start needs.
 *
 * @returns  undefined if there is no such file or it isn't whole: the caller compiles anew
 */
export async function readCacheFile(path: string): Promise<{ header: CacheHeader; summary: Buffer; types: Buffer } | undefined> {
  const file = await open(path, 'r').catch(ignoreMissing);
  if (file === undefined) return undefined;
  try {
    const head = await readSpan(file, { offset: 0, length: HEADER_BYTES });
    const header = parseHeader(head, (await file.stat()).size);
    if (header === undefined) return undefined;
    const summary = await readSpan(file, header.spans.summary);
    const types = await readSpan(file, header.spans.types);
    return checksum(head, summary, types) === header.crc ? { header, summary, types } : undefined;
  } finally {
    await file.close();
  }
}

/** Reads a part of a section; the file may have been replaced by another process in between, by one of equal content. */
export async function readFromCache(path: string, section: Span, part: Span = { offset: 0, length: section.length }): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    return await readSpan(file, { offset: section.offset + part.offset, length: part.length });
  } finally {
    await file.close();
  }
}

function headerOf(sections: CacheSections): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  let offset = HEADER_BYTES;
  for (const [index, name] of SECTIONS.entries()) {
    const { length } = sections[name];
    header.writeUIntLE(offset, MAGIC.length + index * 12, 6);
    header.writeUIntLE(length, MAGIC.length + index * 12 + 6, 6);
    offset += length;
  }
  header.writeUInt32LE(checksum(header, sections.summary, sections.types), CRC_AT);
  return header;
}

function checksum(header: Buffer, summary: Buffer, types: Buffer): number {
  return crc32(types, crc32(summary, crc32(header.subarray(0, CRC_AT))));
}

function parseHeader(header: Buffer, fileBytes: number): CacheHeader | undefined {
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const spanAt = (index: number): Span => ({
    offset: header.readUIntLE(MAGIC.length + index * 12, 6),
    length: header.readUIntLE(MAGIC.length + index * 12 + 6, 6),
  });
  const spans = { summary: spanAt(0), types: spanAt(1), catalogue: spanAt(2), documents: spanAt(3) };
  const end = Math.max(...Object.values(spans).map((span) => span.offset + span.length));
  return end === fileBytes ? { spans, crc: header.readUInt32LE(CRC_AT) } : undefined;
}

type File = Awaited<ReturnType<typeof open>>;

/** Shorter than asked for if the file ends before. */
async function readSpan(file: File, { offset, length }: Span): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

async function writeDurably(path: string, parts: readonly Buffer[]): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Schema, TypeDef } from '../../src/fhir/schema.ts';
import { ifMissing } from '../../src/storage/embedded/folders.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

/**
 * Words that nothing but our own requests can hold: twelve random letters, the first eight of them this run's own, so that
 * one look finds every word.
 */
export type Canaries = { readonly marker: string; readonly next: () => string };

export function newCanaries(): Canaries {
  const marker = letters(8);
  return { marker, next: () => marker + letters(4) };
}

const letters = (count: number): string => [...randomBytes(count)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');

/**
 * The resource with a canary in every string, markdown, narrative and base64 of it, and in each string element that the
 * objects on the way could have and don't. Ids and codes stay, for they have rules of their own; so do identifiers' systems.
 */
export function withCanaries(resource: JsonObject, schema: Schema, canaries: Canaries): JsonObject {
  const type = schema(nameOf(resource));
  if (type === undefined) throw new Error('no such type');
  return fill(resource, type, schema, canaries);
}

function fill(object: JsonObject, type: TypeDef, schema: Schema, canaries: Canaries): JsonObject {
  const filled: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const element = type.elements.get(name);
    filled[name] = element === undefined || name === 'id' ? value : fillValue(value, element.type, schema, canaries);
  }
  for (const [name, { element, type: kind, array }] of type.elements) {
    if (name in filled || name === 'id' || element.endsWith('[x]') || (kind !== 'string' && kind !== 'markdown')) continue;
    // cpt-2: a value needs its system.
    if (type.name === 'ContactPoint' && name === 'value') continue;
    const word = wordFor(kind, canaries);
    filled[name] = array ? [word, wordFor(kind, canaries)] : word;
  }
  // What this system identifies by is a URI.
  if (filled['system'] === 'urn:ietf:rfc:3986') filled['value'] = `urn:${canaries.next()}`;
  return filled;
}

function fillValue(value: Json, kind: string, schema: Schema, canaries: Canaries): Json {
  if (Array.isArray(value)) return value.map((item) => fillValue(item, kind, schema, canaries));
  if (typeof value === 'string') return isWorded(kind) ? wordFor(kind, canaries) : value;
  if (typeof value !== 'object' || value === null) return value;
  // A contained resource says itself what it is.
  const type = schema(kind === 'Resource' ? nameOf(value) : kind);
  return type === undefined || kind === 'Reference' || kind === 'Extension'
    ? fillReference(value, canaries)
    : fill(value, type, schema, canaries);
}

const nameOf = ({ resourceType }: JsonObject): string => (typeof resourceType === 'string' ? resourceType : '');

/** A reference keeps where it leads, an extension its url. */
function fillReference(value: JsonObject, canaries: Canaries): JsonObject {
  if (typeof value['reference'] === 'string') return { ...value, display: canaries.next() };
  return typeof value['valueString'] === 'string' ? { ...value, valueString: canaries.next() } : value;
}

const isWorded = (kind: string): boolean => ['string', 'markdown', 'xhtml', 'base64Binary'].includes(kind);

function wordFor(kind: string, canaries: Canaries): string {
  if (kind === 'xhtml') return `<div xmlns="http://www.w3.org/1999/xhtml"><p>${canaries.next()} <b>${canaries.next()}</b></p></div>`;
  // Three words, so that each way to cut bytes into threes occurs.
  if (kind === 'base64Binary') return Buffer.from(`${canaries.next()} ${canaries.next()} ${canaries.next()}`).toString('base64');
  return canaries.next();
}

/** The forms a word may have on a disk: as text in the usual encodings, as base64 and as hex of it. */
export function formsOf(marker: string): Map<string, Buffer> {
  const utf16 = Buffer.from(marker, 'utf16le');
  const hex = Buffer.from(marker).toString('hex');
  const forms = new Map<string, Buffer>([
    ['UTF-8', Buffer.from(marker)],
    ['UTF-8 in capitals', Buffer.from(marker.toUpperCase())],
    ['UTF-8 with a capital', Buffer.from(`${marker.slice(0, 1).toUpperCase()}${marker.slice(1)}`)],
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['hex', Buffer.from(hex)],
    ['hex in capitals', Buffer.from(hex.toUpperCase())],
  ]);
  for (const offset of [0, 1, 2]) {
    for (const encoding of ['base64', 'base64url'] as const) {
      // The first and the last character also hold bits of the neighbours.
      const whole = Buffer.from(' '.repeat(offset) + marker)
        .toString(encoding)
        .replace(/=+$/, '');
      forms.set(`${encoding} at ${offset}`, Buffer.from(whole.slice(offset === 0 ? 0 : offset + 1, -1)));
    }
  }
  return forms;
}

/** Which forms occur in the bytes. */
export function formsIn(bytes: Buffer, forms: ReadonlyMap<string, Buffer>): string[] {
  return [...forms].flatMap(([name, form]) => (bytes.includes(form) ? [name] : []));
}

export type Scan = { readonly files: number; readonly bytes: number; readonly found: readonly string[] };

/** Looks through all files below the folders. One that goes away meanwhile is nothing any more. */
export async function scan(folders: readonly string[], forms: ReadonlyMap<string, Buffer>): Promise<Scan> {
  const found: string[] = [];
  let files = 0;
  let bytes = 0;
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const seen = await scanFile(path, forms).catch(ifMissing);
      if (seen === undefined) continue;
      files++;
      bytes += seen.bytes;
      found.push(...seen.found.map((form) => `${path}: ${form}`));
    }
  }
  return { files, bytes, found };
}

async function scanFile(path: string, forms: ReadonlyMap<string, Buffer>): Promise<{ bytes: number; found: string[] }> {
  const overlap = Math.max(...[...forms.values()].map(({ length }) => length)) - 1;
  const found: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: blockBytes })) {
    const block = Buffer.concat([rest, chunk as Buffer]);
    bytes += (chunk as Buffer).length;
    found.push(...formsIn(block, forms));
    rest = block.subarray(Math.max(0, block.length - overlap));
  }
  return { bytes, found };
}

/** What is read at once. */
export const blockBytes = 4 * 1024 * 1024;

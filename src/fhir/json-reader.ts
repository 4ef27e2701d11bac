import { readNumber, readString, refuse, refuseLength, type Source } from './json-tokens.ts';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/**
 * Number literals whose text is not what `String(number)` gives (`1.0`, `5.40`, `1e2`, more digits than a double keeps), by the
 * object or array that holds the number, then by member name or index; a number that is the whole document has none. Read them
 * by `literalOf`.
 */
export type Decimals = Map<object, Record<string, string>>;

/** Where a member stands in `ParsedJson.text`: its key's opening quote, the first character of its value, and the end of it. */
export type Member = { readonly name: string; readonly start: number; readonly valueStart: number; readonly end: number };

/** A string value that may refer to something: its span in `ParsedJson.text` with both quotes, its key, its decoded value. */
export type Link = { readonly start: number; readonly end: number; readonly name: string; readonly value: string };

export type ParsedJson = {
  readonly value: Json;
  /** The received token stream without insignificant white space; literals and escapes are as the client wrote them. */
  readonly text: string;
  readonly decimals: Decimals;
  /** For every object with a `resourceType` member and every object whose key is `meta`, in order of appearance. */
  readonly members: Map<object, Member[]>;
  /** In order of `start`; empty unless asked for. */
  readonly links: Link[];
  /** The text as it was received, for telling places in it. */
  readonly received: string;
};

export type JsonLimits = {
  /** Objects and arrays inside each other; at most 1,000, as the reader calls itself. */
  readonly depthMax: number;
  /** Members of one object, or items of one array. */
  readonly containerMax: number;
  /** UTF-8 bytes of one decoded string, names included; base64 under the name `data` is excepted. */
  readonly stringBytesMax: number;
};

type Reader = Source & {
  readonly limits: JsonLimits;
  readonly depthMax: number;
  readonly links: Link[] | undefined;
  readonly decimals: Decimals;
  readonly members: Map<object, Member[]>;
  /** White space left out so far: `at - removed` is the place in the compacted text. */
  removed: number;
  /** Where the piece of the text begins that is kept but not yet in `pieces`. */
  keptFrom: number;
  readonly pieces: string[];
  packed: string;
  depth: number;
  /** The members of all objects now open, as a stack: whether an object needs its spans is known only at its end. */
  top: number;
  readonly names: string[];
  readonly spans: number[];
};

const depthCeiling = 1_000;
/** Pieces are joined when there are this many, so that a text full of white space doesn't cost a multiple of its size. */
const piecesMax = 4_096;

const brace = { open: 0x7b, close: 0x7d } as const;
const bracket = { open: 0x5b, close: 0x5d } as const;
const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;

/**
 * Reads one JSON document strictly; `parseJson` has decoded the bytes.
 *
 * @param text  well-formed UTF-16 without byte order mark
 * @throws      FhirError 400 or 413 with line and column
 */
export function readDocument(text: string, limits: JsonLimits, links: Link[] | undefined): ParsedJson {
  const reader: Reader = {
    text,
    at: 0,
    literal: '',
    limits,
    depthMax: Math.min(limits.depthMax, depthCeiling),
    links,
    decimals: new Map(),
    members: new Map(),
    removed: 0,
    keptFrom: 0,
    pieces: [],
    packed: '',
    depth: 0,
    top: 0,
    names: [],
    spans: [],
  };
  skipSpace(reader);
  if (reader.at === text.length) refuse(reader, 0, 'json-empty', 'there is no value in it');
  const value = readValue(reader, '');
  skipSpace(reader);
  if (reader.at < text.length) refuse(reader, reader.at, 'json-trailing', 'something stands behind the end of the value');
  return { value, text: compactText(reader), decimals: reader.decimals, members: reader.members, links: links ?? [], received: text };
}

/** Reads the value at `reader.at`; `name` is the nearest member name above it. */
function readValue(reader: Reader, name: string): Json {
  const c = reader.text.charCodeAt(reader.at);
  switch (c) {
    case quote:
      return readText(reader, name);
    case brace.open:
      return readObject(reader, name);
    case bracket.open:
      return readArray(reader, name);
    case 0x74:
      return readWord(reader, 'true', true);
    case 0x66:
      return readWord(reader, 'false', false);
    case 0x6e:
      return readWord(reader, 'null', null);
  }
  return readNumber(reader);
}

function readObject(reader: Reader, key: string): JsonObject {
  const { text, names, spans } = reader;
  const object: JsonObject = {};
  const base = reader.top;
  if (enter(reader) === brace.close) reader.at++;
  else {
    for (let count = 1; ; count++) {
      const nameAt = reader.at;
      if (text.charCodeAt(nameAt) !== quote) refuse(reader, nameAt, 'json-syntax', 'a member name in double quotes is expected');
      if (count > reader.limits.containerMax) refuseContainer(reader, nameAt);
      const name = readString(reader);
      checkName(reader, object, name, nameAt);
      const start = nameAt - reader.removed;
      skipSpace(reader);
      if (text.charCodeAt(reader.at) !== colon) refuse(reader, reader.at, 'json-syntax', 'a colon is expected');
      reader.at++;
      skipSpace(reader);
      const valueStart = reader.at - reader.removed;
      const value = readValue(reader, name);
      object[name] = value;
      if (typeof value === 'number' && reader.literal !== '') keepLiteral(reader, object, name);
      const slot = reader.top++;
      names[slot] = name;
      spans[3 * slot] = start;
      spans[3 * slot + 1] = valueStart;
      spans[3 * slot + 2] = reader.at - reader.removed;
      if (!passComma(reader, brace.close)) break;
    }
  }
  if (key === 'meta' || Object.hasOwn(object, 'resourceType')) reader.members.set(object, membersFrom(reader, base));
  reader.top = base;
  reader.depth--;
  return object;
}

function readArray(reader: Reader, key: string): Json[] {
  if (enter(reader) === bracket.close) {
    reader.at++;
    reader.depth--;
    return [];
  }
  // Begun with its first item, an array takes no room for more: most arrays of FHIR have one.
  let value = readValue(reader, key);
  const array = [value];
  for (;;) {
    if (typeof value === 'number' && reader.literal !== '') keepLiteral(reader, array, array.length - 1);
    if (!passComma(reader, bracket.close)) break;
    if (array.length >= reader.limits.containerMax) refuseContainer(reader, reader.at);
    value = readValue(reader, key);
    array.push(value);
  }
  reader.depth--;
  return array;
}

/** Goes one level down, behind the opening bracket; returns the first character inside. */
function enter(reader: Reader): number {
  if (++reader.depth > reader.depthMax) {
    refuse(reader, reader.at, 'json-depth', `objects and arrays more than ${reader.depthMax} levels deep`);
  }
  reader.at++;
  skipSpace(reader);
  return reader.text.charCodeAt(reader.at);
}

/** Behind a value: true if a comma leads to the next one, false if the container ends. */
function passComma(reader: Reader, close: number): boolean {
  skipSpace(reader);
  const c = reader.text.charCodeAt(reader.at);
  if (c !== comma && c !== close) {
    refuse(reader, reader.at, 'json-syntax', `a comma or ${close === brace.close ? '}' : ']'} is expected`);
  }
  reader.at++;
  if (c === close) return false;
  skipSpace(reader);
  return true;
}

/** A string value, held to its limit and noted when it may be a link. */
function readText(reader: Reader, name: string): string {
  const start = reader.at;
  const value = readString(reader);
  if (name !== 'data') checkLength(reader, value, start);
  if (reader.links !== undefined && mayBeLink(name, value)) {
    reader.links.push({ start: start - reader.removed, end: reader.at - reader.removed, name, value });
  }
  return value;
}

/**
 * What a transaction may have to rewrite: references, URIs that could name an entry, and narrative with links in it.
 *
 * @param name  the nearest member name above the value
 */
export function mayBeLink(name: string, value: string): boolean {
  if (name === 'reference') return true;
  if (value.startsWith('urn:uuid:') || value.startsWith('urn:oid:') || value.startsWith('http://') || value.startsWith('https://'))
    return true;
  return name === 'div' && (value.includes('href=') || value.includes('src='));
}

function readWord<T>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) refuse(reader, reader.at, 'json-syntax', 'a value is expected');
  reader.at += word.length;
  return value;
}

function keepLiteral(reader: Reader, holder: object, place: string | number): void {
  const literals = reader.decimals.get(holder);
  if (literals === undefined) reader.decimals.set(holder, { [place]: reader.literal });
  else literals[place] = reader.literal;
}

function checkName(reader: Reader, object: JsonObject, name: string, at: number): void {
  // A parsed value is never undefined; the second test tells `constructor` from what every object inherits.
  if (object[name] !== undefined && Object.hasOwn(object, name)) {
    const which = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(name) ? `the member "${name}"` : 'a member';
    refuse(reader, at, 'json-duplicate-member', `${which} occurs twice in one object`);
  }
  if (name === '__proto__') refuse(reader, at, 'json-member-name', 'the member name "__proto__" is not allowed');
  checkLength(reader, name, at);
}

function checkLength(reader: Reader, value: string, at: number): void {
  const max = reader.limits.stringBytesMax;
  // A UTF-16 unit takes three bytes at most, so nearly no string is measured.
  if (value.length * 3 > max && Buffer.byteLength(value) > max) {
    refuseLength(reader, at, 'json-string-length', `a string of more than ${max} bytes`);
  }
}

function refuseContainer(reader: Reader, at: number): never {
  refuseLength(reader, at, 'json-container-size', `more than ${reader.limits.containerMax} members or items in one object or array`);
}

function membersFrom(reader: Reader, base: number): Member[] {
  const members: Member[] = [];
  for (let slot = base; slot < reader.top; slot++) {
    const [start = 0, valueStart = 0, end = 0] = [reader.spans[3 * slot], reader.spans[3 * slot + 1], reader.spans[3 * slot + 2]];
    members.push({ name: reader.names[slot] ?? '', start, valueStart, end });
  }
  return members;
}

function skipSpace(reader: Reader): void {
  const { text, at } = reader;
  let i = at;
  let c = text.charCodeAt(i);
  if (c > 0x20) return;
  while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = text.charCodeAt(++i);
  if (i > at) leaveOut(reader, i);
}

/** Drops the white space between `reader.at` and `end` from the compacted text. */
function leaveOut(reader: Reader, end: number): void {
  if (reader.at > reader.keptFrom) reader.pieces.push(reader.text.slice(reader.keptFrom, reader.at));
  if (reader.pieces.length >= piecesMax) {
    reader.packed += reader.pieces.join('');
    reader.pieces.length = 0;
  }
  reader.removed += end - reader.at;
  reader.keptFrom = end;
  reader.at = end;
}

function compactText(reader: Reader): string {
  if (reader.removed === 0) return reader.text;
  reader.pieces.push(reader.text.slice(reader.keptFrom));
  return reader.packed + reader.pieces.join('');
}

import { isUtf8 } from 'node:buffer';
import { type Decimals, type Json, type JsonLimits, type ParsedJson, readDocument } from './json-reader.ts';
import { refuse, type Source } from './json-tokens.ts';

export {
  type Decimals,
  type Json,
  type JsonLimits,
  type JsonObject,
  type Link,
  type Member,
  mayBeLink,
  type ParsedJson,
} from './json-reader.ts';

/**
 * Reads JSON strictly, and with it all that storing the received text needs: its compacted form, the places to splice and
 * the literals of decimals. Stricter than RFC 8259 where parsers differ, as what two of them read differently is an attack:
 * no member twice, no half surrogate pairs, no NUL, no byte order mark inside, no `__proto__`.
 *
 * Strings in the result may be slices of the text; who keeps one for long should copy it.
 *
 * @param input  UTF-8 bytes or a string, with or without one byte order mark at its start
 * @throws       FhirError 400 `structure` (ids `json-…`) or 413 `too-long`, with line and column
 * @see          https://www.rfc-editor.org/rfc/rfc7493 (I-JSON), https://hl7.org/fhir/R4/json.html
 */
export function parseJson(input: Buffer | string, limits: JsonLimits, options: { readonly links?: boolean } = {}): ParsedJson {
  const decoded = typeof input === 'string' ? assertWellFormed(input) : decode(input);
  const text = decoded.charCodeAt(0) === 0xfeff ? decoded.slice(1) : decoded;
  const mark = text.indexOf('\ufeff');
  if (mark !== -1) refuse(sourceOf(text), mark, 'json-bom', 'a byte order mark inside the text');
  return readDocument(text, limits, options.links === true ? [] : undefined);
}

/** The number's text: the literal it came with, while the holder still has that number, else JavaScript's own. */
export function literalOf(decimals: Decimals, holder: object, key: string | number, value: number): string {
  const literal = decimals.get(holder)?.[key];
  return typeof literal === 'string' && Number(literal) === value ? literal : String(value);
}

/** Writes a value without white space, number literals kept; members that are undefined are left out. */
export function writeJson(value: Json, decimals: Decimals): string {
  return decimals.size === 0 ? JSON.stringify(value) : written(value, decimals);
}

function written(value: Json, decimals: Decimals): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      text += (index === 0 ? '' : ',') + writtenIn(value, index, item, decimals);
    });
    return `[${text}]`;
  }
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${writtenIn(value, name, member, decimals)}`;
  }
  return `{${text}}`;
}

function writtenIn(holder: object, key: string | number, value: Json, decimals: Decimals): string {
  return typeof value === 'number' && Number.isFinite(value) ? literalOf(decimals, holder, key, value) : written(value, decimals);
}

/**
 * Whether two values are the same for FHIR: the order of members, escapes and white space don't matter, the order of items
 * and the precision of decimals do (1.0 is not 1.00).
 *
 * @see  https://hl7.org/fhir/R4/datatypes.html#decimal
 */
export function sameValue(a: Json, aDecimals: Decimals, b: Json, bDecimals: Decimals): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  const isSame = (key: string | number, x: Json | undefined, y: Json | undefined): boolean => {
    if (x === undefined || y === undefined) return x === y;
    if (typeof x !== 'number' || typeof y !== 'number') return sameValue(x, aDecimals, y, bDecimals);
    return literalOf(aDecimals, a, key, x) === literalOf(bDecimals, b, key, y);
  };
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(index, item, b[index]));
  if (Array.isArray(b)) return false;
  return (
    Object.keys(a).every((name) => isSame(name, a[name], Object.hasOwn(b, name) ? b[name] : undefined)) &&
    Object.keys(b).every((name) => b[name] === undefined || Object.hasOwn(a, name))
  );
}

/** The text of the bytes. Buffer.toString would turn what is no UTF-8 into U+FFFD without a word. */
function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    refuse(sourceOf(text), invalidAt(bytes, text), 'json-encoding', 'bytes that are not UTF-8');
  }
  return bytes.toString('utf8');
}

/** Where the first replacement character stands that was not sent as one: up to there, text and bytes agree. */
function invalidAt(bytes: Buffer, text: string): number {
  let offset = 0;
  let from = 0;
  for (let i = text.indexOf('\ufffd'); i !== -1; i = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, i));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return i;
    offset += 3;
    from = i + 1;
  }
  return text.length;
}

function assertWellFormed(text: string): string {
  if (!text.isWellFormed()) refuse(sourceOf(text), halfPairAt(text), 'json-surrogate', 'half a surrogate pair');
  return text;
}

function halfPairAt(text: string): number {
  let at = 0;
  for (const character of text) {
    if (!character.isWellFormed()) break;
    at += character.length;
  }
  return at;
}

function sourceOf(text: string): Source {
  return { text, at: 0, literal: '' };
}

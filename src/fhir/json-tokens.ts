import { FhirError, type Issue, type IssueCode, issue } from './error.ts';

/** The text being read and the place reached: an index of UTF-16 units. */
export type Source = {
  readonly text: string;
  at: number;
  /** The literal of the number read last, if `String(number)` doesn't give it back; else empty. */
  literal: string;
};

const literalLengthMax = 64;
/** Up to this many digits, a decimal and a double stand for each other without loss. */
const digitsSafe = 15;
const powersOfTen = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const quote = 0x22;
const backslash = 0x5c;
const byteOrderMark = 0xfeff;

/**
 * Reads the string whose opening quote is at `source.at` and moves behind its closing quote.
 *
 * @returns  the decoded value; without escapes it is a slice that keeps the whole text alive
 * @throws   FhirError 400 for what isn't a string of JSON, NUL, a byte order mark and half a surrogate pair
 */
export function readString(source: Source): string {
  const { text, at } = source;
  for (let i = at + 1; ; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) {
      source.at = i + 1;
      return text.slice(at + 1, i);
    }
    if (c === backslash) return readEscaped(source, i);
    // True for NaN too: the end of the text.
    if (!(c >= 0x20)) refuseInString(source, i);
  }
}

/** The rest of a string from its first escape on. Every escape is checked here, so JSON.parse only decodes. */
function readEscaped(source: Source, from: number): string {
  const { text, at } = source;
  let i = from;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === quote) break;
    if (c === backslash) i = passEscape(source, i);
    else if (c >= 0x20) i++;
    else refuseInString(source, i);
  }
  source.at = i + 1;
  return JSON.parse(text.slice(at, i + 1)) as string;
}

/** Checks the escape whose backslash is at `at`; returns the index behind it (behind both halves of a surrogate pair). */
function passEscape(source: Source, at: number): number {
  const { text } = source;
  const c = text.charCodeAt(at + 1);
  if (c !== 0x75) {
    if (!'"\\/bfnrt'.includes(text.charAt(at + 1)) || at + 1 >= text.length) refuse(source, at, 'json-syntax', 'an unknown escape');
    return at + 2;
  }
  const unit = hexUnit(text, at + 2);
  if (Number.isNaN(unit)) refuse(source, at, 'json-syntax', 'a \\u escape without four hexadecimal digits');
  if (unit === 0) refuse(source, at, 'json-nul', 'a NUL character (\\u0000)');
  if (unit === byteOrderMark) refuse(source, at, 'json-bom', 'a byte order mark inside the text');
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  const low = text.startsWith('\\u', at + 6) ? hexUnit(text, at + 8) : Number.NaN;
  if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) refuse(source, at, 'json-surrogate', 'half a surrogate pair');
  return at + 12;
}

/** The UTF-16 unit written as four hexadecimal digits at `from`, or NaN. */
function hexUnit(text: string, from: number): number {
  let unit = 0;
  for (let i = from; i < from + 4; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x30 && c <= 0x39) unit = unit * 16 + c - 0x30;
    else if ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66) unit = unit * 16 + (c | 0x20) - 0x57;
    else return Number.NaN;
  }
  return unit;
}

function refuseInString(source: Source, at: number): never {
  if (at >= source.text.length) return refuse(source, at, 'json-syntax', 'a string that does not end');
  if (source.text.charCodeAt(at) === 0) return refuse(source, at, 'json-nul', 'a NUL character');
  return refuse(source, at, 'json-control-character', 'a control character that is not escaped, inside a string');
}

/**
 * Reads the number at `source.at`, moves behind it and sets `source.literal`.
 *
 * @throws  FhirError 400 for what is no number of JSON, is longer than 64 characters, or isn't within the range of a double
 */
export function readNumber(source: Source): number {
  const { text, at } = source;
  let i = at;
  let c = text.charCodeAt(i);
  const negative = c === 0x2d;
  if (negative) c = text.charCodeAt(++i);
  let mantissa = 0;
  const first = i;
  if (c === 0x30) c = text.charCodeAt(++i);
  else for (; c >= 0x30 && c <= 0x39; c = text.charCodeAt(++i)) mantissa = mantissa * 10 + c - 0x30;
  if (i === first) refuse(source, at, 'json-syntax', negative ? 'a number without digits' : 'a value is expected');
  let digits = i - first;
  let scale = 0;
  let last = 0x31;
  if (c === 0x2e) {
    const point = i;
    for (c = text.charCodeAt(++i); c >= 0x30 && c <= 0x39; c = text.charCodeAt(++i)) {
      mantissa = mantissa * 10 + c - 0x30;
      last = c;
    }
    scale = i - point - 1;
    digits += scale;
    if (scale === 0) refuse(source, at, 'json-syntax', 'a number with no digit behind its point');
  }
  const exponent = c === 0x65 || c === 0x45;
  if (exponent) i = passExponent(source, i);
  source.at = i;
  if (exponent || digits > digitsSafe) return readLongNumber(source, at, mantissa);
  // Both are exact here, so the division rounds once, as reading the literal would.
  const value = mantissa / (powersOfTen[scale] ?? Number.NaN);
  // JavaScript writes no trailing zero and no sign of zero, and turns to an exponent below 1e-6.
  const plain = mantissa === 0 ? scale === 0 && !negative : scale === 0 || (last !== 0x30 && value >= 1e-6);
  source.literal = plain ? '' : text.slice(at, i);
  return negative ? -value : value;
}

/** The number from `start` to `source.at`, which has an exponent or more digits than a double surely keeps. */
function readLongNumber(source: Source, start: number, mantissa: number): number {
  if (source.at - start > literalLengthMax) {
    refuse(source, start, 'json-number', `a number of more than ${literalLengthMax} characters`);
  }
  const literal = source.text.slice(start, source.at);
  const value = Number(literal);
  if (!Number.isFinite(value) || (value === 0 && mantissa !== 0)) {
    refuse(source, start, 'json-number', 'a number beyond the range of a double');
  }
  source.literal = String(value) === literal ? '' : literal;
  return value;
}

/** Checks the exponent whose `e` is at `at`; returns the index behind it. */
function passExponent(source: Source, at: number): number {
  const { text } = source;
  let i = at + 1;
  let c = text.charCodeAt(i);
  if (c === 0x2b || c === 0x2d) c = text.charCodeAt(++i);
  const first = i;
  while (c >= 0x30 && c <= 0x39) c = text.charCodeAt(++i);
  if (i === first) refuse(source, at, 'json-syntax', 'a number with no digit in its exponent');
  return i;
}

/** Ends the request: `found` names what stands at index `at` of the text; its line and column (UTF-16 units, from 1) are added. */
export function refuse(source: Source, at: number, id: string, found: string): never {
  throw new FhirError(400, [refusal(source.text, at, 'structure', id, found)]);
}

/** 413 with the place, for a text that is right but beyond a limit. */
export function refuseLength(source: Source, at: number, id: string, found: string): never {
  throw new FhirError(413, [refusal(source.text, at, 'too-long', id, found)]);
}

function refusal(text: string, at: number, code: IssueCode, id: string, found: string): Issue {
  const { line, column } = positionOf(text, at);
  return { ...issue(code, id, `The JSON text is refused: ${found}, at line ${line}, column ${column}.`), position: { line, column } };
}

function positionOf(text: string, at: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf('\n'); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return { line, column: at - lineStart + 1 };
}

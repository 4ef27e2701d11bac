import { badRequest, type FhirError } from '../fhir/error.ts';

/** A `_filter` as written, before its names are looked up. */
export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly of: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly of: FilterNode }
  | FilterTest;

/** `subject[name co "pet"].birthdate ge 2014`; `at` is where it begins, counted from 1. */
export type FilterTest = {
  readonly kind: 'test';
  readonly path: readonly FilterStep[];
  readonly operator: string;
  /** A string or a token: both mean the same, but a string may hold spaces and brackets. */
  readonly value: string;
  readonly at: number;
};

/** A step of a path, and what is asked of what it leads to. */
export type FilterStep = { readonly name: string; readonly filter?: FilterNode };

export type FilterLimits = { readonly testsMax: number; readonly nestingMax: number };

/**
 * Reads the text of a `_filter`. `and` and `or` bind alike, from left to right.
 *
 * @throws FhirError 400 that tells the place
 * @see    https://hl7.org/fhir/R4/search_filter.html
 */
export function parseFilterSyntax(text: string, limits: FilterLimits): FilterNode {
  const reader: Reader = { text, at: 0, tests: 0, limits };
  const node = parseCombination(reader, 0);
  skipSpace(reader);
  if (reader.at < text.length) throw unreadable(reader, 'and, or, or the end');
  return node;
}

type Reader = { readonly text: string; at: number; tests: number; readonly limits: FilterLimits };

function parseCombination(reader: Reader, depth: number): FilterNode {
  if (depth > reader.limits.nestingMax) throw tooLarge(`is nested more than ${reader.limits.nestingMax} deep`);
  let node = parseOperand(reader, depth);
  for (;;) {
    const kind = take(reader, /(?:and|or)(?=[\s(]|$)/y);
    if (kind !== 'and' && kind !== 'or') return node;
    const next = parseOperand(reader, depth);
    node = node.kind === kind ? { kind, of: [...node.of, next] } : { kind, of: [node, next] };
  }
}

function parseOperand(reader: Reader, depth: number): FilterNode {
  const opening = take(reader, /(?:not\s*)?\(/y);
  if (opening === undefined) {
    if (take(reader, /not\s+/y) !== undefined) throw unreadable(reader, '"(" behind not');
    return parseTest(reader, depth);
  }
  const of = parseCombination(reader, depth + 1);
  if (take(reader, /\)/y) === undefined) throw unreadable(reader, 'and, or, or ")"');
  return opening === '(' ? of : { kind: 'not', of };
}

function parseTest(reader: Reader, depth: number): FilterTest {
  skipSpace(reader);
  const at = reader.at + 1;
  reader.tests++;
  if (reader.tests > reader.limits.testsMax) throw tooLarge(`has more than ${reader.limits.testsMax} comparisons`);
  const path = parsePath(reader, depth);
  const operator = take(reader, /[A-Za-z]+(?!\S)/y);
  if (operator === undefined) throw unreadable(reader, 'an operator such as eq, and a value behind it');
  return { kind: 'test', path, operator, value: parseValue(reader), at };
}

function parsePath(reader: Reader, depth: number): FilterStep[] {
  const path: FilterStep[] = [];
  do {
    const name = take(reader, /[A-Za-z_][\w:-]*/y);
    if (name === undefined) throw unreadable(reader, 'the name of a parameter');
    path.push(isNext(reader, '[') ? { name, filter: parseBrackets(reader, depth) } : { name });
  } while (isNext(reader, '.'));
  return path;
}

function parseBrackets(reader: Reader, depth: number): FilterNode {
  const filter = parseCombination(reader, depth + 1);
  if (take(reader, /\]/y) === undefined) throw unreadable(reader, 'and, or, or "]"');
  return filter;
}

function parseValue(reader: Reader): string {
  const string = take(reader, /"(?:[^"\\]|\\.)*"/sy);
  if (string !== undefined) return stringOf(string, reader);
  const token = take(reader, /[^\s)\]"][^\s)\]]*/y);
  if (token === undefined) throw unreadable(reader, 'a value: a string in double quotes, or a token without spaces');
  return token;
}

function stringOf(literal: string, reader: Reader): string {
  try {
    return JSON.parse(literal) as string;
  } catch (cause) {
    throw Object.assign(unreadable({ ...reader, at: reader.at - literal.length }, 'a string as JSON writes it'), { cause });
  }
}

/** What stands here, behind white space; where something else does, nothing is taken. */
function take(reader: Reader, pattern: RegExp): string | undefined {
  skipSpace(reader);
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
}

/** Takes the sign if it stands right here. */
function isNext(reader: Reader, sign: string): boolean {
  if (reader.text[reader.at] !== sign) return false;
  reader.at++;
  return true;
}

function skipSpace(reader: Reader): void {
  const space = /\s*/y;
  space.lastIndex = reader.at;
  reader.at += space.exec(reader.text)?.[0].length ?? 0;
}

function unreadable({ text, at }: Reader, expected: string): FhirError {
  const place = at >= text.length ? 'at its end' : `at character ${at + 1}`;
  return badRequest('search-invalid-filter', `The "_filter" can't be read ${place}: expected ${expected}.`);
}

function tooLarge(how: string): FhirError {
  return badRequest('search-filter-too-large', `The "_filter" ${how}.`, undefined, 'too-costly');
}

import { CannotTell } from './expression.ts';

/** About a place: the letters before and after it, undefined at the ends of the text. */
export type Assertion = (before: string | undefined, after: string | undefined) => boolean;

export type Part =
  | { readonly kind: 'one'; readonly test: (letter: string) => boolean }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly min: number; readonly max: number };

/** A client's expression is no longer than that, nor nested more deeply. */
const SOURCE_MAX = 2_000;
const DEPTH_MAX = 100;

/**
 * Parses what PCRE, Java and JavaScript have in common: letters, classes, groups, `|`, repetitions, `^`, `$` and `\b`.
 *
 * @throws  CannotTell for anything else
 */
export function parsePattern(source: string): Part {
  if (source.length > SOURCE_MAX) throw new CannotTell('the regular expression is too long');
  const cursor: Cursor = { letters: [...source], at: 0, depth: 0 };
  const part = parseChoice(cursor);
  if (cursor.at < cursor.letters.length) throw unsupported(cursor);
  return part;
}

type Cursor = { readonly letters: readonly string[]; at: number; depth: number };

function peek({ letters, at }: Cursor): string | undefined {
  return letters[at];
}

function take(cursor: Cursor, text: string): boolean {
  if (cursor.letters.slice(cursor.at, cursor.at + text.length).join('') !== text) return false;
  cursor.at += text.length;
  return true;
}

function next(cursor: Cursor): string {
  const letter = cursor.letters[cursor.at++];
  if (letter === undefined) throw unsupported(cursor);
  return letter;
}

function unsupported({ at }: Cursor): CannotTell {
  return new CannotTell(`the regular expression has something unknown at ${at}`);
}

function parseChoice(cursor: Cursor): Part {
  const parts = [parseSequence(cursor)];
  while (take(cursor, '|')) parts.push(parseSequence(cursor));
  return { kind: 'choice', parts };
}

function parseSequence(cursor: Cursor): Part {
  const parts: Part[] = [];
  for (let letter = peek(cursor); letter !== undefined && letter !== '|' && letter !== ')'; letter = peek(cursor)) {
    parts.push(parseRepeat(cursor));
  }
  return { kind: 'sequence', parts };
}

function parseRepeat(cursor: Cursor): Part {
  const part = parseOne(cursor);
  const count = parseCount(cursor);
  if (count === undefined) return part;
  if (part.kind === 'assert') throw unsupported(cursor);
  // Lazy repetitions match the same texts. Possessive ones don't, and nothing is repeated twice.
  take(cursor, '?');
  if (peek(cursor) === '+' || parseCount({ ...cursor }) !== undefined) throw unsupported(cursor);
  return { kind: 'repeat', part, ...count };
}

function parseCount(cursor: Cursor): { readonly min: number; readonly max: number } | undefined {
  if (take(cursor, '*')) return { min: 0, max: Number.POSITIVE_INFINITY };
  if (take(cursor, '+')) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (take(cursor, '?')) return { min: 0, max: 1 };
  const counted = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(cursor.letters.slice(cursor.at, cursor.at + 12).join(''));
  if (counted === null) return undefined;
  const [whole, low = '', comma, high] = counted;
  cursor.at += whole.length;
  const min = Number(low);
  const max = comma === undefined ? min : high === undefined ? Number.POSITIVE_INFINITY : Number(high);
  if (max < min) throw unsupported(cursor);
  return { min, max };
}

function parseOne(cursor: Cursor): Part {
  const letter = next(cursor);
  switch (letter) {
    case '(':
      return parseGroup(cursor);
    case '[':
      return { kind: 'one', test: parseClass(cursor) };
    case '.':
      return { kind: 'one', test: () => true };
    case '^':
      return { kind: 'assert', assertion: (before) => before === undefined };
    case '$':
      return { kind: 'assert', assertion: (_before, after) => after === undefined };
    case '\\':
      return parseEscape(cursor);
    case '*':
    case '+':
    case '?':
      throw unsupported(cursor);
    default:
      return { kind: 'one', test: (each) => each === letter };
  }
}

function parseGroup(cursor: Cursor): Part {
  if (take(cursor, '?')) {
    const isNamed = peek(cursor) === '<' && /^<[A-Za-z]\w{0,40}>/.exec(cursor.letters.slice(cursor.at, cursor.at + 43).join(''));
    if (isNamed) cursor.at += isNamed[0].length;
    else if (!take(cursor, ':')) throw unsupported(cursor);
  }
  if (++cursor.depth > DEPTH_MAX) throw new CannotTell('the regular expression is nested too deeply');
  const part = parseChoice(cursor);
  cursor.depth--;
  if (!take(cursor, ')')) throw unsupported(cursor);
  return part;
}

function parseEscape(cursor: Cursor): Part {
  const isEdge = peek(cursor) === 'b' ? true : peek(cursor) === 'B' ? false : undefined;
  if (isEdge === undefined) return { kind: 'one', test: parseEscaped(cursor) };
  cursor.at++;
  return { kind: 'assert', assertion: (before, after) => (isWord(before) !== isWord(after)) === isEdge };
}

function isWord(letter: string | undefined): boolean {
  return letter !== undefined && /^\w$/.test(letter);
}

const SETS: Readonly<Record<string, RegExp>> = { d: /^\d$/, D: /^\D$/u, w: /^\w$/, W: /^\W$/u, s: /^\s$/, S: /^\S$/u };
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', 0: '\0' };

/** What follows a backslash, as a test of one letter. */
function parseEscaped(cursor: Cursor): (letter: string) => boolean {
  const named = parseNamedLetter(cursor);
  if (named !== undefined) return (each) => each === named;
  const letter = next(cursor);
  const set = SETS[letter];
  if (set !== undefined) return (each) => set.test(each);
  const property = /^\{([A-Z][A-Za-z_]{0,30})\}/.exec(cursor.letters.slice(cursor.at, cursor.at + 33).join(''));
  if ((letter === 'p' || letter === 'P') && property !== null) {
    cursor.at += property[0].length;
    const test = unicodeProperty(letter, property[1] ?? '');
    if (test !== undefined) return (each) => test.test(each);
  }
  throw unsupported(cursor);
}

function unicodeProperty(letter: string, name: string): RegExp | undefined {
  return /^(?:[LMNPSZC][a-z]?)$/.test(name) ? new RegExp(`^\\${letter}{${name}}$`, 'u') : undefined;
}

/** `\n`, `\x41`, `\u0041` or an escaped sign, as the one letter it stands for; undefined, and nothing taken, if it is none of these. */
function parseNamedLetter(cursor: Cursor): string | undefined {
  const letter = peek(cursor) ?? '';
  const code = /^(?:x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4})/.exec(cursor.letters.slice(cursor.at, cursor.at + 5).join(''))?.[0];
  if (code !== undefined) {
    cursor.at += code.length;
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  }
  const control = CONTROLS[letter];
  if (control === undefined && (letter === '' || /[A-Za-z0-9]/.test(letter))) return undefined;
  cursor.at++;
  return control ?? letter;
}

function parseClass(cursor: Cursor): (letter: string) => boolean {
  const isNegated = take(cursor, '^');
  const tests: ((letter: string) => boolean)[] = [];
  for (let isFirst = true; isFirst || peek(cursor) !== ']'; isFirst = false) tests.push(parseMember(cursor));
  cursor.at++;
  return (letter) => tests.some((test) => test(letter)) !== isNegated;
}

/** A letter, a range or a set. Java's classes within classes and intersections aren't known. */
function parseMember(cursor: Cursor): (letter: string) => boolean {
  const first = parseClassLetter(cursor);
  if (typeof first !== 'string') return first;
  const isRange = peek(cursor) === '-' && cursor.letters[cursor.at + 1] !== ']';
  if (!isRange) return (each) => each === first;
  cursor.at++;
  const last = parseClassLetter(cursor);
  if (typeof last !== 'string' || codeOf(last) < codeOf(first)) throw unsupported(cursor);
  return (each) => codeOf(each) >= codeOf(first) && codeOf(each) <= codeOf(last);
}

function parseClassLetter(cursor: Cursor): string | ((letter: string) => boolean) {
  const letter = next(cursor);
  if (letter === '[' || (letter === '&' && peek(cursor) === '&')) throw unsupported(cursor);
  if (letter !== '\\') return letter;
  return parseNamedLetter(cursor) ?? parseEscaped(cursor);
}

function codeOf(letter: string): number {
  return letter.codePointAt(0) ?? 0;
}

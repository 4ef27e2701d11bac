/** The part of FHIRPath's syntax that search expressions use. @see https://hl7.org/fhirpath/N1/grammar.html */
export type Node =
  | { readonly kind: 'this' }
  /** A leading name: a type (`Observation`), an element of the context (`code`) or `%resource`. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly from: Node; readonly name: string }
  | { readonly kind: 'index'; readonly from: Node; readonly index: number }
  /** `as` and `ofType` alike: of each item what is of the type. R4's expressions apply `as` to several items and mean this. */
  | { readonly kind: 'ofType'; readonly from: Node; readonly type: string }
  | { readonly kind: 'is'; readonly from: Node; readonly type: string }
  | { readonly kind: 'call'; readonly from: Node; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'union'; readonly parts: readonly Node[] }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'literal'; readonly value: string | number | boolean };

export type BinaryOperator = '=' | '!=' | 'in' | 'and' | 'or' | 'xor' | 'implies';

/** Thrown for FHIRPath beyond this part: such an expression is the library's. */
export class UnsupportedPath extends Error {}

export type Token = {
  readonly kind: 'name' | 'string' | 'number' | 'symbol' | 'end';
  readonly text: string;
  /** Of its first character. */
  readonly offset: number;
};

/**
 * Cuts an expression into tokens, the last of kind `end`.
 *
 * @throws  UnsupportedPath at a character that begins none of them (dates, units, external constants, …)
 */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const offset = TOKEN.lastIndex;
    const groups = TOKEN.exec(expression)?.groups;
    if (groups === undefined) throw new UnsupportedPath(`unexpected ${expression.charAt(offset)} at ${offset}`);
    const { name, quoted, text, number, symbol } = groups;
    if (name !== undefined) tokens.push({ kind: 'name', text: name, offset });
    else if (quoted !== undefined) tokens.push({ kind: 'name', text: unescape(quoted), offset });
    else if (text !== undefined) tokens.push({ kind: 'string', text: unescape(text), offset });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, offset });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, offset });
  }
  tokens.push({ kind: 'end', text: '', offset: expression.length });
  return tokens;
}

const TOKEN = new RegExp(
  [
    String.raw`\s+`,
    String.raw`(?<name>[$%]?[A-Za-z_][A-Za-z0-9_]*)`,
    '`(?<quoted>(?:[^`\\\\]|\\\\.)*)`',
    String.raw`'(?<text>(?:[^'\\]|\\.)*)'`,
    String.raw`(?<number>\d+(?:\.\d+)?)(?![A-Za-z'\d])(?!\s*')`,
    String.raw`(?<symbol>!=|[.,()[\]|=])`,
  ].join('|'),
  'y',
);

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_whole, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (ESCAPES[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** FHIRPath's syntax, but for quantities. Search paths keep to a part of it. @see https://hl7.org/fhirpath/N1/grammar.html */
export type Node =
  | { readonly kind: 'this' }
  /** A leading name: a type (`Observation`), an element of the context (`code`), `$index`, or a variable (`%resource`, `%vs-name`). */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly from: Node; readonly name: string }
  | { readonly kind: 'index'; readonly from: Node; readonly index: number }
  /** `[…]` with an index that is computed. */
  | { readonly kind: 'item'; readonly from: Node; readonly index: Node }
  /** `as` and `ofType` alike: of each item what is of the type. R4's expressions apply `as` to several items and mean this. */
  | { readonly kind: 'ofType'; readonly from: Node; readonly type: string }
  | { readonly kind: 'is'; readonly from: Node; readonly type: string }
  | { readonly kind: 'call'; readonly from: Node; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'union'; readonly parts: readonly Node[] }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'negative'; readonly from: Node }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  /** `@2024-03-01T10:00:00Z`, without the `@`; a time begins with `T`. */
  | { readonly kind: 'moment'; readonly text: string }
  /** `{}` */
  | { readonly kind: 'nothing' };

/** Those that search paths may have, then the others. */
export type BinaryOperator = '=' | '!=' | 'in' | LogicOperator | '~' | '!~' | 'contains' | ComparisonOperator | ArithmeticOperator;
export type LogicOperator = 'and' | 'or' | 'xor' | 'implies';
export type ComparisonOperator = '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '&' | '*' | '/' | 'div' | 'mod';

/** Thrown for FHIRPath beyond this part: such an expression is the library's. */
export class UnsupportedPath extends Error {}

export type Token = {
  /** A `quoted` name is never a keyword. */
  readonly kind: 'name' | 'quoted' | 'string' | 'number' | 'moment' | 'symbol' | 'end';
  readonly text: string;
  /** Of its first character. */
  readonly offset: number;
};

/**
 * Cuts an expression into tokens, the last of kind `end`.
 *
 * @throws  UnsupportedPath at a character that begins none of them (quantities, …)
 */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const offset = TOKEN.lastIndex;
    const groups = TOKEN.exec(expression)?.groups;
    if (groups === undefined) throw new UnsupportedPath(`unexpected ${expression.charAt(offset)} at ${offset}`);
    const { name, variable, quoted, text, number, moment, symbol } = groups;
    if (name !== undefined) tokens.push({ kind: 'name', text: name, offset });
    else if (variable !== undefined) tokens.push({ kind: 'name', text: `%${unescape(variable.slice(1, -1))}`, offset });
    else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: unescape(quoted), offset });
    else if (text !== undefined) tokens.push({ kind: 'string', text: unescape(text), offset });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, offset });
    else if (moment !== undefined) tokens.push({ kind: 'moment', text: moment, offset });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, offset });
  }
  tokens.push({ kind: 'end', text: '', offset: expression.length });
  return tokens;
}

const TOKEN = new RegExp(
  [
    String.raw`\s+|//[^\n]*|/\*[^]*?\*/`,
    String.raw`(?<name>[$%]?[A-Za-z_][A-Za-z0-9_]*)`,
    "%(?<variable>`(?:[^`\\\\]|\\\\.)*`|'(?:[^'\\\\]|\\\\.)*')",
    '`(?<quoted>(?:[^`\\\\]|\\\\.)*)`',
    String.raw`'(?<text>(?:[^'\\]|\\.)*)'`,
    String.raw`(?<number>\d+(?:\.\d+)?)(?![A-Za-z'\d])(?!\s*')`,
    String.raw`@(?<moment>T?\d{2,4}(?:[-:]\d\d)*(?:T(?:\d\d(?::\d\d(?::\d\d)?)?)?)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)`,
    String.raw`(?<symbol>!=|!~|<=|>=|[.,()[\]|=~<>&+*/{}-])`,
  ].join('|'),
  'y',
);

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_whole, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (ESCAPES[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

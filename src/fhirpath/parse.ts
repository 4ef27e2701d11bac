import { type BinaryOperator, type Node, type Token, tokenize, UnsupportedPath } from './syntax.ts';

/**
 * Parses one expression.
 *
 * @param expression  `(Observation.value as Quantity) | Observation.component.value.ofType(Quantity)`
 * @returns           its tree; parentheses are gone, the parts of nested unions stand side by side
 * @throws            UnsupportedPath if it says something we leave to the library, or is no FHIRPath at all
 */
export function parsePath(expression: string): Node {
  const tokens = new Cursor(tokenize(expression));
  const node = parseOperators(tokens, 0);
  if (tokens.peek().kind !== 'end') throw unexpected(tokens.peek());
  return node;
}

/** From the loosest to the tightest; all are left-associative. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [['implies'], ['or', 'xor'], ['and'], ['in'], ['=', '!=']];

function parseOperators(tokens: Cursor, level: number): Node {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnion(tokens);
  let left = parseOperators(tokens, level + 1);
  for (;;) {
    const operator = operators.find((candidate) => tokens.take(candidate));
    if (operator === undefined) return left;
    left = { kind: 'binary', operator, left, right: parseOperators(tokens, level + 1) };
  }
}

function parseUnion(tokens: Cursor): Node {
  const first = parseTypeOperators(tokens);
  const parts = [first];
  while (tokens.take('|')) parts.push(parseTypeOperators(tokens));
  return parts.length === 1 ? first : { kind: 'union', parts: parts.flatMap((part) => (part.kind === 'union' ? part.parts : [part])) };
}

function parseTypeOperators(tokens: Cursor): Node {
  let node = parsePostfix(tokens);
  for (;;) {
    if (tokens.take('as')) node = { kind: 'ofType', from: node, type: parseTypeName(tokens) };
    else if (tokens.take('is')) node = { kind: 'is', from: node, type: parseTypeName(tokens) };
    else return node;
  }
}

function parsePostfix(tokens: Cursor): Node {
  let node = parseTerm(tokens);
  for (;;) {
    if (tokens.take('.')) node = parseInvocation(tokens, node);
    else if (tokens.take('[')) node = { kind: 'index', from: node, index: parseIndex(tokens) };
    else return node;
  }
}

function parseTerm(tokens: Cursor): Node {
  const token = tokens.next();
  if (token.kind === 'string') return { kind: 'literal', value: token.text };
  if (token.kind === 'number') return { kind: 'literal', value: Number(token.text) };
  if (token.kind === 'symbol' && token.text === '(') {
    const inner = parseOperators(tokens, 0);
    tokens.expect(')');
    return inner;
  }
  if (token.kind !== 'name') throw unexpected(token);
  if (token.text === '$this') return { kind: 'this' };
  if (token.text === '%resource') return { kind: 'name', name: token.text };
  if (isVariable(token)) throw unexpected(token);
  if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' };
  if (tokens.take('(')) return parseCall(tokens, { kind: 'this' }, token.text);
  return { kind: 'name', name: token.text };
}

function parseInvocation(tokens: Cursor, from: Node): Node {
  const token = tokens.next();
  if (token.text === '$this') return from;
  if (token.kind !== 'name' || isVariable(token)) throw unexpected(token);
  return tokens.take('(') ? parseCall(tokens, from, token.text) : { kind: 'member', from, name: token.text };
}

function parseCall(tokens: Cursor, from: Node, name: string): Node {
  if (name === 'as' || name === 'ofType' || name === 'is') {
    const type = parseTypeName(tokens);
    tokens.expect(')');
    return { kind: name === 'is' ? 'is' : 'ofType', from, type };
  }
  const args: Node[] = [];
  while (!tokens.take(')')) {
    if (args.length > 0) tokens.expect(',');
    args.push(parseOperators(tokens, 0));
  }
  return name === 'first' && args.length === 0 ? { kind: 'index', from, index: 0 } : { kind: 'call', from, name, args };
}

function parseIndex(tokens: Cursor): number {
  const token = tokens.next();
  if (token.kind !== 'number' || !/^\d{1,6}$/.test(token.text)) throw unexpected(token);
  tokens.expect(']');
  return Number(token.text);
}

/** `Quantity` or `FHIR.Quantity`. FHIRPath's own types, as R4 writes `as(DateTime)` once, are those of FHIR's primitives. */
function parseTypeName(tokens: Cursor): string {
  const token = tokens.next();
  if (token.kind !== 'name' || isVariable(token)) throw unexpected(token);
  const isQualified = tokens.take('.');
  const named = isQualified ? tokens.next() : token;
  if (named.kind !== 'name' || (isQualified && token.text !== 'FHIR' && token.text !== 'System')) throw unexpected(token);
  return (token.text === 'FHIR' ? undefined : SYSTEM_TYPES[named.text]) ?? named.text;
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = {
  Boolean: 'boolean',
  String: 'string',
  Integer: 'integer',
  Decimal: 'decimal',
  Date: 'date',
  DateTime: 'dateTime',
  Time: 'time',
};

function isVariable(token: Token): boolean {
  return token.text.startsWith('$') || token.text.startsWith('%');
}

function unexpected(token: Token): UnsupportedPath {
  return new UnsupportedPath(`unexpected ${token.text === '' ? 'end' : token.text} at ${token.offset}`);
}

class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new UnsupportedPath('the expression ends too early');
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  /** Steps over the keyword or symbol if it comes next. */
  take(text: string): boolean {
    const { kind, text: found } = this.peek();
    if (found !== text || kind === 'string' || kind === 'number') return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw unexpected(this.peek());
  }
}

import { type BinaryOperator, type Node, type Token, tokenize, UnsupportedPath } from './syntax.ts';

/**
 * Parses one expression.
 *
 * @param expression  `(Observation.value as Quantity) | Observation.component.value.ofType(Quantity)`
 * @returns           its tree; parentheses are gone, the parts of nested unions stand side by side
 * @throws            UnsupportedPath if it says something we leave to the library, or is no FHIRPath at all
 */
export function parseExpression(expression: string): Node {
  const tokens = new Cursor(tokenize(expression));
  const node = parseOperators(tokens, 0);
  if (tokens.peek().kind !== 'end') throw unexpected(tokens.peek());
  return node;
}

/** `parseExpression`, for the part of FHIRPath that search paths are compiled from; the rest of it is unsupported too. */
export function parsePath(expression: string): Node {
  const node = parseExpression(expression);
  assertPath(node);
  return node;
}

/** From the loosest to the tightest; all are left-associative. Type operators and unions stand between the two. */
const LOOSE: readonly (readonly BinaryOperator[])[] = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!=', '~', '!~'],
  ['<=', '>=', '<', '>'],
];
const TIGHT: readonly (readonly BinaryOperator[])[] = [
  ['+', '-', '&'],
  ['*', '/', 'div', 'mod'],
];

const PATH_OPERATORS: ReadonlySet<BinaryOperator> = new Set(['=', '!=', 'in', 'and', 'or', 'xor', 'implies']);

function assertPath(node: Node): void {
  switch (node.kind) {
    case 'item':
    case 'negative':
    case 'moment':
    case 'nothing':
      throw new UnsupportedPath(`${node.kind} in a path`);
    case 'name':
      if (/^[$%]/.test(node.name) && node.name !== '%resource') throw new UnsupportedPath(`${node.name} in a path`);
      return;
    case 'binary':
      if (!PATH_OPERATORS.has(node.operator)) throw new UnsupportedPath(`${node.operator} in a path`);
      assertPath(node.left);
      return assertPath(node.right);
    case 'union':
      return node.parts.forEach(assertPath);
    case 'this':
    case 'literal':
      return;
    default:
      assertPath(node.from);
      if (node.kind === 'call') node.args.forEach(assertPath);
  }
}

function parseOperators(tokens: Cursor, level: number): Node {
  const operators = LOOSE[level];
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
  let node = parseArithmetic(tokens, 0);
  for (;;) {
    if (tokens.take('as')) node = { kind: 'ofType', from: node, type: parseTypeName(tokens) };
    else if (tokens.take('is')) node = { kind: 'is', from: node, type: parseTypeName(tokens) };
    else return node;
  }
}

function parseArithmetic(tokens: Cursor, level: number): Node {
  const operators = TIGHT[level];
  if (operators === undefined) return parseSign(tokens);
  let left = parseArithmetic(tokens, level + 1);
  for (;;) {
    const operator = operators.find((candidate) => tokens.take(candidate));
    if (operator === undefined) return left;
    left = { kind: 'binary', operator, left, right: parseArithmetic(tokens, level + 1) };
  }
}

function parseSign(tokens: Cursor): Node {
  if (tokens.take('-')) return { kind: 'negative', from: parseSign(tokens) };
  return tokens.take('+') ? parseSign(tokens) : parsePostfix(tokens);
}

function parsePostfix(tokens: Cursor): Node {
  let node = parseTerm(tokens);
  for (;;) {
    if (tokens.take('.')) node = parseInvocation(tokens, node);
    else if (tokens.take('[')) node = parseIndex(tokens, node);
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
  if (token.kind === 'moment') return { kind: 'moment', text: token.text };
  if (token.kind === 'symbol' && token.text === '{') {
    tokens.expect('}');
    return { kind: 'nothing' };
  }
  if (token.kind === 'quoted') return { kind: 'name', name: token.text };
  if (token.kind !== 'name') throw unexpected(token);
  if (token.text === '$this') return { kind: 'this' };
  if (token.text === '$index' || token.text.startsWith('%')) return { kind: 'name', name: token.text };
  if (isVariable(token)) throw unexpected(token);
  if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' };
  if (tokens.take('(')) return parseCall(tokens, { kind: 'this' }, token.text);
  return { kind: 'name', name: token.text };
}

function parseInvocation(tokens: Cursor, from: Node): Node {
  const token = tokens.next();
  if (token.kind === 'quoted') return { kind: 'member', from, name: token.text };
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

function parseIndex(tokens: Cursor, from: Node): Node {
  const index = parseOperators(tokens, 0);
  tokens.expect(']');
  const isPlain = index.kind === 'literal' && typeof index.value === 'number' && /^\d{1,6}$/.test(String(index.value));
  return isPlain ? { kind: 'index', from, index: index.value } : { kind: 'item', from, index };
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
    if (found !== text || (kind !== 'name' && kind !== 'symbol')) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw unexpected(this.peek());
  }
}

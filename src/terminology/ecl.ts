/** An expression constraint on SNOMED CT: the part of the language that names concepts by their hierarchy. */
export type Ecl =
  | { readonly kind: 'all' }
  | { readonly kind: 'self' | 'below' | 'below-or-self' | 'children' | 'above' | 'above-or-self' | 'parents'; readonly code: string }
  | { readonly kind: 'and' | 'or' | 'minus'; readonly left: Ecl; readonly right: Ecl };

const operators = { '<<': 'below-or-self', '<!': 'children', '<': 'below', '>>': 'above-or-self', '>!': 'parents', '>': 'above' } as const;

/** Longer ones, or deeper, are no constraints of practice. */
const lengthMax = 2_000;
const depthMax = 16;

/**
 * @returns undefined if it is no such constraint, or one that asks for more: refinements by attributes, reference sets, filters
 * @see     https://confluence.ihtsdotools.org/display/DOCECL
 */
export function parseEcl(text: string): Ecl | undefined {
  if (text.length > lengthMax) return undefined;
  const tokens = text.match(/<<|<!|<|>>|>!|>|\(|\)|\*|,|\d{6,18}|\|[^|]*\||[A-Za-z]+|\S/g) ?? [];
  const reader = { tokens: tokens.filter((token) => !token.startsWith('|')), at: 0, depth: 0 };
  const found = compound(reader);
  return reader.at === reader.tokens.length ? found : undefined;
}

type Reader = { readonly tokens: readonly string[]; at: number; depth: number };

/** Operands joined by one operator; different ones need parentheses, and there are but two sides to MINUS. */
function compound(reader: Reader): Ecl | undefined {
  let left = operand(reader);
  let joined: string | undefined;
  while (left !== undefined) {
    const word = reader.tokens[reader.at]?.toUpperCase();
    const kind = word === 'AND' || word === ',' ? 'and' : word === 'OR' ? 'or' : word === 'MINUS' ? 'minus' : undefined;
    if (kind === undefined) return left;
    if (joined !== undefined && (joined !== kind || kind === 'minus')) return undefined;
    joined = kind;
    reader.at++;
    const right = operand(reader);
    left = right === undefined ? undefined : { kind, left, right };
  }
  return undefined;
}

function operand(reader: Reader): Ecl | undefined {
  const token = reader.tokens[reader.at++];
  if (token === undefined) return undefined;
  if (token === '*') return { kind: 'all' };
  if (token === '(') {
    if (++reader.depth > depthMax) return undefined;
    const inner = compound(reader);
    reader.depth--;
    return reader.tokens[reader.at++] === ')' ? inner : undefined;
  }
  if (/^\d/.test(token)) return { kind: 'self', code: token };
  const kind = Object.hasOwn(operators, token) ? operators[token as keyof typeof operators] : undefined;
  const code = reader.tokens[reader.at];
  if (kind === undefined || code === undefined || !/^\d/.test(code)) return undefined;
  reader.at++;
  return { kind, code };
}

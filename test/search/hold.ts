import type { Condition } from '../../src/search/condition.ts';

/** Whether a row with these tokens passes; conditions on facts, ids and times are not for this. */
export function holdsTokens(condition: Condition, tokens: ReadonlySet<bigint>): boolean {
  switch (condition.kind) {
    case 'all-tokens':
      return condition.tokens.every((token) => tokens.has(token));
    case 'any-token':
      return condition.tokens.some((token) => tokens.has(token));
    case 'and':
      return condition.of.every((part) => holdsTokens(part, tokens));
    case 'or':
      return condition.of.some((part) => holdsTokens(part, tokens));
    case 'not':
      return !holdsTokens(condition.of, tokens);
    default:
      throw new Error(`a condition on ${condition.kind} was not expected`);
  }
}

/** Tokens as extraction hands them out: eight bytes each, in network order. */
export function tokensIn(bytes: Buffer): Set<bigint> {
  return new Set(Array.from({ length: bytes.length / 8 }, (_, at) => bytes.readBigInt64BE(at * 8)));
}

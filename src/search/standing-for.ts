import { allOf, anyOf, type Condition } from './condition.ts';

/** The condition with, for each token, also what stands for it. */
export function withStanding(condition: Condition, standing: ReadonlyMap<bigint, readonly bigint[]>): Condition {
  switch (condition.kind) {
    case 'all-tokens':
      return allOf(condition.tokens.map((token) => either([token], standing)));
    case 'any-token':
      return either(condition.tokens, standing);
    case 'and':
      return allOf(condition.of.map((part) => withStanding(part, standing)));
    case 'or':
      return anyOf(condition.of.map((part) => withStanding(part, standing)));
    case 'not':
      return { kind: 'not', of: withStanding(condition.of, standing) };
    default:
      return condition;
  }
}

function either(tokens: readonly bigint[], standing: ReadonlyMap<bigint, readonly bigint[]>): Condition {
  const all = [...new Set(tokens.flatMap((token) => [token, ...(standing.get(token) ?? [])]))];
  return all.length === 1 ? { kind: 'all-tokens', tokens: all } : { kind: 'any-token', tokens: all };
}

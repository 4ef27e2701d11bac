import { makeTokenSet } from '../encryption/token-set.ts';
import { extractValue } from './extract.ts';
import { holds, tokensOf } from './holds.ts';
import type { ValueMatch } from './match.ts';
import type { SearchElement } from './registry.ts';
import type { PlanContext } from './sink.ts';

export type ValueTest = (element: SearchElement, match: ValueMatch, value: unknown, type: string) => boolean;

/** Makes the test of one value of an element: by the match's own test, or by what extraction would leave of the value alone. */
export function valueTest({ key, base, now }: PlanContext): ValueTest {
  const tokens = makeTokenSet(key);
  return (element, match, value, type) => {
    if (match.test !== undefined) return match.test(value, type);
    const facts = { dates: [], quantities: [], references: [], sorts: [] };
    extractValue(element, value, type, { tokens, facts, key, base });
    return holds(match.condition, { id: '', tokens: tokensOf(tokens.take()), facts, now });
  };
}

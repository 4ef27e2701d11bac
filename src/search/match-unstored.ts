import { planClauses } from './clauses.ts';
import { planCriteria } from './criteria.ts';
import type { Condition } from './condition.ts';
import type { Extracted } from './extract.ts';
import { holds, tokensOf, undecidable } from './holds.ts';
import type { Query } from './query.ts';
import type { PlanContext } from './sink.ts';

/** A resource that isn't stored yet, with what was extracted from it. */
export type Unstored = { readonly id: string; readonly resource: object; readonly extracted: Extracted };

/**
 * A search as a test of resources in hand: the same plan that the database runs, asked of what would be stored.
 *
 * @throws FhirError 400 where other resources have a say, by a chain or `_has`: only the database knows them
 */
export function matcherOf(query: Query, context: PlanContext): (candidate: Unstored) => boolean {
  const planned = [...planClauses(query, context), ...planCriteria(query, context)];
  if (planned.some(({ condition }) => followsReferences(condition))) throw undecidable();
  return ({ id, resource, extracted }) => {
    const { facts, clinicalAt } = extracted;
    const row = { id, resource, tokens: tokensOf(extracted.tokens), facts, clinicalAt, now: context.now };
    return planned.every(({ condition, recheck }) => holds(condition, row) && (recheck === undefined || recheck(resource)));
  };
}

function followsReferences(condition: Condition): boolean {
  switch (condition.kind) {
    case 'refers':
    case 'referred':
    case 'placed':
      return true;
    case 'and':
    case 'or':
      return condition.of.some(followsReferences);
    case 'not':
      return followsReferences(condition.of);
    case 'among':
      return !('rids' in condition.rows) && followsReferences(condition.rows.where);
    default:
      return false;
  }
}

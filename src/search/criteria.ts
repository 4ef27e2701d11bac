import { forbidden } from '../fhir/error.ts';
import { noRows, type RowFilter } from '../storage/filter.ts';
import { type PlannedClause, planClause } from './clauses.ts';
import { allOf, anyOf, type Condition, type Hop, type Reach, type Recheck } from './condition.ts';
import type { Criterion, Query, Step } from './query.ts';
import type { PlanContext } from './sink.ts';

/**
 * What the query asks beyond single clauses; all must hold. Each hop carries the caller's filter for the type it leads to.
 *
 * @throws FhirError 403 where the caller may search none of the types that a hop leads to
 */
export function planCriteria(query: Query, context: PlanContext): PlannedClause[] {
  return query.criteria.map((criterion) => planCriterion(criterion, query.type, context));
}

function planCriterion(criterion: Criterion, type: string, context: PlanContext): PlannedClause {
  switch (criterion.kind) {
    case 'clause':
      return planClause(criterion.clause, type, context);
    case 'chain':
      return { condition: { kind: 'refers', to: hopsOf(criterion.to, context), chain: { type, criterion } } };
    case 'has': {
      const [by] = hopsOf([criterion.by], context);
      if (by === undefined) throw new Error('a hop was lost');
      return { condition: { kind: 'referred', by } };
    }
    case 'and':
      return every(criterion.of.map((part) => planCriterion(part, type, context)));
    case 'or':
      return { condition: anyOf(criterion.of.map((part) => decidedCondition(part, type, context))) };
    case 'not':
      return { condition: { kind: 'not', of: decidedCondition(criterion.of, type, context) } };
  }
}

function every(parts: readonly PlannedClause[]): PlannedClause {
  const rechecks = parts.flatMap(({ recheck }) => recheck ?? []);
  const condition = allOf(parts.map((part) => part.condition));
  return rechecks.length === 0 ? { condition } : { condition, recheck: (resource) => rechecks.every((recheck) => recheck(resource)) };
}

/** A part of an alternative or of a negation: what has to be opened for it is found out beforehand. */
function decidedCondition(criterion: Criterion, type: string, context: PlanContext): Condition {
  const { condition, recheck } = planCriterion(criterion, type, context);
  return recheck === undefined ? condition : { kind: 'among', rows: reach(type, condition, [recheck], context) };
}

/**
 * The hops that these steps are, but for those to types that the caller may not search.
 *
 * @throws FhirError 403 where none is left
 */
export function hopsOf(steps: readonly Step[], context: PlanContext): Hop[] {
  const permitted = context.restriction === undefined ? steps : steps.filter(({ type }) => filterFor(type, context) !== noRows);
  if (permitted.length === 0) {
    throw forbidden(
      'search-hop-forbidden',
      `The token's scopes don't permit to search ${steps.map(({ type }) => type).join(', ')}, which the search goes through.`,
    );
  }
  return permitted.map(({ type, link, criterion }) => {
    const { condition, recheck } = planCriterion(criterion, type, context);
    return { link, rows: reach(type, condition, recheck === undefined ? [] : [recheck], context) };
  });
}

function reach(type: string, where: Condition, rechecks: readonly Recheck[], context: PlanContext): Reach {
  return { type, filter: filterFor(type, context), where, rechecks };
}

/** Without a caller no other row has a say. */
function filterFor(type: string, { restriction }: PlanContext): RowFilter {
  return restriction === undefined ? noRows : restriction(type);
}

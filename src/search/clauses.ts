import { badRequest } from '../fhir/error.ts';
import { isId } from '../fhir/references.ts';
import { planComposite } from './composite-clause.ts';
import { anyOf, type Condition, everything, nothing, type Recheck } from './condition.ts';
import { type AskedElement, filterMatch, isOwnModifier } from './filter-match.ts';
import { decided, type ValueMatch } from './match.ts';
import { columnParams } from './parameters.ts';
import type { Clause, Query } from './query.ts';
import type { SearchElement } from './registry.ts';
import { assertResolved } from './resolve.ts';
import type { PlanContext } from './sink.ts';
import { withStanding } from './standing-for.ts';
import { dateMatch, updatedCondition } from './types/date.ts';
import { fullTextClause } from './types/full-text.ts';
import { quantityMatch } from './types/quantity.ts';
import { presentReference, referenceCondition, refKeyOf } from './types/reference.ts';
import { nearClause } from './types/special.ts';
import { stringMatch } from './types/string.ts';
import { tokenMatch } from './types/token.ts';
import { uriCondition } from './types/uri.ts';
import { unescape } from './values.ts';

/** What each clause asks of a row, in the query's order; all must hold. */
export function planClauses(query: Query, context: PlanContext): PlannedClause[] {
  return query.clauses.map((clause) => planClause(clause, query.type, context));
}

export type PlannedClause = {
  readonly condition: Condition;
  readonly recheck?: Recheck;
  /** Its condition selects next to nothing. */
  readonly broad?: true;
};

/** A clause that would open every resource there is may only thin out what another one selects. */
export function assertSelective(query: Query, planned: readonly PlannedClause[]): void {
  const broad = planned.findIndex((clause) => clause.broad);
  if (broad === -1) return;
  const selects =
    query.criteria.length > 0 ||
    query.clauses.some(({ modifier }, at) => !planned[at]?.broad && modifier !== 'not' && modifier !== 'missing');
  if (selects) return;
  const { param, modifier } = query.clauses[broad] ?? {};
  const name = `${param?.code}${modifier === undefined ? '' : `:${modifier}`}`;
  const few = param?.elements.some(({ element }) => element.audited === 'few') === true;
  throw badRequest(
    'search-contains-too-short',
    few
      ? `"${name}" with this value needs another parameter beside it that selects. Add one, or search for three or more letters that it begins with.`
      : `"${name}" with fewer than three letters needs another parameter beside it that selects. Add one, or search for a longer part.`,
    undefined,
    'too-costly',
  );
}

/** One clause about resources of `type`. */
export function planClause(clause: Clause, type: string, context: PlanContext): PlannedClause {
  const planned = planOrdinary(clause, type, context);
  const standing = context.standingFor?.(type);
  return standing === undefined ? planned : { ...planned, condition: withStanding(planned.condition, standing) };
}

function planOrdinary(clause: Clause, type: string, context: PlanContext): PlannedClause {
  const { param, modifier, values } = clause;
  // Every resource has an id and a time.
  if (modifier === 'missing' && columnParams.has(param.code)) return { condition: values[0] === 'true' ? nothing : everything };
  if (param.code === '_id') {
    // What is no id names nothing, and may hold what PostgreSQL takes in no text.
    const ids = values.map(unescape).filter(isId);
    const condition: Condition = { kind: 'ids', keys: ids.map((id) => refKeyOf(context.key, type, id)), ids };
    return { condition: modifier === 'not' ? { kind: 'not', of: condition } : condition };
  }
  if (param.code === '_lastUpdated') return { condition: anyOf(values.map((text) => updatedCondition({ text }, context))) };
  if (param.items !== undefined) {
    return planComposite(clause, param.items, context, ({ element, targets }, text) => matchOf(element, text, clause, targets, context));
  }
  if (modifier === 'missing') {
    const known = anyOf(param.elements.map(({ element, targets }) => presentReference(element, targets, context)));
    return { condition: values[0] === 'true' ? { kind: 'not', of: known } : known };
  }
  if (param.code === '_text' || param.code === '_content') return fullTextClause(param.code, values, context);
  if (param.type === 'special' && param.code === 'near') return nearClause(param, values);
  assertResolved(clause);
  const matches = param.elements.flatMap((asked) =>
    values.map((text) => ({ element: asked.element, ...matchAsked(asked, text, clause, context) })),
  );
  const condition = anyOf(matches.map((match) => match.condition));
  if (modifier === 'not') return { condition: { kind: 'not', of: condition } };
  const broad = matches.some((match) => match.broad) ? ({ broad: true } as const) : {};
  if (matches.every((match) => match.decided)) return { condition, ...broad };
  return { condition, ...broad, recheck: (resource) => matches.some(({ element, test }) => holds(element, resource, test)) };
}

function matchAsked(asked: AskedElement, text: string, clause: Clause, context: PlanContext): ValueMatch {
  const { param, modifier, values } = clause;
  const { element, targets = param.targets } = asked;
  if (!isOwnModifier(modifier)) return matchOf(element, text, clause, targets, context);
  return filterMatch(
    asked,
    text,
    { param: param.code, modifier },
    () => matchOf(element, text, { param, values }, targets, context),
    context,
  );
}

function matchOf(element: SearchElement, text: string, clause: Clause, targets: readonly string[], context: PlanContext): ValueMatch {
  const { param, modifier } = clause;
  switch (element.kind) {
    case 'token':
      return tokenMatch(element, { text }, { param: param.code, modifier }, context);
    case 'reference':
      return decided(referenceCondition(element, { text }, modifier === undefined ? { targets } : { targets, modifier }, context));
    case 'string':
      return stringMatch(element, { text }, { param: param.code, modifier }, context);
    case 'date':
      return dateMatch(element, { text }, param.code, context);
    case 'number':
    case 'quantity':
      return quantityMatch(element, { text }, param.code, context);
    case 'uri':
      return decided(uriCondition(element, { text }, { param: param.code, modifier }, context));
    default:
      throw badRequest('search-unsupported-parameter', `"${param.code}" can't be searched yet.`, undefined, 'not-supported');
  }
}

function holds(element: SearchElement, resource: object, test: ValueMatch['test']): boolean {
  if (test === undefined) throw new Error('alternatives of one clause are all tested or none');
  let found = false;
  element.each(resource, (value, type) => {
    found ||= test(value, type);
  });
  return found;
}

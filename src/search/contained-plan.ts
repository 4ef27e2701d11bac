import { token } from '../encryption/token.ts';
import type { RowFilter } from '../storage/filter.ts';
import { planClause } from './clauses.ts';
import { allOf, anyOf, type Condition, everything, type Reach } from './condition.ts';
import { containsParts, insideKey } from './contained.ts';
import { chainMatches, type SiftContext } from './contained-sift.ts';
import { compartmentToken, type Plan, type Sift } from './plan.ts';
import type { Clause, Criterion, Query } from './query.ts';
import type { Registry, SearchElement } from './registry.ts';
import { findRows, type Inside, type Settling } from './settle.ts';
import type { PlanContext } from './sink.ts';
import { sortTerms } from './sort.ts';

/**
 * Plans the search for rows of one type that contain what the query asks for. Their tokens tell which may: they are of all that a row
 * contains together, and facts are not kept of it. `sift` decides on the opened rows.
 *
 * @param filter    the caller's rows of the container's type
 * @param standard  the standard's parameters alone: what was added may not have been built for rows of other types than its own
 */
export function planContained(
  query: Query,
  container: { readonly type: string; readonly filter: RowFilter },
  sift: Sift,
  context: PlanContext,
  { registry, standard }: { readonly registry: Registry; readonly standard: Registry },
): Plan {
  const { type, clauses, criteria, compartment, sort } = query;
  const within = compartment === undefined ? [] : [compartmentToken(compartment, type, context)];
  const narrowing: Narrowing = {
    type,
    elements: standard.of(type).elements,
    context: { ...context, key: insideKey(context.key) },
  };
  const parts = [...clauses.map((clause) => clauseNeeds(clause, narrowing)), ...criteria.map((criterion) => needs(criterion, narrowing))];
  const contains: Condition = { kind: 'all-tokens', tokens: [token(context.key, ...containsParts(type)), ...within] };
  return {
    type: container.type,
    condition: allOf([contains, ...parts.filter((part) => part !== undefined)]),
    filter: container.filter,
    sort: sortTerms(sort, registry.of(container.type)),
    rechecks: [],
    sift,
    clauses: [],
  };
}

/**
 * Makes what finds rows that meet a chain by what they contain: `medication.code=…` finds the MedicationRequest whose own `#m1` has the
 * code. Few rows contain anything, so mostly the answer is one look into the index.
 *
 * @see https://hl7.org/fhir/R4/search.html#contained
 */
export function chainsInside(context: Omit<SiftContext, keyof Settling> & { readonly standard: Registry }): Inside {
  return async (chain, settling) => {
    const inner = { ...context.plan, key: insideKey(context.plan.key) };
    const narrowed = chain.criterion.to.map(({ type, criterion }): Condition => {
      const contains: Condition = { kind: 'all-tokens', tokens: [token(context.plan.key, ...containsParts(type))] };
      return allOf([contains, needs(criterion, { type, elements: context.standard.of(type).elements, context: inner }) ?? everything]);
    });
    const where = allOf([anyOf(narrowed), ...(settling.beside ?? [])]);
    const reach: Reach = { type: chain.type, filter: context.plan.restriction(chain.type), where, rechecks: [] };
    const matches = chainMatches(chain, { ...context, ...settling });
    return (await findRows(reach, settling, matches)).rids;
  };
}

type Narrowing = { readonly type: string; readonly elements: readonly SearchElement[]; readonly context: PlanContext };

/** What the row of each container has that holds the criterion, as far as tokens tell; undefined where they tell nothing. */
function needs(criterion: Criterion, narrowing: Narrowing): Condition | undefined {
  switch (criterion.kind) {
    case 'clause':
      return clauseNeeds(criterion.clause, narrowing);
    case 'and':
      return allOf(criterion.of.flatMap((part) => needs(part, narrowing) ?? []));
    case 'or': {
      const parts = criterion.of.map((part) => needs(part, narrowing));
      return parts.every((part) => part !== undefined) ? anyOf(parts) : undefined;
    }
    default:
      return undefined;
  }
}

function clauseNeeds(clause: Clause, { type, elements, context }: Narrowing): Condition | undefined {
  const { param } = clause;
  if (param.items !== undefined || !param.elements.every(({ element }) => elements.some((known) => isSame(known, element))))
    return undefined;
  return tokensOnly(planClause(clause, type, context).condition);
}

const isSame = (a: SearchElement, b: SearchElement): boolean => a.number === b.number && a.narrowed === b.narrowed;

/** The part of a condition that tokens decide; what another contained resource may be the reason for is none. */
function tokensOnly(condition: Condition): Condition | undefined {
  switch (condition.kind) {
    case 'all-tokens':
    case 'any-token':
    case 'updated':
      return condition;
    case 'and':
      return allOf(condition.of.flatMap((part) => tokensOnly(part) ?? []));
    case 'or': {
      const parts = condition.of.map(tokensOnly);
      return parts.every((part) => part !== undefined) ? anyOf(parts) : undefined;
    }
    default:
      return undefined;
  }
}

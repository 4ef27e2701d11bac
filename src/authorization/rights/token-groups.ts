import { FhirError, forbidden } from '../../fhir/error.ts';
import { type PlannedClause, planClauses } from '../../search/clauses.ts';
import type { Condition } from '../../search/condition.ts';
import { parseSearch } from '../../search/parse.ts';
import type { Query, SearchLimits } from '../../search/query.ts';
import type { Registry } from '../../search/registry.ts';
import type { PlanContext } from '../../search/sink.ts';

/** What turns searches into tokens. */
export type TokenContext = {
  readonly registry: Registry;
  readonly limits: SearchLimits;
  readonly plan: Omit<PlanContext, 'now'>;
};

export type Params = readonly (readonly [name: string, value: string])[];

/**
 * The groups of tokens that say the same of a row as these search parameters. One parameter is one clause at least: a parameter that says
 * how to answer, or nothing at all, bounds nothing.
 *
 * @throws FhirError 403 if tokens can't say it
 */
export function groupsOfParams(type: string, params: Params, context: TokenContext): (readonly bigint[])[] {
  const query = queryOf(type, params, context);
  if (query.clauses.length !== params.length) return unplannable();
  return plannedOf(query, context).flatMap(({ condition, recheck }) => {
    const groups = recheck === undefined ? tokenGroups(condition) : [];
    return groups.length === 0 ? unplannable() : groups;
  });
}

/** The tokens of which a row holds one if one value of one of these parameters is the given one; of parameters that tokens can't answer, none. */
export function tokensOfAny(type: string, params: Params, context: TokenContext): bigint[] {
  return params.flatMap((param) => {
    try {
      const [group, ...others] = groupsOfParams(type, [param], context);
      return group === undefined || others.length > 0 ? [] : group;
    } catch (error) {
      if (error instanceof FhirError) return [];
      throw error;
    }
  });
}

function plannedOf(query: Query, context: TokenContext): PlannedClause[] {
  try {
    return planClauses(query, { ...context.plan, now: Date.now() });
  } catch (error) {
    return unplannable(error);
  }
}

function queryOf(type: string, params: Params, context: TokenContext): Query {
  try {
    return parseSearch(type, params, context.registry, context.limits, false).query;
  } catch (error) {
    return unplannable(error);
  }
}

function tokenGroups(condition: Condition): (readonly bigint[])[] {
  if (condition.kind === 'all-tokens') return condition.tokens.map((each) => [each]);
  if (condition.kind === 'any-token') return [condition.tokens];
  if (condition.kind === 'and') return condition.of.flatMap(tokenGroups);
  return unplannable();
}

function unplannable(cause?: unknown): never {
  const refusal = forbidden(
    'scope-unsupported',
    "A scope of the token narrows by a search that access can't be decided by. Use token, reference or exact string parameters.",
  );
  throw cause === undefined ? refusal : Object.assign(refusal, { cause });
}

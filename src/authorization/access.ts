import { token, type TokenKey } from '../encryption/token.ts';
import { forbidden } from '../fhir/error.ts';
import { type PlannedClause, planClauses } from '../search/clauses.ts';
import { compartmentParts } from '../search/extract.ts';
import type { Condition } from '../search/condition.ts';
import { parseSearch } from '../search/parse.ts';
import type { Query, SearchLimits } from '../search/query.ts';
import type { Registry } from '../search/registry.ts';
import type { PlanContext } from '../search/sink.ts';
import { noRows, type RowFilter } from '../storage/filter.ts';
import { assertCoherent, callerOf, type Grant } from './grant.ts';
import type { Letter, Scope } from './scopes.ts';

/** What one caller may do: for each interaction and type, which rows. Computed once a request, a type at a time. */
export type Access = {
  /** `noRows` where nothing is permitted. The same object for the same answer. */
  readonly filter: (letter: Letter, type: string) => RowFilter;
  /** Like `filter`, but refuses with 403 where no scope permits the interaction on this type at all. */
  readonly permit: (letter: Letter, type: string) => RowFilter;
  /** May read every resource of every type: what is told of the store as a whole is no secret to him. */
  readonly seesAll: boolean;
  /** What cursors are bound to. */
  readonly caller: string;
};

/** Shared resources that hold no patient's data: a patient-bound app may read and search them, never write. */
const sharedTypes = new Set([
  'CodeSystem',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'StructureDefinition',
  'ValueSet',
]);

/** Members of a patient's compartment that tell of other patients, or are the operator's: never an app's that is bound to one patient. */
const operatorsTypes = new Set(['AuditEvent', 'Group']);

export type AccessContext = {
  readonly registry: Registry;
  readonly limits: SearchLimits;
  readonly plan: Omit<PlanContext, 'now'>;
};

/**
 * Turns a grant into row filters: every scope that permits the letter on the type is one alternative; a scope without
 * bounds gives `all`. A bound that can't be planned as tokens refuses the request: it is never left out.
 */
export function accessOf(grant: Grant, context: AccessContext): Access {
  assertCoherent(grant);
  const filters = new Map<string, RowFilter>();
  const filter = (letter: Letter, type: string): RowFilter => {
    const name = `${letter}${type}`;
    let found = filters.get(name);
    if (found === undefined) {
      found = filterOf(grant, letter, type, context);
      filters.set(name, found);
    }
    return found;
  };
  return {
    filter,
    permit(letter, type) {
      const found = filter(letter, type);
      if (found === noRows) {
        throw forbidden(
          'scope-insufficient',
          `The token's scopes don't permit to ${wordOf[letter]} ${type}. It needs a scope such as ${grant.patient === undefined ? 'system' : 'patient'}/${type}.${letter}.`,
        );
      }
      return found;
    },
    seesAll: grant.scopes.some(
      ({ level, type, letters, params }) => level === 'system' && type === '*' && letters.has('r') && params.length === 0,
    ),
    caller: callerOf(grant),
  };
}

const wordOf: Readonly<Record<Letter, string>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };

function filterOf(grant: Grant, letter: Letter, type: string, context: AccessContext): RowFilter {
  const alternatives: (readonly (readonly bigint[])[])[] = [];
  for (const scope of grant.scopes) {
    if (!scope.letters.has(letter) || (scope.type !== '*' && scope.type !== type)) continue;
    const groups = groupsOf(scope, grant, letter, type, context);
    if (groups === undefined) continue;
    if (groups.length === 0) return 'all';
    alternatives.push(groups);
  }
  return alternatives.length === 0 ? noRows : { anyOf: alternatives };
}

/** The token groups a scope demands of a row; empty: none; undefined: it permits nothing here. */
function groupsOf(scope: Scope, grant: Grant, letter: Letter, type: string, context: AccessContext): (readonly bigint[])[] | undefined {
  const narrowed = scope.params.length === 0 ? [] : groupsOfParams(scope, type, context);
  if (scope.level === 'system') return narrowed;
  if (scope.level !== 'patient' || grant.patient === undefined) return undefined;
  if (operatorsTypes.has(type)) return undefined;
  const { compartments } = context.registry.of(type);
  const inCompartment = type === 'Patient' || compartments.some(({ compartment }) => compartment === 'Patient');
  if (inCompartment) return [[compartmentToken(context.plan.key, 'Patient', grant.patient)], ...narrowed];
  return sharedTypes.has(type) && (letter === 'r' || letter === 's') ? narrowed : undefined;
}

function compartmentToken(key: TokenKey, compartment: string, id: string): bigint {
  return token(key, ...compartmentParts(compartment, id));
}

/** One parameter of the scope is one clause at least: a parameter that says how to answer, or nothing at all, bounds nothing. */
function groupsOfParams(scope: Scope, type: string, context: AccessContext): (readonly bigint[])[] {
  const query = queryOf(scope, type, context);
  if (query.clauses.length !== scope.params.length) return unplannable();
  return plannedOf(query, context).flatMap(({ condition, recheck }) => {
    const groups = recheck === undefined ? tokenGroups(condition) : [];
    return groups.length === 0 ? unplannable() : groups;
  });
}

function plannedOf(query: Query, context: AccessContext): PlannedClause[] {
  try {
    return planClauses(query, { ...context.plan, now: Date.now() });
  } catch (error) {
    return unplannable(error);
  }
}

function queryOf(scope: Scope, type: string, context: AccessContext): Query {
  try {
    return parseSearch(type, scope.params, context.registry, context.limits, false).query;
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

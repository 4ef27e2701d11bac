import { token } from '../encryption/token.ts';
import type { Restriction, RowFilter } from '../storage/filter.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import { assertSelective, planClauses, type PlannedClause } from './clauses.ts';
import { allOf, type Condition, type Recheck } from './condition.ts';
import { planCriteria } from './criteria.ts';
import { compartmentPartsIn } from './extract.ts';
import { pairedFact } from './paired.ts';
import type { Compartment, Query, SortKey } from './query.ts';
import type { Registry } from './registry.ts';
import type { PlanContext } from './sink.ts';
import { sortTerms, type SortTerm } from './sort.ts';
import { refKeyOf } from './types/reference.ts';

/** How many matches there are in each of the rows: in a refused one none, in another one or, where what it contains is counted, more. */
export type Sift = (rows: readonly OpenedFound[]) => Promise<readonly number[]>;

/** What a search asks of a row, its access restriction beside it, not yet SQL. */
export type Plan = {
  readonly type: string;
  readonly condition: Condition;
  readonly filter: RowFilter;
  /** The filter selects more than the rest: where rows aren't walked, they are found by it. */
  readonly rides?: true;
  /** PostgreSQL looks at the relation's size each time: a plan that it made while there were few rows would be kept where many are added. */
  readonly anew?: true;
  /** The one Patient all results belong to, when the search names just one: rides (patient, clinical_at, rid). */
  readonly patient?: bigint;
  readonly sort: readonly SortTerm[];
  readonly rechecks: readonly Recheck[];
  /** Decides on opened rows beyond the rechecks, where it asks for more than the row itself. */
  readonly sift?: Sift;
  /** What each clause of the query became, in its order. */
  readonly clauses: readonly PlannedClause[];
};

/** Plans the search of one type. It can't be called without the caller's filter, for that type and those that the search goes through. */
export function planSearch(query: Query, restriction: Restriction, registry: Registry, planContext: PlanContext): Plan {
  const context = { ...planContext, restriction };
  const planned = planClauses(query, context);
  const within = query.compartment === undefined ? [] : [compartmentToken(query.compartment, query.type, context)];
  if (within.length === 0) assertSelective(query, planned);
  const filter = restriction(query.type);
  const patient = patientOf(query, registry, filter, context);
  // The rows of one patient, a compartment or a restricted caller are few: looking at their tokens and facts is cheapest.
  const paired =
    patient === undefined && within.length === 0 && filter === 'all' ? pairedFact(query, planned, registry, context) : undefined;
  const terms = sortTerms(sortOf(query, registry), registry.of(query.type));
  const asked = patient === undefined ? askedOfSort(query, planned, terms, registry) : undefined;
  const sort = asked === undefined || paired?.clauses.includes(asked.clause) ? terms : asked.sort;
  const said = new Set<number | undefined>([patient?.clause, ...(paired?.clauses ?? []), ...(sort === terms ? [] : [asked?.clause])]);
  const others = planCriteria(query, context);
  const rest: Condition[] = [...planned.filter((_, at) => !said.has(at)), ...others].map(({ condition }) => condition);
  if (within.length > 0) rest.unshift({ kind: 'all-tokens', tokens: within });
  return {
    type: query.type,
    // The patient column and the pair say the same as the clauses they stand for.
    condition: allOf(paired === undefined ? rest : [...rest, paired.fact]),
    filter,
    rechecks: [...planned, ...others].flatMap(({ recheck }) => recheck ?? []),
    sort,
    clauses: planned,
    ...(patient === undefined ? {} : { patient: patient.key }),
  };
}

/**
 * A search that bounds the date it sorts by, where each row has just one: both are asked of the same facts, whose index begins at the
 * bound. By the row's own date it would be walked from the other end until the first match.
 */
function askedOfSort(
  { type, clauses, sort }: Query,
  planned: readonly PlannedClause[],
  terms: readonly SortTerm[],
  registry: Registry,
): { readonly sort: readonly SortTerm[]; readonly clause: number } | undefined {
  const { mainDate, hasOneMainDate } = registry.of(type);
  const [first, ...others] = terms;
  if (!hasOneMainDate || first === undefined || mainDate === undefined || sort[0]?.param !== mainDate || first.textOf !== undefined)
    return undefined;
  for (const [clause, { param, modifier }] of clauses.entries()) {
    const { condition, recheck } = planned[clause] ?? {};
    if (param !== mainDate || modifier !== undefined || recheck !== undefined) continue;
    if (condition?.kind !== 'fact' || condition.table !== 'fact_date' || condition.pairs !== undefined || condition.params.length !== 1)
      continue;
    const { table, params } = condition;
    return {
      clause,
      sort: [{ ...first, stored: { kind: 'fact', table, column: 'lo', params, cast: 'timestamptz', asked: condition } }, ...others],
    };
  }
  return undefined;
}

/** The same rows in no order: what its order says of them beside is a condition like the others. */
export function unsorted(plan: Plan): Plan {
  const asked = plan.sort.flatMap(({ stored }) => (stored?.kind === 'fact' ? (stored.asked ?? []) : []));
  return { ...plan, sort: [], condition: asked.length === 0 ? plan.condition : allOf([plan.condition, ...asked]) };
}

/** The token that every member of the compartment holds, of the type that is searched. */
export function compartmentToken({ type, id }: Compartment, searched: string, { key }: Pick<PlanContext, 'key'>): bigint {
  return token(key, ...compartmentPartsIn(searched, type, id, key));
}

/**
 * What is asked to be newer or older than some time, and in no order, comes in the order of that time: an index has them one after the
 * other, where in the order of rows the first match may be the last row of all.
 */
function sortOf({ type, sort, clauses }: Query, registry: Registry): readonly SortKey[] {
  if (sort.length > 0) return sort;
  const { params, mainDate } = registry.of(type);
  const isColumn = mainDate?.elements.some(({ element }) => element.audited === 'column') === true;
  const param = [params.get('_lastUpdated'), isColumn ? mainDate : undefined].find((each) =>
    clauses.some((clause) => clause.param === each && clause.modifier !== 'missing'),
  );
  return param === undefined ? [] : [{ param, descending: false }];
}

/**
 * A clause that names exactly one Patient by the parameter that the patient column stands for, of whom the caller may see something: going
 * through the rows of another to leave them all out would take the longer the more there are.
 */
function patientOf(
  query: Query,
  registry: Registry,
  filter: RowFilter,
  context: PlanContext,
): { readonly key: bigint; readonly clause: number } | undefined {
  const { patientElements: columns, namesOnePatient } = registry.of(query.type);
  if (!namesOnePatient) return undefined;
  for (const [clause, { param, modifier, values }] of query.clauses.entries()) {
    const [text] = values;
    if (param.type !== 'reference' || values.length !== 1 || text === undefined || (modifier !== undefined && modifier !== 'Patient'))
      continue;
    if (!param.elements.every(({ element }) => columns.includes(element)) || columns.length !== param.elements.length) continue;
    const id = /^(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/.exec(text)?.[1];
    const only = param.elements.every(({ targets }) => (targets ?? param.targets).join() === 'Patient');
    if (id !== undefined && (only || modifier === 'Patient' || text.startsWith('Patient/')) && mayShow(filter, query.type, id, context)) {
      return { key: refKeyOf(context.key, 'Patient', id), clause };
    }
  }
  return undefined;
}

/** Whether rows of the patient may pass the filter by being his. */
function mayShow(filter: RowFilter, type: string, id: string, context: PlanContext): boolean {
  if (filter === 'all') return true;
  const own = compartmentToken({ type: 'Patient', id }, type, context);
  return filter.anyOf.some((groups) => {
    const held = groups.flatMap((group) => ('without' in group ? [] : [group]));
    return held.length === 0 || held.some((tokens) => tokens.includes(own));
  });
}

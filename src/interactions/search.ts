import { forbidden, type Issue } from '../fhir/error.ts';
import { explainSearch } from '../search/explain.ts';
import { fetchIncludes, type Included } from '../search/include.ts';
import { parseSearch } from '../search/parse.ts';
import { planSearch, type Plan } from '../search/plan.ts';
import type { From } from '../search/position.ts';
import type { Compartment, Query } from '../search/query.ts';
import { countMatches, type Page, runSearch } from '../search/run.ts';
import { countCandidatesMax, type Total, totalOf } from '../search/total.ts';
import { isShort } from '../search/way.ts';
import type { Queryable } from '../storage/database.ts';
import { relationOf } from '../storage/relations.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { resolveSearch } from './resolve-search.ts';
import { settleSearch } from './settle-search.ts';
import { countBundle, cursorScope, searchBundle } from './search-bundle.ts';

export type Pairs = readonly (readonly [string, string])[];

/**
 * Where a search was asked, relative to the base, and the compartment that it keeps within. `narrowed`: what of several types the rows of
 * one have to meet beside.
 */
export type SearchPlace = {
  readonly path: string;
  readonly compartment?: Compartment;
  readonly narrowed?: Readonly<Record<string, Pairs>>;
};

/**
 * Searches one type. Everything that comes out passed the caller's filter for its type: matches, includes and totals.
 *
 * @param pairs  decoded names and values, of the URL and the body
 * @see          https://hl7.org/fhir/R4/http.html#search
 */
export async function search(ctx: Context, call: Call, type: string, pairs: Pairs, place: SearchPlace = { path: type }): Promise<Answer> {
  call.access.permit('s', type);
  const { query: asked, warnings } = parseSearch(type, pairs, ctx.registry, ctx.config, call.lenient);
  const query = place.compartment === undefined ? asked : { ...asked, compartment: place.compartment };
  if (query.explain) assertExplains(call);
  const resolved = await resolveSearch(ctx, call, ctx.searcher, query);
  const planned = planSearch(resolved, (each) => call.access.filter('s', each), ctx.registry, ctx.planContext());
  const plan = await settleSearch(ctx, call, ctx.searcher, planned);
  // Planning again for the values would cost as much as a short search itself.
  const short = isShort(plan, query.count + 1, ctx.statistics.of(relationOf(plan.type)));
  const db = short ? ctx.reader : ctx.searcher;
  const answered = { query, path: place.path, issues: [...warnings, ...careCut(call)] };
  if (query.summary === 'count' || query.count === 0) {
    const { total, issue } = await onlyTotal(ctx, plan, query);
    return countBundle(ctx, withTotal({ ...answered, total }, issue));
  }
  const bound = cursorScope(query, answered.path);
  const from = query.page === undefined ? undefined : (ctx.cursors.open(query.page, bound, call.access.caller) as From);
  const page = await runSearch(db, plan, from, query.count, ctx.open, ctx.statistics);
  const [included, { total, issue }] = await Promise.all([
    includesOf(ctx, call, db, query, page.rows),
    pageTotal(ctx, plan, query, page, from),
  ]);
  const explained = query.explain ? await explainSearch(ctx.searcher, plan, query, { from, size: query.count }, ctx.statistics) : [];
  const seal = (place: From | undefined) => (place === undefined ? undefined : ctx.cursors.seal(place, bound, call.access.caller));
  const told = withTotal({ ...answered, issues: [...answered.issues, ...explained], total }, issue);
  return searchBundle(ctx, { ...told, page, included, next: seal(page.next), previous: seal(page.previous) });
}

/** Said where the caller cares for more patients than count. */
export function careCut({ access }: Call): Issue[] {
  if (!access.isCareCut) return [];
  const text = 'You care for more patients than this server looks at: those with the newest records count, see CARE_PATIENTS_MAX.';
  return [{ severity: 'warning', code: 'incomplete', id: 'care-patients-cut', text }];
}

/** How a search is answered tells of how much there is of everybody's. */
function assertExplains({ access }: Call): void {
  if (!access.seesAll)
    throw forbidden('search-explain-forbidden', '"_explain" is for callers who may read everything: it needs system/*.r or system/*.rs.');
}

export async function includesOf(ctx: Context, call: Call, db: Queryable, query: Query, rows: readonly OpenedFound[]): Promise<Included> {
  if (query.includes.length === 0 && query.revincludes.length === 0) return { rows: [] };
  return fetchIncludes(db, rows, query, (type) => call.access.filter('r', type), {
    registry: ctx.registry,
    base: ctx.config.baseUrl,
    refKeyOf: ctx.refKeyOf,
    open: ctx.open,
    limit: ctx.config.includeMax,
  });
}

/** The total is told when it was asked for, and when the first page holds everything. */
async function pageTotal(ctx: Context, plan: Plan, query: Query, page: Page, from: From | undefined): Promise<Total> {
  if (from === undefined && page.next === undefined) return { total: page.rows.length };
  return query.total === 'none' ? {} : totalOf(ctx.counter, plan, query.total, ctx.open);
}

/** Where nothing but the total is asked for, it may take as long as a search. */
async function onlyTotal(ctx: Context, plan: Plan, query: Query): Promise<Total> {
  if (query.total === 'estimate') return totalOf(ctx.counter, plan, query.total, ctx.open);
  return { total: await countMatches(ctx.searcher, plan, ctx.open, countCandidatesMax) };
}

export function withTotal<T extends { readonly issues: readonly Issue[] }>(answered: T, issue: Issue | undefined): T {
  return issue === undefined ? answered : { ...answered, issues: [...answered.issues, issue] };
}

import { randomUUID } from 'node:crypto';
import type { Issue } from '../fhir/error.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import { fetchIncludes, type Included } from '../search/include.ts';
import { parseSearch } from '../search/parse.ts';
import { isFenced, planSearch, type Plan, type Position } from '../search/plan.ts';
import type { Query } from '../search/query.ts';
import { countMatches, type Page, runSearch } from '../search/run.ts';
import type { Queryable } from '../storage/database.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import { type BundleEntry, type BundleLink, writeBundle } from './bundle.ts';
import type { Call, Context } from './context.ts';
import { render, renderInTwo } from './document.ts';
import { isWhole, type Part, partOf } from './subset.ts';

/** How many resources `_total=accurate` may open to count where tokens can't decide. */
const countCandidatesMax = 10_000;

/**
 * Searches one type. Everything that comes out passed the caller's filter for its type: matches, includes and totals.
 *
 * @param pairs  decoded names and values, of the URL and the body
 * @see          https://hl7.org/fhir/R4/http.html#search
 */
export async function search(ctx: Context, call: Call, type: string, pairs: readonly (readonly [string, string])[]): Promise<Answer> {
  const filter = call.access.permit('s', type);
  const { query, warnings } = parseSearch(type, pairs, ctx.registry, ctx.config, call.lenient);
  const plan = planSearch(query, filter, ctx.registry, ctx.planContext());
  // Behind a fence the way is fixed, and planning again for the values would cost as much as the search.
  const db = isFenced(plan) ? ctx.reader : ctx.searcher;
  if (query.summary === 'count' || query.count === 0)
    return { status: 200, body: countBundle(ctx, query, await countMatches(db, plan, ctx.open, countCandidatesMax), warnings) };
  const bound = boundOf(query);
  const after = query.page === undefined ? undefined : (ctx.cursors.open(query.page, bound, call.access.caller) as Position);
  const page = await runSearch(db, plan, after, query.count, ctx.open);
  const included = await includesOf(ctx, call, db, query, page);
  const total = await totalOf(ctx, db, query, plan, page, after);
  const next = page.next === undefined ? undefined : ctx.cursors.seal(page.next, bound, call.access.caller);
  return { status: 200, body: searchBundle(ctx, query, page.rows, { ...included, warnings, total, next }) };
}

/** A cursor belongs to the query without its page. */
function boundOf(query: Query): string {
  return JSON.stringify(['search', query.type, query.understood]);
}

async function includesOf(ctx: Context, call: Call, db: Queryable, query: Query, page: Page): Promise<Included> {
  if (query.includes.length === 0 && query.revincludes.length === 0) return { rows: [] };
  return fetchIncludes(db, page.rows, query, (type) => call.access.filter('r', type), {
    registry: ctx.registry,
    base: ctx.config.baseUrl,
    refKeyOf: ctx.refKeyOf,
    open: ctx.open,
    limit: ctx.config.includeMax,
  });
}

/** The total is told when it was asked for, and when the first page holds everything. */
async function totalOf(
  ctx: Context,
  db: Queryable,
  query: Query,
  plan: Plan,
  page: Page,
  after: Position | undefined,
): Promise<number | undefined> {
  if (after === undefined && page.next === undefined) return page.rows.length;
  return query.total === 'none' ? undefined : countMatches(db, plan, ctx.open, countCandidatesMax);
}

type BundleParts = Included & {
  readonly warnings: readonly Issue[];
  readonly total: number | undefined;
  readonly next: string | undefined;
};

function searchBundle(ctx: Context, query: Query, matches: readonly OpenedFound[], parts: BundleParts): Buffer {
  const issues = parts.cut === undefined ? parts.warnings : [...parts.warnings, includesCut(parts.cut, ctx.config.includeMax)];
  const entries = [
    ...matches.map((row) => entryOf(ctx, row, query, matchMode)),
    ...parts.rows.map((row) => entryOf(ctx, row, query, includeMode)),
    ...(issues.length === 0 ? [] : [{ resource: outcomeJson(issues), rest: '"search":{"mode":"outcome"}' }]),
  ];
  const self = linkUrl(ctx, query, query.page);
  const links: BundleLink[] = [{ relation: 'self', url: self }];
  if (parts.next !== undefined) links.push({ relation: 'next', url: linkUrl(ctx, query, parts.next) });
  return writeBundle(headOf(parts.total, links), entries);
}

const matchMode = '"search":{"mode":"match"}';
const includeMode = '"search":{"mode":"include"}';

function entryOf(ctx: Context, row: OpenedFound, part: Part, rest: string): BundleEntry {
  return {
    fullUrl: `${ctx.config.baseUrl}/${row.type}/${row.id}`,
    resource: isWhole(part) ? renderInTwo(row.json, row) : partOf(render(row.json, row), part, ctx.definitions.schema),
    rest,
  };
}

function countBundle(ctx: Context, query: Query, total: number, warnings: readonly Issue[]): Buffer {
  const entries = warnings.length === 0 ? [] : [{ resource: outcomeJson(warnings), rest: '"search":{"mode":"outcome"}' }];
  return writeBundle(headOf(total, [{ relation: 'self', url: linkUrl(ctx, query, undefined) }]), entries);
}

function headOf(total: number | undefined, links: readonly BundleLink[]) {
  const head = { type: 'searchset', id: randomUUID(), lastUpdated: new Date().toISOString(), links };
  return total === undefined ? head : { ...head, total };
}

/** Says what was understood, parameter by parameter. */
function linkUrl(ctx: Context, query: Query, page: string | undefined): string {
  const params = new URLSearchParams(query.understood.map(([name, value]) => [name, value]));
  if (page !== undefined) params.set('_page', page);
  const text = params.toString();
  return `${ctx.config.baseUrl}/${query.type}${text === '' ? '' : `?${text}`}`;
}

function includesCut(cut: 'count' | 'levels', limit: number): Issue {
  const text =
    cut === 'count'
      ? `Only ${limit} included resources are in this page; there are more. Ask for smaller pages with _count, or search for the included type itself.`
      : 'Includes of included resources were followed as deep as this server goes; there may be more. Search for the included type itself.';
  return { severity: 'warning', code: 'incomplete', id: 'search-includes-cut', text };
}

import { badRequest, type Issue } from '../fhir/error.ts';
import { parseSearch } from '../search/parse.ts';
import { compartmentToken, planSearch, type Plan } from '../search/plan.ts';
import type { From } from '../search/position.ts';
import type { Include, Query } from '../search/query.ts';
import { countMatches, type Page, runSearch } from '../search/run.ts';
import { countCandidatesMax, type Total, totalOf } from '../search/total.ts';
import { typesHolding } from '../search/types-holding.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { resolveSearch } from './resolve-search.ts';
import { settleSearch } from './settle-search.ts';
import { careCut, includesOf, type Pairs, type SearchPlace, withTotal } from './search.ts';
import { countBundle, cursorScope, searchBundle } from './search-bundle.ts';

/** More types than this are not put into one order: each is read for every page. */
const sortedTypesMax = 20;

/** Where a page begins: in which source's rows, and where there; in a sorted search, where in those of all. */
export type FromTypes = { readonly type?: string; readonly from?: From };

/** The search of one type, or of what rows of one type contain. Sources come in the order of their keys. */
export type Source = { readonly key: string; readonly plan: () => Promise<Plan> };

export type PageOfTypes = { readonly rows: readonly OpenedFound[]; readonly next?: FromTypes };

/**
 * Searches several types: unsorted one type after the other, sorted all in one order. Each type is searched by a plan of its own, with the
 * caller's filter for it, and must know every parameter.
 */
export async function searchTypes(ctx: Context, call: Call, types: readonly string[], pairs: Pairs, place: SearchPlace): Promise<Answer> {
  const { queries, issues } = parseAll(ctx, call, types, pairs, place);
  const query = asOne(queries, pairs);
  assertSortable(query, types);
  const answered = { query, path: place.path, issues: [...issues, ...careCut(call)] };
  const asked = (await askable(ctx, queries, place)).map((each) => sourceOf(ctx, call, each));
  if (query.summary === 'count' || query.count === 0) {
    const { total, issue } = await totalOfAll(ctx, asked, query.total === 'estimate' ? 'estimate' : 'all');
    return countBundle(ctx, withTotal({ ...answered, total }, issue));
  }
  const scope = cursorScope(query, place.path);
  const from = query.page === undefined ? undefined : (ctx.cursors.open(query.page, scope, call.access.caller) as FromTypes);
  const page = await pageOfAll(ctx, asked, query, from);
  const whole = from === undefined && page.next === undefined;
  const [included, { total, issue }] = await Promise.all([
    includesOf(ctx, call, ctx.searcher, query, page.rows),
    whole ? { total: page.rows.length } : query.total === 'none' ? noTotal : totalOfAll(ctx, asked, query.total),
  ]);
  const next = page.next === undefined ? undefined : ctx.cursors.seal(page.next, scope, call.access.caller);
  const told = withTotal({ ...answered, total }, issue);
  return searchBundle(ctx, { ...told, page, included, next, previous: undefined });
}

const noTotal: Total = {};

/** One source after the other, or all in the order asked for. */
export function pageOfAll(ctx: Context, sources: readonly Source[], query: Query, from: FromTypes | undefined): Promise<PageOfTypes> {
  const [key] = query.sort;
  if (key === undefined) return pageInTurn(ctx, sources, from, query.count);
  return pageInOrder(ctx, sources, from?.from, query.count, key.param.code === '_id' ? 'id' : 'lastUpdated', key.descending);
}

/** What one type doesn't know is refused, or left out for all of them: left out for one alone it would find too much of that type. */
function parseAll(ctx: Context, call: Call, types: readonly string[], pairs: Pairs, place: SearchPlace) {
  const { compartment, narrowed = {} } = place;
  const parse = (type: string, asked: Pairs, lenient: boolean) => parseSearch(type, asked, ctx.registry, ctx.config, lenient);
  const issues: Issue[] = [];
  const kept = pairs.filter((pair) => {
    if (pair[0] === '_type') return false;
    const [issue] = call.lenient ? types.flatMap((type) => parse(type, [pair], true).warnings) : [];
    if (issue !== undefined) issues.push(issue);
    return issue === undefined;
  });
  const within = compartment === undefined ? {} : { compartment };
  return {
    queries: types.map((type): Query => ({ ...parse(type, [...kept, ...(narrowed[type] ?? [])], false).query, ...within })),
    issues,
  };
}

/** What the answer as a whole needs to know: of how it is answered all queries say the same. */
function asOne(queries: readonly Query[], pairs: Pairs): Query {
  const [first] = queries;
  if (first?.contained !== undefined) throw containedOfTypes();
  if (first === undefined) throw badRequest('search-no-type', 'The lists of "_type" have no type in common.');
  const understood = [...pairs.filter(([name, value]) => name === '_type' && value !== ''), ...first.understood];
  const once = (includes: readonly Include[]): Include[] => [
    ...new Map(includes.map((each) => [JSON.stringify([each.type, each.param?.code, each.target, each.iterate]), each])).values(),
  ];
  return {
    ...first,
    understood,
    includes: once(queries.flatMap(({ includes }) => includes)),
    revincludes: once(queries.flatMap(({ revincludes }) => revincludes)),
  };
}

function containedOfTypes() {
  const text = 'With "_contained=true" or "_contained=both" one type is searched at a time, as in Medication?_contained=true.';
  return badRequest('search-contained-one-type', text, undefined, 'not-supported');
}

export function assertSortable({ sort, explain }: Query, types: readonly string[]): void {
  if (explain) throw badRequest('search-explain-one-type', '"_explain" explains the search of one type. Ask it of each type alone.');
  const [key, ...others] = sort;
  if (key === undefined) return;
  if (others.length > 0 || !['_id', '_lastUpdated'].includes(key.param.code)) {
    const text = 'A search of several types is sorted by _lastUpdated or by _id alone. Search one type at a time to sort by its elements.';
    throw badRequest('search-sort-unsupported', text, undefined, 'not-supported');
  }
  if (types.length > sortedTypesMax) {
    const text = `At most ${sortedTypesMax} types are put into one order. Name those you need: _type=Patient,Observation.`;
    throw badRequest('search-sort-too-costly', text, undefined, 'too-costly');
  }
}

/** A compartment holds few types: only those are searched that have something in it. */
async function askable(ctx: Context, queries: readonly Query[], { compartment }: SearchPlace): Promise<readonly Query[]> {
  if (compartment === undefined) return queries;
  const plan = ctx.planContext();
  const types = queries.map(({ type }) => type);
  const held = await typesHolding(ctx.searcher, (type) => compartmentToken(compartment, type, plan), types);
  return queries.filter(({ type }) => held.has(type));
}

export function sourceOf(ctx: Context, call: Call, query: Query): Source {
  return {
    key: query.type,
    async plan() {
      const resolved = await resolveSearch(ctx, call, ctx.searcher, query);
      const planned = planSearch(resolved, (type) => call.access.filter('s', type), ctx.registry, ctx.planContext());
      return settleSearch(ctx, call, ctx.searcher, planned);
    },
  };
}

async function pageOf(ctx: Context, { plan }: Source, from: From | undefined, size: number): Promise<Page> {
  return runSearch(ctx.searcher, await plan(), from, size, ctx.open, ctx.statistics);
}

/** One type after the other, in the registry's order. */
async function pageInTurn(ctx: Context, sources: readonly Source[], from: FromTypes | undefined, size: number): Promise<PageOfTypes> {
  const rows: OpenedFound[] = [];
  const { type: begin = '' } = from ?? {};
  for (const source of sources.filter(({ key }) => key >= begin)) {
    const inside = source.key === begin ? from?.from : undefined;
    const room = size - rows.length;
    // Behind a full page one row more tells whether there is a next one.
    const page = await pageOf(ctx, source, inside, Math.max(room, 1));
    if (room === 0 && page.rows.length > 0) return { rows, next: { type: source.key } };
    rows.push(...page.rows);
    if (page.next !== undefined) return { rows, next: { type: source.key, from: page.next } };
  }
  return { rows };
}

/** All types in one order: the first rows of each, merged. */
async function pageInOrder(
  ctx: Context,
  sources: readonly Source[],
  from: From | undefined,
  size: number,
  by: 'id' | 'lastUpdated',
  descending: boolean,
): Promise<PageOfTypes> {
  const pages: Page[] = [];
  for (const source of sources) pages.push(await pageOf(ctx, source, from, size));
  const sign = descending ? -1 : 1;
  const rows = pages.flatMap((page) => page.rows).sort((a, b) => sign * (a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : a.rid - b.rid));
  const last = rows[size - 1];
  const more = rows.length > size || pages.some(({ next }) => next !== undefined);
  const shown = rows.slice(0, size);
  return more && last !== undefined
    ? { rows: shown, next: { from: { position: { values: [last[by]], rid: last.rid } } } }
    : { rows: shown };
}

export async function totalOfAll(ctx: Context, sources: readonly Source[], kind: 'estimate' | 'accurate' | 'all'): Promise<Total> {
  let total = 0;
  for (const source of sources) {
    const plan = await source.plan();
    if (kind === 'all') total += await countMatches(ctx.searcher, plan, ctx.open, countCandidatesMax);
    else {
      const one = await totalOf(ctx.counter, plan, kind, ctx.open);
      if (one.total === undefined) return one;
      total += one.total;
    }
  }
  return { total };
}

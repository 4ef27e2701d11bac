import { token } from '../encryption/token.ts';
import { badRequest } from '../fhir/error.ts';
import { containsParts } from '../search/contained.ts';
import { planContained } from '../search/contained-plan.ts';
import { containedMatches } from '../search/contained-sift.ts';
import { parseSearch } from '../search/parse.ts';
import { planSearch, type Sift } from '../search/plan.ts';
import type { Query } from '../search/query.ts';
import type { Total } from '../search/total.ts';
import { typesHolding } from '../search/types-holding.ts';
import { noRows } from '../storage/filter.ts';
import type { OpenedFound } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { resolveSearch } from './resolve-search.ts';
import { careCut, includesOf, type Pairs, type SearchPlace, withTotal } from './search.ts';
import { insideOf } from './settle-search.ts';
import { countBundle, cursorScope, searchBundle, type ShownRow } from './search-bundle.ts';
import { assertSortable, type FromTypes, pageOfAll, type PageOfTypes, type Source, sourceOf, totalOfAll } from './search-types.ts';

/** Where a page begins: behind the place `after` among what the row there contains. */
type FromContained = FromTypes & { readonly after?: number };

/** What was found in a row; nothing for one that is a match itself. */
type PlacesIn = (row: OpenedFound) => readonly number[] | undefined;

/**
 * Searches what resources contain, alone or after the resources of the type themselves. Containers come one type after the other; each
 * passes what the caller may read, and what it contains, what he may search.
 *
 * @see https://hl7.org/fhir/R4/search.html#contained
 */
export async function searchContained(ctx: Context, call: Call, type: string, pairs: Pairs, place: SearchPlace): Promise<Answer> {
  call.access.permit('s', type);
  const { query: asked, warnings } = parseSearch(type, pairs, ctx.registry, ctx.config, call.lenient);
  const query = place.compartment === undefined ? asked : { ...asked, compartment: place.compartment };
  assertAnswerable(query);
  const found = new WeakMap<OpenedFound, readonly number[]>();
  const containers = await containerSources(ctx, call, await resolveSearch(ctx, call, ctx.searcher, query), found);
  const sources = query.contained?.mode === 'both' ? [sourceOf(ctx, call, query), ...containers] : containers;
  const answered = { query, path: place.path, issues: [...warnings, ...careCut(call)] };
  if (query.summary === 'count' || query.count === 0) {
    const { total, issue } = await totalOfAll(ctx, sources, 'all');
    return countBundle(ctx, withTotal({ ...answered, total }, issue));
  }
  const scope = cursorScope(query, place.path);
  const from = query.page === undefined ? undefined : (ctx.cursors.open(query.page, scope, call.access.caller) as FromContained);
  const rows = await pageOfAll(ctx, sources, query, from);
  const page = query.contained?.answer === 'contained' ? pageOfPlaces(rows, query.count, from, (row) => found.get(row)) : rows;
  const whole = from === undefined && page.next === undefined;
  const [included, { total, issue }] = await Promise.all([
    includesOf(ctx, call, ctx.searcher, query, page.rows),
    whole ? { total: page.rows.length } : query.total === 'none' ? noTotal : totalOfAll(ctx, sources, 'accurate'),
  ]);
  const next = page.next === undefined ? undefined : ctx.cursors.seal(page.next, scope, call.access.caller);
  const told = withTotal({ ...answered, total }, issue);
  return searchBundle(ctx, { ...told, page, included, next, previous: undefined });
}

const noTotal: Total = {};

function assertAnswerable(query: Query): void {
  const { contained, sort, includes, revincludes } = query;
  assertSortable(query, [query.type]);
  if (contained?.answer !== 'contained') return;
  const refused = sort.length > 0 ? '_sort' : includes.length > 0 ? '_include' : revincludes.length > 0 ? '_revinclude' : undefined;
  if (refused === undefined) return;
  throw badRequest(
    'search-contained-unsupported',
    `"${refused}" is asked of the resources that contain: it can't stand beside "_containedType=contained".`,
    undefined,
    'not-supported',
  );
}

/** Behind all types' own names. */
const keyOf = (container: string): string => `~${container}`;

/** The search of each type that holds such contained resources, as far as the caller may read any. */
async function containerSources(
  ctx: Context,
  call: Call,
  query: Query,
  found: WeakMap<OpenedFound, readonly number[]>,
): Promise<readonly Source[]> {
  const plan = ctx.planContext();
  const restriction = (type: string) => call.access.filter('s', type);
  // What is refused is refused whatever is stored.
  planSearch(query, restriction, ctx.registry, plan);
  const permitted = ctx.registry.types.filter((type) => call.access.filter('r', type) !== noRows);
  const holding = await typesHolding(ctx.searcher, () => token(plan.key, ...containsParts(query.type)), permitted);
  const { mode, answer } = query.contained ?? {};
  const context = {
    db: ctx.searcher,
    open: ctx.open,
    statistics: ctx.statistics,
    inside: insideOf(ctx, call),
    registry: ctx.registry,
    extract: ctx.extract,
    plan: { ...plan, restriction },
  };
  return permitted
    .filter((type) => holding.has(type))
    .map((type) => {
      const asThemselves = mode === 'both' && answer === 'container' && type === query.type;
      const matches = containedMatches(query, type, asThemselves, context);
      const sift: Sift = async (rows) => {
        const places = await matches(rows);
        places.forEach((each, at) => {
          const row = rows[at];
          if (row !== undefined) found.set(row, each);
        });
        return places.map(({ length }) => (answer === 'contained' ? length : Math.min(length, 1)));
      };
      const container = { type, filter: call.access.filter('r', type) };
      const planned = planContained(query, container, sift, plan, { registry: ctx.registry, standard: ctx.live.standard });
      return { key: keyOf(type), plan: () => Promise.resolve(planned) };
    });
}

/** A page of what rows contain, at most `size`: it may end inside a row. */
function pageOfPlaces(page: PageOfTypes, size: number, from: FromContained | undefined, placesIn: PlacesIn) {
  const begun = from?.after;
  const shown = page.rows.flatMap((row, index): ShownRow[] => {
    const places = placesIn(row);
    if (places === undefined) return [row];
    const isBegun = begun !== undefined && index === 0 && row.rid === from?.from?.position.rid;
    return places.filter((at) => !isBegun || at > begun).map((at) => ({ ...row, at }));
  });
  const rows = shown.slice(0, size);
  const last = rows.at(-1);
  const following = shown[size];
  if (last === undefined || following === undefined) return { rows, ...(page.next === undefined ? {} : { next: page.next }) };
  const type = last.at === undefined ? last.type : keyOf(last.type);
  const position = { values: [], rid: last.rid };
  const isInside = last.at !== undefined && following.at !== undefined && following.rid === last.rid && following.type === last.type;
  const next: FromContained = isInside ? { type, from: { position, inclusive: true }, after: last.at } : { type, from: { position } };
  return { rows, next };
}

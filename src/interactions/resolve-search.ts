import { parseReference } from '../fhir/references.ts';
import { hierarchyElements, relativesOf } from '../search/hierarchy.ts';
import { parseSearch } from '../search/parse.ts';
import { planSearch } from '../search/plan.ts';
import type { Query } from '../search/query.ts';
import { asksWorld, resolveQuery } from '../search/resolve.ts';
import { runSearch } from '../search/run.ts';
import { escape } from '../search/values.ts';
import type { Queryable } from '../storage/database.ts';
import { readCodeSystem } from '../terminology/code-system.ts';
import type { Sources } from '../terminology/expand.ts';
import { firstOf, makeTerminology } from '../terminology/terminology.ts';
import type { Call, Context } from './context.ts';

/** How many stored resources of one url are looked at for the newest. */
const versionsMax = 20;

/**
 * Finds out what value sets and hierarchies in a query stand for, as the caller may know it; without such modifiers the query
 * is returned as it is.
 *
 * @throws FhirError 400 that says what is not known or too many
 */
export async function resolveSearch(ctx: Context, call: Call, db: Queryable, query: Query): Promise<Query> {
  if (!asksWorld(query)) return query;
  return resolveQuery(query, {
    terminology: makeTerminology(firstOf(ctx.definedTerms, storedSources(ctx, call, db))),
    registry: ctx.registry,
    base: ctx.config.baseUrl,
    relatives(type, ids, way) {
      const hierarchy = { type, params: hierarchyElements(type, ctx.registry), filter: call.access.filter('s', type) };
      const from = ids.map((id) => ({ id, refKey: ctx.refKeyOf(type, id) }));
      return relativesOf(db, hierarchy, from, way);
    },
  });
}

/** Code systems and value sets that clients have stored, as far as the caller may search them. */
function storedSources(ctx: Context, call: Call, db: Queryable): Sources {
  const find = (type: string, canonical: string): Promise<object | undefined> => findStored(ctx, call, db, { type, canonical });
  return {
    async codeSystem(canonical) {
      const found = await find('CodeSystem', canonical);
      return found === undefined ? undefined : readCodeSystem(found);
    },
    valueSet: (canonical) => find('ValueSet', canonical),
  };
}

/** By its url and version, else the one written last; or by its place, `ValueSet/id`. */
async function findStored(
  ctx: Context,
  call: Call,
  db: Queryable,
  { type, canonical }: { readonly type: string; readonly canonical: string },
): Promise<object | undefined> {
  const place = parseReference(canonical, ctx.config.baseUrl);
  const [url = '', version] = canonical.split('|');
  const asked: [string, string][] =
    place.kind === 'local'
      ? [['_id', place.type === type ? place.id : '-']]
      : [['url', escape(url)], ...(version === undefined ? [] : [['version', escape(version)] as [string, string]])];
  const { query } = parseSearch(type, asked, ctx.registry, ctx.config, false);
  const plan = planSearch(query, (each) => call.access.filter('s', each), ctx.registry, ctx.planContext());
  const { rows } = await runSearch(db, plan, undefined, versionsMax, ctx.open, ctx.statistics);
  const newest = rows
    .filter(({ erased }) => !erased)
    .reduce<(typeof rows)[number] | undefined>(
      (last, row) => (last === undefined || row.lastUpdated > last.lastUpdated ? row : last),
      undefined,
    );
  return newest === undefined ? undefined : (JSON.parse(newest.json.toString('utf8')) as object);
}

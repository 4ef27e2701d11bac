import { hierarchyElements, relativesOf } from '../search/hierarchy.ts';
import type { Query } from '../search/query.ts';
import { asksWorld, resolveQuery } from '../search/resolve.ts';
import type { Queryable } from '../storage/database.ts';
import { readCodeSystem } from '../terminology/code-system.ts';
import type { Sources } from '../terminology/expand.ts';
import { firstOf, searchTerms } from '../terminology/search-terms.ts';
import { findStored } from './conformance/stored.ts';
import type { Call, Context } from './context.ts';

/**
 * Finds out what value sets and hierarchies in a query stand for, as the caller may know it; without such modifiers the query
 * is returned as it is.
 *
 * @throws FhirError 400 that says what is not known or too many
 */
export async function resolveSearch(ctx: Context, call: Call, db: Queryable, query: Query): Promise<Query> {
  if (!asksWorld(query)) return query;
  return resolveQuery(query, {
    terminology: searchTerms(firstOf(ctx.definedTerms, storedSources(ctx, call, db))),
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
  const find = (type: string, canonical: string): Promise<object | undefined> => findStored(ctx, db, { type, canonical, filter: (each) => call.access.filter('s', each) });
  return {
    async codeSystem(canonical) {
      const found = await find('CodeSystem', canonical);
      return found === undefined ? undefined : readCodeSystem(found);
    },
    valueSet: (canonical) => find('ValueSet', canonical),
  };
}

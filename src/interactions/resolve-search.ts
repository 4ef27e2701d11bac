import { hierarchyElements, relativesOf } from '../search/hierarchy.ts';
import type { Query } from '../search/query.ts';
import { asksWorld, resolveQuery } from '../search/resolve.ts';
import type { Queryable } from '../storage/database.ts';
import { erasedPatients } from '../storage/patient-ids.ts';
import type { Call, Context } from './context.ts';
import { terminologyFor } from './terminology.ts';

/**
 * Finds out what value sets and hierarchies in a query stand for, as the caller may know it; without such modifiers the query
 * is returned as it is.
 *
 * @throws FhirError 400 that says what is not known or too many
 */
export async function resolveSearch(ctx: Context, call: Call, db: Queryable, query: Query): Promise<Query> {
  if (!asksWorld(query)) return query;
  return resolveQuery(query, {
    terminology: terminologyFor(ctx, call, 'CodeSystem'),
    registry: ctx.registry,
    base: ctx.config.baseUrl,
    relatives(type, ids, way) {
      const hierarchy = { type, params: hierarchyElements(type, ctx.registry), filter: call.access.filter('s', type) };
      const from = ids.map((id) => ({ id, refKey: ctx.refKeyOf(type, id) }));
      return relativesOf(db, hierarchy, from, way);
    },
    async erasedAmong(ids) {
      const keys = ids.map((id) => ctx.refKeyOf('Patient', id));
      const erased = await erasedPatients(db, keys);
      return new Set(ids.filter((_, at) => erased.has(keys[at] ?? 0n)));
    },
  });
}

import { chainsInside } from '../search/contained-plan.ts';
import type { Plan } from '../search/plan.ts';
import { type Inside, settlePlan } from '../search/settle.ts';
import type { Queryable } from '../storage/database.ts';
import type { Call, Context } from './context.ts';

/** Finds what parts of a plan mean before the rest of it is asked, as far as the caller may search. */
export function settleSearch(ctx: Context, call: Call, db: Queryable, planned: Plan): Promise<Plan> {
  return settlePlan(db, planned, ctx.open, ctx.statistics, insideOf(ctx, call));
}

/** Chains of the caller's, into what resources contain. */
export function insideOf(ctx: Context, call: Call): Inside {
  const restriction = (type: string) => call.access.filter('s', type);
  const { registry, extract } = ctx;
  return chainsInside({ registry, extract, standard: ctx.live.standard, plan: { ...ctx.planContext(), restriction } });
}

import { token } from '../encryption/token.ts';
import { compartmentParts } from '../search/extract.ts';
import { noRows } from '../storage/filter.ts';
import { recordAt } from '../storage/record.ts';
import type { OpenedVersion } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { assertCompartment, membersOf } from './search-address.ts';

/** A page of a record: versions in the order in which their resources came to be, and the cursor of the next page. */
export type RecordAnswer = Answer & { readonly rows: readonly OpenedVersion[]; readonly next?: string };

export type RecordOptions = { readonly asOf?: string; readonly count: number; readonly cursor?: string };

type From = { readonly after: number; readonly at: string };

/**
 * A patient's record as it was at an instant, by default now, as far as the caller may read it today. What has left the record since, or was
 * erased, isn't in it.
 */
export async function recordOf(ctx: Context, call: Call, patient: string, { asOf, count, cursor }: RecordOptions): Promise<RecordAnswer> {
  await assertCompartment(ctx, call, { type: 'Patient', id: patient });
  const bound = JSON.stringify(['record', patient, asOf ?? '']);
  const from = cursor === undefined ? undefined : (ctx.cursors.open(cursor, bound, call.access.caller) as From);
  const at = from?.at ?? asOf ?? new Date().toISOString();
  const types = membersOf(ctx, 'Patient')
    .map((type) => ({ type, filter: call.access.filter('r', type) }))
    .filter(({ type, filter }) => type !== 'AuditEvent' && filter !== noRows);
  const compartment = token(ctx.planContext().key, ...compartmentParts('Patient', patient));
  const query = { types, compartment, at, limit: count + 1, ...(from === undefined ? {} : { after: from.after }) };
  const found = await recordAt(ctx.searcher, query);
  const opened = await ctx.open(found.slice(0, count));
  const rows = opened.filter(({ erased }) => !erased);
  const last = opened.at(-1);
  const answer = { status: 200, disclosed: rows, rows } as const;
  if (found.length <= count || last === undefined) return answer;
  return { ...answer, next: ctx.cursors.seal({ after: last.rid, at } satisfies From, bound, call.access.caller) };
}

import type { Queryable } from '../storage/database.ts';
import { bindFiles } from '../storage/files.ts';
import type { NewVersion } from '../storage/rows.ts';
import type { Call, Context } from './context.ts';
import type { Resolve } from './links.ts';
import { provenanceOf } from './provenance.ts';

/**
 * What goes with a write in its own transaction: what guards it is asked, files are bound to what has them, then what was stated of it is
 * made ready to be written too.
 *
 * @throws whatever the guard refuses with
 */
export async function besideOf(
  ctx: Context,
  call: Call,
  client: Queryable,
  versions: readonly NewVersion[],
  resolve?: Resolve,
): Promise<NewVersion | undefined> {
  await call.guard?.(client, versions);
  await bindFiles(client, versions);
  return provenanceOf(ctx, call, versions, resolve);
}

/** Whether the call's writes need a transaction of their own. */
export const goesAlone = ({ guard, provenance }: Call): boolean => guard !== undefined || provenance !== undefined;

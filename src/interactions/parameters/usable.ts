import { readParameter } from '../../search/added-parameter.ts';
import type { Context } from '../context.ts';
import type { Document } from '../document.ts';

/** Refuses an active SearchParameter that nothing could be searched by. @throws FhirError 422 */
export async function assertUsable(ctx: Context, { value }: Document, id: string): Promise<void> {
  const { live } = ctx;
  await readParameter(value, id, ctx.definitions, live.standard, live.added(), ctx.config.searchParametersAddedMax);
}

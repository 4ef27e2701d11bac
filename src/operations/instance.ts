import type { Disclosed } from '../audit/concerned.ts';
import { notFound } from '../fhir/error.ts';
import type { Decimals, JsonObject } from '../fhir/json.ts';
import type { Letter } from '../authorization/scopes.ts';
import type { Context } from '../interactions/context.ts';
import { parseStored, render } from '../interactions/document.ts';
import { assertId } from '../interactions/prepare.ts';
import { gone, openOne } from '../interactions/read.ts';
import { noRows } from '../storage/filter.ts';
import { readCurrent } from '../storage/read.ts';
import { type Invocation, isObject } from './operation.ts';

/** The stored resource an operation is called on. */
export type Instance = {
  readonly value: JsonObject;
  readonly decimals: Decimals;
  readonly version: number;
  /** As it is stored. */
  readonly row: Disclosed;
  /** Whether the caller may do this to it. */
  readonly permits: (letter: Letter) => Promise<boolean>;
};

/**
 * Reads the resource in the URL; undefined if there is none in it.
 *
 * @throws FhirError 403, 404 and 410 as reading it does: what the caller may not see does not exist
 */
export async function readInstance(
  ctx: Context,
  { call, type, id }: Pick<Invocation, 'call' | 'type' | 'id'>,
): Promise<Instance | undefined> {
  if (type === undefined || id === undefined) return undefined;
  const readable = call.access.permit('r', type);
  assertId(id);
  const address = { type, id, refKey: ctx.refKeyOf(type, id) };
  const row = await readCurrent(ctx.reader, address, readable);
  if (row === undefined) throw notFound(type);
  if (row.deleted) throw gone(row);
  const { json } = await openOne(ctx, row);
  const { value, decimals } = parseStored(render(json, row));
  if (!isObject(value)) throw new Error('a stored resource is no object');
  const permits = async (letter: Letter): Promise<boolean> => {
    const filter = call.access.filter(letter, type);
    return filter === 'all' || (filter !== noRows && (await readCurrent(ctx.reader, address, filter)) !== undefined);
  };
  return { value, decimals, version: row.version, row, permits };
}

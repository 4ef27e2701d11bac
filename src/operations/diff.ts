import type { Disclosed } from '../audit/concerned.ts';
import { differencesOf, type Version } from '../fhir/diff.ts';
import { badRequest } from '../fhir/error.ts';
import { writeJson } from '../fhir/json.ts';
import type { Context } from '../interactions/context.ts';
import { parseStored } from '../interactions/document.ts';
import { read, vread } from '../interactions/read.ts';
import { patchOf } from './diff-parameters.ts';
import { type Arguments, type Invocation, isObject, type Operation } from './operation.ts';

/**
 * What differs between two versions of a resource that the caller may both read: a FHIRPath Patch that makes the one the other.
 *
 * @see https://hl7.org/fhir/R4/fhirpatch.html
 */
export const diffOperation: Operation = {
  code: 'diff',
  definition: 'https://anamnesis.health/fhir/OperationDefinition/resource-diff',
  type: 'Resource',
  levels: ['instance'],
  async run(ctx, invocation) {
    const to = numberOf(invocation.args, 'to') ?? (await currentOf(ctx, invocation));
    const from = numberOf(invocation.args, 'from') ?? to - 1;
    if (from === 0) throw badRequest('diff-first-version', 'Version 1 is the first: nothing differs from before. Ask from or to another.');
    const [older, newer] = [await versionOf(ctx, invocation, from), await versionOf(ctx, invocation, to)];
    const { schema } = ctx.definitions;
    const { value, decimals } = patchOf(differencesOf(older, newer, schema), schema, newer.decimals);
    return { status: 200, body: writeJson(value, decimals), disclosed: [...older.disclosed, ...newer.disclosed] };
  },
};

type On = Pick<Invocation, 'call' | 'type' | 'id'>;

async function currentOf(ctx: Context, { call, type = '', id = '' }: On): Promise<number> {
  const { stamp } = await read(ctx, call, type, id);
  if (stamp === undefined) throw new Error('a resource was read that has no version');
  return stamp.version;
}

/** As reading that version answers it: what may not be seen, was never there or was a deletion is told as that tells it. */
async function versionOf(
  ctx: Context,
  { call, type = '', id = '' }: On,
  version: number,
): Promise<Version & { readonly disclosed: readonly Disclosed[] }> {
  const { body, disclosed = [] } = await vread(ctx, call, type, id, String(version));
  const { value, decimals } = parseStored(Buffer.from(body ?? ''));
  if (!isObject(value) || !isObject(value.meta)) throw new Error('a stored resource has no meta');
  // They differ in every version.
  delete value.meta.versionId;
  delete value.meta.lastUpdated;
  return { value, decimals, disclosed };
}

function numberOf(args: Arguments, name: string): number | undefined {
  const value = args.get(name)?.[0]?.value;
  return typeof value === 'number' ? value : undefined;
}

import { FhirError, forbidden } from '../fhir/error.ts';
import { passesWrite } from '../storage/filter.ts';
import type { Queryable } from '../storage/database.ts';
import type { NewVersion } from '../storage/rows.ts';
import { insertVersions, lockOwners } from '../storage/write.ts';
import type { Call, Context } from './context.ts';
import type { Document } from './document.ts';
import { prepareVersion, validated } from './prepare.ts';
import { inWriting } from './writing.ts';

/** A resource to be created under an id of ours. */
export type Creating = { readonly type: string; readonly id: string; readonly document: Document };

/**
 * Refuses what could not be created, without preparing it.
 *
 * @throws FhirError 400 or 422 for what isn't valid, 403 for what the caller may not write
 */
export async function assertCreatable(ctx: Context, call: Call, { type, id, document }: Creating): Promise<void> {
  const filter = call.access.permit('c', type);
  await validated(ctx, document);
  const { tokens, patient } = ctx.extract(document.value, type, id);
  if (!passesWrite(filter, { tokens, patient }))
    throw forbidden('write-outside-scope', `The token's scopes or the user's rights don't permit to write this ${type}.`);
}

/** Makes a first version ready to be written, with the event that tells of it: nothing else of it stays. @throws FhirError as `create` */
export async function prepareCreate(ctx: Context, call: Call, { type, id, document }: Creating, rid: number): Promise<NewVersion> {
  const filter = call.access.permit('c', type);
  const checked = await validated(ctx, document);
  const trail = { ...call.trail, asked: { kind: 'create', data: { type } } } as const;
  const { row, links } = await prepareVersion(ctx, { ...call, trail }, checked, { id, rid, version: 1, interaction: 'c' }, filter);
  if (links.length > 0) throw new Error('what binds Binaries is not created in many');
  return row;
}

export type ManyOptions = {
  /** Asked in the transaction before anything is written. @returns the groups that are not to be written */
  readonly refuse: (client: Queryable) => Promise<ReadonlySet<number>>;
  /** The last thing in the transaction: what it throws undoes all of it. */
  readonly note: (client: Queryable, written: readonly boolean[]) => Promise<void>;
};

/**
 * Writes groups of first versions, all in one transaction and each group wholly or not at all.
 *
 * @returns for each group whether it was written; one isn't where it was refused, or where a patient it belongs to is erased
 */
export async function createMany(
  ctx: Context,
  groups: readonly (readonly NewVersion[])[],
  options: ManyOptions,
): Promise<readonly boolean[]> {
  const types = [...new Set(groups.flat().map(({ type }) => type))];
  return inWriting(ctx, types, async ({ client }) => {
    const refused = await options.refuse(client);
    const rows = groups
      .flatMap((group, at) => (refused.has(at) ? [] : group))
      .sort((a, b) => (a.type === b.type ? (a.id < b.id ? -1 : 1) : a.type < b.type ? -1 : 1));
    const [, written] = await Promise.all([
      lockOwners(client, rows),
      rows.length === 0 ? new Map<number, string>() : insertVersions(client, rows),
    ]);
    const whole = groups.map((group, at) => {
      if (refused.has(at)) return false;
      const there = group.filter(({ rid }) => written.has(rid)).length;
      // All of a group belongs to the same patient: only an id that is taken could part it.
      if (there > 0 && there < group.length) throw new FhirError(409, []);
      return there > 0;
    });
    await options.note(client, whole);
    return whole;
  });
}

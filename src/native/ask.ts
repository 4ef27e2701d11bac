import { parseJson } from '../fhir/json.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Asked } from '../audit/trail.ts';
import type { Call } from '../interactions/context.ts';
import { create } from '../interactions/create.ts';
import type { Document } from '../interactions/document.ts';
import { limitsOf } from '../interactions/document.ts';
import { type FileAnswer, readFile } from '../interactions/file.ts';
import { history } from '../interactions/history.ts';
import { recordFault, settled } from '../interactions/leaving.ts';
import { read, vread } from '../interactions/read.ts';
import { type RecordAnswer, type RecordOptions, recordOf } from '../interactions/record.ts';
import { remove } from '../interactions/remove.ts';
import type { Pairs } from '../interactions/search.ts';
import { type SearchAddress, searchAt } from '../interactions/search-address.ts';
import { transaction } from '../interactions/transaction.ts';
import type { EntryFiles } from '../interactions/transaction-steps.ts';
import { update, type UpdateOptions } from '../interactions/update.ts';
import type { NativeCall } from './handler.ts';
import { type Told, withOwnReferences } from './own-references.ts';

/*
 * The interactions as handlers ask them: for the caller of the request, and recorded as what they are. Handlers ask no interaction in
 * another way, so that nothing happens unseen.
 */

type Asking = Pick<NativeCall, 'ctx' | 'call'>;

export async function askRead({ ctx, call }: Asking, type: string, id: string): Promise<Told> {
  return withOwnReferences(ctx, await settled(ctx, call, { kind: 'read', data: { type, id } }, (each) => read(ctx, each, type, id)));
}

export async function askVersion({ ctx, call }: Asking, type: string, id: string, version: number): Promise<Told> {
  return withOwnReferences(
    ctx,
    await settled(ctx, call, { kind: 'vread', data: { type, id, version } }, (each) => vread(ctx, each, type, id, String(version))),
  );
}

/** A Binary with its bytes, in pieces. @param version  the current one, if undefined */
export function askFile({ ctx, call }: Asking, id: string, version?: number): Promise<FileAnswer> {
  const asked =
    version === undefined
      ? ({ kind: 'read', data: { type: 'Binary', id } } as const)
      : ({ kind: 'vread', data: { type: 'Binary', id, version } } as const);
  return settled(ctx, call, asked, (each) => readFile(ctx, each, id, version));
}

/** Looks whether what is asked later would be refused: then it is refused and recorded now. What is permitted is recorded when it is asked. */
export async function askAhead<T>({ ctx, call }: Asking, asked: Asked, look: (call: Call) => Promise<T>): Promise<T> {
  const trail = { ...call.trail, asked };
  try {
    return await look({ ...call, trail });
  } catch (error) {
    await recordFault(ctx, trail, error);
    throw error;
  }
}

/** The query is recorded as what the native API was asked. */
export async function askSearch({ ctx, call }: Asking, address: SearchAddress, pairs: Pairs): Promise<Told> {
  const { query } = call.trail.asked;
  const what =
    address.type === undefined ? ({ kind: 'search-system' } as const) : ({ kind: 'search-type', data: { type: address.type } } as const);
  return withOwnReferences(
    ctx,
    await settled(ctx, call, { ...what, ...(query === undefined ? {} : { query }) }, (each) => searchAt(ctx, each, address, pairs)),
  );
}

export async function askHistory({ ctx, call }: Asking, type: string, id: string, pairs: Pairs): Promise<Told> {
  const { query } = call.trail.asked;
  const asked = { kind: 'history-instance', data: { type, id }, ...(query === undefined ? {} : { query }) } as const;
  return withOwnReferences(ctx, await settled(ctx, call, asked, (each) => history(ctx, each, { type, id }, pairs)));
}

export async function askCreate({ ctx, call }: Asking, document: Document): Promise<Told> {
  const { type } = document;
  return withOwnReferences(
    ctx,
    await settled(ctx, call, { kind: 'create', data: { type } }, (each) => create(ctx, each, type, document, { prefer: 'representation' })),
  );
}

export function askUpdate(asking: Asking, id: string, document: Document, ifMatch?: string): Promise<Told> {
  return updated(asking, id, document, ifMatch === undefined ? {} : { ifMatch });
}

/** Makes it under this id. @throws FhirError 412 if there is one */
export function askFirst(asking: Asking, id: string, document: Document): Promise<Told> {
  return updated(asking, id, document, { ifNoneMatch: '*' });
}

async function updated({ ctx, call }: Asking, id: string, document: Document, conditions: Omit<UpdateOptions, 'prefer'>): Promise<Told> {
  const { type } = document;
  const options = { prefer: 'representation', ...conditions } as const;
  return withOwnReferences(
    ctx,
    await settled(ctx, call, { kind: 'update', data: { type, id } }, (each) => update(ctx, each, type, id, document, options)),
  );
}

export function askRemove({ ctx, call }: Asking, type: string, id: string, ifMatch?: string): Promise<Answer> {
  return settled(ctx, call, { kind: 'delete', data: { type, id } }, (each) => remove(ctx, each, type, id, ifMatch));
}

export function askRecord({ ctx, call }: Asking, patient: string, options: RecordOptions): Promise<RecordAnswer> {
  const { query } = call.trail.asked;
  const asked = {
    kind: 'operation',
    operation: 'record',
    data: { type: 'Patient', id: patient },
    ...(query === undefined ? {} : { query }),
  } as const;
  return settled(ctx, call, asked, (each) => recordOf(ctx, each, patient, options));
}

/** @returns one answer for each entry, with its resource: but for Binaries that have their bytes in `files`, by the entry's index */
export async function askTransaction({ ctx, call }: Asking, bundle: object, files?: EntryFiles): Promise<Told[]> {
  const parsed = parseJson(JSON.stringify(bundle), limitsOf(ctx), { links: true });
  let answers: Answer[] = [];
  // What the entries leave, and the whole of them, is committed with them; a failure is recorded here.
  await settled(ctx, call, { kind: 'transaction' }, async (each) => {
    answers = await transaction(ctx, each, parsed, 'representation', files);
    return { status: 200, recorded: true };
  });
  return answers.map((each) => withOwnReferences(ctx, each));
}

/** What is no interaction and writes no resource, recorded under a name of its own. @param told  it leaves events that say more */
export async function askOperation<T>(
  { ctx, call }: Asking,
  operation: string,
  work: () => Promise<T>,
  { told = false }: { readonly told?: boolean } = {},
): Promise<T> {
  let result: { readonly value: T } | undefined;
  await settled(ctx, call, { kind: 'operation', operation }, async () => {
    result = { value: await work() };
    return { status: 200, ...(told ? { recorded: true as const } : {}) };
  });
  if (result === undefined) throw new Error('what was settled was not done');
  return result.value;
}

import { findAnybodys, parseCriteria } from '../interactions/conditional.ts';
import type { Call } from '../interactions/context.ts';
import { type Detail, NativeError } from './error.ts';
import type { NativeCall } from './handler.ts';

/** What a request refers to by a field. */
export type Referred = {
  readonly field: string;
  readonly type: string;
  readonly id: string | null | undefined;
};

/**
 * The request with a guard on its writes: what they refer to exists. Asked in the write's own transaction, once it is sure that the
 * caller may write there: of resources that he may not see nothing is told that his right to write wouldn't.
 *
 * @throws NativeError 422 with the fields
 */
export function existing(request: NativeCall, referred: readonly Referred[]): NativeCall {
  const { ctx, call } = request;
  const asked = referred
    .filter(({ id }) => id != null)
    .map(({ field, type, id }) => ({ field, criteria: parseCriteria(ctx, type, `_id=${id}`, 'The reference') }));
  return withGuard(request, async (client) => {
    const details: Detail[] = [];
    for (const { field, criteria } of asked)
      if ((await findAnybodys(ctx, call, client, criteria, 1)).length === 0)
        details.push({ field, code: 'not_found', message: 'There is no such resource.' });
    if (details.length > 0) throw invalid(details);
  });
}

/** The request with one more guard on its writes, asked after those it has. */
export function withGuard(request: NativeCall, guard: NonNullable<Call['guard']>): NativeCall {
  const { call } = request;
  const both: NonNullable<Call['guard']> = async (client, versions) => {
    await call.guard?.(client, versions);
    await guard(client, versions);
  };
  return { ...request, call: { ...call, guard: both } };
}

export function invalid(details: readonly Detail[]): NativeError {
  return new NativeError('validation_failed', 'Fields are at fault; see details.', { details });
}

/** @throws NativeError 422 unless a record stays with the patient it is about */
export function assertSamePatient(before: { readonly patient_id?: string }, after: { readonly patient_id: string }): void {
  if (before.patient_id !== undefined && before.patient_id !== after.patient_id)
    throw invalid([{ field: 'patient_id', code: 'fixed', message: 'A record stays with its patient.' }]);
}

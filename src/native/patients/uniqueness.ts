import { findAnybodys, lockCriteria, parseCriteria } from '../../interactions/conditional.ts';
import type { Call } from '../../interactions/context.ts';
import { type Detail, NativeError } from '../error.ts';
import type { NativeCall } from '../handler.ts';
import { escaped, type PatientInput } from './patient-view.ts';

type Contact = Pick<PatientInput, 'email' | 'phone_e164'>;

/**
 * Refuses a write whose email or phone number another living patient has, whoever wrote him. Asked in the write's own transaction and
 * under locks of these values, so that of many at once one wins.
 *
 * @throws NativeError 409 `duplicate` with the fields, to callers who may see every patient; to all others 422 without a word of why
 */
export function uniqueContact({ ctx, call }: NativeCall, { email, phone_e164: phone }: Contact): NonNullable<Call['guard']> {
  const fields = [
    ...(email == null ? [] : [{ field: 'email', criteria: `email=${encodeURIComponent(escaped(email.toLowerCase()))}` }]),
    ...(phone == null ? [] : [{ field: 'phone_e164', criteria: `phone=${encodeURIComponent(escaped(phone))}` }]),
  ].map(({ field, criteria }) => ({ field, criteria: parseCriteria(ctx, 'Patient', criteria, 'The contact') }));
  return async (client, versions) => {
    await call.guard?.(client, versions);
    if (fields.length === 0) return;
    await lockCriteria(
      client,
      fields.map(({ criteria }) => criteria),
    );
    const own = new Set(versions.map(({ id }) => id));
    const taken: Detail[] = [];
    for (const { field, criteria } of fields) {
      const found = await findAnybodys(ctx, call, client, criteria, own.size + 1);
      if (found.some(({ id }) => !own.has(id))) taken.push({ field, code: 'duplicate', message: 'Another patient has it.' });
    }
    if (taken.length === 0) return;
    if (call.access.filter('s', 'Patient') !== 'all')
      throw new NativeError('validation_failed', 'The patient can not be stored as sent. Ask the registration desk.');
    throw new NativeError('duplicate', 'Another patient has the same contact data; see details.', { details: taken });
  };
}

/** The request with a guard on its writes. */
export function guarded(request: NativeCall, guard: NonNullable<Call['guard']>): NativeCall {
  return { ...request, call: { ...request.call, guard } };
}

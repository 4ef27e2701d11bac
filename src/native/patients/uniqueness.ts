import { findAnybodys, lockCriteria, parseCriteria } from '../../interactions/conditional.ts';
import { type Detail, NativeError } from '../error.ts';
import { withGuard } from '../existing.ts';
import type { NativeCall } from '../handler.ts';
import { escaped, type PatientInput } from './patient-view.ts';

type Contact = Pick<PatientInput, 'email' | 'phone_e164'>;

/**
 * The request with a guard on its writes: no other living patient, whoever wrote him, has the same email or phone number. Asked in the
 * write's own transaction and under locks of these values, so that of many at once one wins.
 *
 * @throws NativeError 409 `duplicate` with the fields, to callers who may see every patient; to all others 422 without a word of why
 */
export function withUniqueContact(request: NativeCall, { email, phone_e164: phone }: Contact): NativeCall {
  const { ctx, call } = request;
  const fields = [
    ...(email == null ? [] : [{ field: 'email', criteria: `email=${encodeURIComponent(escaped(email.toLowerCase()))}` }]),
    ...(phone == null ? [] : [{ field: 'phone_e164', criteria: `phone=${encodeURIComponent(escaped(phone))}` }]),
  ].map(({ field, criteria }) => ({ field, criteria: parseCriteria(ctx, 'Patient', criteria, 'The contact') }));
  if (fields.length === 0) return request;
  return withGuard(request, async (client, versions) => {
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
  });
}

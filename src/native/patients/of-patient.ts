import { findAnybodys, parseCriteria } from '../../interactions/conditional.ts';
import { noRows } from '../../storage/filter.ts';
import { askRead } from '../ask.ts';
import { withGuard } from '../existing.ts';
import type { NativeCall } from '../handler.ts';
import { notFound } from '../view.ts';

/**
 * The request, to write something of a patient who is there. Who may read patients is told what reading him tells; all others that there is
 * none, once it is sure that they could write there.
 *
 * @throws FhirError 404, 410
 */
export async function ofPatient(request: NativeCall, id: string): Promise<NativeCall> {
  const { ctx, call } = request;
  await assertReadable(request, id);
  const criteria = parseCriteria(ctx, 'Patient', `_id=${id}`, 'The patient');
  return withGuard(request, async (client) => {
    if ((await findAnybodys(ctx, call, client, criteria, 1)).length === 0) throw notFound('patient');
  });
}

/** Of a patient who isn't there nothing is listed: he is answered as what he is, to who may read patients. @throws FhirError 404, 410 */
export async function assertListable(request: NativeCall, id: string, found: number): Promise<void> {
  if (found === 0 && request.parameters.query.cursor === undefined) await assertReadable(request, id);
}

/** Asks nothing for who may not read patients. @throws FhirError 404, 410 */
export async function assertReadable(request: NativeCall, id: string): Promise<void> {
  if (request.call.access.filter('r', 'Patient') !== noRows) await askRead(request, 'Patient', id);
}

import type { components } from '../api-types.ts';
import type { Detail } from '../error.ts';
import { existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { assertListable, ofPatient } from '../patients/of-patient.ts';
import { createView, listView, removeView } from '../view.ts';
import { shareView } from './share-view.ts';

type Sent = components['schemas']['ShareInput'];

export const shareHandlers = {
  listShares: list,
  createShare: create,
  deleteShare: (request) => removeView(shareView, request, request.parameters.path.id ?? ''),
} as const satisfies Record<string, NativeHandler>;

const patientIn = (request: NativeCall): string => request.parameters.path.id ?? '';

/** Those that say no more than a share can; other consents of the patient hold as well, and are FHIR's alone. */
async function list(request: NativeCall): Promise<NativeAnswer> {
  const page = await listView(shareView, request, [['patient', `Patient/${patientIn(request)}`]]);
  await assertListable(request, patientIn(request), (page.body as { readonly data: readonly object[] }).data.length);
  return page;
}

async function create(request: NativeCall): Promise<NativeAnswer> {
  const sent = request.body as Sent;
  const now = new Date();
  assertShare(sent, now);
  if (request.replay === undefined) request.call.access.permit('c', 'Consent');
  const patient = request.replay === undefined ? await ofPatient(request, patientIn(request)) : request;
  const guarded = existing(patient, [{ field: 'provider_id', type: 'Practitioner', id: sent.provider_id }]);
  return createView(shareView, guarded, { ...sent, patient_id: patientIn(request), given_at: now.toISOString() });
}

/** What the contract's schema can't say of a share. @throws NativeError 422 */
function assertShare({ decision, kinds, until, include_restricted: withRestricted }: Sent, now: Date): void {
  const details: Detail[] = [];
  if (until != null && endOf(until) <= now.getTime()) details.push({ field: 'until', code: 'in_past', message: 'It is over already.' });
  if (withRestricted === true && decision === 'refuse')
    details.push({ field: 'include_restricted', code: 'invalid', message: 'A refusal takes what is restricted as well.' });
  if (withRestricted === true && kinds?.includes('note') === true)
    details.push({ field: 'include_restricted', code: 'invalid', message: 'Restricted notes are shared with the whole record only.' });
  if (details.length > 0) throw invalid(details);
}

/** A day counts to its end. */
const endOf = (until: string): number => Date.parse(until) + (until.includes('T') ? 0 : 86_400_000);

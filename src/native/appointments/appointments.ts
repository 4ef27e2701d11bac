import { askUpdate } from '../ask.ts';
import { assertSamePatient, existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { patientOf } from '../me.ts';
import { keptOf } from '../parts.ts';
import { readAt } from '../versions.ts';
import { createView, documentFrom, listView, parsed, readShown, replaceView } from '../view.ts';
import { type AppointmentInput, appointmentView } from './appointment-view.ts';
import { booking } from './booking.ts';

export const appointmentHandlers = {
  listAppointments: (request) => listView(appointmentView, request),
  createAppointment: async (request) => {
    const input = checked(request);
    return createView(appointmentView, booking(referring(request, input), appointmentView.toResource(input)), input);
  },
  getAppointment: (request) => readAt(appointmentView, request, idOf(request)),
  replaceAppointment: replace,
  cancelAppointment: cancel,
  listMyAppointments: async (request) => listView(appointmentView, request, [['patient', `Patient/${patientOf(request.grant)}`]]),
} as const satisfies Record<string, NativeHandler>;

const idOf = (request: NativeCall): string => request.parameters.path.id ?? '';

async function replace(request: NativeCall): Promise<NativeAnswer> {
  const input = checked(request);
  const id = idOf(request);
  const answer = await readShown(appointmentView, request, id);
  const before = parsed(answer);
  assertSamePatient(appointmentView.toView(before), input);
  const bound = booking(referring(request, input), appointmentView.toResource(input, before), before);
  return replaceView(appointmentView, bound, id, answer, input);
}

/** A new version with the status cancelled; what is cancelled already stays as it is. */
async function cancel(request: NativeCall): Promise<NativeAnswer> {
  const id = idOf(request);
  const answer = await readShown(appointmentView, request, id);
  const before = parsed(answer);
  const ifMatch = request.parameters.header['if-match'] ?? `W/"${answer.stamp?.version}"`;
  await askUpdate(request, id, documentFrom(request.ctx, { ...keptOf(before), status: 'cancelled', id }), ifMatch);
  return { status: 204 };
}

function referring(request: NativeCall, { patient_id: patient, provider_id: provider }: AppointmentInput): NativeCall {
  return existing(request, [
    { field: 'patient_id', type: 'Patient', id: patient },
    { field: 'provider_id', type: 'Practitioner', id: provider },
  ]);
}

function checked({ body }: NativeCall): AppointmentInput {
  const input = body as AppointmentInput;
  if (Date.parse(input.starts_at) % 60_000 !== 0) throw invalid([{ field: 'starts_at', code: 'format', message: 'It is a whole minute.' }]);
  return input;
}

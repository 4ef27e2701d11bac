import { assertSamePatient, existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { patientOf } from '../me.ts';
import { readAt } from '../versions.ts';
import { createView, listView, parsed, readShown, replaceView } from '../view.ts';
import { type MedicationInput, medicationView } from './medication-view.ts';

export const medicationHandlers = {
  listMedications: (request) => listView(medicationView, request),
  createMedication: async (request) => {
    const input = checked(request);
    return createView(medicationView, referring(request, input), input);
  },
  getMedication: (request) => readAt(medicationView, request, idOf(request)),
  replaceMedication: replace,
  listMyMedications: async (request) => listView(medicationView, request, [['patient', `Patient/${patientOf(request.grant)}`]]),
} as const satisfies Record<string, NativeHandler>;

const idOf = (request: NativeCall): string => request.parameters.path.id ?? '';

async function replace(request: NativeCall): Promise<NativeAnswer> {
  const input = checked(request);
  const before = await readShown(medicationView, request, idOf(request));
  assertSamePatient(medicationView.toView(parsed(before)), input);
  return replaceView(medicationView, referring(request, input), idOf(request), before, input);
}

function referring(request: NativeCall, { patient_id: patient, prescriber_id: prescriber }: MedicationInput): NativeCall {
  return existing(request, [
    { field: 'patient_id', type: 'Patient', id: patient },
    { field: 'prescriber_id', type: 'Practitioner', id: prescriber },
  ]);
}

function checked({ body }: NativeCall): MedicationInput {
  const input = body as MedicationInput;
  const { start_date: start, end_date: end } = input;
  if (start != null && end != null && end < start)
    throw invalid([{ field: 'end_date', code: 'too_early', message: 'It is not before start_date.' }]);
  return input;
}

import type { NativeHandler } from '../handler.ts';
import { createView, listView, readView, removeView, replaceView } from '../view.ts';
import { assertPatient } from './patient-rules.ts';
import { type PatientInput, patientView } from './patient-view.ts';

export const patientHandlers = {
  listPatients: (request) => listView(patientView, request),
  createPatient: (request) => {
    const input = request.body as PatientInput;
    assertPatient(input);
    return createView(patientView, request, input);
  },
  getPatient: (request) => readView(patientView, request, idOf(request)),
  replacePatient: (request) => {
    const input = request.body as PatientInput;
    assertPatient(input);
    return replaceView(patientView, request, idOf(request), input);
  },
  deletePatient: (request) => removeView(patientView, request, idOf(request)),
} as const satisfies Record<string, NativeHandler>;

const idOf = (request: Parameters<NativeHandler>[0]): string => request.parameters.path.id ?? '';

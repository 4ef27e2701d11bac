import { apiKeyHandlers } from './api-keys/api-keys.ts';
import type { NativeHandler } from './handler.ts';
import { appointmentHandlers } from './appointments/appointments.ts';
import { exportHandlers } from './bulk/export.ts';
import { importHandlers } from './bulk/import.ts';
import { medicationHandlers } from './medications/medications.ts';
import { patientHandlers } from './patients/patients.ts';
import { providerHandlers } from './providers/providers.ts';

/** Every operation of openapi.yaml, by its operationId. */
export const nativeHandlers: Readonly<Record<string, NativeHandler>> = {
  ...patientHandlers,
  ...importHandlers,
  ...exportHandlers,
  ...providerHandlers,
  ...medicationHandlers,
  ...appointmentHandlers,
  ...apiKeyHandlers,
};

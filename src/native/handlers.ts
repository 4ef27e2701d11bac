import { apiKeyHandlers } from './api-keys/api-keys.ts';
import { appointmentHandlers } from './appointments/appointments.ts';
import { auditHandlers } from './audit/audit.ts';
import { exportHandlers } from './bulk/export.ts';
import { importHandlers } from './bulk/import.ts';
import type { NativeHandler } from './handler.ts';
import { interactionHandlers } from './interactions/interactions.ts';
import { labResultHandlers } from './lab-results/lab-results.ts';
import { medicationHandlers } from './medications/medications.ts';
import { messageHandlers } from './messages/messages.ts';
import { patientHandlers } from './patients/patients.ts';
import { providerHandlers } from './providers/providers.ts';
import { recordHandlers } from './records/records.ts';
import { replicationHandlers } from './replication/replication.ts';
import { shareHandlers } from './shares/shares.ts';
import { signatureHandlers } from './signatures/signatures.ts';

/** Every operation of openapi.yaml, by its operationId. */
export const nativeHandlers: Readonly<Record<string, NativeHandler>> = {
  ...apiKeyHandlers,
  ...appointmentHandlers,
  ...auditHandlers,
  ...exportHandlers,
  ...importHandlers,
  ...labResultHandlers,
  ...medicationHandlers,
  ...messageHandlers,
  ...patientHandlers,
  ...providerHandlers,
  ...recordHandlers,
  ...replicationHandlers,
  ...shareHandlers,
  ...signatureHandlers,
  ...interactionHandlers,
};

import { listedItems } from '../patients/lists.ts';
import { assertPatient } from '../patients/patient-rules.ts';
import { type PatientInput, patientView } from '../patients/patient-view.ts';
import type { Resource } from '../view.ts';
import { columnsOf, type ImportKind, type Made, type Unique } from './import-kind.ts';

export const patientImport: ImportKind = {
  type: 'Patient',
  operation: 'createPatient',
  columnOf: columnsOf(
    {
      given_name: 'text',
      middle_name: 'text',
      family_name: 'text',
      date_of_birth: 'text',
      sex_at_birth: 'text',
      gender_identity: 'text',
      gender_identity_text: 'text',
      email: 'text',
      phone_e164: 'text',
      'address.line1': 'text',
      'address.line2': 'text',
      'address.city': 'text',
      'address.state_province': 'text',
      'address.postal_code': 'text',
      'address.country': 'text',
      'emergency_contact.name': 'text',
      'emergency_contact.phone_e164': 'text',
      'emergency_contact.relationship': 'text',
      preferred_language: 'text',
      consent_to_contact: 'boolean',
    },
    ['allergies', 'medical_history', 'current_medications'],
  ),
  ignored: new Set(['patient_id', 'created_at', 'updated_at', 'version', 'is_deleted']),
  read(value, idOf) {
    const input = value as PatientInput;
    assertPatient(input);
    const id = idOf('Patient', 0);
    const items = listedItems(input, `Patient/${id}`).map(({ url, resource = {} }, at) => madeOf(url, idOf(url, at + 1), resource));
    return { made: [madeOf('Patient', id, patientView.toResource(input)), ...items], unique: uniqueOf(input), needed: [] };
  },
};

const madeOf = (type: string, id: string, resource: Resource): Made => ({ type, id, resource: { ...resource, id } });

function uniqueOf({ email, phone_e164: phone }: PatientInput): Unique[] {
  const type = 'Patient';
  return [
    ...(email == null ? [] : [{ field: 'email', type, parameter: 'email', value: email.toLowerCase() }]),
    ...(phone == null ? [] : [{ field: 'phone_e164', type, parameter: 'phone', value: phone }]),
  ];
}

/**
 * The short names of scopes that internal clients use, each with the types it is about: `patient:read` is `Patient.rs`, `patient:write`
 * `Patient.cud`, `patient:*` both. Operations on many resources at once have names of their own.
 */
const nativeTypes: Readonly<Record<string, readonly string[]>> = {
  patient: ['Patient'],
  interaction: ['Encounter'],
  appointment: ['Appointment'],
  'lab-result': ['Observation', 'DiagnosticReport'],
  medication: ['MedicationStatement'],
  message: ['Communication'],
  record: ['AllergyIntolerance', 'Binary', 'Condition', 'Consent', 'DocumentReference', 'MedicationStatement', 'Observation', 'Provenance'],
  outcome: ['CodeSystem'],
  provider: ['Practitioner', 'PractitionerRole'],
};

/** Names that stand for more than one type, each as FHIR scopes: an import may make what is listed with a patient too. */
const composed: Readonly<Record<string, readonly string[]>> = {
  'bulk:import': ['Patient', 'Encounter', 'AllergyIntolerance', 'Condition', 'MedicationStatement'].map((type) => `${type}.c`),
  'bulk:export': ['Patient.rs', 'Encounter.rs'],
  admin: ['*.cruds'],
};

const letters: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** The same as `Type.letters`, one for each type; undefined if it is no such name. */
export function fromNative(text: string): readonly string[] | undefined {
  if (Object.hasOwn(composed, text)) return composed[text];
  const [, name = '', action = ''] = /^([a-z-]{1,32}):(read|write|\*)$/.exec(text) ?? [];
  const types = Object.hasOwn(nativeTypes, name) ? nativeTypes[name] : undefined;
  return types?.map((type) => `${type}.${letters[action]}`);
}

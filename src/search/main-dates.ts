/**
 * The one date parameter by which a type's resources are usually listed. Its start becomes the row's clinical_at, so that
 * `_sort=date` rides an index of the row's own table. It sorts and never filters.
 */
const mainDates: Readonly<Record<string, string>> = {
  AllergyIntolerance: 'date',
  Appointment: 'date',
  AuditEvent: 'date',
  CarePlan: 'date',
  Claim: 'created',
  Communication: 'sent',
  Composition: 'date',
  Condition: 'recorded-date',
  Consent: 'date',
  DiagnosticReport: 'date',
  DocumentReference: 'date',
  Encounter: 'date',
  ExplanationOfBenefit: 'created',
  FamilyMemberHistory: 'date',
  Goal: 'start-date',
  ImagingStudy: 'started',
  Immunization: 'date',
  List: 'date',
  MedicationAdministration: 'effective-time',
  MedicationDispense: 'whenhandedover',
  MedicationRequest: 'authoredon',
  MedicationStatement: 'effective',
  Observation: 'date',
  Procedure: 'date',
  Provenance: 'recorded',
  QuestionnaireResponse: 'authored',
  RiskAssessment: 'date',
  ServiceRequest: 'authored',
  Task: 'authored-on',
};

export function mainDateOf(type: string): string | undefined {
  return mainDates[type];
}

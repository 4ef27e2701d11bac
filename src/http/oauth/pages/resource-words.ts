/** What people call the resource types that apps ask for; others are told by their names in words. */
const words: Readonly<Record<string, string>> = {
  '*': 'everything that is recorded',
  AllergyIntolerance: 'allergies and intolerances',
  Appointment: 'appointments',
  Basic: 'notes of the app itself',
  Binary: 'files',
  CarePlan: 'care plans',
  CareTeam: 'care teams',
  Claim: 'claims',
  Communication: 'messages',
  Condition: 'conditions and health concerns',
  Consent: 'consents',
  Coverage: 'insurance',
  Device: 'devices and implants',
  DiagnosticReport: 'reports of laboratory, imaging and other tests',
  DocumentReference: 'documents and clinical notes',
  Encounter: 'visits and hospital stays',
  EpisodeOfCare: 'episodes of care',
  ExplanationOfBenefit: 'bills and benefits',
  FamilyMemberHistory: 'family history',
  Goal: 'health goals',
  Group: 'groups of patients',
  ImagingStudy: 'X-rays and other images',
  Immunization: 'vaccinations',
  Location: 'places of care',
  Media: 'pictures and recordings',
  Medication: 'what medicines are made of',
  MedicationAdministration: 'medicines given',
  MedicationDispense: 'medicines handed out',
  MedicationRequest: 'prescriptions',
  MedicationStatement: 'medicines taken',
  NutritionOrder: 'diets',
  Observation: 'measurements, laboratory values and other observations',
  Organization: 'organizations',
  Patient: 'name, date of birth, address and other personal details',
  Practitioner: 'doctors, nurses and other staff',
  PractitionerRole: 'roles of staff',
  Procedure: 'operations and other procedures',
  Provenance: 'where the records come from',
  Questionnaire: 'questionnaires',
  QuestionnaireResponse: 'answers to questionnaires',
  RelatedPerson: 'relatives and other contacts',
  Schedule: 'calendars',
  ServiceRequest: 'orders and referrals',
  Slot: 'free appointments',
  Specimen: 'samples',
  Task: 'tasks',
};

export function wordsOfType(type: string): string {
  return words[type] ?? type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** The types offered in place of everything, the most asked for first. */
export const offeredTypes: readonly string[] = [
  'Patient',
  'AllergyIntolerance',
  'Condition',
  'Observation',
  'DiagnosticReport',
  'MedicationRequest',
  'MedicationStatement',
  'Immunization',
  'Procedure',
  'Encounter',
  'DocumentReference',
  'CarePlan',
  'CareTeam',
  'Goal',
  'Device',
  'ServiceRequest',
  'Appointment',
  'Coverage',
  'Provenance',
  'Practitioner',
  'Organization',
  'Location',
  'Medication',
];

type Category = { readonly system: string; readonly code: string; readonly words: string };

const observations = 'http://terminology.hl7.org/CodeSystem/observation-category';
const conditions = 'http://terminology.hl7.org/CodeSystem/condition-category';

/** The kinds that an app may be bound to. @see https://hl7.org/fhir/us/core/scopes.html */
export const categories: Readonly<Record<string, readonly Category[]>> = {
  Condition: [
    { system: conditions, code: 'problem-list-item', words: 'problems on the problem list' },
    { system: conditions, code: 'encounter-diagnosis', words: 'diagnoses made on visits' },
    { system: 'http://hl7.org/fhir/us/core/CodeSystem/condition-category', code: 'health-concern', words: 'health concerns' },
  ],
  Observation: [
    { system: observations, code: 'laboratory', words: 'laboratory results' },
    { system: observations, code: 'vital-signs', words: 'vital signs' },
    { system: observations, code: 'social-history', words: 'social history, such as smoking' },
    { system: observations, code: 'survey', words: 'answers to surveys' },
    { system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category', code: 'sdoh', words: 'living conditions' },
    { system: observations, code: 'imaging', words: 'imaging' },
    { system: observations, code: 'procedure', words: 'what procedures found' },
    { system: observations, code: 'exam', words: 'physical examinations' },
  ],
};

import type { Reply, Ward } from './ward.ts';

/** A resource as both APIs have it. `word` is what tells one content from another; it has letters alone. */
export type Face = {
  readonly name: string;
  /** Where v1 makes and lists it. */
  readonly collection: (ward: Ward) => string;
  /** Of what v1 answered, the id of FHIR; and of that the one of v1. */
  readonly idOf: (reply: Reply) => string;
  readonly v1Id: (id: string) => string;
  readonly one: (ward: Ward, id: string) => string;
  readonly type: string;
  /** A v1 request, and what a v1 answer has at least, whoever wrote it. */
  readonly body: (ward: Ward, word: string) => object;
  readonly shown?: (ward: Ward, word: string) => object;
  /** A FHIR request, and what a FHIR answer has at least, whoever wrote it. */
  readonly resource: (ward: Ward, word: string) => Readonly<Record<string, unknown>>;
  /** What v1 has beside reading and creating. */
  readonly changes: boolean;
  readonly removes: boolean;
  /** It isn't listed singly by v1. */
  readonly isListedOnly?: boolean;
  /** Everybody's: of no patient. */
  readonly isCommon?: boolean;
  /** v1 lists it for the patient who asks. */
  readonly mine?: string;
  /** What finds those of the ward by FHIR. */
  readonly search: (ward: Ward) => string;
  readonly listed?: (ward: Ward) => string;
};

const at = '2026-03-04T08:15:00.000Z';
const until = '2026-03-04T08:45:00.000Z';
const patientOf = ({ patient }: Ward) => ({ reference: `Patient/${patient}` });
const authorOf = ({ author }: Ward) => ({ reference: `Practitioner/${author}` });
const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
const terminology = 'http://terminology.hl7.org/CodeSystem';

/** An id that is told by this name, in a collection of its own. */
const own = (path: string, name: string) =>
  ({
    collection: () => path,
    listed: ({ patient }: Ward) => `${path}?patient_id=${patient}`,
    one: (_: Ward, id: string) => `${path}/${id}`,
    idOf: ({ json }: Reply) => String(json[name]),
    v1Id: (id: string) => id,
    search: ({ patient }: Ward) => `patient=${patient}`,
  }) as const;

const record = (kind: string, type: string) =>
  ({
    name: kind,
    type,
    collection: ({ patient }: Ward) => `/patients/${patient}/records`,
    one: ({ patient }: Ward, id: string) => `/patients/${patient}/records/${id}`,
    idOf: ({ json }: Reply) => String(json.record_id).slice(kind.length + 1),
    v1Id: (id: string) => `${kind}-${id}`,
    search: ({ patient }: Ward) => `patient=${patient}`,
    changes: true,
    removes: true,
  }) as const;

export const patientFace: Face = {
  ...own('/patients', 'patient_id'),
  name: 'patient',
  type: 'Patient',
  body: (_, word) => ({ given_name: word, family_name: 'Ward', date_of_birth: '1985-12-10' }),
  resource: (_, word) => ({
    resourceType: 'Patient',
    name: [{ use: 'official', family: 'Ward', given: [word] }],
    birthDate: '1985-12-10',
  }),
  listed: () => '/patients?family_name=Ward&limit=100',
  search: ({ patient }) => `_id=${patient}`,
  changes: true,
  removes: true,
};

/** What is of a patient. */
export const faces: readonly Face[] = [
  {
    ...record('diagnosis', 'Condition'),
    body: ({ author }, word) => ({ kind: 'diagnosis', provider_id: author, diagnosis: word, recorded_at: at }),
    resource: (ward, word) => ({
      resourceType: 'Condition',
      clinicalStatus: coded(`${terminology}/condition-clinical`, 'active'),
      code: { text: word },
      subject: patientOf(ward),
      asserter: authorOf(ward),
      recordedDate: at,
    }),
  },
  {
    ...record('allergy', 'AllergyIntolerance'),
    body: ({ author }, word) => ({ kind: 'allergy', provider_id: author, text: word, recorded_at: at }),
    resource: (ward, word) => ({
      resourceType: 'AllergyIntolerance',
      clinicalStatus: coded(`${terminology}/allergyintolerance-clinical`, 'active'),
      code: { text: word },
      patient: patientOf(ward),
      asserter: authorOf(ward),
      recordedDate: at,
    }),
  },
  {
    ...record('note', 'Observation'),
    body: ({ author }, word) => ({ kind: 'note', provider_id: author, text: word, recorded_at: at }),
    resource: (ward, word) => ({
      resourceType: 'Observation',
      status: 'final',
      category: [coded('https://anamnesis.health/fhir/CodeSystem/record-kind', 'note')],
      code: coded('http://loinc.org', '34109-9'),
      subject: patientOf(ward),
      performer: [authorOf(ward)],
      effectiveDateTime: at,
      valueString: word,
    }),
  },
  {
    ...record('document', 'DocumentReference'),
    body: ({ author }, word) => ({
      kind: 'document',
      provider_id: author,
      text: word,
      recorded_at: at,
      attachment: { content_type: 'application/pdf', url: 'https://letters.example.org/7', title: 'Letter' },
    }),
    resource: (ward, word) => ({
      resourceType: 'DocumentReference',
      status: 'current',
      description: word,
      subject: patientOf(ward),
      author: [authorOf(ward)],
      date: at,
      content: [{ attachment: { contentType: 'application/pdf', url: 'https://letters.example.org/7', title: 'Letter' } }],
    }),
  },
  {
    ...own('/medications', 'medication_id'),
    name: 'medication',
    type: 'MedicationStatement',
    body: ({ patient }, word) => ({ patient_id: patient, medication_name: word, status: 'active' }),
    resource: (ward, word) => ({
      resourceType: 'MedicationStatement',
      status: 'active',
      medicationCodeableConcept: { text: word },
      subject: patientOf(ward),
    }),
    mine: '/patients/me/medications',
    changes: true,
    removes: false,
  },
  {
    ...own('/appointments', 'appointment_id'),
    name: 'appointment',
    type: 'Appointment',
    // Of what is only asked for, many may be at one time.
    body: ({ patient, author }, word) => ({
      patient_id: patient,
      provider_id: author,
      starts_at: at,
      duration_minutes: 30,
      status: 'requested',
      notes: word,
    }),
    resource: (ward, word) => ({
      resourceType: 'Appointment',
      status: 'proposed',
      start: at.replace('.000', ''),
      end: until.replace('.000', ''),
      minutesDuration: 30,
      comment: word,
      participant: [
        { actor: patientOf(ward), status: 'accepted' },
        { actor: authorOf(ward), status: 'accepted' },
      ],
    }),
    mine: '/patients/me/appointments',
    changes: true,
    removes: false,
  },
  {
    ...own('/lab-results', 'lab_result_id'),
    name: 'lab result',
    type: 'Observation',
    body: ({ patient }, word) => ({
      patient_id: patient,
      test_name: word,
      result_value: 98,
      result_unit: 'mg/dL',
      collected_at: at,
      status: 'final',
    }),
    resource: (ward, word) => ({
      resourceType: 'Observation',
      status: 'final',
      category: [coded(`${terminology}/observation-category`, 'laboratory')],
      code: { text: word },
      subject: patientOf(ward),
      effectiveDateTime: at,
      valueQuantity: { value: 98, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
    }),
    mine: '/patients/me/lab-results',
    changes: false,
    removes: false,
  },
  {
    ...own('/interactions', 'interaction_id'),
    name: 'interaction',
    type: 'Encounter',
    body: ({ patient, author }, word) => ({ patient_id: patient, provider_id: author, type: word, started_at: at, ended_at: until }),
    resource: (ward, word) => ({
      resourceType: 'Encounter',
      status: 'finished',
      class: { system: `${terminology}/v3-ActCode`, code: 'AMB' },
      type: [{ text: word }],
      subject: patientOf(ward),
      participant: [{ individual: authorOf(ward) }],
      period: { start: at, end: until },
    }),
    changes: false,
    removes: false,
  },
  {
    ...own('/messages', 'message_id'),
    name: 'message',
    type: 'Communication',
    body: ({ patient }, word) => ({ patient_id: patient, body: word }),
    resource: (ward, word) => ({
      resourceType: 'Communication',
      status: 'completed',
      subject: patientOf(ward),
      payload: [{ contentString: word }],
    }),
    mine: '/patients/me/messages',
    changes: false,
    removes: false,
  },
  {
    ...own('/shares', 'share_id'),
    name: 'share',
    type: 'Consent',
    collection: ({ patient }) => `/patients/${patient}/shares`,
    listed: ({ patient }) => `/patients/${patient}/shares?limit=100`,
    // To somebody who asks for nothing: it changes nobody's rights here.
    body: ({ author }, word) => ({ provider_id: author, decision: 'grant', until: dayOf(word) }),
    resource: (ward, word) => ({
      resourceType: 'Consent',
      status: 'active',
      scope: coded(`${terminology}/consentscope`, 'patient-privacy'),
      category: [coded('http://loinc.org', '59284-0')],
      patient: patientOf(ward),
      policy: [{ uri: 'https://anamnesis.health/fhir/share' }],
      provision: {
        type: 'permit',
        period: { end: dayOf(word) },
        actor: [{ role: coded(`${terminology}/v3-ParticipationType`, 'IRCP'), reference: authorOf(ward) }],
      },
    }),
    isListedOnly: true,
    changes: false,
    removes: true,
  },
];

export const providerFace: Face = {
  ...own('/providers', 'provider_id'),
  name: 'provider',
  type: 'Practitioner',
  body: (_, word) => ({ name: word, is_active: true }),
  resource: (_, word) => ({ resourceType: 'Practitioner', active: true, name: [{ use: 'official', text: word }] }),
  listed: () => '/providers?limit=100',
  search: () => '_sort=-_lastUpdated',
  isCommon: true,
  changes: true,
  removes: false,
};

/** A day far away that a word stands for. */
const dayOf = (word: string): string =>
  new Date(Date.UTC(2050, 0, 1) + [...word].reduce((sum, each) => (sum * 31 + each.charCodeAt(0)) % 9000, 0) * 86_400_000)
    .toISOString()
    .slice(0, 10);

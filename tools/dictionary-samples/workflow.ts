import {
  CORE,
  codeOnly,
  coding,
  concept,
  day,
  instant,
  inVisit,
  LOINC,
  meta,
  number,
  period,
  reference,
  type Sample,
  SNOMED,
  start,
  THO,
  uuid,
} from './parts.ts';

const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';
const serviceType = () => [concept(`${THO}service-type`, '124', 'General Practice')];

export function workflow(): Sample[] {
  return [
    ...scheduling(),
    ...requested(),
    ...consented(),
    provenance(),
    auditEvent('rest', 'RESTful Operation'),
    auditEvent('110114', 'User Authentication'),
  ];
}

function scheduling(): Sample[] {
  return [
    {
      ...start('Appointment'),
      status: 'booked',
      serviceType: serviceType(),
      appointmentType: concept(`${THO}v2-0276`, 'ROUTINE', 'Routine appointment'),
      reasonCode: [concept(SNOMED, '413095006', 'Clinical review')],
      description: number(),
      start: instant(),
      end: instant(),
      minutesDuration: 30,
      slot: [reference('Slot')],
      created: day(),
      participant: ['Patient', 'Practitioner', 'Location'].map((type) => ({
        actor: reference(type),
        required: 'required',
        status: 'accepted',
      })),
    },
    { ...start('Slot'), schedule: reference('Schedule'), status: 'free', start: instant(), end: instant() },
    { ...start('Schedule'), active: true, serviceType: serviceType(), actor: [reference('Practitioner')], planningHorizon: period() },
    {
      ...start('Group'),
      type: 'person',
      actual: true,
      name: number(),
      quantity: 3,
      member: [1, 2, 3].map(() => ({ entity: reference('Patient'), inactive: false })),
    },
  ];
}

function requested(): Sample[] {
  return [
    {
      ...start('Task'),
      status: 'requested',
      intent: 'order',
      priority: 'routine',
      code: concept('http://hl7.org/fhir/CodeSystem/task-code', 'fulfill', 'Fulfill the focal request'),
      description: number(),
      focus: reference('ServiceRequest'),
      for: reference('Patient'),
      encounter: reference('Encounter'),
      authoredOn: instant(),
      lastModified: instant(),
      requester: reference('Practitioner'),
      owner: reference('Organization'),
    },
    {
      ...start('Communication'),
      status: 'completed',
      category: [concept(`${THO}communication-category`, 'notification', 'Notification')],
      subject: reference('Patient'),
      encounter: reference('Encounter'),
      sent: instant(),
      received: instant(),
      recipient: [reference('Patient')],
      sender: reference('Practitioner'),
      payload: [{ contentString: number() }],
    },
    {
      ...start('SupplyDelivery'),
      status: 'completed',
      patient: reference('Patient'),
      type: codeOnly(`${THO}supply-item-type`, 'device', 'Device'),
      suppliedItem: {
        quantity: { value: 1 },
        itemCodeableConcept: concept(SNOMED, '337388004', 'Blood glucose testing strips (physical object)'),
      },
      occurrenceDateTime: instant(),
      supplier: reference('Practitioner'),
    },
  ];
}

function consented(): Sample[] {
  return [
    {
      ...start('Consent'),
      status: 'active',
      scope: concept(`${THO}consentscope`, 'patient-privacy', 'Privacy Consent'),
      category: [concept(LOINC, '59284-0', 'Patient Consent')],
      patient: reference('Patient'),
      dateTime: instant(),
      performer: [reference('Patient')],
      organization: [reference('Organization')],
      policyRule: concept(`${THO}v3-ActCode`, 'OPTIN', 'opt in'),
      provision: {
        type: 'permit',
        period: period(),
        actor: [{ role: concept(`${THO}v3-ParticipationType`, 'IRCP', 'information recipient'), reference: reference('Organization') }],
        action: [concept(`${THO}consentaction`, 'access', 'Access')],
        purpose: [coding(`${THO}v3-ActReason`, 'TREAT', 'treatment')],
      },
    },
    {
      ...start('QuestionnaireResponse'),
      questionnaire: `https://example.org/fhir/Questionnaire/${number()}|1.0`,
      status: 'completed',
      ...inVisit(),
      authored: instant(),
      author: reference('Patient'),
      source: reference('Patient'),
      item: [
        {
          linkId: '1',
          text: number(),
          item: [
            { linkId: '1.1', text: number(), answer: [{ valueCoding: coding(LOINC, 'LA33-6', 'Yes') }] },
            { linkId: '1.2', text: number(), answer: [{ valueString: number() }] },
            { linkId: '1.3', text: number(), answer: [{ valueBoolean: true }] },
            { linkId: '1.4', text: number(), answer: [{ valueDecimal: 1.5 }] },
          ],
        },
      ],
    },
  ];
}

function provenance(): Sample {
  const agent = (system: string, code: string, display: string) => ({
    type: concept(system, code, display),
    who: reference('Practitioner', 'Dr. Jones'),
    onBehalfOf: reference('Organization', 'General Hospital'),
  });
  return {
    ...start('Provenance'),
    ...meta(`${CORE}provenance`),
    target: ['Patient', 'Observation', 'Encounter', 'Condition', 'Claim', 'Procedure', 'DiagnosticReport'].map((type) => reference(type)),
    recorded: instant(),
    activity: concept(`${THO}v3-DataOperation`, 'CREATE', 'create'),
    agent: [
      agent(`${THO}provenance-participant-type`, 'author', 'Author'),
      agent('http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type', 'transmitter', 'Transmitter'),
    ],
  };
}

function auditEvent(type: string, display: string): Sample {
  return {
    ...start('AuditEvent'),
    type: coding(type === 'rest' ? `${THO}audit-event-type` : DICOM, type, display),
    subtype: [coding('http://hl7.org/fhir/restful-interaction', 'read', 'read')],
    action: 'R',
    period: period(),
    recorded: instant(),
    outcome: '0',
    purposeOfEvent: [concept(`${THO}v3-ActReason`, 'TREAT', 'treatment')],
    agent: [
      {
        type: concept(DICOM, '110153', 'Source Role ID'),
        who: reference('Practitioner'),
        altId: number(),
        name: number(),
        requestor: true,
        network: { address: '127.0.0.1', type: '2' },
      },
      { type: concept(DICOM, '110152', 'Destination Role ID'), who: { display: number() }, requestor: false },
    ],
    source: { observer: { display: number() }, type: [coding(`${THO}security-source-type`, '4', 'Application Server')] },
    entity: [
      {
        what: reference('Patient'),
        type: coding(`${THO}audit-entity-type`, '1', 'Person'),
        role: coding(`${THO}object-role`, '1', 'Patient'),
        query: number(),
      },
      {
        what: reference('Observation'),
        type: coding('http://hl7.org/fhir/resource-types', 'Observation', 'Observation'),
        role: coding(`${THO}object-role`, '4', 'Domain Resource'),
        detail: [{ type: 'request', valueString: uuid() }],
      },
    ],
  };
}

import {
  CORE,
  codeOnly,
  coding,
  concept,
  day,
  findings,
  identifier,
  instant,
  inVisit,
  LOINC,
  meta,
  narrative,
  number,
  period,
  quantity,
  reference,
  RXNORM,
  type Sample,
  SNOMED,
  start,
  THO,
} from './parts.ts';

const vaccines = [
  ['140', 'Influenza, seasonal, injectable, preservative free'],
  ['115', 'Tdap'],
  ['208', 'SARS-COV-2 (COVID-19) vaccine, mRNA, spike protein, LNP, preservative free, 30 mcg/0.3mL dose'],
] as const;
/** SNOMED CT code and display, CPT code and display. */
const procedures = [
  ['430193006', 'Medication Reconciliation (procedure)', '99213', 'Office or other outpatient visit'],
  ['710824005', 'Assessment of health and social care needs (procedure)', '36415', 'Collection of venous blood by venipuncture'],
] as const;
const visits = [
  ['AMB', 'ambulatory'],
  ['IMP', 'inpatient encounter'],
  ['EMER', 'emergency'],
] as const;

export function encounters(): Sample[] {
  return findings.flatMap(([finding, findingName]) =>
    visits.map(([code, display]) => ({
      ...start('Encounter'),
      ...meta(`${CORE}encounter`),
      ...identifier('https://example.org/visits'),
      status: 'finished',
      class: coding(`${THO}v3-ActCode`, code, display),
      type: [concept(SNOMED, '185345009', 'Encounter for symptom (procedure)')],
      priority: concept(`${THO}v3-ActPriority`, 'R', 'routine'),
      subject: reference('Patient', 'Mr. Smith'),
      participant: [
        {
          type: [concept(`${THO}v3-ParticipationType`, 'PPRF', 'primary performer')],
          period: period(),
          individual: reference('Practitioner', 'Dr. Jones'),
        },
      ],
      period: period(),
      reasonCode: [concept(SNOMED, finding, findingName)],
      reasonReference: [reference('Condition')],
      diagnosis: [{ condition: reference('Condition'), use: concept(`${THO}diagnosis-role`, 'AD', 'Admission diagnosis'), rank: 1 }],
      hospitalization: { dischargeDisposition: concept(`${THO}discharge-disposition`, 'home', 'Home') },
      location: [{ location: reference('Location', 'General Hospital') }],
      serviceProvider: reference('Organization', 'General Hospital'),
    })),
  );
}

export function clinical(): Sample[] {
  return [
    ...findings.flatMap(conditions),
    ...allergies(),
    ...procedures.flatMap(performed),
    ...vaccines.map(immunization),
    carePlan(),
    careTeam(),
    goal(),
  ];
}

function conditions([code, display, icd, icdDisplay]: (typeof findings)[number]): Sample[] {
  return [
    {
      ...start('Condition'),
      ...meta(`${CORE}condition-encounter-diagnosis`),
      ...identifier('https://example.org/conditions'),
      clinicalStatus: codeOnly(`${THO}condition-clinical`, 'active', 'Active'),
      verificationStatus: codeOnly(`${THO}condition-ver-status`, 'confirmed', 'Confirmed'),
      category: [codeOnly(`${THO}condition-category`, 'encounter-diagnosis', 'Encounter Diagnosis')],
      severity: concept(SNOMED, '24484000', 'Severe'),
      code: { coding: [coding(SNOMED, code, display), coding('http://hl7.org/fhir/sid/icd-10-cm', icd, icdDisplay)], text: display },
      bodySite: [concept(SNOMED, '344001', 'Ankle')],
      ...inVisit(),
      onsetDateTime: instant(),
      abatementDateTime: instant(),
      recordedDate: instant(),
      recorder: reference('Practitioner'),
      asserter: reference('Practitioner'),
    },
    {
      ...start('Condition'),
      ...meta(`${CORE}condition-problems-health-concerns`),
      clinicalStatus: codeOnly(`${THO}condition-clinical`, 'resolved'),
      verificationStatus: codeOnly(`${THO}condition-ver-status`, 'confirmed'),
      category: [codeOnly(`${THO}condition-category`, 'problem-list-item', 'Problem List Item')],
      code: concept(SNOMED, code, display),
      ...inVisit(),
      onsetDateTime: instant(),
      recordedDate: instant(),
      note: [{ text: number() }],
    },
  ];
}

function allergies(): Sample[] {
  return ['food', 'medication', 'environment'].map((category) => ({
    ...start('AllergyIntolerance'),
    ...meta(`${CORE}allergyintolerance`),
    clinicalStatus: codeOnly(`${THO}allergyintolerance-clinical`, 'active', 'Active'),
    verificationStatus: codeOnly(`${THO}allergyintolerance-verification`, 'confirmed', 'Confirmed'),
    type: 'allergy',
    category: [category],
    criticality: 'low',
    code: concept(SNOMED, '91935009', 'Allergy to peanut'),
    patient: reference('Patient'),
    onsetDateTime: instant(),
    recordedDate: instant(),
    recorder: reference('Practitioner'),
    reaction: [
      {
        substance: concept(RXNORM, number(), 'Penicillin'),
        manifestation: [concept(SNOMED, '271807003', 'Eruption of skin (disorder)')],
        severity: 'mild',
      },
    ],
  }));
}

function performed([code, display, cpt, cptDisplay]: (typeof procedures)[number]): Sample[] {
  return [
    {
      ...start('Procedure'),
      ...meta(`${CORE}procedure`),
      status: 'completed',
      category: concept(SNOMED, '387713003', 'Surgical procedure'),
      code: { coding: [coding(SNOMED, code, display), coding('http://www.ama-assn.org/go/cpt', cpt, cptDisplay)], text: display },
      ...inVisit(),
      performedPeriod: period(),
      performer: [{ function: concept(SNOMED, '304292004', 'Surgeon'), actor: reference('Practitioner') }],
      location: reference('Location', 'General Hospital'),
      reasonReference: [reference('Condition', 'Condition')],
      bodySite: [concept(SNOMED, '344001', 'Ankle')],
      outcome: concept(SNOMED, '385669000', 'Successful'),
      report: [reference('DiagnosticReport')],
      note: [{ text: number() }],
    },
    {
      ...start('Procedure'),
      ...meta(`${CORE}procedure`),
      status: 'completed',
      code: concept(SNOMED, code, display),
      ...inVisit(),
      performedDateTime: instant(),
    },
  ];
}

function immunization([code, display]: (typeof vaccines)[number]): Sample {
  return {
    ...start('Immunization'),
    ...meta(`${CORE}immunization`),
    status: 'completed',
    vaccineCode: concept('http://hl7.org/fhir/sid/cvx', code, display),
    patient: reference('Patient'),
    encounter: reference('Encounter'),
    occurrenceDateTime: instant(),
    primarySource: true,
    location: reference('Location', 'General Hospital'),
    manufacturer: reference('Organization'),
    lotNumber: number(),
    expirationDate: day(),
    site: concept(`${THO}v3-ActSite`, 'LA', 'left arm'),
    route: concept(`${THO}v3-RouteOfAdministration`, 'IM', 'Injection, intramuscular'),
    doseQuantity: quantity('mL', 'mL'),
    performer: [{ function: concept(`${THO}v2-0443`, 'AP', 'Administering Provider'), actor: reference('Practitioner') }],
    protocolApplied: [{ doseNumberPositiveInt: 1 }],
  };
}

function carePlan(): Sample {
  return {
    ...start('CarePlan'),
    ...meta(`${CORE}careplan`),
    ...narrative('Care Plan for <br/>Activities: <ul><li>one</li><li>two</li></ul>'),
    status: 'active',
    intent: 'plan',
    category: [
      codeOnly('http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan'),
      concept(SNOMED, '698360004', 'Diabetes self management plan'),
    ],
    ...inVisit(),
    period: period(),
    author: reference('Practitioner'),
    careTeam: [reference('CareTeam')],
    addresses: [reference('Condition')],
    goal: [reference('Goal')],
    activity: [
      {
        detail: {
          code: concept(SNOMED, '160670007', 'Diabetic diet'),
          status: 'in-progress',
          location: { display: 'General Hospital' },
          scheduledString: number(),
        },
      },
      {
        detail: {
          kind: 'ServiceRequest',
          code: concept(SNOMED, '229065009', 'Exercise therapy'),
          status: 'in-progress',
          doNotPerform: false,
        },
      },
    ],
  };
}

function careTeam(): Sample {
  return {
    ...start('CareTeam'),
    ...meta(`${CORE}careteam`),
    status: 'active',
    category: [concept(LOINC, 'LA28865-6', 'Longitudinal care-coordination focused care team')],
    name: number(),
    ...inVisit(),
    period: period(),
    participant: [
      { role: [concept(SNOMED, '116154003', 'Patient')], member: reference('Patient', 'Mr. Smith') },
      { role: [concept(SNOMED, '223366009', 'Healthcare professional (occupation)')], member: reference('Practitioner', 'Dr. Jones') },
      {
        role: [concept(SNOMED, '224891009', 'Healthcare services (qualifier value)')],
        member: reference('Organization', 'General Hospital'),
      },
    ],
    reasonCode: [concept(SNOMED, '44054006', 'Diabetes mellitus type 2')],
    managingOrganization: [reference('Organization', 'General Hospital')],
  };
}

function goal(): Sample {
  return {
    ...start('Goal'),
    ...meta(`${CORE}goal`),
    lifecycleStatus: 'active',
    achievementStatus: concept(`${THO}goal-achievement`, 'in-progress', 'In Progress'),
    category: [concept(`${THO}goal-category`, 'dietary', 'Dietary')],
    description: { text: number() },
    subject: reference('Patient'),
    startDate: day(),
    target: [
      { measure: concept(LOINC, '4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'), detailQuantity: quantity('%', '%'), dueDate: day() },
    ],
    addresses: [reference('Condition')],
  };
}

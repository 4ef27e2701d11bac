import {
  CORE,
  codeOnly,
  concept,
  identifier,
  instant,
  meta,
  money,
  number,
  period,
  reference,
  type Sample,
  SNOMED,
  start,
  THO,
  typedIdentifier,
} from './parts.ts';

const service = () => concept(SNOMED, '185345009', 'Encounter for symptom (procedure)');

export function payment(): Sample[] {
  return ['institutional', 'professional', 'pharmacy'].flatMap((kind) => [claim(kind), explanationOfBenefit(kind), coverage()]);
}

function claim(kind: string): Sample {
  return {
    ...start('Claim'),
    ...identifier('https://example.org/claims'),
    status: 'active',
    type: codeOnly(`${THO}claim-type`, kind, kind),
    use: 'claim',
    patient: reference('Patient', 'Mr. Smith'),
    billablePeriod: period(),
    created: instant(),
    insurer: reference('Organization', 'Insurance'),
    provider: reference('Organization', 'General Hospital'),
    priority: codeOnly(`${THO}processpriority`, 'normal', 'Normal'),
    prescription: reference('MedicationRequest'),
    payee: { type: codeOnly(`${THO}payeetype`, 'provider', 'Provider') },
    facility: reference('Location', 'General Hospital'),
    supportingInfo: [
      {
        sequence: 1,
        category: codeOnly(`${THO}claiminformationcategory`, 'info', 'Information'),
        valueReference: reference('Immunization'),
      },
    ],
    diagnosis: [{ sequence: 1, diagnosisReference: reference('Condition') }],
    procedure: [{ sequence: 1, procedureReference: reference('Procedure') }],
    insurance: [{ sequence: 1, focal: true, coverage: reference('Coverage', 'Insurance') }],
    item: [1, 2].map((sequence) => ({
      sequence,
      diagnosisSequence: [1],
      procedureSequence: [1],
      informationSequence: [1],
      productOrService: service(),
      servicedPeriod: period(),
      quantity: { value: 1 },
      unitPrice: money(),
      net: money(),
      encounter: [reference('Encounter')],
    })),
    total: money(),
  };
}

function explanationOfBenefit(kind: string): Sample {
  const amount = (code: string, display: string) => ({ category: codeOnly(`${THO}adjudication`, code, display), amount: money() });
  const member = (sequence: number, code: string, display: string) => ({
    sequence,
    provider: reference('Practitioner'),
    role: codeOnly(`${THO}claimcareteamrole`, code, display),
  });
  return {
    ...start('ExplanationOfBenefit'),
    contained: [
      {
        resourceType: 'Coverage',
        id: 'coverage',
        status: 'active',
        type: { text: 'Insurance' },
        beneficiary: reference('Patient'),
        payor: [{ display: 'Insurance' }],
      },
    ],
    identifier: [{ system: 'https://bluebutton.cms.gov/resources/variables/clm_id', value: number() }],
    status: 'active',
    type: codeOnly(`${THO}claim-type`, kind, kind),
    use: 'claim',
    patient: reference('Patient'),
    billablePeriod: period(),
    created: instant(),
    insurer: { display: 'Insurance' },
    provider: reference('Practitioner'),
    referral: { reference: '#referral' },
    facility: reference('Location', 'General Hospital'),
    claim: reference('Claim'),
    outcome: 'complete',
    careTeam: [member(1, 'primary', 'Primary Care Practitioner'), member(2, 'supervisor', 'Supervising Provider')],
    diagnosis: [{ sequence: 1, diagnosisReference: reference('Condition'), type: [codeOnly(`${THO}ex-diagnosistype`, 'principal')] }],
    insurance: [{ focal: true, coverage: { reference: '#coverage', display: 'Insurance' } }],
    item: [1, 2].map((sequence) => ({
      sequence,
      diagnosisSequence: [1],
      category: codeOnly('https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd', '1', 'Medical care'),
      productOrService: service(),
      servicedPeriod: period(),
      locationCodeableConcept: codeOnly(`${THO}ex-serviceplace`, '19', 'Off Campus-Outpatient Hospital'),
      net: money(),
      encounter: [reference('Encounter')],
      adjudication: [
        amount('submitted', 'Submitted Amount'),
        amount('copay', 'CoPay'),
        amount('eligible', 'Eligible Amount'),
        amount('deductible', 'Deductible'),
        amount('benefit', 'Benefit Amount'),
      ],
    })),
    total: [amount('submitted', 'Submitted Amount'), amount('benefit', 'Benefit Amount')],
    payment: { amount: money() },
  };
}

function coverage(): Sample {
  return {
    ...start('Coverage'),
    ...meta(`${CORE}coverage`),
    identifier: [typedIdentifier('MB', 'Member Number', 'https://example.org/members')],
    status: 'active',
    type: concept(`${THO}v3-ActCode`, 'EHCPOL', 'extended healthcare'),
    subscriberId: number(),
    beneficiary: reference('Patient'),
    relationship: concept(`${THO}subscriber-relationship`, 'self', 'Self'),
    period: period(),
    payor: [reference('Organization', 'Insurance')],
    class: [{ type: codeOnly(`${THO}coverage-class`, 'group', 'Group'), value: number(), name: number() }],
  };
}

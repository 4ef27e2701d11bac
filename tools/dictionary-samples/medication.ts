import {
  CORE,
  codeOnly,
  concept,
  identifier,
  instant,
  inVisit,
  meta,
  number,
  period,
  quantity,
  reference,
  RXNORM,
  type Sample,
  SNOMED,
  start,
  THO,
  UCUM,
} from './parts.ts';

const drugs = [
  ['860975', '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet'],
  ['314076', 'lisinopril 10 MG Oral Tablet'],
  ['313782', 'Acetaminophen 325 MG Oral Tablet'],
  ['310798', 'Hydrochlorothiazide 25 MG Oral Tablet'],
  ['198405', 'Ibuprofen 100 MG Oral Tablet'],
] as const;

const dosage = (text: string) => ({
  sequence: 1,
  text,
  timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } },
  asNeededBoolean: false,
  route: concept(SNOMED, '26643006', 'Oral route'),
  doseAndRate: [
    {
      type: codeOnly(`${THO}dose-rate-type`, 'ordered', 'Ordered'),
      doseQuantity: { value: 1, unit: 'tablet', system: UCUM, code: '{tbl}' },
    },
  ],
});

export function medication(): Sample[] {
  return drugs.flatMap(([code, display]) => {
    const drug = concept(RXNORM, code, display);
    return [...requests(drug), statement(drug), administration(drug), dispense(), substance(drug)];
  });
}

function requests(drug: object): Sample[] {
  return [
    {
      ...start('MedicationRequest'),
      ...meta(`${CORE}medicationrequest`),
      ...identifier('https://example.org/prescriptions'),
      status: 'active',
      intent: 'order',
      category: [concept(`${THO}medicationrequest-category`, 'outpatient', 'Outpatient')],
      medicationCodeableConcept: drug,
      ...inVisit(),
      authoredOn: instant(),
      requester: reference('Practitioner', 'Dr. Jones'),
      reasonReference: [reference('Condition')],
      dosageInstruction: [dosage('Take one tablet by mouth once daily')],
      dispenseRequest: {
        validityPeriod: period(),
        numberOfRepeatsAllowed: 1,
        quantity: { value: 30, unit: 'TAB', system: `${THO}v3-orderableDrugForm`, code: 'TAB' },
        expectedSupplyDuration: quantity('days', 'd'),
      },
      substitution: { allowedBoolean: true },
    },
    {
      ...start('MedicationRequest'),
      ...meta(`${CORE}medicationrequest`),
      status: 'completed',
      intent: 'order',
      medicationCodeableConcept: drug,
      ...inVisit(),
      authoredOn: instant(),
      requester: reference('Practitioner', 'Dr. Jones'),
      dosageInstruction: [{ sequence: 1, text: 'Take as needed.', asNeededBoolean: true }],
    },
  ];
}

function statement(drug: object): Sample {
  return {
    ...start('MedicationStatement'),
    status: 'active',
    medicationCodeableConcept: drug,
    subject: reference('Patient'),
    context: reference('Encounter'),
    effectivePeriod: period(),
    dateAsserted: instant(),
    informationSource: reference('Patient'),
    dosage: [dosage('Take 1 tablet daily')],
  };
}

function administration(drug: object): Sample {
  return {
    ...start('MedicationAdministration'),
    status: 'completed',
    medicationCodeableConcept: drug,
    subject: reference('Patient'),
    context: reference('Encounter'),
    effectiveDateTime: instant(),
    performer: [{ actor: reference('Practitioner') }],
    reasonReference: [reference('Condition')],
    request: reference('MedicationRequest'),
    dosage: {
      text: number(),
      route: concept(SNOMED, '47625008', 'Intravenous route'),
      dose: quantity('mg', 'mg'),
      rateQuantity: quantity('mL/h', 'mL/h'),
    },
  };
}

function dispense(): Sample {
  return {
    ...start('MedicationDispense'),
    ...meta(`${CORE}medicationdispense`),
    status: 'completed',
    medicationReference: reference('Medication'),
    subject: reference('Patient'),
    context: reference('Encounter'),
    performer: [{ actor: reference('Practitioner') }],
    authorizingPrescription: [reference('MedicationRequest')],
    type: concept(`${THO}v3-ActCode`, 'FF', 'First Fill'),
    quantity: quantity('tablet', '{tbl}'),
    daysSupply: quantity('day', 'd'),
    whenPrepared: instant(),
    whenHandedOver: instant(),
    dosageInstruction: [dosage('Take one tablet by mouth once daily')],
  };
}

function substance(drug: object): Sample {
  return { ...start('Medication'), ...meta(`${CORE}medication`), code: drug, status: 'active' };
}

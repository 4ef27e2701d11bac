/** What the topics share: code systems, and the small datatypes made of them. */

export type Resource = { readonly resourceType: string } & Readonly<Record<string, unknown>>;

export type Coding = { readonly system: string; readonly code: string; readonly display: string };
export type CodeableConcept = { readonly coding: readonly Coding[]; readonly text: string };
export type Quantity = { readonly value: Decimal; readonly unit: string; readonly system: string; readonly code: string };

/** A number that is written with exactly the digits it was measured with: `7.0`, not `7`. */
export type Decimal = { readonly rawJSON: string };

const HL7 = 'http://terminology.hl7.org/CodeSystem';

export const SYSTEM = {
  loinc: 'http://loinc.org',
  snomed: 'http://snomed.info/sct',
  icd10: 'http://hl7.org/fhir/sid/icd-10-cm',
  rxnorm: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  cvx: 'http://hl7.org/fhir/sid/cvx',
  npi: 'http://hl7.org/fhir/sid/us-npi',
  ssn: 'http://hl7.org/fhir/sid/us-ssn',
  ucum: 'http://unitsofmeasure.org',
  language: 'urn:ietf:bcp:47',
  actCode: `${HL7}/v3-ActCode`,
  actReason: `${HL7}/v3-ActReason`,
  actSite: `${HL7}/v3-ActSite`,
  allergyClinical: `${HL7}/allergyintolerance-clinical`,
  allergyVerification: `${HL7}/allergyintolerance-verification`,
  appointmentReason: `${HL7}/v2-0276`,
  cancellation: `${HL7}/appointment-cancellation-reason`,
  conditionCategory: `${HL7}/condition-category`,
  conditionClinical: `${HL7}/condition-clinical`,
  conditionVerification: `${HL7}/condition-ver-status`,
  confidentiality: `${HL7}/v3-Confidentiality`,
  contactRole: `${HL7}/v2-0131`,
  degree: `${HL7}/v2-0360`,
  absent: `${HL7}/data-absent-reason`,
  diagnosisRole: `${HL7}/diagnosis-role`,
  diagnosticService: `${HL7}/v2-0074`,
  discharge: `${HL7}/discharge-disposition`,
  identifierType: `${HL7}/v2-0203`,
  interpretation: `${HL7}/v3-ObservationInterpretation`,
  locationType: `${HL7}/v3-RoleCode`,
  marital: `${HL7}/v3-MaritalStatus`,
  observationCategory: `${HL7}/observation-category`,
  organizationType: `${HL7}/organization-type`,
  participation: `${HL7}/v3-ParticipationType`,
  practitionerRole: `${HL7}/practitioner-role`,
  rangeMeaning: `${HL7}/referencerange-meaning`,
  requestCategory: `${HL7}/medicationrequest-category`,
  route: `${HL7}/v3-RouteOfAdministration`,
  statementCategory: `${HL7}/medication-statement-category`,
  // Ours: what hospitals call their own numbers. A reserved name, so no one else's.
  record: 'https://sample.example.org/sid/medical-record',
  site: 'https://sample.example.org/sid/site',
  staff: 'https://sample.example.org/sid/staff-role',
} as const;

export function coding(system: string, code: string, display: string): Coding {
  return { system, code, display };
}

export function concept(system: string, code: string, display: string, text = display): CodeableConcept {
  return { coding: [{ system, code, display }], text };
}

// TypeScript's library doesn't know JSON.rawJSON yet. @see https://tc39.es/proposal-json-parse-with-source/
const json = JSON as unknown as { rawJSON(text: string): Decimal };

function decimal(value: number, digits: number): Decimal {
  return json.rawJSON(value.toFixed(digits));
}

export function quantity(value: number, digits: number, unit: string, code: string): Quantity {
  return { value: decimal(value, digits), unit, system: SYSTEM.ucum, code };
}

/** A reference by the identifier that everyone knows: the server finds whose it is. */
export function byIdentifier(type: string, system: string, value: string, display?: string): { reference: string; display?: string } {
  const reference = `${type}?identifier=${system}|${value}`;
  return display === undefined ? { reference } : { reference, display };
}

import { hash } from 'node:crypto';

export type Sample = { readonly resourceType: string; readonly [element: string]: unknown };

export const THO = 'http://terminology.hl7.org/CodeSystem/';
export const LOINC = 'http://loinc.org';
export const SNOMED = 'http://snomed.info/sct';
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const UCUM = 'http://unitsofmeasure.org';
export const CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';
export const FHIR = 'http://hl7.org/fhir/StructureDefinition/';

let serial = 0;

/** Begins the series of ids, days and numbers anew. */
export function restart(): void {
  serial = 0;
}

// Ids, dates and numbers never repeat, so that training takes none of them for a common text.
export const uuid = (): string => {
  const hex = hash('sha256', String(serial++));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
export const day = (): string => {
  serial++;
  return `20${10 + (serial % 16)}-${String(1 + (serial % 12)).padStart(2, '0')}-${String(1 + (serial % 28)).padStart(2, '0')}`;
};
export const instant = (): string => `${day()}T${String(8 + (serial % 12)).padStart(2, '0')}:${String(serial % 60).padStart(2, '0')}:00Z`;
export const number = (): string => String((serial++ * 48271) % 99991);

export const coding = (system: string, code: string, display?: string) =>
  display === undefined ? { system, code } : { system, code, display };
export const codeOnly = (system: string, code: string, display?: string) => ({ coding: [coding(system, code, display)] });
export const concept = (system: string, code: string, display: string) => ({ coding: [coding(system, code, display)], text: display });
export const reference = (type: string, display?: string) => ({
  reference: `${type}/${uuid()}`,
  ...(display === undefined ? {} : { display }),
});
export const period = () => ({ start: instant(), end: instant() });
export const money = () => ({ value: Number(number()) / 100, currency: 'USD' });
export const quantity = (unit: string, code: string) => ({ value: Number(number()) / 10, unit, system: UCUM, code });
export const start = (resourceType: string) => ({ resourceType, id: uuid() });
export const meta = (...profile: readonly string[]) => ({ meta: { profile } });
export const narrative = (text: string) => ({
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${text}</div>` },
});
export const identifier = (system: string) => ({ identifier: [{ use: 'official', system, value: number() }] });
export const typedIdentifier = (code: string, display: string, system: string) => ({
  type: { coding: [coding(`${THO}v2-0203`, code, display)], text: display },
  system,
  value: number(),
});
export const phone = (use: string) => ({ system: 'phone', value: `555-${number()}`, use });
export const email = () => ({ system: 'email', value: `${number()}@example.org`, use: 'work' });
export const address = () => ({ line: [`${number()} Street`], city: 'Springfield', state: 'MA', postalCode: number(), country: 'US' });
export const inVisit = () => ({ subject: reference('Patient'), encounter: reference('Encounter') });

/** SNOMED CT code and display, ICD-10-CM code and display. */
export const findings = [
  ['38341003', 'Hypertensive disorder', 'I10', 'Essential (primary) hypertension'],
  ['44054006', 'Diabetes mellitus type 2', 'E11.9', 'Type 2 diabetes mellitus without complications'],
  ['195662009', 'Acute viral pharyngitis (disorder)', 'J02.9', 'Acute pharyngitis, unspecified'],
  ['444814009', 'Viral sinusitis (disorder)', 'J01.90', 'Acute sinusitis, unspecified'],
  ['162864005', 'Body mass index 30+ - obesity (finding)', 'E66.9', 'Obesity, unspecified'],
] as const;
/** LOINC code and name, UCUM unit. */
export const labs = [
  ['2339-0', 'Glucose [Mass/volume] in Blood', 'mg/dL'],
  ['6299-2', 'Urea nitrogen [Mass/volume] in Blood', 'mg/dL'],
  ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL'],
  ['2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L'],
  ['2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L'],
  ['2075-0', 'Chloride [Moles/volume] in Serum or Plasma', 'mmol/L'],
  ['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL'],
  ['2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 'mg/dL'],
  ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%'],
  ['718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL'],
  ['4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count', '%'],
  ['6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL'],
  ['789-8', 'Erythrocytes [#/volume] in Blood by Automated count', '10*6/uL'],
  ['777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL'],
  ['1742-6', 'Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma', 'U/L'],
  ['33914-3', 'Glomerular filtration rate/1.73 sq M.predicted', 'mL/min/{1.73_m2}'],
  ['5792-7', 'Glucose [Mass/volume] in Urine by Test strip', 'mg/dL'],
  ['5811-5', 'Specific gravity of Urine by Test strip', '{nominal}'],
] as const;

import type { Measure } from './observations.ts';

/** The laboratory's tests: LOINC, UCUM, and an adult's reference range. */

export const A1C: Measure = {
  loinc: '4548-4',
  display: 'Hemoglobin A1c/Hemoglobin.total in Blood',
  text: 'HbA1c',
  unit: '%',
  ucum: '%',
  digits: 1,
  low: 4,
  high: 5.6,
};
export const GLUCOSE: Measure = {
  loinc: '2345-7',
  display: 'Glucose [Mass/volume] in Serum or Plasma',
  text: 'Glucose',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  low: 70,
  high: 99,
  panicLow: 50,
  panicHigh: 400,
};
export const CHOLESTEROL: Measure = {
  loinc: '2093-3',
  display: 'Cholesterol [Mass/volume] in Serum or Plasma',
  text: 'Total cholesterol',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  high: 200,
};
export const LDL: Measure = {
  loinc: '13457-7',
  display: 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation',
  text: 'LDL cholesterol',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  high: 100,
};
export const HDL: Measure = {
  loinc: '2085-9',
  display: 'Cholesterol in HDL [Mass/volume] in Serum or Plasma',
  text: 'HDL cholesterol',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  low: 40,
};
export const TRIGLYCERIDES: Measure = {
  loinc: '2571-8',
  display: 'Triglyceride [Mass/volume] in Serum or Plasma',
  text: 'Triglycerides',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  high: 150,
};
export const CREATININE: Measure = {
  loinc: '2160-0',
  display: 'Creatinine [Mass/volume] in Serum or Plasma',
  text: 'Creatinine',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 2,
  low: 0.5,
  high: 1.2,
};
export const EGFR: Measure = {
  loinc: '98979-8',
  display: 'Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)/1.73 sq M',
  text: 'eGFR',
  unit: 'mL/min/1.73m2',
  ucum: 'mL/min/{1.73_m2}',
  digits: 0,
  low: 60,
  panicLow: 15,
};
export const POTASSIUM: Measure = {
  loinc: '2823-3',
  display: 'Potassium [Moles/volume] in Serum or Plasma',
  text: 'Potassium',
  unit: 'mmol/L',
  ucum: 'mmol/L',
  digits: 1,
  low: 3.5,
  high: 5.1,
  panicLow: 2.8,
  panicHigh: 6.2,
};
export const SODIUM: Measure = {
  loinc: '2951-2',
  display: 'Sodium [Moles/volume] in Serum or Plasma',
  text: 'Sodium',
  unit: 'mmol/L',
  ucum: 'mmol/L',
  digits: 0,
  low: 136,
  high: 145,
  panicLow: 120,
  panicHigh: 160,
};
export const UREA: Measure = {
  loinc: '3094-0',
  display: 'Urea nitrogen [Mass/volume] in Serum or Plasma',
  text: 'Urea nitrogen',
  unit: 'mg/dL',
  ucum: 'mg/dL',
  digits: 0,
  low: 7,
  high: 20,
};
export const ALBUMINURIA: Measure = {
  loinc: '9318-7',
  display: 'Albumin/Creatinine [Mass Ratio] in Urine',
  text: 'Urine albumin/creatinine',
  unit: 'mg/g',
  ucum: 'mg/g',
  digits: 0,
  high: 30,
};
export const HEMOGLOBIN: Measure = {
  loinc: '718-7',
  display: 'Hemoglobin [Mass/volume] in Blood',
  text: 'Hemoglobin',
  unit: 'g/dL',
  ucum: 'g/dL',
  digits: 1,
  low: 12,
  high: 17.2,
  panicLow: 7,
};
export const HEMATOCRIT: Measure = {
  loinc: '4544-3',
  display: 'Hematocrit [Volume Fraction] of Blood by Automated count',
  text: 'Hematocrit',
  unit: '%',
  ucum: '%',
  digits: 1,
  low: 36,
  high: 51,
};
export const LEUKOCYTES: Measure = {
  loinc: '6690-2',
  display: 'Leukocytes [#/volume] in Blood by Automated count',
  text: 'White cells',
  unit: '10*3/uL',
  ucum: '10*3/uL',
  digits: 1,
  low: 4,
  high: 11,
};
export const PLATELETS: Measure = {
  loinc: '777-3',
  display: 'Platelets [#/volume] in Blood by Automated count',
  text: 'Platelets',
  unit: '10*3/uL',
  ucum: '10*3/uL',
  digits: 0,
  low: 150,
  high: 400,
};
export const TSH: Measure = {
  loinc: '3016-3',
  display: 'Thyrotropin [Units/volume] in Serum or Plasma',
  text: 'TSH',
  unit: 'm[IU]/L',
  ucum: 'm[IU]/L',
  digits: 2,
  low: 0.4,
  high: 4.5,
};

import { ageAt } from './calendar.ts';
import { coding, concept, type Resource, SYSTEM } from './coding.ts';
import type { Course } from './course.ts';
import { bodyAt } from './growth.ts';
import { codeOf, judgedValue, type Measure, type Occasion, observation, quantityOf } from './observations.ts';
import type { Random } from './random.ts';

const PULSE: Measure = { loinc: '8867-4', display: 'Heart rate', text: 'Heart rate', unit: 'beats/minute', ucum: '/min', digits: 0 };
const BREATHING: Measure = {
  loinc: '9279-1',
  display: 'Respiratory rate',
  text: 'Respiratory rate',
  unit: 'breaths/minute',
  ucum: '/min',
  digits: 0,
};
const TEMPERATURE: Measure = { loinc: '8310-5', display: 'Body temperature', text: 'Body temperature', unit: 'C', ucum: 'Cel', digits: 1 };
const OXYGEN: Measure = {
  loinc: '59408-5',
  display: 'Oxygen saturation in Arterial blood by Pulse oximetry',
  text: 'Oxygen saturation',
  unit: '%',
  ucum: '%',
  digits: 0,
  low: 94,
  panicLow: 88,
};
const WEIGHT: Measure = { loinc: '29463-7', display: 'Body weight', text: 'Weight', unit: 'kg', ucum: 'kg', digits: 1 };
const HEIGHT: Measure = { loinc: '8302-2', display: 'Body height', text: 'Height', unit: 'cm', ucum: 'cm', digits: 1 };
const BMI: Measure = {
  loinc: '39156-5',
  display: 'Body mass index (BMI) [Ratio]',
  text: 'BMI',
  unit: 'kg/m2',
  ucum: 'kg/m2',
  digits: 1,
  low: 18.5,
  high: 25,
};
const HEAD: Measure = {
  loinc: '9843-4',
  display: 'Head Occipital-frontal circumference',
  text: 'Head circumference',
  unit: 'cm',
  ucum: 'cm',
  digits: 1,
};
const SYSTOLIC: Measure = {
  loinc: '8480-6',
  display: 'Systolic blood pressure',
  text: 'Systolic',
  unit: 'mmHg',
  ucum: 'mm[Hg]',
  digits: 0,
  low: 90,
  high: 129,
  panicHigh: 180,
};
const DIASTOLIC: Measure = {
  loinc: '8462-4',
  display: 'Diastolic blood pressure',
  text: 'Diastolic',
  unit: 'mmHg',
  ucum: 'mm[Hg]',
  digits: 0,
  low: 60,
  high: 84,
  panicHigh: 120,
};

const SMOKING = {
  never: ['266919005', 'Never smoked tobacco'],
  former: ['8517006', 'Ex-smoker'],
  current: ['449868002', 'Smokes tobacco daily'],
} as const;

/** What is measured when a patient comes in, by age and by why. @see https://hl7.org/fhir/R4/observation-vitalsigns.html */
export function vitalSigns(occasion: Occasion, course: Course, random: Random): Resource[] {
  const { person, visit, at } = occasion;
  const age = ageAt(person.birth, at);
  const state = course.stateAt(at);
  const isSick = visit.acute !== undefined;
  const body = bodyAt(person, state.bmi, at);
  const found: Resource[] = [];
  const measured = (measure: Measure, value: number): void => {
    const hasRange = measure.low !== undefined && age >= 18;
    found.push(
      observation(
        occasion,
        'vital-signs',
        codeOf(measure),
        hasRange ? judgedValue(measure, value) : { valueQuantity: quantityOf(measure, value) },
      ),
    );
  };
  const lungs = course.illnesses.some((illness) => illness.key === 'copd' && illness.onset < at) ? 4 : 0;
  const fever = visit.acute?.fever === true ? Math.max(0, random.normal(1.1, 0.6)) : 0;

  measured(PULSE, random.normal(age < 1 ? 130 : age < 6 ? 105 : age < 16 ? 84 : 72, 7) + fever * 8);
  if (age >= 3) found.push(bloodPressure(occasion, age < 18 ? 92 + age * 1.4 : state.systolic, age, random));
  if (isSick || age < 3) {
    measured(TEMPERATURE, random.normal(36.8, 0.2) + fever);
    measured(BREATHING, random.normal(age < 1 ? 38 : age < 6 ? 26 : 16, 1.6) + fever * 2 + lungs);
  }
  if (isSick || lungs > 0) measured(OXYGEN, Math.min(100, random.normal(97.6, 0.9) - lungs));
  if (!isSick) {
    const weight = Number(random.normal(body.weightKg, 0.4).toFixed(1));
    const height = Number(body.heightCm.toFixed(1));
    measured(WEIGHT, weight);
    if (age < 20 || random.chance(0.35)) measured(HEIGHT, height);
    if (age >= 2) measured(BMI, weight / (height / 100) ** 2);
    if (age < 2.2) measured(HEAD, 35 + 12.5 * (1 - Math.exp(-age * 1.7)) + random.normal(0, 0.4));
    if (age >= 14 && visit.kind !== 'follow-up') found.push(smokingStatus(occasion));
  }
  return found;
}

function bloodPressure(occasion: Occasion, systolic: number, age: number, random: Random): Resource {
  const upper = Math.max(78, random.normal(systolic, 5));
  // Arteries stiffen with age: the lower value falls behind the upper.
  const lower = Math.min(upper - 18, random.normal(upper * (age > 60 ? 0.57 : 0.63), 3));
  const part = (measure: Measure, value: number) => {
    const { valueQuantity, interpretation, referenceRange } = judgedValue(measure, value);
    return age < 18 ? { code: codeOf(measure), valueQuantity } : { code: codeOf(measure), valueQuantity, interpretation, referenceRange };
  };
  const panel = concept(SYSTEM.loinc, '85354-9', 'Blood pressure panel with all children optional', 'Blood pressure');
  return observation(occasion, 'vital-signs', panel, {
    bodySite: concept(SYSTEM.snomed, '368209003', 'Right upper arm structure', 'Right arm'),
    component: [part(SYSTOLIC, upper), part(DIASTOLIC, lower)],
  });
}

function smokingStatus(occasion: Occasion): Resource {
  const [code, display] = SMOKING[occasion.person.smoking];
  const question = concept(SYSTEM.loinc, '72166-2', 'Tobacco smoking status', 'Smoking status');
  return observation(occasion, 'social-history', question, {
    valueCodeableConcept: { coding: [coding(SYSTEM.snomed, code, display)], text: display },
  });
}

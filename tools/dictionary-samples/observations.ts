import {
  CORE,
  coding,
  concept,
  FHIR,
  inVisit,
  instant,
  LOINC,
  labs,
  meta,
  number,
  quantity,
  reference,
  type Sample,
  SNOMED,
  start,
  THO,
} from './parts.ts';

const vitals = [
  ['8867-4', 'Heart rate', '/min', 'heartrate'],
  ['9279-1', 'Respiratory rate', '/min', 'resprate'],
  ['8310-5', 'Body temperature', 'Cel', 'bodytemp'],
  ['8302-2', 'Body Height', 'cm', 'bodyheight'],
  ['29463-7', 'Body Weight', 'kg', 'bodyweight'],
  ['39156-5', 'Body Mass Index', 'kg/m2', 'bmi'],
  ['2708-6', 'Oxygen saturation in Arterial blood', '%', 'oxygensat'],
  ['72514-3', 'Pain severity - 0-10 verbal numeric rating [Score] - Reported', '{score}', 'vitalsigns'],
] as const;

const categoryOf = (code: string, display: string) => ({ category: [{ coding: [coding(`${THO}observation-category`, code, display)] }] });

export function observations(): Sample[] {
  return [
    ...vitals.flatMap(([code, name, unit, profile]) =>
      measured(FHIR + profile, categoryOf('vital-signs', 'Vital Signs'), [code, name, unit]),
    ),
    ...labs.flatMap((lab) => measured(`${CORE}observation-lab`, categoryOf('laboratory', 'Laboratory'), lab)),
    bloodPressure(),
    answered('social-history', 'Social History', { valueCodeableConcept: concept(SNOMED, '266919005', 'Never smoked tobacco (finding)') }),
    answered('survey', 'Survey', { valueString: number(), derivedFrom: [reference('QuestionnaireResponse')] }),
    answered('exam', 'Exam', { valueBoolean: true, hasMember: [reference('Observation')] }),
    answered('imaging', 'Imaging', { dataAbsentReason: concept(`${THO}data-absent-reason`, 'unknown', 'Unknown') }),
  ];
}

/** Once with little, once with all that laboratories send. */
function measured(profile: string, category: object, [code, name, unit]: readonly [string, string, string]): Sample[] {
  const head = () => ({
    ...start('Observation'),
    ...meta(profile),
    status: 'final',
    ...category,
    code: concept(LOINC, code, name),
    ...inVisit(),
  });
  const when = () => ({ effectiveDateTime: instant(), issued: instant().replace('Z', '.000Z') });
  return [
    { ...head(), ...when(), valueQuantity: quantity(unit, unit) },
    {
      ...head(),
      ...when(),
      performer: [reference('Practitioner')],
      valueQuantity: quantity(unit, unit),
      interpretation: [concept(`${THO}v3-ObservationInterpretation`, 'N', 'Normal')],
      referenceRange: [{ low: quantity(unit, unit), high: quantity(unit, unit), text: `${number()}-${number()} ${unit}` }],
    },
  ];
}

function bloodPressure(): Sample {
  const part = (code: string, name: string) => ({ code: concept(LOINC, code, name), valueQuantity: quantity('mm[Hg]', 'mm[Hg]') });
  return {
    ...start('Observation'),
    ...meta(`${FHIR}bp`, `${FHIR}vitalsigns`),
    status: 'final',
    ...categoryOf('vital-signs', 'Vital Signs'),
    code: { coding: [coding(LOINC, '85354-9', 'Blood pressure panel with all children optional')], text: 'Blood pressure' },
    ...inVisit(),
    effectiveDateTime: instant(),
    issued: instant(),
    component: [part('8480-6', 'Systolic blood pressure'), part('8462-4', 'Diastolic blood pressure')],
  };
}

function answered(category: string, display: string, value: object): Sample {
  return {
    ...start('Observation'),
    status: 'final',
    ...categoryOf(category, display),
    code: concept(LOINC, '72166-2', 'Tobacco smoking status NHIS'),
    ...inVisit(),
    effectiveDateTime: instant(),
    issued: instant(),
    ...value,
  };
}

import { dateTimeOf, instantOf, MINUTE_MS } from './calendar.ts';
import { type CodeableConcept, coding, concept, type Quantity, quantity, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference } from './directory.ts';
import type { Person } from './person.ts';
import type { Visit } from './visits.ts';

/** A thing that can be measured: LOINC, its unit (people's and UCUM's), digits, and between what it is normal. */
export type Measure = {
  readonly loinc: string;
  readonly display: string;
  readonly text: string;
  readonly unit: string;
  readonly ucum: string;
  readonly digits: number;
  readonly low?: number;
  readonly high?: number;
  /** Beyond these it is critical. */
  readonly panicLow?: number;
  readonly panicHigh?: number;
};

/** Where an Observation belongs. `at` is when, `issued` minutes later. */
export type Occasion = {
  readonly person: Person;
  readonly visit: Visit;
  readonly patient: string;
  readonly encounter: string;
  readonly at: number;
};

export type Category = 'vital-signs' | 'laboratory' | 'social-history';
const CATEGORY_NAMES: Readonly<Record<Category, string>> = {
  'vital-signs': 'Vital Signs',
  laboratory: 'Laboratory',
  'social-history': 'Social History',
};

/** What all Observations of ours have in common; the caller adds the value. */
export function observation(
  occasion: Occasion,
  category: Category,
  code: CodeableConcept,
  value: Readonly<Record<string, unknown>>,
  delayMinutes = 2,
): Resource {
  const { person, visit, patient, encounter, at } = occasion;
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [coding(SYSTEM.observationCategory, category, CATEGORY_NAMES[category])] }],
    code,
    subject: { reference: patient },
    encounter: { reference: encounter },
    effectiveDateTime: dateTimeOf(at, person.site.offset),
    issued: instantOf(at + delayMinutes * MINUTE_MS),
    performer: [clinicianReference(visit.clinician)],
    ...value,
  };
}

export function codeOf(measure: Measure): CodeableConcept {
  return concept(SYSTEM.loinc, measure.loinc, measure.display, measure.text);
}

export function quantityOf(measure: Measure, value: number): Quantity {
  return quantity(value, measure.digits, measure.unit, measure.ucum);
}

const INTERPRETATIONS = {
  LL: 'Critical low',
  L: 'Low',
  N: 'Normal',
  H: 'High',
  HH: 'Critical high',
} as const;

export type Interpretation = keyof typeof INTERPRETATIONS;

/** What the value means, judged as it is written: rounded to the measure's digits. */
export function interpret(measure: Measure, value: number): Interpretation {
  const { low, high, panicLow, panicHigh } = measure;
  const written = Number(value.toFixed(measure.digits));
  if (panicLow !== undefined && written < panicLow) return 'LL';
  if (panicHigh !== undefined && written > panicHigh) return 'HH';
  if (low !== undefined && written < low) return 'L';
  return high !== undefined && written > high ? 'H' : 'N';
}

/** Value, interpretation and reference range of a measure that has one. */
export function judgedValue(measure: Measure, value: number): Readonly<Record<string, unknown>> {
  const code = interpret(measure, value);
  const { low, high } = measure;
  return {
    valueQuantity: quantityOf(measure, value),
    interpretation: [{ coding: [coding(SYSTEM.interpretation, code, INTERPRETATIONS[code])], text: INTERPRETATIONS[code] }],
    referenceRange: [
      {
        ...(low === undefined ? {} : { low: quantityOf(measure, low) }),
        ...(high === undefined ? {} : { high: quantityOf(measure, high) }),
        type: { coding: [coding(SYSTEM.rangeMeaning, 'normal', 'Normal Range')] },
        text: rangeText(measure),
      },
    ],
  };
}

function rangeText({ low, high, unit, digits }: Measure): string {
  if (low === undefined) return `up to ${high?.toFixed(digits)} ${unit}`;
  return high === undefined ? `from ${low.toFixed(digits)} ${unit}` : `${low.toFixed(digits)} to ${high.toFixed(digits)} ${unit}`;
}

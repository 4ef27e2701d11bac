import { canonicalUnit, dimensionsOf, ucumSystem } from '../../terminology/units.ts';
import type { components } from '../api-types.ts';
import {
  codeOfWord,
  filled,
  given,
  idIn,
  keptOf,
  numberOf,
  type Part,
  partOf,
  partsOf,
  referenceTo,
  resourceFrom,
  stampOf,
  textOf,
  utcOf,
  wordOfCode,
  wordsOf,
} from '../parts.ts';
import { escaped } from '../patients/patient-view.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type LabResultInput = Schemas['LabResultInput'];
export type LabResult = Schemas['LabResult'];

const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';
const interpretations = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
const loinc = 'http://loinc.org';
const isLoincCode = (code: string): boolean => /^\d{1,7}-\d$/.test(code);

const interpretationCodes: Readonly<Record<Schemas['LabResultInterpretation'], string>> = {
  normal: 'N',
  abnormal: 'A',
  critical: 'AA',
  low: 'L',
  critical_low: 'LL',
  high: 'H',
  critical_high: 'HH',
};
const interpretationWords = new Map(Object.entries(interpretationCodes).map(([word, code]) => [code, word]));

/** `/lab-results`: an Observation of the category laboratory. */
export const labResultView: View<LabResultInput, LabResult> = {
  type: 'Observation',
  name: 'lab result',
  shows: [['category', `${categories}|laboratory`]],
  isShown: (resource) =>
    partsOf(resource.category).some(({ coding }) =>
      partsOf(coding).some(({ system, code }) => system === categories && code === 'laboratory'),
    ),
  toView,
  toResource,
  queries: {
    patient_id: (value) => [['patient', `Patient/${value}`]],
    test_code: (value) => [['code', escaped(value)]],
    from: (value) => [['date', `ge${new Date(value).toISOString()}`]],
    to: (value) => [['date', `lt${new Date(value).toISOString()}`]],
    status: (value) => [['status', codeOfWord(value)]],
  },
  sort: '-date',
  path: (id) => `/lab-results/${id}`,
};

function toView(resource: Resource): LabResult {
  const quantity = partOf(resource.valueQuantity);
  return filled({
    lab_result_id: textOf(resource.id) ?? '',
    patient_id: idIn(resource.subject, 'Patient'),
    provider_id: partsOf(resource.performer)
      .map((performer) => idIn(performer, 'Practitioner'))
      .find((id) => id !== undefined),
    test_name: wordsOf(resource.code),
    test_code: textOf(codingOf(resource)?.code),
    result_value: numberOf(quantity?.value) ?? numberOf(resource.valueInteger),
    result_comparator: textOf(quantity?.comparator),
    result_unit: unitOf(quantity),
    result_text: textIn(resource),
    reference_range: rangeOf(resource),
    interpretation: interpretationOf(partsOf(resource.interpretation)[0]),
    status: wordOfCode(resource.status),
    collected_at: collectedAt(resource),
    resulted_at: utcOf(resource.issued),
    notes: partsOf(resource.note).flatMap(({ text }) => textOf(text) ?? [])[0],
    ...stampOf(resource),
  }) as LabResult;
}

/** What the test is found by: the first coding with a code. */
export const codingOf = (resource: Resource): Part | undefined =>
  partsOf(partOf(resource.code)?.coding).find(({ code }) => textOf(code) !== undefined);

/** The code of its test, if it is one that LOINC can have. */
export function loincOf(resource: Resource): string | undefined {
  const { system, code } = codingOf(resource) ?? {};
  const text = textOf(code);
  return system === loinc && text !== undefined && isLoincCode(text) ? text : undefined;
}

/** A UCUM code where there is one, else the unit as it was written. */
export const unitOf = (quantity: Part | undefined): string | undefined =>
  (quantity?.system === ucumSystem ? textOf(quantity.code) : undefined) ?? textOf(quantity?.unit) ?? textOf(quantity?.code);

export const collectedAt = (resource: Resource): string | undefined =>
  utcOf(resource.effectiveDateTime) ?? utcOf(resource.effectiveInstant) ?? utcOf(partOf(resource.effectivePeriod)?.start);

function textIn({ valueString, valueCodeableConcept, valueBoolean }: Resource): string | undefined {
  return textOf(valueString) ?? wordsOf(valueCodeableConcept) ?? (typeof valueBoolean === 'boolean' ? String(valueBoolean) : undefined);
}

/** Our word for its code, or what it says else. */
function interpretationOf(concept: Part | undefined): string | undefined {
  const code = textOf(partsOf(concept?.coding)[0]?.code);
  return code === undefined ? wordsOf(concept) : (interpretationWords.get(code) ?? code);
}

function rangeOf(resource: Resource): LabResult['reference_range'] {
  const range = partsOf(resource.referenceRange)[0];
  if (range === undefined) return undefined;
  const [low, high] = [partOf(range.low), partOf(range.high)];
  const unit = unitOf(low ?? high);
  return filled({ low: numberOf(low?.value), high: numberOf(high?.value), unit, text: textOf(range.text) }) as LabResult['reference_range'];
}

/** A value in another unit of the same kind; undefined where UCUM can't convert it. */
export function inUnit(value: number, from: string | undefined, to: string | undefined): number | undefined {
  if (from === to) return value;
  if (from === undefined || to === undefined) return undefined;
  const [source, target] = [canonicalUnit(from), canonicalUnit(to)];
  if (source === undefined || target === undefined || source.unit !== target.unit) return undefined;
  return rounded((value * source.factor + source.offset - target.offset) / target.factor);
}

/** Without the noise that conversions and means leave behind the twelfth digit. */
export const rounded = (value: number): number => Number(value.toPrecision(12));

function toResource(input: LabResultInput, before: Resource | undefined): Resource {
  const code = given(input.test_code);
  const { reference_range: range, result_value: value } = input;
  const quantity = (each: number | null | undefined): object | undefined =>
    each == null ? undefined : { value: each, ...unitFor(given(input.result_unit) ?? '1') };
  const interpretation = input.interpretation == null ? undefined : interpretationCodes[input.interpretation];
  const notes = given(input.notes);
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'Observation',
    status: codeOfWord(input.status ?? 'final'),
    category: [{ coding: [{ system: categories, code: 'laboratory', display: 'Laboratory' }] }],
    code: {
      coding: code === undefined ? undefined : [isLoincCode(code) ? { system: loinc, code } : { code }],
      text: input.test_name.trim(),
    },
    subject: referenceTo('Patient', input.patient_id),
    effectiveDateTime: new Date(input.collected_at).toISOString(),
    issued: input.resulted_at == null ? undefined : new Date(input.resulted_at).toISOString(),
    performer: input.provider_id == null ? undefined : [referenceTo('Practitioner', input.provider_id)],
    valueQuantity: value == null ? undefined : { ...quantity(value), comparator: input.result_comparator ?? undefined },
    valueString: value == null ? given(input.result_text) : undefined,
    interpretation: interpretation === undefined ? undefined : [{ coding: [{ system: interpretations, code: interpretation }] }],
    referenceRange: range == null ? undefined : [{ low: quantity(range.low), high: quantity(range.high), text: given(range.text) }],
    note: notes === undefined ? undefined : [{ text: notes }],
  });
}

/** What UCUM knows is coded, so that it can be searched and compared; anything else stays a text. */
function unitFor(unit: string): object {
  return dimensionsOf(unit) === undefined ? { unit } : { unit, system: ucumSystem, code: unit };
}

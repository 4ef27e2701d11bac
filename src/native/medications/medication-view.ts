import type { components } from '../api-types.ts';
import { extensionOf, own, withExtensions } from '../extensions.ts';
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
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type MedicationInput = Schemas['MedicationInput'];
export type Medication = Schemas['Medication'];

const prescriber = `${own}StructureDefinition/prescriber`;

/** `/medications`: a MedicationStatement. */
export const medicationView: View<MedicationInput, Medication> = {
  type: 'MedicationStatement',
  name: 'medication',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    patient_id: (value) => [['patient', `Patient/${value}`]],
    status: (value) => [['status', codeOfWord(value)]],
  },
  sort: '-_lastUpdated',
  path: (id) => `/medications/${id}`,
};

function toView(resource: Resource): Medication {
  const { dosage, frequency, instructions } = dosageIn(partsOf(resource.dosage)[0]);
  const period = partOf(resource.effectivePeriod);
  return filled({
    medication_id: textOf(resource.id) ?? '',
    patient_id: idIn(resource.subject, 'Patient'),
    medication_name: wordsOf(resource.medicationCodeableConcept) ?? textOf(partOf(resource.medicationReference)?.display),
    dosage,
    frequency,
    instructions,
    start_date: dayOf(period?.start ?? resource.effectiveDateTime),
    end_date: dayOf(period?.end),
    prescriber_id: idIn(extensionOf(resource, prescriber)?.valueReference, 'Practitioner'),
    status: wordOfCode(resource.status),
    ...stampOf(resource),
  }) as Medication;
}

/** A date, or as much of one as is known; of a time, its day in UTC. */
const dayOf = (value: Part[string] | undefined): string | undefined => utcOf(value)?.slice(0, 10);

type Dosage = Pick<Medication, 'dosage' | 'frequency' | 'instructions'>;

/** `text` says all that is to be taken, for those who read nothing else: `500 mg, twice a day`. */
function dosageIn(part: Part | undefined): Dosage {
  const timing = partOf(part?.timing);
  const frequency = wordsOf(timing?.code) ?? repeatIn(partOf(timing?.repeat));
  const text = textOf(part?.text);
  const own = frequency !== undefined && text?.endsWith(`, ${frequency}`) === true ? text.slice(0, -frequency.length - 2) : text;
  return {
    dosage: own === undefined ? doseIn(part) : own === frequency ? undefined : own,
    frequency,
    instructions: textOf(part?.patientInstruction),
  } as Dosage;
}

function doseIn(part: Part | undefined): string | undefined {
  const quantity = partOf(partsOf(part?.doseAndRate)[0]?.doseQuantity);
  const value = numberOf(quantity?.value);
  return value === undefined ? undefined : [value, textOf(quantity?.unit) ?? textOf(quantity?.code)].filter(Boolean).join(' ');
}

/** `2 per 1 d` */
function repeatIn(repeat: Part | undefined): string | undefined {
  const period = numberOf(repeat?.period);
  return period === undefined ? undefined : `${numberOf(repeat?.frequency) ?? 1} per ${period} ${textOf(repeat?.periodUnit) ?? ''}`.trim();
}

function toResource(input: MedicationInput, before: Resource | undefined): Resource {
  const { effectiveDateTime: _, medicationReference, ...kept } = keptOf(before);
  const shown = before === undefined ? undefined : toView(before);
  const hasPeriod = input.start_date != null || input.end_date != null;
  const isSame = shown?.medication_name === input.medication_name.trim();
  return resourceFrom({
    ...kept,
    resourceType: 'MedicationStatement',
    extension: withExtensions(
      before,
      [prescriber],
      [input.prescriber_id == null ? undefined : { url: prescriber, valueReference: referenceTo('Practitioner', input.prescriber_id) }],
    ),
    status: codeOfWord(input.status ?? 'active'),
    // Codes go with the name that they are of.
    ...(isSame && medicationReference !== undefined
      ? { medicationReference }
      : { medicationCodeableConcept: isSame ? kept.medicationCodeableConcept : { text: input.medication_name.trim() } }),
    subject: shown?.patient_id === input.patient_id ? kept.subject : referenceTo('Patient', input.patient_id),
    effectivePeriod: hasPeriod
      ? { start: timeOf(input.start_date, before, 'start'), end: timeOf(input.end_date, before, 'end') }
      : undefined,
    dosage: dosagesOf(input, before, shown),
  });
}

/** A time of the same day stays as precise as it was. */
function timeOf(day: string | null | undefined, before: Resource | undefined, end: 'start' | 'end'): unknown {
  const old = partOf(before?.effectivePeriod)?.[end] ?? (end === 'start' ? before?.effectiveDateTime : undefined);
  return day != null && dayOf(old) === day ? old : (day ?? undefined);
}

function dosagesOf(input: MedicationInput, before: Resource | undefined, shown: Medication | undefined): unknown {
  const [first, ...others] = partsOf(before?.dosage);
  const dosage = given(input.dosage);
  const frequency = given(input.frequency);
  const patientInstruction = given(input.instructions);
  if (first !== undefined && dosage === shown?.dosage && frequency === shown?.frequency && patientInstruction === shown?.instructions)
    return before?.dosage;
  const text = [dosage, frequency].filter((each) => each !== undefined).join(', ');
  // What was told by numbers would contradict these words.
  const { timing: _, doseAndRate: __, text: ___, patientInstruction: ____, ...kept } = first ?? {};
  const one = filled({
    ...kept,
    text: text === '' ? undefined : text,
    timing: frequency === undefined ? undefined : { code: { text: frequency } },
    patientInstruction,
  });
  const all = Object.keys(one).length === 0 ? others : [one, ...others];
  return all.length === 0 ? undefined : all;
}

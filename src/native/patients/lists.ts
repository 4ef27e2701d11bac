import type { Json, JsonObject } from '../../fhir/json.ts';
import { noRows } from '../../storage/filter.ts';
import { askSearch } from '../ask.ts';
import { own } from '../extensions.ts';
import type { NativeCall } from '../handler.ts';
import { partOf, partsOf, textOf, wordsOf } from '../parts.ts';
import type { Change } from '../transact.ts';
import { entriesOf, parsed, type Resource } from '../view.ts';
import type { Patient, PatientInput } from './patient-view.ts';

type ListName = 'allergies' | 'medical_history' | 'current_medications';

/** A list of plain texts on the patient's page, each of them a resource of the patient. */
type List = {
  readonly name: ListName;
  readonly type: string;
  /** Where the text is: `code` or, of a medication, `medicationCodeableConcept`. */
  readonly concept: string;
  /** Whether a resource belongs in the list: it is true now. */
  readonly counts: (resource: Resource) => boolean;
  readonly make: (patient: string, text: string) => Resource;
};

const listTag = { system: `${own}CodeSystem/native-list`, code: 'patient' };
const meta = { tag: [listTag] };
const active = (system: string): JsonObject => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: 'active' }],
});

const lists: readonly List[] = [
  {
    name: 'allergies',
    type: 'AllergyIntolerance',
    concept: 'code',
    counts: isCurrent,
    make: (patient, text) => ({
      resourceType: 'AllergyIntolerance',
      meta,
      clinicalStatus: active('allergyintolerance-clinical'),
      code: { text },
      patient: { reference: patient },
    }),
  },
  {
    name: 'medical_history',
    type: 'Condition',
    concept: 'code',
    counts: (resource) => statusOf(resource.verificationStatus) !== 'entered-in-error',
    make: (patient, text) => ({
      resourceType: 'Condition',
      meta,
      clinicalStatus: active('condition-clinical'),
      code: { text },
      subject: { reference: patient },
    }),
  },
  {
    name: 'current_medications',
    type: 'MedicationStatement',
    concept: 'medicationCodeableConcept',
    counts: ({ status }) => status === 'active',
    make: (patient, text) => ({
      resourceType: 'MedicationStatement',
      meta,
      status: 'active',
      medicationCodeableConcept: { text },
      subject: { reference: patient },
    }),
  },
];

/** So many of each list are looked at. */
const listMax = 200;

function isCurrent(resource: Resource): boolean {
  const clinical = statusOf(resource.clinicalStatus);
  return (clinical === undefined || clinical === 'active') && statusOf(resource.verificationStatus) !== 'entered-in-error';
}

const statusOf = (concept: Json | undefined): string | undefined => textOf(partsOf(partOf(concept)?.coding)[0]?.code);

/** The lists as the caller may see them: what he may not search is left out, because an empty list would say that there is nothing. */
export async function listsOf(request: NativeCall, patient: string): Promise<Pick<Patient, ListName>> {
  const found = await Promise.all(
    lists.map(async (list) => {
      const items = await itemsOf(request, list, patient);
      return items === undefined ? [] : [[list.name, [...new Set(items.flatMap((item) => wordsOf(item[list.concept]) ?? []))]] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function itemsOf(request: NativeCall, list: List, patient: string): Promise<readonly Resource[] | undefined> {
  if (request.call.access.filter('s', list.type) === noRows) return undefined;
  const bundle = parsed(
    await askSearch(request, { type: list.type }, [
      ['patient', `Patient/${patient}`],
      ['_count', String(listMax)],
    ]),
  );
  return entriesOf(bundle).filter((resource) => resource.resourceType === list.type && list.counts(resource));
}

/** The lists as they were answered when these were just made: others may have been added since. */
export function listsAsMade(shown: Pick<Patient, ListName>, input: PatientInput): Pick<Patient, ListName> {
  const names = lists.map(({ name }) => name).filter((name) => shown[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, textsOf(input[name])]));
}

/** What a new patient's lists make, each item once. */
export function listedItems(input: PatientInput, patient: string): Change[] {
  return lists.flatMap((list) => textsOf(input[list.name]).map((text) => added(list, patient, text)));
}

/**
 * What makes the lists those of the input: items that aren't there yet are added, and what came by such a list before and isn't in this
 * one is deleted. What others recorded is never touched. A list that isn't sent stays as it is.
 */
export async function changedItems(request: NativeCall, input: PatientInput, id: string): Promise<Change[]> {
  const changes = await Promise.all(
    lists.map(async (list) => {
      const given = input[list.name];
      if (given === undefined) return [];
      const texts = textsOf(given);
      const present = (await itemsOf(request, list, id)) ?? [];
      const known = new Set(present.map((item) => wordsOf(item[list.concept])));
      const gone = present.filter((item) => isListed(item) && !texts.includes(wordsOf(item[list.concept]) ?? ''));
      return [
        ...texts.filter((text) => !known.has(text)).map((text) => added(list, `Patient/${id}`, text)),
        ...gone.map((item): Change => ({ method: 'DELETE', url: `${list.type}/${item.id as string}` })),
      ];
    }),
  );
  return changes.flat();
}

const textsOf = (given: readonly string[] | undefined): string[] => [...new Set((given ?? []).map((text) => text.trim()))].filter(Boolean);

const added = (list: List, patient: string, text: string): Change => ({
  method: 'POST',
  url: list.type,
  resource: list.make(patient, text),
});

function isListed(resource: Resource): boolean {
  return partsOf(partOf(resource.meta)?.tag).some(({ system, code }) => system === listTag.system && code === listTag.code);
}

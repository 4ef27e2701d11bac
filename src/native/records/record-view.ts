import type { components } from '../api-types.ts';
import {
  filled,
  given,
  idIn,
  keptOf,
  type Part,
  partOf,
  partsOf,
  referenceTo,
  resourceFrom,
  stampOf,
  textOf,
  utcOf,
  wordsOf,
} from '../parts.ts';
import type { Resource, View } from '../view.ts';
import { attachmentShown, contentFor } from './attachment-view.ts';
import { type Kind, kindOf, noteCategory, recordIdOf, recordTypes } from './kinds.ts';
import { sensitivityOf, withSensitivity } from './sensitivity.ts';

type Schemas = components['schemas'];
/** A record as it is to be stored: whose, by whom and when are known. */
export type RecordInput = Schemas['RecordInput'] & { readonly patient_id: string; readonly recorded_at: string };
export type PatientRecord = Schemas['Record'];

/** One kind of record. What a type can hold beside is kept when a record is replaced. */
type Form = {
  /** Where whose it is stands. */
  readonly subject: 'subject' | 'patient';
  readonly recordedAt: string;
  /** Who says so, as far as the view knows. */
  readonly providerOf: (resource: Resource) => string | undefined;
  readonly shown: (resource: Resource) => object;
  readonly made: (input: RecordInput, before: Resource | undefined) => object;
};

const forms: Readonly<Record<Kind, Form>> = {
  diagnosis: {
    subject: 'subject',
    recordedAt: 'recordedDate',
    providerOf: assertedBy,
    shown: (resource) => ({ diagnosis: wordsOf(resource.code), text: noteIn(resource) }),
    made: (input, before) => ({
      clinicalStatus: before === undefined ? active('condition-clinical') : before.clinicalStatus,
      code: conceptOf(input.diagnosis, before?.code),
      recordedDate: input.recorded_at,
      note: notesFor(input.text, before),
      ...asserting(input.provider_id, before),
    }),
  },
  allergy: {
    subject: 'patient',
    recordedAt: 'recordedDate',
    providerOf: assertedBy,
    shown: (resource) => ({ text: wordsOf(resource.code) }),
    made: (input, before) => ({
      clinicalStatus: before === undefined ? active('allergyintolerance-clinical') : before.clinicalStatus,
      code: conceptOf(input.text, before?.code),
      recordedDate: input.recorded_at,
      ...asserting(input.provider_id, before),
    }),
  },
  document: {
    subject: 'subject',
    recordedAt: 'date',
    providerOf: ({ author }) => firstPractitioner(author),
    shown: (resource) => ({ text: textOf(resource.description), attachment: attachmentShown(resource) }),
    made: (input, before) => ({
      status: before?.status ?? 'current',
      date: instantOf(input.recorded_at),
      description: given(input.text),
      author: withPractitioner(before?.author, input.provider_id),
      content: contentFor(input.attachment, before),
    }),
  },
  note: {
    subject: 'subject',
    recordedAt: 'effectiveDateTime',
    providerOf: ({ performer }) => firstPractitioner(performer),
    shown: (resource) => ({ text: textOf(resource.valueString) }),
    made: (input, before) => ({
      status: before?.status ?? 'final',
      category: before?.category ?? [{ coding: [noteCategory] }],
      code: before?.code ?? { coding: [{ system: 'http://loinc.org', code: '34109-9' }], text: 'Note' },
      effectiveDateTime: input.recorded_at,
      valueString: given(input.text),
      performer: withPractitioner(before?.performer, input.provider_id),
    }),
  },
};

/** `/patients/{id}/records`: what is recorded of a patient, of this kind. */
export function viewOf(kind: Kind): View<RecordInput, PatientRecord> {
  return {
    type: recordTypes[kind],
    name: 'record',
    shows: [],
    isShown: (resource) => kindOf(resource) === kind,
    toView: recordOf,
    toResource: (input, before) => toResource(kind, input, before),
    queries: {},
    sort: '-_lastUpdated',
    path: (id, patient) => `/patients/${patient}/records/${recordIdOf(kind, id)}`,
  };
}

/** The record that a resource of one of the types is. */
export function recordOf(resource: Resource): PatientRecord {
  const kind = kindOf(resource) ?? 'note';
  const { subject, recordedAt, providerOf, shown } = forms[kind];
  return filled({
    record_id: recordIdOf(kind, textOf(resource.id) ?? ''),
    kind,
    patient_id: idIn(resource[subject], 'Patient'),
    provider_id: providerOf(resource),
    ...shown(resource),
    recorded_at: utcOf(resource[recordedAt]),
    sensitivity: sensitivityOf(resource),
    ...stampOf(resource),
  }) as PatientRecord;
}

function toResource(kind: Kind, input: RecordInput, before: Resource | undefined): Resource {
  const { subject, made } = forms[kind];
  const meta = partOf(before?.meta);
  return resourceFrom({
    ...keptOf(before),
    resourceType: recordTypes[kind],
    meta: withSensitivity(meta, input.sensitivity ?? (before === undefined ? 'normal' : sensitivityOf(before))),
    [subject]: before?.[subject] ?? referenceTo('Patient', input.patient_id),
    ...made(input, before),
  });
}

const active = (system: string): Part => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code: 'active' }] });

/** Codes stay where the words stay; those of other words would contradict the new ones. */
function conceptOf(words: string | null | undefined, before: unknown): object | undefined {
  const text = given(words);
  if (before !== undefined && wordsOf(before as Part) === text) return before as Part;
  return text === undefined ? undefined : { text };
}

const noteIn = ({ note }: Resource): string | undefined => textOf(partsOf(note)[0]?.text);

/** The first note is the view's, the others stay. */
function notesFor(words: string | null | undefined, before: Resource | undefined): object[] | undefined {
  const [first, ...others] = partsOf(before?.note);
  const text = given(words);
  const all = text === undefined ? others : [{ ...first, text }, ...others];
  return all.length === 0 ? undefined : all;
}

function assertedBy({ asserter, recorder }: Resource): string | undefined {
  return idIn(asserter, 'Practitioner') ?? idIn(recorder, 'Practitioner');
}

/** Who asserts it is in whose compartment it is: there authors find what they restricted. */
function asserting(provider: string | null | undefined, before: Resource | undefined): object {
  if (provider == null) return { asserter: before?.asserter, recorder: before?.recorder };
  if (before !== undefined && assertedBy(before) === provider) return { asserter: before.asserter, recorder: before.recorder };
  return { asserter: referenceTo('Practitioner', provider), recorder: before?.recorder ?? referenceTo('Practitioner', provider) };
}

const firstPractitioner = (list: unknown): string | undefined =>
  partsOf(list as Part['list']).flatMap((each) => idIn(each, 'Practitioner') ?? [])[0];

/** The first practitioner is the view's; all others who took part stay. */
function withPractitioner(list: unknown, provider: string | null | undefined): object[] | undefined {
  const all = partsOf(list as Part['list']);
  const old = all.find((each) => idIn(each, 'Practitioner') !== undefined);
  if (provider == null || idIn(old, 'Practitioner') === provider) return all.length === 0 ? undefined : all;
  return [referenceTo('Practitioner', provider), ...all.filter((each) => each !== old)];
}

/** An instant needs a time of day. */
const instantOf = (time: string): string => (time.includes('T') ? time : `${time}T00:00:00Z`);

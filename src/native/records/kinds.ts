import { isId } from '../../fhir/references.ts';
import type { Pairs } from '../../interactions/search.ts';
import type { components } from '../api-types.ts';
import { own } from '../extensions.ts';
import { type Part, partOf, partsOf, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';

export type Kind = components['schemas']['RecordKind'];

/** The FHIR type that each kind of record is. */
export const recordTypes: Readonly<Record<Kind, string>> = {
  diagnosis: 'Condition',
  allergy: 'AllergyIntolerance',
  document: 'DocumentReference',
  note: 'Observation',
};

export const recordKinds = Object.keys(recordTypes) as readonly Kind[];

const kinds = new Map(recordKinds.map((kind) => [recordTypes[kind], kind]));

/** What makes an Observation a note. */
export const noteCategory = { system: `${own}CodeSystem/record-kind`, code: 'note' } as const;

/** What of each type is searched for beside. */
export const notesAlone: Readonly<Record<string, Pairs>> = { Observation: [['category', `${noteCategory.system}|${noteCategory.code}`]] };

/** The kind of record that a resource is; undefined for what is none, such as an Observation that is a measurement. */
export function kindOf(resource: Resource): Kind | undefined {
  const kind = kinds.get(textOf(resource.resourceType) ?? '');
  return kind === 'note' && !isNote(resource) ? undefined : kind;
}

function isNote({ category }: Resource): boolean {
  const isOurs = ({ system, code }: Part): boolean => system === noteCategory.system && code === noteCategory.code;
  return partsOf(category).some((concept) => partsOf(partOf(concept)?.coding).some(isOurs));
}

/** A record as clients name it: its kind and the id of the resource, `diagnosis-0198c1f2-…`. It tells the type, so it names one resource. */
export const recordIdOf = (kind: Kind, id: string): string => `${kind}-${id}`;

export type RecordId = { readonly kind: Kind; readonly type: string; readonly id: string };

/** The kind and the resource's id; undefined for what names no record. */
export function parseRecordId(recordId: string): RecordId | undefined {
  const kind = recordKinds.find((each) => recordId.startsWith(`${each}-`));
  const id = kind === undefined ? '' : recordId.slice(kind.length + 1);
  return kind === undefined || !isId(id) ? undefined : { kind, type: recordTypes[kind], id };
}

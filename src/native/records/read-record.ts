import { noRows } from '../../storage/filter.ts';
import type { NativeCall } from '../handler.ts';
import type { Told } from '../own-references.ts';
import { notFound, readShown, type Resource, type View } from '../view.ts';
import { parseRecordId, type RecordId, recordKinds, recordTypes } from './kinds.ts';
import { type PatientRecord, type RecordInput, recordOf, viewOf } from './record-view.ts';

type RecordAt = RecordId & { readonly view: View<RecordInput, PatientRecord> };

/** The record that the path names, unread. @throws NativeError 404 if it names none */
export function recordAt(request: NativeCall): RecordAt {
  const named = recordIdIn(request);
  return { ...named, view: viewOf(named.kind) };
}

/** @throws NativeError 404 if the path's id names no record; FhirError 403 to who may read none at all */
export function recordIdIn({ parameters, call }: NativeCall): RecordId {
  const found = parseRecordId(parameters.path.record_id ?? '');
  if (found !== undefined) return found;
  const types = recordKinds.map((kind) => recordTypes[kind]);
  if (types.every((type) => call.access.filter('r', type) === noRows)) call.access.permit('r', recordTypes.diagnosis);
  throw notFound('record');
}

/** Whether a record is of the patient in the path. */
export function isPatients({ parameters }: NativeCall): (resource: Resource) => boolean {
  return (resource) => recordOf(resource).patient_id === parameters.path.id;
}

/** The resource of the record that the path names, if it is in the record of the patient there. @throws NativeError 404 */
export async function readRecord(request: NativeCall): Promise<Told> {
  const { view, id } = recordAt(request);
  return readShown(view, request, id, isPatients(request));
}

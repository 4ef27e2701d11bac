import type { Answer } from '../../interactions/answer.ts';
import { noRows } from '../../storage/filter.ts';
import type { NativeCall } from '../handler.ts';
import { notFound, parsed, readShown, type View } from '../view.ts';
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

/** The resource of the record that the path names, if it is in the record of the patient there. @throws NativeError 404 */
export async function readRecord(request: NativeCall): Promise<Answer> {
  const { view, id } = recordAt(request);
  const answer = await readShown(view, request, id);
  if (recordOf(parsed(answer)).patient_id !== request.parameters.path.id) throw notFound(view.name);
  return answer;
}

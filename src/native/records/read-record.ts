import type { Answer } from '../../interactions/answer.ts';
import type { NativeCall } from '../handler.ts';
import { notFound, parsed, readShown, type View } from '../view.ts';
import { type Kind, parseRecordId } from './kinds.ts';
import { type PatientRecord, type RecordInput, recordOf, viewOf } from './record-view.ts';

export type RecordAt = { readonly kind: Kind; readonly id: string; readonly view: View<RecordInput, PatientRecord> };

/** The record that the path names, unread. @throws NativeError 404 if it names none */
export function recordAt({ parameters }: NativeCall): RecordAt {
  const found = parseRecordId(parameters.path.record_id ?? '');
  if (found === undefined) throw notFound('record');
  return { ...found, view: viewOf(found.kind) };
}

/** The resource of the record that the path names, if it is in the record of the patient there. @throws NativeError 404 */
export async function readRecord(request: NativeCall): Promise<Answer> {
  const { view, id } = recordAt(request);
  const answer = await readShown(view, request, id);
  if (recordOf(parsed(answer)).patient_id !== request.parameters.path.id) throw notFound(view.name);
  return answer;
}

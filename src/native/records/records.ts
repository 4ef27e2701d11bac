import { Readable } from 'node:stream';
import type { components } from '../api-types.ts';
import { askCreate, askRemove, askSearch, askUpdate } from '../ask.ts';
import type { Answer } from '../../interactions/answer.ts';
import { noRows } from '../../storage/filter.ts';
import { existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { userOf } from '../me.ts';
import { numberOf } from '../parts.ts';
import { assertListable, ofPatient } from '../patients/of-patient.ts';
import { transact } from '../transact.ts';
import { readAt } from '../versions.ts';
import { documentFrom, entriesOf, listed, nextOf, parsed, type Resource, shown, writtenOnce } from '../view.ts';
import { binaryIn, bringsFile } from './attachment-view.ts';
import { download, type File, labelledFile, removeDocument, upload, withFile, withReceived } from './attachments.ts';
import { kindOf, notesAlone, recordKinds, recordTypes } from './kinds.ts';
import { restrict } from './restrictions.ts';
import { isPatients, readRecord, recordAt } from './read-record.ts';
import { assertRecord } from './record-rules.ts';
import { type RecordInput, recordOf, viewOf } from './record-view.ts';
import { sensitivityOf } from './sensitivity.ts';

type Sent = components['schemas']['RecordInput'];

export const recordHandlers = {
  listRecords: list,
  createRecord: (request) => create(request, request.body as Sent),
  recordDiagnosis: (request) => create(request, { ...(request.body as components['schemas']['DiagnosisInput']), kind: 'diagnosis' }),
  getRecord: get,
  replaceRecord: replace,
  deleteRecord: remove,
  uploadAttachment: upload,
  downloadAttachment: download,
  restrictRecords: restrict,
} as const satisfies Record<string, NativeHandler>;

const patientIn = (request: NativeCall): string => request.parameters.path.id ?? '';

function get(request: NativeCall): Promise<NativeAnswer> {
  const { view, id } = recordAt(request);
  return readAt(view, request, id, isPatients(request));
}

/** All kinds in one list, newest first; kinds that the caller may not search are left out. */
async function list(request: NativeCall): Promise<NativeAnswer> {
  const { kind, sensitivity, limit = 20, cursor, total } = request.parameters.query;
  const asked = recordKinds.filter((each) => kind === undefined || each === kind).map((each) => recordTypes[each]);
  const types = asked.filter((type) => request.call.access.filter('s', type) !== noRows);
  const pairs: [string, string][] = [
    ['_type', (types.length === 0 ? asked : types).join(',')],
    ['patient', `Patient/${patientIn(request)}`],
    ['_sort', '-_lastUpdated'],
    ['_count', String(limit)],
  ];
  if (sensitivity !== undefined) pairs.push([sensitivity === 'restricted' ? '_security' : '_security:not', 'R,V']);
  if (total === true) pairs.push(['_total', 'accurate']);
  if (cursor !== undefined) pairs.push(['_page', String(cursor)]);
  const bundle = parsed(await askSearch(request, { narrowed: notesAlone }, pairs));
  const records = entriesOf(bundle).filter((resource) => kindOf(resource) !== undefined);
  await assertListable(request, patientIn(request), records.length);
  return listed(request, records.map(recordOf), nextOf(bundle), total === true ? numberOf(bundle.total) : undefined);
}

async function create(request: NativeCall, sent: Sent): Promise<NativeAnswer> {
  const now = new Date();
  assertRecord(sent, now.getTime(), true);
  const view = viewOf(sent.kind);
  const user = userOf(request.grant);
  // A practitioner who names no other one is the author himself.
  const provider = sent.provider_id ?? (user?.type === 'Practitioner' ? user.id : undefined);
  const input: RecordInput = {
    ...sent,
    ...(provider === undefined ? {} : { provider_id: provider }),
    patient_id: patientIn(request),
    recorded_at: sent.recorded_at ?? now.toISOString(),
  };
  return writtenOnce(view, request, 201, async () => {
    request.call.access.permit('c', view.type);
    const guarded = withProvider(await ofPatient(request, patientIn(request)), sent);
    const resource = view.toResource(input);
    return withFileIn(request, sent, async (file) => {
      if (file === undefined) return askCreate(guarded, documentFrom(request.ctx, resource));
      const [written] = await transact(guarded, withFile(resource, file, undefined));
      return written ?? { status: 201 };
    });
  });
}

const withProvider = (request: NativeCall, { provider_id: id }: Sent): NativeCall =>
  existing(request, [{ field: 'provider_id', type: 'Practitioner', id }]);

/** Does it with the file that is sent in base64, if one is. */
function withFileIn<T>(request: NativeCall, { attachment }: Sent, work: (file: File | undefined) => Promise<T>): Promise<T> {
  if (attachment?.data == null) return work(undefined);
  const content = Readable.from([Buffer.from(attachment.data, 'base64')]);
  return withReceived(request, { mediaType: attachment.content_type ?? '', content }, work);
}

async function replace(request: NativeCall): Promise<NativeAnswer> {
  const sent = request.body as Sent;
  const { view, kind, id } = recordAt(request);
  if (sent.kind !== kind) throw invalid([{ field: 'kind', code: 'fixed', message: 'A record stays of its kind.' }]);
  assertRecord(sent, Date.now(), false);
  const answer = await readRecord(request);
  const before = parsed(answer);
  const recordedAt = sent.recorded_at ?? recordOf(before).recorded_at ?? answer.stamp?.lastUpdated ?? new Date().toISOString();
  const input: RecordInput = { ...sent, patient_id: patientIn(request), recorded_at: recordedAt };
  const resource = { ...view.toResource(input, before), id };
  const ifMatch = ifMatchOf(request, answer);
  const guarded = withProvider(request, sent);
  const write = async (file: File | undefined): Promise<Answer> =>
    file === undefined
      ? written(guarded, sent, resource, before, ifMatch)
      : first(await transact(guarded, withFile(resource, file, before, ifMatch)));
  return shown(view, await withFileIn(request, sent, write));
}

/** @param guarded  the request, with what its write is held against */
async function written(guarded: NativeCall, sent: Sent, resource: Resource, before: Resource, ifMatch: string): Promise<Answer> {
  const { view, kind, id } = recordAt(guarded);
  // The file that a document had goes when another place is named, and becomes as sensitive as the document otherwise.
  const beside =
    kind !== 'document' || bringsFile(sent.attachment, before) ? [] : await labelledFile(guarded, before, sensitivityOf(resource));
  const old = binaryIn(before);
  if (old !== undefined && binaryIn(resource) !== old) beside.push({ method: 'DELETE', url: `Binary/${old}` });
  if (beside.length === 0) return askUpdate(guarded, id, documentFrom(guarded.ctx, resource), ifMatch);
  const url = `${view.type}/${id}`;
  return first(await transact(guarded, [{ method: 'PUT', url, resource, ifMatch }, ...beside]));
}

const first = ([answer]: readonly Answer[]): Answer => answer ?? { status: 200 };

const ifMatchOf = ({ parameters }: NativeCall, { stamp }: Answer): string => parameters.header['if-match'] ?? `W/"${stamp?.version}"`;

async function remove(request: NativeCall): Promise<NativeAnswer> {
  const { view, kind, id } = recordAt(request);
  await readRecord(request);
  if (kind === 'document') return removeDocument(request, id);
  await askRemove(request, view.type, id, request.parameters.header['if-match']);
  return { status: 204 };
}

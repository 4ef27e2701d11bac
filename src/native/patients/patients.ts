import { randomUUID } from 'node:crypto';
import { erasePatient } from '../../interactions/erasure.ts';
import { askUpdate } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { patientOf } from '../me.ts';
import { transact } from '../transact.ts';
import { type GuardOf, historyOf, readAt, restoreView, revertView } from '../versions.ts';
import { createView, documentFrom, listView, notFound, parsed, readShown, removeView, shown, writtenOnce } from '../view.ts';
import { withCreated } from './created.ts';
import { changedItems, listedItems, listsAsMade, listsOf } from './lists.ts';
import { assertPatient } from './patient-rules.ts';
import { type Patient, type PatientInput, patientView } from './patient-view.ts';
import { listRecord } from './record.ts';
import { withUniqueContact } from './uniqueness.ts';

export const patientHandlers = {
  listPatients: list,
  createPatient: register,
  getPatient: (request) => get(request, idOf(request)),
  replacePatient: (request) => replace(request, idOf(request)),
  deletePatient: (request) => (request.parameters.query.erase === true ? erase(request) : removeView(patientView, request, idOf(request))),
  getMe: (request) => get(request, patientOf(request.grant)),
  replaceMe: (request) => replace(request, patientOf(request.grant)),
  listPatientHistory: (request) => historyOf(patientView, request, idOf(request)),
  listPatientRecord: listRecord,
  restorePatient: async (request) => withLists(request, await restoreView(patientView, request, idOf(request), uniquely)),
  revertPatient: async (request) => {
    const { as_of: asOf } = request.body as { as_of: string };
    return withLists(request, await revertView(patientView, request, idOf(request), asOf, uniquely));
  },
} as const satisfies Record<string, NativeHandler>;

const uniquely: GuardOf = (request, resource) => withUniqueContact(request, patientView.toView(resource));

const idOf = (request: NativeCall): string => request.parameters.path.id ?? '';

async function get(request: NativeCall, id: string): Promise<NativeAnswer> {
  const answer = await readAt(patientView, request, id);
  return request.parameters.query.as_of === undefined ? withLists(request, answer) : registeredAt(request, answer);
}

async function list(request: NativeCall): Promise<NativeAnswer> {
  const page = await listView(patientView, request);
  const { data, ...rest } = page.body as { data: readonly Patient[] };
  return { ...page, body: { data: await withCreated(request, data), ...rest } };
}

/** The patient as he was, with the time of his registration; his lists have times of their own. */
async function registeredAt(request: NativeCall, answer: NativeAnswer): Promise<NativeAnswer> {
  const [body] = await withCreated(request, [answer.body as Patient]);
  return { ...answer, body: body as Patient };
}

/** The patient with what his lists hold. */
async function withLists(request: NativeCall, answer: NativeAnswer): Promise<NativeAnswer> {
  const patient = answer.body as Patient | undefined;
  if (patient === undefined) return answer;
  const [[created = patient], lists] = await Promise.all([withCreated(request, [patient]), listsOf(request, patient.patient_id)]);
  return { ...answer, body: { ...created, ...lists } };
}

async function register(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as PatientInput;
  assertPatient(input);
  const guardedRequest = withUniqueContact(request, input);
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const items = listedItems(input, fullUrl);
  if (items.length === 0) return made(request, input, await createView(patientView, guardedRequest, input));
  const answer = await writtenOnce(patientView, request, 201, async () => {
    const patient = { method: 'POST', url: 'Patient', fullUrl, resource: patientView.toResource(input) } as const;
    const [first] = await transact(guardedRequest, [patient, ...items]);
    return first ?? { status: 201 };
  });
  return made(request, input, answer);
}

/** The new patient with his lists: a repetition of the request tells them as the first answer did. */
async function made(request: NativeCall, input: PatientInput, answer: NativeAnswer): Promise<NativeAnswer> {
  const whole = await withLists(request, answer);
  const patient = whole.body as Patient | undefined;
  return patient === undefined ? whole : { ...whole, body: { ...patient, ...listsAsMade(patient, input) } };
}

async function replace(request: NativeCall, id: string): Promise<NativeAnswer> {
  const input = request.body as PatientInput;
  assertPatient(input);
  const before = await readShown(patientView, request, id);
  const ifMatch = request.parameters.header['if-match'] ?? '';
  const resource = { ...patientView.toResource(input, parsed(before)), id };
  const items = await changedItems(request, input, id);
  const guardedRequest = withUniqueContact(request, input);
  if (items.length > 0) {
    const [first] = await transact(guardedRequest, [{ method: 'PUT', url: `Patient/${id}`, ifMatch, resource }, ...items]);
    return withLists(request, shown(patientView, first ?? { status: 200 }));
  }
  const answer = await askUpdate(guardedRequest, id, documentFrom(request.ctx, resource), ifMatch);
  return withLists(request, shown(patientView, answer));
}

async function erase(request: NativeCall): Promise<NativeAnswer> {
  const { grant, parameters, services } = request;
  const reason = parameters.query.reason;
  if (!grant.roles.includes('admin')) throw new NativeError('forbidden', 'Only administrators erase records.');
  if (reason === undefined) {
    const details = [{ field: 'reason', code: 'required', message: 'It is needed with erase.' }];
    throw new NativeError('invalid_request', 'Say why the record is erased; see details.', { details });
  }
  const { stamp } = await readShown(patientView, request, idOf(request));
  if (parameters.header['if-match']?.replace(/^W\//, '') !== `"${stamp?.version}"`)
    throw new NativeError('version_mismatch', 'The patient has another version than If-Match says.');
  const counts = await erasePatient(services.erasing, {
    id: idOf(request),
    reason: String(reason),
    at: new Date(),
    trail: request.call.trail,
  });
  if (counts === undefined) throw notFound(patientView.name);
  return { status: 204 };
}

import { FhirError } from '../../fhir/error.ts';
import { askSearch } from '../ask.ts';
import { type Detail, NativeError } from '../error.ts';
import { invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall } from '../handler.ts';
import { partOf, resourceFrom, textOf } from '../parts.ts';
import { assertReadable } from '../patients/of-patient.ts';
import { type Change, transact } from '../transact.ts';
import { entriesOf, nextOf, parsed, readShown, type Resource } from '../view.ts';
import { labelledFile } from './attachments.ts';
import { kindOf, notesAlone, parseRecordId, recordKinds, recordTypes } from './kinds.ts';
import { recordOf, viewOf } from './record-view.ts';
import { restrictedLabel, type Sensitivity, sensitivityOf, withSensitivity } from './sensitivity.ts';

/** So many records are labelled at once. */
const recordsMax = 1_000;

/**
 * `PUT /patients/{id}/restrictions`: the records named are restricted, all others of the patient aren't; in one transaction. What an EHR
 * labelled as very restricted or by other labels stays as it is.
 */
export async function restrict(request: NativeCall): Promise<NativeAnswer> {
  const { records } = request.body as { readonly records: 'all' | readonly string[] };
  const patient = request.parameters.path.id ?? '';
  for (const kind of recordKinds) request.call.access.permit('u', recordTypes[kind]);
  await assertReadable(request, patient);
  assertLabelWriter(request);
  const named = records === 'all' ? await search(request, patient, []) : await readNamed(request, patient, records);
  const restricted = await search(request, patient, [['_security', restrictedLabel.code]]);
  const wanted = new Set(named.map(addressOf));
  const changes = [
    ...(await changesTo(request, named, 'restricted')),
    ...(await changesTo(
      request,
      restricted.filter((each) => !wanted.has(addressOf(each))),
      'normal',
    )),
  ];
  if (changes.length > 0) await transact(request, changes);
  return { status: 200, body: { records: named.map((each) => recordOf(each).record_id), changed: changes.length } };
}

/** Where nothing is to be changed nothing else refuses it. */
function assertLabelWriter({ grant, ctx }: NativeCall): void {
  const isBoundByRole = grant.scopes.some(({ level }) => level !== 'system') && !grant.roles.includes('admin');
  if (isBoundByRole && !grant.roles.some((role) => ctx.config.labelWriters.includes(role)))
    throw new NativeError('forbidden', 'Only administrators, and roles that may, restrict records.');
}

const addressOf = ({ resourceType, id }: Resource): string => `${textOf(resourceType)}/${textOf(id)}`;

async function changesTo(request: NativeCall, records: readonly Resource[], sensitivity: Sensitivity): Promise<Change[]> {
  const changes: Change[] = [];
  for (const record of records) {
    if (sensitivityOf(record) === sensitivity) continue;
    const { versionId } = partOf(record.meta) ?? {};
    const resource = resourceFrom({ ...record, meta: withSensitivity(partOf(record.meta), sensitivity) });
    changes.push({ method: 'PUT', url: addressOf(record), resource, ifMatch: `W/"${textOf(versionId)}"` });
    if (kindOf(record) === 'document') changes.push(...(await labelledFile(request, record, sensitivity)));
  }
  return changes;
}

async function search(request: NativeCall, patient: string, criteria: readonly (readonly [string, string])[]): Promise<Resource[]> {
  const types = recordKinds.map((kind) => recordTypes[kind]).join(',');
  const pairs = [['_type', types], ['patient', `Patient/${patient}`], ['_count', '100'], ...criteria] as const;
  const found: Resource[] = [];
  for (let page: string | null | undefined; page !== null; ) {
    const more = page === undefined ? [] : [['_page', page] as const];
    const bundle = parsed(await askSearch(request, { narrowed: notesAlone }, [...pairs, ...more]));
    found.push(...entriesOf(bundle).filter((resource) => kindOf(resource) !== undefined));
    if (found.length > recordsMax) throw new NativeError('too_large', `At most ${recordsMax} records are restricted at once.`);
    page = nextOf(bundle);
  }
  return found;
}

async function readNamed(request: NativeCall, patient: string, ids: readonly string[]): Promise<Resource[]> {
  const details: Detail[] = [];
  const found: Resource[] = [];
  for (const [at, recordId] of [...new Set(ids)].entries()) {
    const record = await readOne(request, recordId);
    if (record === undefined || recordOf(record).patient_id !== patient)
      details.push({ field: `records[${at}]`, code: 'not_found', message: 'The patient has no such record.' });
    else found.push(record);
  }
  if (details.length > 0) throw invalid(details);
  return found;
}

async function readOne(request: NativeCall, recordId: string): Promise<Resource | undefined> {
  const named = parseRecordId(recordId);
  if (named === undefined) return undefined;
  try {
    return parsed(await readShown(viewOf(named.kind), request, named.id));
  } catch (error) {
    if ((error instanceof FhirError || error instanceof NativeError) && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}

import { FhirError, issue, notFound } from '../fhir/error.ts';
import { readCurrent, readVersion } from '../storage/read.ts';
import type { StoredVersion } from '../storage/rows.ts';
import type { Opened, OpenedVersion, Opener } from '../storage/sealing.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { render } from './document.ts';
import { parseETag } from './preconditions.ts';
import { assertId } from './prepare.ts';

export type ReadConditions = { readonly ifNoneMatch?: string; readonly ifModifiedSince?: string };

/**
 * Reads the current version. What the caller may not see is answered as what never was.
 *
 * @see https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#cread
 */
export async function read(ctx: Context, call: Call, type: string, id: string, conditions: ReadConditions = {}): Promise<Answer> {
  const filter = call.access.permitRead(type, id);
  assertId(id);
  const row = await readCurrent(ctx.reader, { type, id, refKey: ctx.refKeyOf(type, id) }, filter);
  if (row === undefined) throw notFound(type);
  if (row.deleted) throw gone(row);
  if (isUnmodified(row, conditions)) return { status: 304, stamp: row, disclosed: [row] };
  const { json } = await openOne(ctx, row);
  return { status: 200, stamp: row, body: render(json, row), disclosed: [row] };
}

/** @see https://hl7.org/fhir/R4/http.html#vread */
export async function vread(ctx: Context, call: Call, type: string, id: string, version: string): Promise<Answer> {
  const filter = call.access.permit('r', type);
  assertId(id);
  if (!/^[1-9]\d{0,8}$/.test(version)) throw versionNotFound(type);
  const row = await readVersion(ctx.reader, { type, id, refKey: ctx.refKeyOf(type, id) }, Number(version), filter);
  if (row === undefined) throw versionNotFound(type);
  if (row.deleted) throw gone(row);
  const { json } = await openOne(ctx, row);
  return { status: 200, stamp: row, body: render(json, row), disclosed: [row] };
}

/** Opens one version. @throws FhirError 410 if its patient was erased, 406 if its file is too large for JSON */
export async function openOne<V extends StoredVersion>(ctx: Pick<Context, 'open'>, row: V): Promise<V & Pick<OpenedVersion, 'json'>> {
  const opened = await openBy(ctx.open, row);
  if (opened.partial) throw tooLargeForJson();
  return { ...row, json: opened.json };
}

/** @throws FhirError 410 if its patient was erased */
export async function openBy<V extends StoredVersion>(open: Opener, row: V): Promise<Opened<V>> {
  const [opened] = await open([row]);
  if (opened === undefined || opened.erased) throw gone({ ...row, erased: true });
  return opened;
}

function tooLargeForJson(): FhirError {
  const text = 'The file of this Binary is too large for JSON. Ask for it as what it is: its contentType by Accept.';
  return new FhirError(406, [issue('too-long', 'file-too-large-for-json', text)]);
}

export function versionNotFound(type: string): FhirError {
  return new FhirError(404, [issue('not-found', 'version-not-found', `No such version of a ${type} with this id is known here.`)]);
}

/** 410: the resource was deleted and its history remains, or it was erased and nothing does. */
export function gone({ type, id, version, erased }: StoredVersion): FhirError {
  const fault = erased
    ? issue('deleted', 'resource-erased', `${type}/${id} was erased with the record of its patient. Nothing of it remains.`)
    : issue('deleted', 'resource-deleted', `${type}/${id} was deleted. Its history remains at ${type}/${id}/_history.`);
  return new FhirError(410, [fault], { headers: { etag: `W/"${version}"` } });
}

/** If-None-Match counts before If-Modified-Since, which counts whole seconds. @see https://www.rfc-editor.org/rfc/rfc9110#name-precedence-of-preconditions */
function isUnmodified(row: StoredVersion, { ifNoneMatch, ifModifiedSince }: ReadConditions): boolean {
  if (ifNoneMatch !== undefined) return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => parseETag(tag) === row.version);
  if (ifModifiedSince === undefined) return false;
  const since = Date.parse(ifModifiedSince);
  return Number.isFinite(since) && Math.floor(Date.parse(row.lastUpdated) / 1000) * 1000 <= since;
}

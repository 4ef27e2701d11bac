import { FhirError } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Answer } from '../interactions/answer.ts';
import { askHistory, askRead, askUpdate, askVersion } from './ask.ts';
import { NativeError } from './error.ts';
import type { NativeAnswer, NativeCall } from './handler.ts';
import {
  documentFrom,
  listed,
  nextOf,
  notFound,
  numberOf,
  parsed,
  readShown,
  type Resource,
  shown,
  type View,
  writtenOnce,
} from './view.ts';

/** One version of a history: when and how it was made, and what it says; a deletion says nothing. */
type Past = { readonly version: number; readonly at: string; readonly method: string; readonly resource: Resource | undefined };

/** All versions, newest first, a page at a time: `{ version, updated_at, action, is_deleted, record? }`. */
export async function historyOf<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
): Promise<NativeAnswer> {
  const { limit = 20, cursor, total } = request.parameters.query;
  const pairs: [string, string][] = [['_count', String(limit)]];
  if (cursor !== undefined) pairs.push(['_page', String(cursor)]);
  const bundle = parsed(await askHistory(request, view.type, id, pairs));
  const data = pastsOf(bundle).map(({ version, at, method, resource }) => ({
    version,
    updated_at: at,
    action: actionOf(method, version),
    is_deleted: resource === undefined,
    ...(resource === undefined ? {} : { record: view.toView(resource) }),
  }));
  return listed(request, data, nextOf(bundle), total === true ? numberOf(bundle.total) : undefined);
}

function actionOf(method: string, version: number): string {
  if (method === 'DELETE') return 'delete';
  return version === 1 ? 'create' : 'update';
}

/** The version that was current at an instant. @throws NativeError 404 where there was none, 410 where it was a deletion */
async function versionAsOf<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  asOf: string,
): Promise<Past> {
  const bundle = parsed(await askHistory(request, view.type, id, [['_at', asOf]]));
  const [newest] = pastsOf(bundle);
  if (newest === undefined) throw notFound(view.name);
  if (newest.resource === undefined) throw new NativeError('deleted', `The ${view.name} was deleted at that time.`);
  if (!view.isShown(newest.resource)) throw notFound(view.name);
  return newest;
}

/** One as it is or, with `as_of`, as it was. @param isHere  of the resource of that time, whether the path names it */
export async function readAt<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  isHere: (resource: Resource) => boolean = () => true,
): Promise<NativeAnswer> {
  const { as_of: asOf } = request.parameters.query;
  if (asOf === undefined) return shown(view, await readShown(view, request, id, isHere));
  const { version, at, resource = {} } = await versionAsOf(view, request, id, String(asOf));
  if (!isHere(resource)) throw notFound(view.name);
  const headers = { etag: `W/"${version}"`, 'last-modified': new Date(at).toUTCString() };
  return { status: 200, headers, body: view.toView(resource) };
}

/** Brings back what was deleted, as a new version with the content before; what isn't deleted stays as it is. */
export function restoreView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  guard: GuardOf,
): Promise<NativeAnswer> {
  return writtenOnce(view, request, 200, async () => {
    const deleted = await deletedVersion(request, view.type, id);
    if (typeof deleted !== 'number') return deleted;
    const before = parsed(await askVersion(request, view.type, id, deleted - 1));
    // A deletion is no version that a precondition could name.
    return askUpdate(guard(request, before), id, documentFrom(request.ctx, before));
  });
}

/** A new version with the content of that time. */
export function revertView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  asOf: string,
  guard: GuardOf,
): Promise<NativeAnswer> {
  return writtenOnce(view, request, 200, async () => {
    const now = await askRead(request, view.type, id);
    const { resource = {} } = await versionAsOf(view, request, id, asOf).catch((error: unknown) => {
      if (!(error instanceof NativeError)) throw error;
      const details = [{ field: 'as_of', code: 'not_there', message: `At that time there was no such ${view.name}.` }];
      throw new NativeError('validation_failed', 'There is nothing to go back to; see details.', { details });
    });
    const ifMatch = request.parameters.header['if-match'] ?? `W/"${now.stamp?.version}"`;
    return askUpdate(guard(request, resource), id, documentFrom(request.ctx, resource), ifMatch);
  });
}

/** The request with what guards the write of this content. */
export type GuardOf = (request: NativeCall, resource: Resource) => NativeCall;

/** The version that is a deletion; or the answer of a read, where there is none. */
async function deletedVersion(request: NativeCall, type: string, id: string): Promise<number | Answer> {
  try {
    return await askRead(request, type, id);
  } catch (error) {
    const version = error instanceof FhirError && error.status === 410 ? /^W\/"(\d+)"$/.exec(error.headers.etag ?? '')?.[1] : undefined;
    const isErased = error instanceof FhirError && error.issues.some(({ id }) => id === 'resource-erased');
    if (version === undefined || isErased) throw error;
    return Number(version);
  }
}

function pastsOf(bundle: Resource): Past[] {
  const entries = Array.isArray(bundle.entry) ? (bundle.entry as JsonObject[]) : [];
  return entries.map(({ resource, request, response }) => {
    const { etag = '', lastModified = '' } = response as { etag?: string; lastModified?: string };
    const { method = '' } = request as { method?: string };
    return { version: Number(/\d+/.exec(etag)?.[0]), at: lastModified, method, resource: resource as Resource | undefined };
  });
}

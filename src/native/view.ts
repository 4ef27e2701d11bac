import { FhirError } from '../fhir/error.ts';
import { parseJson, type Json, type JsonObject } from '../fhir/json.ts';
import type { Answer } from '../interactions/answer.ts';
import { type Document, documentOf, limitsOf, parseStored } from '../interactions/document.ts';
import type { Context } from '../interactions/context.ts';
import type { Pairs } from '../interactions/search.ts';
import { askCreate, askRead, askRemove, askSearch, askUpdate, askVersion } from './ask.ts';
import { NativeError } from './error.ts';
import type { NativeAnswer, NativeCall } from './handler.ts';
import type { Told } from './own-references.ts';

/** A resource as JSON, with `meta.versionId` and `meta.lastUpdated` where it was read. */
export type Resource = JsonObject;

/** What of a FHIR type the native API shows, and how: pure, so that it can be tested by itself. */
export type View<I extends object, V extends object> = {
  readonly type: string;
  /** As errors name it: `appointment`. */
  readonly name: string;
  /** Search criteria that everything in the view meets: `[['category', 'laboratory']]`. */
  readonly shows: Pairs;
  /** The same, of a resource that was read by its id: any other is not found. */
  readonly isShown: (resource: Resource) => boolean;
  /** Anything that the type can hold can be shown: fields that a resource lacks are left out or null. */
  readonly toView: (resource: Resource) => V;
  /** @param before  what is replaced: all that the view doesn't know stays as it is */
  readonly toResource: (input: I, before?: Resource) => Resource;
  /** FHIR search parameters for each query parameter of the list. */
  readonly queries: Readonly<Record<string, (value: string) => Pairs>>;
  readonly sort: string;
  /** Where one is, below `/api/v1`, by its id and that of the patient in the path; left out where none is by itself. */
  readonly path?: (id: string, patient: string) => string;
};

/** The list of a view, a page at a time. */
export async function listView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  within: Pairs = [],
): Promise<NativeAnswer> {
  const { query } = request.parameters;
  const { limit = 20, cursor, total } = query;
  const asked = Object.entries(view.queries).flatMap(([name, pairsOf]) => {
    const value = query[name];
    return value === undefined ? [] : pairsOf(String(value));
  });
  const pairs: [string, string][] = [...view.shows, ...within, ...asked].map(([name, value]) => [name, value]);
  pairs.push(['_sort', view.sort], ['_count', String(limit)]);
  if (total === true) pairs.push(['_total', 'accurate']);
  if (cursor !== undefined) pairs.push(['_page', String(cursor)]);
  const bundle = parsed(await askSearch(request, { type: view.type }, pairs));
  const resources = entriesOf(bundle).filter((resource) => resource.resourceType === view.type && view.isShown(resource));
  return listed(request, resources.map(view.toView), nextOf(bundle), total === true ? numberOf(bundle.total) : undefined);
}

/** `{ data, next_cursor, meta }` */
export function listed(request: NativeCall, data: readonly object[], next: string | null, total: number | undefined): NativeAnswer {
  const limit = Number(request.parameters.query.limit ?? 20);
  const pagination = total === undefined ? { limit } : { limit, total };
  const meta = { request_id: request.requestId, timestamp: new Date().toISOString(), pagination };
  return { status: 200, body: { data, next_cursor: next, meta } };
}

/** The resource, if it is one of the view's. @throws NativeError 404 */
export async function readShown<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  isHere: (resource: Resource) => boolean = () => true,
): Promise<Told> {
  const answer = await askRead(request, view.type, id);
  const resource = parsed(answer);
  if (!view.isShown(resource) || !isHere(resource)) throw notFound(view.name);
  return answer;
}

export async function createView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  input: I,
): Promise<NativeAnswer> {
  return writtenOnce(view, request, 201, () => askCreate(request, documentFrom(request.ctx, view.toResource(input))));
}

/** The answer of a POST that writes: of one that is repeated, rendered anew from the version that the first one wrote. */
export async function writtenOnce<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  status: 200 | 201,
  write: () => Promise<Answer>,
): Promise<NativeAnswer> {
  const { replay } = request;
  if (replay === undefined) {
    const written = await write();
    return located(view, request, written.stamp?.id, { ...shown(view, written), status });
  }
  const [, id = '', , version = ''] = replay.find((each) => each.startsWith(`${view.type}/`))?.split('/') ?? [];
  const answer = await unlessHidden(async () => shown(view, await askVersion(request, view.type, id, Number(version))));
  return located(view, request, id, { ...(answer ?? { headers: { etag: `W/"${version}"` } }), status });
}

/** Of something new, where it is: all that is told to who may write but not read. */
function located<I extends object, V extends object>(
  { path }: View<I, V>,
  { parameters }: NativeCall,
  id: string | undefined,
  answer: NativeAnswer,
): NativeAnswer {
  if (answer.status !== 201 || path === undefined || id === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, location: `/api/v1${path(id, parameters.path.id ?? '')}` } };
}

/** @returns undefined for what the caller wrote and may not read */
async function unlessHidden<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FhirError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

/** Replaces what the view knows of a resource, as it was read before; If-Match counts where it is sent. */
export async function replaceView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
  before: Answer,
  input: I,
): Promise<NativeAnswer> {
  const { ctx, parameters } = request;
  // What the view doesn't know, and what was judged by it, is as it was read: nothing may have come between.
  const ifMatch = parameters.header['if-match'] ?? `W/"${before.stamp?.version}"`;
  const document = documentFrom(ctx, { ...view.toResource(input, parsed(before)), id });
  return shown(view, await askUpdate(request, id, document, ifMatch));
}

export async function removeView<I extends object, V extends object>(
  view: View<I, V>,
  request: NativeCall,
  id: string,
): Promise<NativeAnswer> {
  await readShown(view, request, id);
  await askRemove(request, view.type, id, request.parameters.header['if-match']);
  return { status: 204 };
}

/** An interaction's answer as the view shows it. Who may write but not read gets no body. */
export function shown<I extends object, V extends object>(view: View<I, V>, answer: Answer): NativeAnswer {
  const { status, stamp } = answer;
  const headers: Record<string, string> = {};
  if (stamp !== undefined) {
    headers.etag = `W/"${stamp.version}"`;
    headers['last-modified'] = new Date(stamp.lastUpdated).toUTCString();
  }
  return answer.body === undefined ? { status, headers } : { status, headers, body: view.toView(parsed(answer)) };
}

export function parsed({ body = '{}' }: Answer): Resource {
  return JSON.parse(body.toString()) as Resource;
}

/** A document of the interactions, of a resource that we made. Members that are undefined are left out. */
export function documentFrom(ctx: Context, resource: { readonly [name: string]: Json | undefined }): Document {
  const source = parseJson(JSON.stringify(resource), limitsOf(ctx));
  return documentOf(source, source.value, 'Resource');
}

/** A stored document as a value whose decimals keep their digits. */
export const storedResource = (json: Buffer): Resource => parseStored(json).value as Resource;

export function entriesOf(bundle: Resource): Resource[] {
  const entries = Array.isArray(bundle.entry) ? (bundle.entry as JsonObject[]) : [];
  return entries.flatMap(({ resource }) => (resource === undefined ? [] : [resource as Resource]));
}

/** The cursor of the bundle's next link. */
export function nextOf(bundle: Resource): string | null {
  const links = Array.isArray(bundle.link) ? (bundle.link as { relation?: string; url?: string }[]) : [];
  const url = links.find(({ relation }) => relation === 'next')?.url;
  return url === undefined ? null : new URL(url).searchParams.get('_page');
}

export const numberOf = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

export function notFound(name: string): NativeError {
  return new NativeError('not_found', `There is no such ${name}, or you may not see it.`);
}

import { badRequest, FhirError, type Issue, issue } from '../fhir/error.ts';
import { type Json, type JsonObject, type ParsedJson, parseJson } from '../fhir/json.ts';
import { isId } from '../fhir/references.ts';
import type { Context } from './context.ts';
import { type Document, documentOf, limitsOf } from './document.ts';
import type { Patch } from './patch.ts';
import { assertShaped, assertType } from './prepare.ts';

/** One entry of a batch or transaction as asked, its url taken apart. */
export type Entry = {
  readonly index: number;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly fullUrl?: string;
  /** Relative to the base, without a leading slash. */
  readonly url: string;
  /** Empty for a search of several types. */
  readonly type: string;
  readonly id?: string;
  /** The query of the url: criteria of a conditional interaction, or a search. */
  readonly query?: string;
  readonly document?: Document;
  readonly patch?: Patch;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
  readonly ifNoneExist?: string;
};

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Where in the Bundle an entry's fault lies. */
export const entryPath = (index: number): string => `Bundle.entry[${index}]`;

/**
 * Reads the entries of a batch or transaction. Faults of an entry are given to `onFault`, which throws (transaction) or
 * keeps them as that entry's answer (batch).
 *
 * @throws FhirError 400 where the Bundle itself is wrong, 413 with too many entries
 */
export async function readEntries(ctx: Context, parsed: ParsedJson, onFault: (index: number, error: unknown) => void): Promise<Entry[]> {
  const bundle = isObject(parsed.value) ? parsed.value : {};
  const list = bundle.entry ?? [];
  if (!Array.isArray(list)) throw badRequest('bundle-invalid', 'Bundle.entry is an array.', 'Bundle.entry', 'structure');
  if (list.length > ctx.config.bundleEntriesMax) {
    throw new FhirError(413, [
      issue(
        'too-costly',
        'bundle-too-many-entries',
        `The Bundle has ${list.length} entries; at most ${ctx.config.bundleEntriesMax} are taken. Send several Bundles.`,
        'Bundle.entry',
      ),
    ]);
  }
  const entries: Entry[] = [];
  for (const [index, entry] of list.entries()) {
    try {
      entries.push(await readEntry(ctx, parsed, entry, index));
    } catch (error) {
      onFault(index, error);
    }
  }
  return entries;
}

async function readEntry(ctx: Context, parsed: ParsedJson, entry: Json, index: number): Promise<Entry> {
  const path = entryPath(index);
  if (!isObject(entry) || !isObject(entry.request ?? null)) {
    throw badRequest(
      'entry-without-request',
      'An entry of a batch or transaction needs a request with method and url.',
      `${path}.request`,
      'required',
    );
  }
  const request = entry.request as JsonObject;
  const method = methods.find((known) => known === request.method);
  if (method === undefined)
    throw badRequest('entry-method-invalid', `request.method is one of ${methods.join(', ')}.`, `${path}.request.method`, 'value');
  if (typeof request.url !== 'string')
    throw badRequest(
      'entry-without-url',
      'An entry needs request.url, relative to the base: Patient, Patient/123 or Patient?identifier=….',
      `${path}.request.url`,
      'required',
    );
  const place = readUrl(ctx, request.url, path, method);
  if (method === 'POST' && place.url !== place.type)
    throw badRequest('entry-url-invalid', 'A POST entry creates: its url is a type alone.', `${path}.request.url`);
  const given = entry.resource;
  const document =
    given === undefined || method === 'GET' || method === 'HEAD' || method === 'DELETE'
      ? undefined
      : documentOf(parsed, given, `${path}.resource`);
  if (document === undefined && (method === 'POST' || method === 'PUT' || method === 'PATCH')) {
    throw badRequest('entry-without-resource', `A ${method} entry needs a resource.`, `${path}.resource`, 'required');
  }
  const text = (name: string): string | undefined => {
    const value = request[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    index,
    method,
    ...place,
    ...defined({ fullUrl: typeof entry.fullUrl === 'string' ? entry.fullUrl : undefined }),
    ...defined({
      ifMatch: text('ifMatch'),
      ifNoneMatch: text('ifNoneMatch'),
      ifModifiedSince: text('ifModifiedSince'),
      ifNoneExist: text('ifNoneExist'),
    }),
    ...(document === undefined ? {} : method === 'PATCH' ? { patch: await patchOf(ctx, document, path) } : { document }),
  };
}

type Place = Pick<Entry, 'url' | 'type' | 'id' | 'query'>;

function readUrl(ctx: Context, raw: string, path: string, method: Entry['method']): Place {
  const base = ctx.config.baseUrl;
  const below = raw.startsWith(`${base}/`) || raw.startsWith(`${base}?`);
  const url = (below ? raw.slice(base.length) : raw).replace(/^\//, '');
  const mark = url.indexOf('?');
  const [type = '', id, ...rest] = (mark === -1 ? url : url.slice(0, mark)).split('/');
  // A search of several types names none in its path.
  if (url.charAt(0) !== '?' || method !== 'GET') assertType(ctx.registry, type, `${path}.request.url`);
  if (id !== undefined && id !== '' && id !== '_history' && id !== '_search' && !isId(id)) {
    throw badRequest('id-invalid', 'An id has 1 to 64 letters, digits, "-" and ".".', `${path}.request.url`, 'value');
  }
  const query = mark === -1 ? undefined : url.slice(mark + 1);
  return { url, type, ...defined({ id: rest.length === 0 && id !== '' && id !== '_history' ? id : undefined, query }) };
}

/** A patch stands in an entry as Parameters, or as a Binary that holds JSON Patch. @see https://hl7.org/fhir/R4/http.html#patch */
async function patchOf(ctx: Context, document: Document, path: string): Promise<Patch> {
  const { type, value, decimals } = document;
  if (type === 'Parameters') {
    await assertShaped(ctx, document);
    return { kind: 'fhirpath', parsed: { value, decimals } };
  }
  if (type === 'Binary' && value.contentType === 'application/json-patch+json' && typeof value.data === 'string') {
    return { kind: 'json', parsed: parseJson(Buffer.from(value.data, 'base64'), limitsOf(ctx)) };
  }
  throw badRequest(
    'entry-patch-invalid',
    'A PATCH entry holds Parameters (FHIRPath Patch), or a Binary with contentType application/json-patch+json.',
    `${path}.resource`,
    'structure',
  );
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Leaves out what is undefined. */
function defined<T extends Readonly<Record<string, string | undefined>>>(record: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}

/** A place in a resource, as seen from the Bundle: `Patient.name` is `Bundle.entry[0].resource.ofType(Patient).name`. */
function placeIn(path: string, place: string): string {
  const [type, rest] = /^[A-Z]/.test(place) ? place.split(/(?=[.[])(.*)/s) : ['Resource', `.${place}`];
  return `${path}.resource${type === 'Resource' ? '' : `.ofType(${type})`}${rest ?? ''}`;
}

/** The same finding with expressions that name the entry. */
export function placedAtEntry(index: number, found: Issue): Issue {
  const { expression } = found;
  if (expression === undefined) return found;
  const path = entryPath(index);
  return { ...found, expression: expression.map((place) => (place.startsWith('Bundle.entry') ? place : placeIn(path, place))) };
}

/** The same error with its place in the Bundle: words and expressions name the entry. */
export function atEntry(index: number, error: FhirError): FhirError {
  const issues = error.issues.map((each) => ({
    ...placedAtEntry(index, { expression: [entryPath(index)], ...each }),
    text: `Entry ${index}: ${each.text}`,
  }));
  return new FhirError(error.status, issues, { cause: error, headers: error.headers });
}

/** Throws what happened in an entry again, with the entry's place where it is the client's to mend. */
export function refuseAt(index: number, error: unknown): never {
  throw error instanceof FhirError ? atEntry(index, error) : error;
}

export function inEntry<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return refuseAt(index, error);
  }
}

export async function inEntryAsync<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return refuseAt(index, error);
  }
}

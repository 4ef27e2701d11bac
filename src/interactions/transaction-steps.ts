import { badRequest, FhirError } from '../fhir/error.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { StoredFile } from '../storage/stored-file.ts';
import { type Criteria, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import { atEntry, type Entry, entryPath, inEntry, readEntries, refuseAt } from './entries.ts';
import { newId } from './ids.ts';
import type { Document } from './document.ts';
import { bundleResolver, type Placed, type Resolve, rewriteLinks } from './links.ts';
import { auditEventsStay } from './preconditions.ts';
import { assertTypeMatches, validated } from './prepare.ts';

/**
 * Reads a transaction's entries and refuses all that can be refused without the database: what is invalid, not permitted, or
 * changed twice.
 *
 * @throws FhirError naming the entry
 */
export async function readSteps(ctx: Context, call: Call, parsed: ParsedJson, files: EntryFiles): Promise<Step[]> {
  const read = await readEntries(ctx, parsed, (index, error) => refuseAt(index, error));
  const entries = files.size === 0 ? read : read.map((entry) => withFile(entry, files.get(entry.index)));
  const steps = entries.map((entry) => inEntry(entry.index, () => stepOf(ctx, call, entry)));
  assertDistinct(steps.flatMap(({ target }) => target ?? []));
  assertFullUrlsDiffer(entries);
  return validSteps(ctx, steps);
}

/** By the index of the entry whose Binary has it. */
export type EntryFiles = ReadonlyMap<number, StoredFile>;

function withFile(entry: Entry, file: StoredFile | undefined): Entry {
  if (file === undefined || entry.document === undefined) return entry;
  return { ...entry, document: { ...entry.document, file } };
}

/** What is wrong is told of many entries at once. */
async function validSteps(ctx: Context, steps: readonly Step[]): Promise<Step[]> {
  const resolver = bundleResolver(steps.map(provisionalPlace), new Map(), ctx.config.baseUrl);
  const faults: FhirError[] = [];
  const valid: Step[] = [];
  for (const step of steps) {
    const { index, document, fullUrl } = step.entry;
    if (document === undefined) {
      valid.push(step);
      continue;
    }
    try {
      valid.push({ ...step, entry: { ...step.entry, document: await validEntry(ctx, document, resolver(fullUrl)) } });
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      faults.push(atEntry(index, error));
      if (faults.length >= faultyEntriesMax) break;
    }
  }
  if (faults.length > 0) throw together(faults);
  return valid;
}

/**
 * The references to other entries count as they are sent, or as what they will become: as a fullUrl, whatever its form, they name an entry,
 * and an image in a narrative may be one.
 */
async function validEntry(ctx: Context, document: Document, resolve: Resolve): Promise<Document> {
  try {
    return await validated(ctx, document);
  } catch (error) {
    const { document: resolved } = rewriteLinks(document, resolve, ctx.definitions.schema);
    if (resolved === document || !(error instanceof FhirError)) throw error;
    const fault = await validated(ctx, resolved).catch((other: unknown) => other);
    if (!(fault instanceof Error)) return document;
    throw fault instanceof FhirError && fault.issues.length < error.issues.length ? fault : error;
  }
}

/** Of what is written by criteria only the type is known yet. */
function provisionalPlace({ entry: { fullUrl, type }, target }: Step): Placed {
  return { ...(fullUrl === undefined ? {} : { fullUrl }), type, id: target?.id ?? 'unknown', version: 1 };
}

const faultyEntriesMax = 20;

/** 400 if one of them is: that has to be mended before the rest counts. */
function together(faults: readonly FhirError[]): FhirError {
  const status = faults.some((fault) => fault.status === 400) ? 400 : 422;
  return new FhirError(
    status,
    faults.flatMap(({ issues }) => issues),
    { cause: faults[0] },
  );
}

/** An entry with what can be known of it before the database is asked. */
export type Step = {
  readonly entry: Entry;
  /** The resource it writes, when its url names one or it makes one. */
  readonly target?: Target;
  readonly criteria?: Criteria;
};

export type Target = { readonly index: number; readonly type: string; readonly id: string };

function stepOf(ctx: Context, call: Call, entry: Entry): Step {
  const { index, method, type, id, query, document } = entry;
  if (method === 'GET' || method === 'HEAD') return { entry };
  call.access.permit(method === 'POST' ? 'c' : method === 'DELETE' ? 'd' : 'u', type);
  if (type === 'AuditEvent' && method !== 'POST' && (method !== 'PUT' || id === undefined)) throw auditEventsStay();
  if (document !== undefined) assertTypeMatches(document, type);
  if (method === 'POST') {
    const target = { index, type, id: newId(type) };
    return entry.ifNoneExist === undefined
      ? { entry, target }
      : { entry, target, criteria: criteriaOf(ctx, call, type, entry.ifNoneExist) };
  }
  if (id !== undefined) {
    if (method === 'PUT' && document?.value.id !== id)
      throw badRequest('id-mismatch', 'The resource needs the id of its request.url.', `${type}.id`);
    return { entry, target: { index, type, id } };
  }
  if (query === undefined)
    throw badRequest(
      'entry-url-invalid',
      `A ${method} entry names a resource: Type/id or Type?criteria.`,
      `${entryPath(index)}.request.url`,
    );
  return { entry, criteria: criteriaOf(ctx, call, type, query) };
}

function criteriaOf(ctx: Context, call: Call, type: string, text: string): Criteria {
  call.access.permit('s', type);
  return parseCriteria(ctx, type, text, 'A conditional entry');
}

/** @throws FhirError 400 if two entries write the same resource */
export function assertDistinct(targets: readonly Target[]): void {
  const seen = new Map<string, number>();
  for (const { index, type, id } of targets) {
    const name = `${type}/${id}`;
    const first = seen.get(name);
    if (first !== undefined) {
      throw badRequest(
        'transaction-duplicate-target',
        `Entries ${first} and ${index} change the same resource. A transaction changes each resource once.`,
        [entryPath(first), entryPath(index)],
      );
    }
    seen.set(name, index);
  }
}

/** Two entries under one fullUrl would leave open which of them a reference means. @see https://hl7.org/fhir/R4/bundle.html (bdl-7) */
function assertFullUrlsDiffer(entries: readonly Entry[]): void {
  const seen = new Map<string, number>();
  for (const { index, fullUrl, method } of entries) {
    if (fullUrl === undefined || method === 'GET' || method === 'HEAD') continue;
    const first = seen.get(fullUrl);
    if (first !== undefined) {
      throw badRequest(
        'transaction-duplicate-full-url',
        `Entries ${first} and ${index} have the same fullUrl. Give each its own, so that references to them are clear.`,
        [`${entryPath(first)}.fullUrl`, `${entryPath(index)}.fullUrl`],
      );
    }
    seen.set(fullUrl, index);
  }
}

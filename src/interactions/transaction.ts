import { badRequest, FhirError, issue, notFound } from '../fhir/error.ts';
import type { ParsedJson } from '../fhir/json.ts';
import { inTransaction, LostRace, type Transaction } from '../storage/database.ts';
import { passesFilter } from '../storage/filter.ts';
import { type Address, type LockedVersion, lockCurrent, readCurrent } from '../storage/read.ts';
import { insertVersions, lockOwners, replaceVersions } from '../storage/write.ts';
import { type Answer, type Return, writeAnswer } from './answer.ts';
import { type Criteria, findMatches, lockCriteria, parseCriteria } from './conditional.ts';
import {
  type Changes,
  type ConditionalReferences,
  conditionalReferencesOf,
  resolveConditionalReferences,
} from './conditional-references.ts';
import type { Call, Context } from './context.ts';
import type { Document, Edit } from './document.ts';
import { atEntry, type Entry, entryPath, readEntries } from './entries.ts';
import { newId } from './ids.ts';
import { bundleResolver, linksOf, type Placed, type Resolve, rewriteLinks, rewritePatch } from './links.ts';
import { created, deleted, unchanged, updated } from './outcomes.ts';
import { patched } from './patch.ts';
import { assertIfMatch, auditEventsStay, multipleMatches, refusedByStore, versionConflict } from './preconditions.ts';
import { assertTypeMatches, assertValid, deletionOf, type Prepared, prepareVersion } from './prepare.ts';
import { gone } from './read.ts';
import { assertMayCreate, assertUpdatable, identicalAuditEvent, unchangedText } from './update.ts';
import { answerGet } from './retrieve.ts';
import type { OpenedVersion } from '../storage/sealing.ts';

/**
 * Runs a transaction Bundle: all of it or nothing, in the order DELETE, POST, PUT and PATCH, GET. References among its entries
 * are resolved, and conditional ones looked up. One entry's fault refuses the whole and names the entry.
 *
 * @returns one answer an entry, in the Bundle's order
 * @see     https://hl7.org/fhir/R4/http.html#transaction
 */
export async function transaction(ctx: Context, call: Call, parsed: ParsedJson, prefer: Return): Promise<Answer[]> {
  const entries = readEntries(ctx, parsed, (index, error) => refuseAt(index, error));
  const steps = entries.map((entry) => inEntry(entry.index, () => stepOf(ctx, call, entry)));
  assertDistinct(steps.flatMap(({ target }) => target ?? []));
  assertFullUrlsDiffer(entries);
  const references = conditionalReferencesOf(
    ctx,
    call,
    entries.map((entry) => ({ index: entry.index, links: linksOf(entry) })),
  );
  return inTransaction(ctx.pool, { retriesMax: ctx.config.transactionRetriesMax }, (tx) => run(ctx, call, tx, steps, references, prefer));
}

/** An entry with what can be known of it before the database is asked. */
type Step = {
  readonly entry: Entry;
  /** The resource it writes, when its url names one or it makes one. */
  readonly target?: Target;
  readonly criteria?: Criteria;
};

type Target = { readonly index: number; readonly type: string; readonly id: string };

function stepOf(ctx: Context, call: Call, entry: Entry): Step {
  const { index, method, type, id, query, document } = entry;
  if (method === 'GET' || method === 'HEAD') return { entry };
  call.access.permit(method === 'POST' ? 'c' : method === 'DELETE' ? 'd' : 'u', type);
  if (type === 'AuditEvent' && (method === 'DELETE' || method === 'PATCH')) throw auditEventsStay();
  if (document !== undefined) {
    assertTypeMatches(document, type);
    assertValid(ctx, document);
  }
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
function assertDistinct(targets: readonly Target[]): void {
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

/** What an entry turned out to do, once criteria were looked up. */
type Resolved = { readonly step: Step; readonly target?: Target; readonly found?: OpenedVersion; readonly sameAs?: number };

async function run(
  ctx: Context,
  call: Call,
  tx: Transaction,
  steps: readonly Step[],
  references: ConditionalReferences,
  prefer: Return,
): Promise<Answer[]> {
  const resolved = await resolveCriteria(ctx, call, tx, steps);
  const targets = resolved.flatMap(({ target }) => target ?? []);
  assertDistinct(targets);
  const current = await lockTargets(ctx, tx, resolved);
  const conditional = await resolveConditionalReferences(ctx, call, tx.client, references, changesOf(resolved));
  const placed = resolved.map((each) => placeOf(each, resolved, current));
  const resolver = bundleResolver(
    placed.flatMap((place) => place ?? []),
    conditional,
    ctx.config.baseUrl,
  );
  const rids = await ctx.rowIds.take(resolved.length);
  const reading: Context = { ...ctx, reader: tx.client, searcher: tx.client };
  const works = await Promise.all(
    resolved.map((each, at) =>
      inEntryAsync(each.step.entry.index, () =>
        workOf(reading, call, each, current, resolver(each.step.entry.fullUrl), rids[at] ?? 0, prefer),
      ),
    ),
  );
  const lastUpdated = await writeAll(tx, works);
  const answers: Answer[] = [];
  for (const [at, { step, sameAs }] of resolved.entries()) {
    const { entry } = step;
    const work = works[at];
    if (entry.method === 'GET' || entry.method === 'HEAD')
      answers.push(await inEntryAsync(entry.index, () => answerGet(reading, call, entry)));
    else if (sameAs !== undefined) answers.push(sameAnswer(works[sameAs], lastUpdated));
    else answers.push(work?.answer(lastUpdated) ?? { status: 200 });
  }
  return answers;
}

/** Looks the criteria of all conditional entries up, each distinct one once, under the locks that equal criteria share. */
async function resolveCriteria(ctx: Context, call: Call, tx: Transaction, steps: readonly Step[]): Promise<Resolved[]> {
  const distinct = new Map(steps.flatMap(({ criteria }) => (criteria === undefined ? [] : [[criteria.key, criteria] as const])));
  if (distinct.size === 0) return steps.map((step) => (step.target === undefined ? { step } : { step, target: step.target }));
  const all = [...distinct.values()];
  const [, ...found] = await Promise.all([
    lockCriteria(tx.client, all),
    ...all.map((criteria) => findMatches(ctx, call, tx.client, criteria, 2)),
  ]);
  const doomed = new Set(
    steps.flatMap(({ entry, target }) => (entry.method === 'DELETE' && target !== undefined ? [`${target.type}/${target.id}`] : [])),
  );
  const matches = new Map(
    all.map((criteria, at) => [criteria.key, (found[at] ?? []).filter((row) => !doomed.has(`${row.type}/${row.id}`))]),
  );
  const making = new Map<string, number>();
  return steps.map((step, at) => inEntry(step.entry.index, () => resolveOne(step, at, matches, making)));
}

function resolveOne(step: Step, at: number, matches: ReadonlyMap<string, readonly OpenedVersion[]>, making: Map<string, number>): Resolved {
  const { entry, criteria, target } = step;
  if (criteria === undefined) return target === undefined ? { step } : { step, target };
  const [match, another] = matches.get(criteria.key) ?? [];
  if (another !== undefined) throw multipleMatches('the entry');
  if (entry.method === 'POST') {
    if (match !== undefined) return { step, found: match };
    const first = making.get(criteria.key);
    if (first !== undefined) return { step, sameAs: first };
    making.set(criteria.key, at);
    return target === undefined ? { step } : { step, target };
  }
  if (match !== undefined) return { step, target: { index: entry.index, type: entry.type, id: match.id } };
  if (entry.method === 'PATCH')
    throw new FhirError(404, [issue('not-found', 'criteria-without-match', `No ${entry.type} matches the criteria of the entry.`)]);
  if (entry.method === 'DELETE') return { step };
  const brought = entry.document?.value.id;
  return { step, target: { index: entry.index, type: entry.type, id: typeof brought === 'string' ? brought : newId(entry.type) } };
}

type Current = ReadonlyMap<string, LockedVersion>;

async function lockTargets(ctx: Context, tx: Transaction, resolved: readonly Resolved[]): Promise<Current> {
  const addresses: Address[] = resolved
    .filter(({ step }) => step.entry.method !== 'POST')
    .flatMap(({ target }) =>
      // Audit events can't be locked, as they can't be changed.
      target === undefined || target.type === 'AuditEvent'
        ? []
        : [{ type: target.type, id: target.id, refKey: ctx.refKeyOf(target.type, target.id) }],
    );
  if (addresses.length === 0) return new Map();
  const rows = await lockCurrent(tx.client, addresses);
  return new Map(rows.map((row) => [`${row.type}/${row.id}`, row]));
}

/** What the resolved entries leave behind, as far as conditional references may mean it. */
function changesOf(resolved: readonly Resolved[]): Changes {
  return {
    writing: resolved.flatMap(({ step, target }) => {
      const { document } = step.entry;
      return target === undefined || document === undefined ? [] : [{ type: target.type, id: target.id, document }];
    }),
    deleting: new Set(
      resolved.flatMap(({ step, target }) =>
        step.entry.method === 'DELETE' && target !== undefined ? [`${target.type}/${target.id}`] : [],
      ),
    ),
  };
}

function placeOf({ step, target, found, sameAs }: Resolved, resolved: readonly Resolved[], current: Current): Placed | undefined {
  const { fullUrl } = step.entry;
  const named = fullUrl === undefined ? {} : { fullUrl };
  if (found !== undefined) return { ...named, type: found.type, id: found.id, version: found.version };
  const own = sameAs === undefined ? target : resolved[sameAs]?.target;
  if (own === undefined) return undefined;
  return { ...named, type: own.type, id: own.id, version: (current.get(`${own.type}/${own.id}`)?.version ?? 0) + 1 };
}

/** What an entry writes, if anything, and its answer once it is written. */
type Work = {
  readonly insert?: Prepared['row'];
  readonly replace?: Prepared['row'];
  readonly answer: (lastUpdated: LastUpdated) => Answer;
};
type LastUpdated = (rid: number) => string;

async function workOf(
  ctx: Context,
  call: Call,
  each: Resolved,
  current: Current,
  resolve: Resolve,
  rid: number,
  prefer: Return,
): Promise<Work> {
  const { step, target, found, sameAs } = each;
  const { entry } = step;
  const readable = call.access.filter('r', entry.type) === 'all';
  if (found !== undefined)
    return { answer: () => writeAnswer({ status: 200, stamp: found, json: found.json, readable }, prefer, unchanged(entry.type)) };
  if (entry.method === 'GET' || entry.method === 'HEAD' || sameAs !== undefined) return { answer: () => ({ status: 200 }) };
  if (target === undefined) return { answer: () => ({ status: 204, issues: [deleted(0)] }) };
  const row = current.get(`${target.type}/${target.id}`);
  if (entry.method === 'DELETE') return deleteWork(call, target, row, entry);
  if (entry.method === 'PATCH') return patchWork(ctx, call, target, row, entry, resolve, prefer);
  if (entry.document === undefined) throw new Error('a write without a document');
  const { document, edits } = rewriteLinks(entry.document, resolve, ctx.definitions.schema);
  if (entry.method === 'PUT' && row !== undefined) return replaceWork(ctx, call, row, entry, document, edits, prefer);
  if (entry.method === 'PUT') {
    if (entry.ifMatch !== undefined) throw versionConflict();
    assertMayCreate(call, target.type, target.id);
    if (target.type === 'AuditEvent') {
      const address = { ...target, refKey: ctx.refKeyOf(target.type, target.id) };
      if ((await readCurrent(ctx.reader, address, 'all')) !== undefined) {
        const answer = await identicalAuditEvent(ctx, call, address, document, { prefer });
        return { answer: () => answer };
      }
    }
  }
  const interaction = entry.method === 'POST' ? 'c' : 'u';
  const prepared = await prepareVersion(
    ctx,
    document,
    { id: target.id, rid, version: 1, interaction },
    call.access.filter(interaction, target.type),
    edits,
  );
  return { insert: prepared.row, answer: answerOf(201, prepared, prefer, call) };
}

function answerOf(status: 200 | 201, { row, json }: Prepared, prefer: Return, call: Call): Work['answer'] {
  return (lastUpdated) => {
    const stamp = { type: row.type, id: row.id, version: row.version, lastUpdated: lastUpdated(row.rid) };
    const readable = passesFilter(call.access.filter('r', row.type), row.tokens);
    return writeAnswer({ status, stamp, json, readable }, prefer, status === 201 ? created(row.type) : updated(row.type));
  };
}

function deleteWork(call: Call, target: Target, row: LockedVersion | undefined, entry: Entry): Work {
  if (row === undefined || !passesFilter(call.access.filter('d', target.type), row.tokens)) {
    assertIfMatch(entry.ifMatch, undefined);
    return { answer: () => ({ status: 204, issues: [deleted(0)] }) };
  }
  if (row.deleted) return { answer: () => ({ status: 204, stamp: row }) };
  assertIfMatch(entry.ifMatch, row.version);
  const next = deletionOf(row);
  return {
    replace: next,
    answer: (lastUpdated) => ({
      status: 204,
      stamp: { type: row.type, id: row.id, version: next.version, lastUpdated: lastUpdated(row.rid) },
    }),
  };
}

async function patchWork(
  ctx: Context,
  call: Call,
  target: Target,
  row: LockedVersion | undefined,
  entry: Entry,
  resolve: Resolve,
  prefer: Return,
): Promise<Work> {
  if (row === undefined || entry.patch === undefined || !passesFilter(call.access.filter('u', target.type), row.tokens))
    throw notFound(target.type);
  if (row.deleted) throw gone(row);
  assertIfMatch(entry.ifMatch, row.version);
  return nextWork(ctx, call, row, await patched(ctx, row, rewritePatch(entry.patch, resolve, ctx.definitions.schema)), 'p', [], prefer);
}

function replaceWork(
  ctx: Context,
  call: Call,
  row: LockedVersion,
  entry: Entry,
  document: Document,
  edits: readonly Edit[],
  prefer: Return,
): Promise<Work> {
  if (!passesFilter(call.access.filter('u', row.type), row.tokens)) throw notFound(row.type);
  assertUpdatable(row, entry);
  return nextWork(ctx, call, row, document, 'u', edits, prefer);
}

async function nextWork(
  ctx: Context,
  call: Call,
  row: LockedVersion,
  document: Document,
  interaction: 'u' | 'p',
  edits: readonly Edit[],
  prefer: Return,
): Promise<Work> {
  const same = row.deleted ? undefined : await unchangedText(ctx, row, document, edits);
  const readable = passesFilter(call.access.filter('r', row.type), row.tokens);
  if (same !== undefined)
    return { answer: () => writeAnswer({ status: 200, stamp: row, json: same, readable }, prefer, unchanged(row.type)) };
  const prepared = await prepareVersion(
    ctx,
    document,
    { ...row, version: row.version + 1, interaction },
    call.access.filter('u', row.type),
    edits,
  );
  return { replace: prepared.row, answer: answerOf(row.deleted ? 201 : 200, prepared, prefer, call) };
}

/** All rows in one statement a table; a row that is refused refuses the whole. */
async function writeAll(tx: Transaction, works: readonly Work[]): Promise<LastUpdated> {
  const order = (a: Prepared['row'], b: Prepared['row']): number => (a.type === b.type ? (a.id < b.id ? -1 : 1) : a.type < b.type ? -1 : 1);
  const inserts = works.flatMap(({ insert }) => insert ?? []).sort(order);
  const replaces = works.flatMap(({ replace }) => replace ?? []).sort(order);
  const audit = inserts.filter(({ type }) => type === 'AuditEvent');
  const plain = inserts.filter(({ type }) => type !== 'AuditEvent');
  const none: ReadonlyMap<number, string> = new Map();
  const [, ...written] = await Promise.all([
    lockOwners(tx.client, [...inserts, ...replaces]),
    plain.length === 0 ? none : insertVersions(tx.client, plain),
    audit.length === 0 ? none : insertVersions(tx.client, audit),
    replaces.length === 0 ? none : replaceVersions(tx.client, replaces),
  ]);
  const times = new Map(written.flatMap((part) => [...part]));
  const refused = [...inserts, ...replaces].find(({ rid }) => !times.has(rid));
  // Somebody else made it since it was looked for: run again, the transaction finds it and goes on as an update.
  if (refused?.version === 1 && refused.interaction === 'u') throw new LostRace('a resource came to be beside the transaction');
  if (refused !== undefined) throw refusedByStore();
  return (rid) => times.get(rid) ?? '';
}

/** A second entry with the criteria of the first finds what the first made. */
function sameAnswer(first: Work | undefined, lastUpdated: LastUpdated): Answer {
  const answer = first?.answer(lastUpdated);
  return answer === undefined ? { status: 200 } : { ...answer, status: 200 };
}

function refuseAt(index: number, error: unknown): never {
  throw error instanceof FhirError ? atEntry(index, error) : error;
}

function inEntry<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return refuseAt(index, error);
  }
}

async function inEntryAsync<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return refuseAt(index, error);
  }
}

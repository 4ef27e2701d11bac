import { eventsOf } from '../audit/trail.ts';
import type { ParsedJson } from '../fhir/json.ts';
import { insertAuditRows } from '../storage/audit-rows.ts';
import type { Transaction } from '../storage/database.ts';
import type { Answer, Return } from './answer.ts';
import { besideOf } from './beside.ts';
import { type ConditionalReferences, conditionalReferencesOf, resolveConditionalReferences } from './conditional-references.ts';
import type { Call, Context } from './context.ts';
import { type Entry, inEntry, inEntryAsync } from './entries.ts';
import { entryTrail, eventsAfter } from './leaving.ts';
import { bundleResolver } from './links.ts';
import { patchLinks } from './patch.ts';
import type { NamedText } from './patch/patch-links.ts';
import { answerGet } from './retrieve.ts';
import { assertDistinct, type EntryFiles, readSteps, type Step } from './transaction-steps.ts';
import { bindTargets, changesOf, type Current, lockTargets, placeOf, type Resolved, resolveCriteria } from './transaction-targets.ts';
import { type LastUpdated, type Work, workOf, writeAll } from './transaction-work.ts';
import { inWriting } from './writing.ts';

/**
 * Runs a transaction Bundle: all of it or nothing, in the order DELETE, POST, PUT and PATCH, GET. References among its entries
 * are resolved, and conditional ones looked up. One entry's fault refuses the whole and names the entry.
 *
 * @param files  those of its Binaries whose bytes were stored before
 * @returns      one answer an entry, in the Bundle's order
 * @see          https://hl7.org/fhir/R4/http.html#transaction
 */
export async function transaction(
  ctx: Context,
  call: Call,
  parsed: ParsedJson,
  prefer: Return,
  files: EntryFiles = noFiles,
): Promise<Answer[]> {
  const steps = await readSteps(ctx, call, parsed, files);
  const references = conditionalReferencesOf(
    ctx,
    call,
    steps.map(({ entry }) => ({ index: entry.index, links: inEntry(entry.index, () => linksOf(entry)) })),
  );
  const types = steps.filter(({ entry }) => entry.method !== 'GET' && entry.method !== 'HEAD').map(({ entry }) => entry.type);
  return inWriting(ctx, types, (tx) => run(ctx, call, tx, steps, references, prefer));
}

const noFiles: EntryFiles = new Map();

/** What may be a link in what an entry brings. A Bundle that is stored is a unit: its references are among its own entries. */
function linksOf({ type, document, patch }: Entry): readonly NamedText[] {
  if (type === 'Bundle') return [];
  return document?.source?.links ?? (patch === undefined ? [] : patchLinks(patch));
}

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
  const current = await lockTargets(ctx, call, tx, resolved);
  const conditional = await resolveConditionalReferences(ctx, call, tx.client, references, changesOf(resolved));
  const placed = resolved.map((each) => placeOf(each, resolved, current));
  const resolver = bundleResolver(
    placed.flatMap((place) => place ?? []),
    conditional,
    ctx.config.baseUrl,
  );
  const rids = await ctx.rowIds.take(resolved.length);
  const reading: Context = { ...ctx, reader: tx.client, searcher: tx.client, counter: tx.client };
  const calls = resolved.map(({ step }): Call => ({ ...call, trail: entryTrail(ctx, call.trail, step.entry) }));
  const prepare = (each: Resolved, at: number, state: Current): Promise<Work> =>
    inEntryAsync(each.step.entry.index, () =>
      workOf(reading, calls[at] ?? call, each, state, resolver(each.step.entry.fullUrl), rids[at] ?? 0, prefer),
    );
  const works = await prepareAll(ctx, tx, resolved, current, prepare);
  const versions = works.flatMap(({ insert, replace }) => insert ?? replace ?? []);
  const provenance = await besideOf(reading, call, tx.client, versions, resolver(undefined));
  const lastUpdated = await writeAll(tx, works, provenance === undefined ? [] : [provenance]);
  const answers: Answer[] = [];
  for (const [at, { step, sameAs }] of resolved.entries()) {
    const { entry } = step;
    const work = works[at];
    if (entry.method === 'GET' || entry.method === 'HEAD')
      answers.push(await inEntryAsync(entry.index, () => answerGet(reading, calls[at] ?? call, entry)));
    else if (sameAs !== undefined) answers.push(sameAnswer(works[sameAs], lastUpdated));
    else answers.push(work?.answer(lastUpdated) ?? { status: 200 });
  }
  await recordIn(ctx, tx, call, calls, answers);
  return answers;
}

/** What the entries leave in the audit trail beside their writes, and the whole of them, committed with them. */
async function recordIn(ctx: Context, tx: Transaction, call: Call, calls: readonly Call[], answers: readonly Answer[]): Promise<void> {
  const whole = eventsOf(ctx.audit, call.trail, { code: 0, details: { entries: String(answers.length) } });
  const each = await Promise.all([whole, ...answers.map((answer, at) => eventsAfter(ctx, calls[at]?.trail ?? call.trail, answer))]);
  const rows = await ctx.audit.rows(each.flat());
  await tx.final(() => insertAuditRows(tx.client, rows));
}

/** Binaries come last: who owns them is known from what names them. */
async function prepareAll(
  ctx: Context,
  tx: Transaction,
  resolved: readonly Resolved[],
  current: Current,
  prepare: (each: Resolved, at: number, state: Current) => Promise<Work>,
): Promise<Work[]> {
  const isBinary = ({ target }: Resolved): boolean => target?.type === 'Binary';
  const first = await Promise.all(resolved.map(async (each, at) => (isBinary(each) ? undefined : prepare(each, at, current))));
  const links = first.flatMap((work) => work?.links ?? []);
  const bound = await bindTargets(ctx, tx.client, links, resolved.filter(isBinary), current);
  return Promise.all(resolved.map(async (each, at) => first[at] ?? prepare(bound.withOwners(each), at, bound.current)));
}

/** A second entry with the criteria of the first finds what the first made. */
function sameAnswer(first: Work | undefined, lastUpdated: LastUpdated): Answer {
  const answer = first?.answer(lastUpdated);
  if (answer === undefined) return { status: 200 };
  const { recorded: _, ...found } = answer;
  return { ...found, status: 200 };
}

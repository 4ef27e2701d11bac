import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { AuditedAgent } from '../../audit/event.ts';
import { eventsOf } from '../../audit/trail.ts';
import type { AccessOfGrant } from '../../authorization/access.ts';
import { NotAnArray } from '../../bulk/json-items.ts';
import type { Run, Work } from '../../bulk/runner.ts';
import type { SpoolWriter } from '../../bulk/spool.ts';
import { token } from '../../encryption/token.ts';
import { FhirError } from '../../fhir/error.ts';
import type { Call, Context } from '../../interactions/context.ts';
import { assertCreatable, createMany, prepareCreate } from '../../interactions/create-many.ts';
import type { Queryable } from '../../storage/database.ts';
import { noteContacts } from '../../storage/jobs.ts';
import type { NewVersion } from '../../storage/rows.ts';
import { beFrugal, collectGarbage, type Frugality, sweeper } from '../../telemetry/heap-pace.ts';
import type { Contract } from '../contract.ts';
import type { Detail } from '../error.ts';
import { documentFrom } from '../view.ts';
import { grantFrom, type StoredGrant } from './stored-grant.ts';
import type { ImportKind, Line, Made } from './import-kind.ts';
import { faultsOf } from './line-faults.ts';
import { keepRefused, type Refused } from './quarantine.ts';
import { type ImportFormat, type ReadLine, readLines, Unreadable } from './read-lines.ts';
import { lockOfUnique, refusedLines } from './set-checks.ts';

/** What an import was asked to do, as it is kept. */
export type ImportAsked = {
  readonly resource: string;
  readonly format: ImportFormat;
  readonly charset?: string;
  readonly mode: 'best_effort' | 'all_or_nothing';
  readonly dryRun: boolean;
  /** Of the file: on the disk, and of its text. */
  readonly storedBytes: number;
  readonly textBytes: number;
  readonly grant: StoredGrant;
  readonly agent: AuditedAgent;
  readonly requestId: string;
};

/** How far an import is. `pass`: 0 looks at all lines, 1 writes them. `kept`: bytes of the quarantine on the disk. */
export type ImportProgress = {
  readonly pass: number;
  readonly lines: number;
  readonly bytes: number;
  readonly accepted: number;
  readonly refused: number;
  readonly kept: number;
};

export const importBegins: ImportProgress = { pass: 0, lines: 0, bytes: 0, accepted: 0, refused: 0, kept: 0 };

export type ImportOptions = {
  readonly ctx: Context;
  readonly contract: Contract;
  readonly kinds: Readonly<Record<string, ImportKind>>;
  readonly accessOfGrant: AccessOfGrant;
};

const batchLines = 128;
const batchBytes = 524_288;
/** From this on an import is worth a collection of garbage before it begins. */
const largeBytes = 262_144;
/** So many lines are prepared before others get a turn: some milliseconds, as what is being written waits for an answer several times. */
const turnLines = 10;

/** Imports a file: looks at all of it first where it is to be written wholly or not at all. */
export function importWork(options: ImportOptions): Work {
  return async (run) => {
    const asked = run.job.asked as ImportAsked;
    const kind = options.kinds[asked.resource];
    if (kind === undefined) return 'resource_unknown';
    let progress = run.job.progress as unknown as ImportProgress;
    const onCommit = (done: ImportProgress): void => {
      progress = done;
    };
    const looksFirst = asked.dryRun || asked.mode === 'all_or_nothing';
    const quarantine = await run.job.write('quarantine', progress.kept);
    const heap = beFrugal();
    if (asked.textBytes >= largeBytes) collectGarbage();
    try {
      if (looksFirst && progress.pass === 0) {
        progress = await pass({ ...options, run, asked, kind, quarantine, heap, writes: false, onCommit }, progress);
        if (asked.dryRun) return await ended(options, run, asked, progress, undefined);
        if (progress.refused > 0) return await ended(options, run, asked, progress, 'lines_refused');
        await quarantine.cutBack(0);
        progress = { ...importBegins, pass: 1 };
        await run.note(options.ctx.pool, progress);
      }
      progress = await pass({ ...options, run, asked, kind, quarantine, heap, writes: true, onCommit }, { ...progress, pass: 1 });
      return await ended(options, run, asked, progress, undefined);
    } catch (error) {
      if (error instanceof FhirError && error.status === 403) return await ended(options, run, asked, progress, 'forbidden');
      if (error instanceof NotAnArray) return await ended(options, run, asked, progress, 'not_an_array');
      if (!(error instanceof Unreadable)) throw error;
      return await ended(options, run, asked, progress, error.column === undefined ? error.code : `${error.code}:${error.column}`);
    } finally {
      heap.end();
      await quarantine.close();
    }
  };
}

type Passing = ImportOptions & {
  readonly run: Run;
  readonly asked: ImportAsked;
  readonly kind: ImportKind;
  readonly quarantine: SpoolWriter;
  readonly heap: Frugality;
  readonly writes: boolean;
  readonly onCommit: (progress: ImportProgress) => void;
};

/** Goes through the file from where it is; while some lines are written, the next ones are prepared. */
async function pass(passing: Passing, from: ImportProgress): Promise<ImportProgress> {
  const { run, asked, kind } = passing;
  let read = 0;
  const sweep = sweeper();
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const block of run.job.read('input', asked.storedBytes)) {
      read += block.length;
      yield block;
      sweep(block.length);
    }
  }
  let progress = from;
  let committing: Promise<ImportProgress> = Promise.resolve(from);
  let seen = 0;
  let batch: ReadLine[] = [];
  let bytes = 0;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const lines = batch;
    const [at, upTo] = [seen, read];
    batch = [];
    bytes = 0;
    const call = await callOf(passing);
    const prepared = await prepareLines(passing, call, lines);
    progress = await committing;
    if (run.signal.aborted) throw new Error('the process stops');
    committing = commit(passing, call, prepared, { ...progress, lines: at, bytes: upTo });
    // Waited for before the next is committed: until then nothing is lost if it fails.
    committing.catch(() => {});
  };
  try {
    for await (const line of readLines(counted(), asked.format, asked.charset, kind)) {
      seen++;
      if (seen <= from.lines) continue;
      batch.push(line);
      bytes += line.bytes?.length ?? 0;
      if (batch.length >= batchLines || bytes >= batchBytes) await send();
    }
    await send();
  } finally {
    await committing.catch(() => {});
  }
  return { ...(await committing), bytes: asked.textBytes };
}

async function callOf({ run, asked, accessOfGrant }: Passing): Promise<Call> {
  const { agent, requestId } = asked;
  const access = await accessOfGrant(grantFrom(asked.grant), run.job.createdAt);
  return { access, lenient: false, passing: true, trail: { agent, requestId, asked: { kind: 'import' } } };
}

/** A line with what is written for it, or what is wrong with it: no more, as two batches of them are in memory. */
type PreparedLine = Omit<ReadLine, 'value'> & { readonly asks?: Pick<Line, 'unique' | 'needed'>; readonly group: readonly NewVersion[] };

async function prepareLines(passing: Passing, call: Call, lines: readonly ReadLine[]): Promise<readonly PreparedLine[]> {
  const prepared: PreparedLine[] = [];
  for (let from = 0; from < lines.length; from += turnLines) {
    prepared.push(...(await Promise.all(lines.slice(from, from + turnLines).map((line) => prepareLine(passing, call, line)))));
    passing.heap.look();
    await turn();
  }
  return prepared;
}

async function prepareLine({ ctx, contract, kind, run, writes }: Passing, call: Call, { value, ...line }: ReadLine): Promise<PreparedLine> {
  if (line.isHeader === true || value === undefined) return { ...line, group: [] };
  try {
    contract.check(kind.operation, value);
    const { made, ...asks } = await kind.read(value, (type, n) => idOf(run.job, type, line.line, n), ctx);
    const creating = made.map(({ type, id, resource }: Made) => ({ type, id, document: documentFrom(ctx, resource) }));
    if (!writes) {
      for (const each of creating) await assertCreatable(ctx, call, each);
      return { ...line, asks, group: [] };
    }
    const rids = await ctx.rowIds.take(creating.length);
    return { ...line, asks, group: await Promise.all(creating.map((each, n) => prepareCreate(ctx, call, each, rids[n] ?? 0))) };
  } catch (error) {
    return { ...line, faults: faultsOf(error), group: [] };
  }
}

/** Writes what can be written, keeps what can't, and notes how far that is, all in one transaction. */
async function commit(passing: Passing, call: Call, lines: readonly PreparedLine[], from: ImportProgress): Promise<ImportProgress> {
  const { ctx, run, quarantine, writes, onCommit } = passing;
  let noted = from;
  let refused: ReadonlyMap<number, readonly Detail[]> = new Map();
  await createMany(
    ctx,
    lines.map(({ group }) => group),
    {
      async refuse(client) {
        const asks = lines.map(({ asks: each }) => each);
        const found = new Map(await refusedLines(ctx, call, client, asks));
        if (!writes) for (const [at, faults] of await repeatedInFile(passing, client, lines, found)) found.set(at, faults);
        refused = found;
        return new Set(found.keys());
      },
      async note(client, written) {
        // Until the transaction ends nobody else can claim the job, so nobody else writes its files.
        await run.note(client, from);
        await quarantine.cutBack(from.kept);
        let accepted = 0;
        for (const [at, { line, bytes, faults, isHeader, asks }] of lines.entries()) {
          const against = faults ?? refused.get(at) ?? (asks !== undefined && writes && written[at] !== true ? [conflict] : undefined);
          if (isHeader === true) await keepRefused(quarantine, { line, bytes, faults: [] });
          else if (against === undefined) accepted++;
          else await keepRefused(quarantine, { line, bytes, faults: against } satisfies Refused);
        }
        const lineCount = lines.filter(({ isHeader }) => isHeader !== true).length;
        noted = {
          ...from,
          accepted: from.accepted + accepted,
          refused: from.refused + lineCount - accepted,
          kept: await quarantine.flush(),
        };
        await run.note(client, noted);
      },
    },
  );
  onCommit(noted);
  return noted;
}

const conflict: Detail = { field: '', code: 'conflict', message: 'It could not be stored: its patient is erased, or its id is taken.' };

/** Where nothing is written yet, a value that an earlier line has isn't found in the store: it is noted beside. */
async function repeatedInFile(
  { ctx, run }: Passing,
  client: Queryable,
  lines: readonly PreparedLine[],
  refused: ReadonlyMap<number, unknown>,
): Promise<Map<number, Detail[]>> {
  const { key } = ctx.planContext();
  const values = lines.flatMap(({ asks, line }, at) =>
    refused.has(at)
      ? []
      : (asks?.unique ?? []).map((unique) => ({ at, line, unique, key: token(key, 'job-contact', lockOfUnique(ctx, unique).key) })),
  );
  if (values.length === 0) return new Map();
  const repeated = await noteContacts(
    client,
    run.job.id,
    values.map((each) => each.key),
    values.map(({ line }) => line),
  );
  const found = new Map<number, Detail[]>();
  for (const n of repeated) {
    const value = values[n];
    if (value === undefined) continue;
    const fault = { field: value.unique.field, code: 'duplicate', message: 'An earlier line has it.' };
    found.set(value.at, [...(found.get(value.at) ?? []), fault]);
  }
  return found;
}

/** The same for the same line, however often it is read: UUIDs of version 4 for patients, else of version 7. */
function idOf({ id, createdAt }: Run['job'], type: string, line: number, n: number): string {
  const hex = createHash('sha256').update(`${id} ${line} ${n}`).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  const tail = `${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  if (type === 'Patient') return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${tail}`;
  const time = createdAt.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(13, 16)}-${tail}`;
}

async function ended(
  { ctx }: ImportOptions,
  run: Run,
  { agent, requestId, resource, dryRun }: ImportAsked,
  progress: ImportProgress,
  failure: string | undefined,
): Promise<string | undefined> {
  await run.note(ctx.pool, progress);
  const { accepted, refused } = progress;
  const details = { job: run.job.id, resource, accepted: String(accepted), refused: String(refused), dryRun: String(dryRun) };
  const trail = { agent, requestId, asked: { kind: 'import' } } as const;
  await ctx.audit.record(await eventsOf(ctx.audit, trail, { code: failure === undefined ? 0 : 4, details }));
  return failure;
}

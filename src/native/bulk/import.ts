import { createHash } from 'node:crypto';
import { callerOf } from '../../authorization/grant.ts';
import type { Draft, Job, Jobs, Submitted } from '../../bulk/jobs.ts';
import { charsets } from '../../bulk/texts.ts';
import { FhirError } from '../../fhir/error.ts';
import { isUnavailable } from '../../storage/database.ts';
import { sweeper } from '../../telemetry/heap-pace.ts';
import { type Detail, NativeError } from '../error.ts';
import { askOperation } from '../ask.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { notFound } from '../view.ts';
import { type ImportAsked, importBegins, type ImportProgress } from './import-job.ts';
import { importKinds } from './kinds.ts';
import { quarantineText, readRefused } from './quarantine.ts';
import type { ImportFormat } from './read-lines.ts';
import { streamed } from './streamed.ts';
import { storedGrant } from './stored-grant.ts';

export const importHandlers = {
  startImport: (request) => askOperation(request, 'import', () => start(request)),
  getImport: (request) => askOperation(request, 'import-job', () => show(request)),
  getImportQuarantine: (request) => askOperation(request, 'import-quarantine', () => showQuarantine(request)),
  cancelImport: (request) => askOperation(request, 'import-cancel', () => cancelled(request, 'import')),
} as const satisfies Record<string, NativeHandler>;

const formats: Readonly<Record<string, ImportFormat>> = { 'text/csv': 'csv', 'application/x-ndjson': 'ndjson', 'application/json': 'json' };

async function start(request: NativeCall): Promise<NativeAnswer> {
  const { call, grant, parameters, services, stream, requestId, ctx } = request;
  const { resource = 'patients', dry_run: dryRun = false, mode = 'best_effort' } = parameters.query;
  const kind = importKinds[String(resource)];
  if (kind === undefined || stream === undefined) throw new NativeError('invalid_request', 'There is nothing to import.');
  call.access.permit('c', kind.type);
  const format = formats[stream.mediaType] ?? 'json';
  const charset = charsetOf(stream.charset, format);
  const { jobs } = services;
  if (!(await jobs.hasRoom())) throw noRoom();
  const draft = await jobs.draft();
  try {
    const file = await spooled(draft, stream.body, ctx.config.importMib * 2 ** 20);
    const asked: ImportAsked = {
      resource: String(resource),
      format,
      mode: mode === 'all_or_nothing' ? mode : 'best_effort',
      dryRun: dryRun === true,
      storedBytes: file.storedBytes,
      textBytes: file.textBytes,
      grant: storedGrant(grant),
      agent: call.trail.agent,
      requestId,
      ...(charset === undefined ? {} : { charset }),
    };
    const what = `${stream.mediaType} ${charset ?? ''} ${file.digest}`;
    return await stream.once((each) => submitted(each, draft, 'import', asked, importBegins), what);
  } catch (error) {
    await discardUnlessTaken(jobs, draft, error);
    throw error;
  }
}

/** Whether a commit without an answer took effect isn't known: then there may be a job that needs the files, which are swept otherwise. */
export async function discardUnlessTaken(jobs: Jobs, draft: Draft, error: unknown): Promise<void> {
  if (!isUnavailable(error)) await jobs.discard(draft);
}

/** The answer to what begins a job; of a request that is repeated, that of its job. */
export async function submitted(
  { services, grant, call, replay }: NativeCall,
  draft: Draft,
  kind: Job['kind'],
  asked: object,
  progress: Readonly<Record<string, number>>,
): Promise<NativeAnswer> {
  const { jobs } = services;
  const caller = callerOf(grant);
  if (replay !== undefined) {
    await jobs.discard(draft);
    const job = await jobs.find(replay[0]?.split('/')[1] ?? '', kind, caller);
    if (job === undefined) throw new NativeError('conflict', 'The job of this Idempotency-Key is gone. Take a new one.');
    return accepted(job);
  }
  const beside: Submitted['beside'] = async (client, id) => call.guard?.(client, [{ type: kind, id, version: 1 }]);
  const job = await jobs.submit(draft, { kind, caller, asked, progress, beside });
  if (job === undefined)
    throw new NativeError('rate_limited', 'Too many of the caller’s imports and exports have not ended.', {
      headers: { 'retry-after': '60' },
    });
  return accepted(job);
}

function accepted({ id, kind, state }: Job): NativeAnswer {
  const location = `/api/v1/${kind}/${id}`;
  return { status: 202, headers: { location }, body: { job_id: id, state, location } };
}

type Spooled = { readonly storedBytes: number; readonly textBytes: number; readonly digest: string };

/** The body in a sealed file. A disk that is full loses nothing that was taken before. */
async function spooled(draft: Pick<Draft, 'write'>, body: AsyncIterable<unknown>, bytesMax: number): Promise<Spooled> {
  const file = await draft.write('input');
  const digest = createHash('sha256');
  const sweep = sweeper();
  let textBytes = 0;
  try {
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      textBytes += bytes.length;
      if (textBytes > bytesMax)
        throw new NativeError('too_large', `A file has at most ${bytesMax} bytes, uncompressed. Send it in parts.`, {
          headers: { connection: 'close' },
        });
      digest.update(bytes);
      await file.write(bytes);
      sweep(bytes.length);
    }
    return { storedBytes: await file.flush(), textBytes, digest: digest.digest('hex') };
  } catch (error) {
    if (error instanceof NativeError || error instanceof FhirError) throw error;
    const { code } = error as { code?: unknown };
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noRoom();
    throw new NativeError('invalid_request', 'The body could not be read: it ended early or its Content-Encoding is not what it says.');
  } finally {
    await file.close();
  }
}

export function noRoom(): NativeError {
  return new NativeError('unavailable', 'There is no room for more files. Repeat it later.', {
    headers: { 'retry-after': '600', connection: 'close' },
  });
}

function charsetOf(charset: string | undefined, format: ImportFormat): string | undefined {
  if (charset === undefined) return undefined;
  const known = Object.hasOwn(charsets, charset) ? charsets[charset] : undefined;
  if (known === undefined || (format !== 'csv' && known !== 'utf-8'))
    throw new NativeError('unsupported_media_type', 'JSON is UTF-8; CSV is UTF-8, UTF-16, ISO-8859-1 or Windows-1252.');
  return known;
}

/** A job of the caller; that of another is not found. */
export async function jobOf({ services, grant, parameters }: NativeCall, kind: Job['kind']): Promise<Job> {
  const job = await services.jobs.find(parameters.path.job ?? '', kind, callerOf(grant));
  if (job === undefined) throw notFound(kind);
  return job;
}

export async function cancelled(request: NativeCall, kind: Job['kind']): Promise<NativeAnswer> {
  await request.services.jobs.cancel(await jobOf(request, kind));
  return { status: 204 };
}

const errorsMax = 100;

async function show(request: NativeCall): Promise<NativeAnswer> {
  const job = await jobOf(request, 'import');
  const asked = job.asked as ImportAsked;
  const progress = job.progress as unknown as ImportProgress;
  const after = Number(request.parameters.query.errors_after ?? 0);
  const { errors, more } = await errorsOf(job, progress, after);
  const body = {
    ...jobFields(job),
    resource: asked.resource,
    mode: asked.mode,
    dry_run: asked.dryRun,
    percent: percentOf(job, asked, progress),
    accepted: progress.accepted,
    refused: progress.refused,
    errors,
    errors_next: more ? (errors.at(-1)?.line ?? null) : null,
    quarantine: progress.refused > 0 ? `/api/v1/import/${job.id}/quarantine` : null,
  };
  return { status: 200, body };
}

/** What imports and exports tell alike. */
export function jobFields({ id, state, failure, createdAt, endedAt, expiresAt }: Job): object {
  return {
    job_id: id,
    state,
    ...(failure === null ? {} : { failure: failureOf(failure) }),
    created_at: new Date(createdAt).toISOString(),
    ended_at: endedAt === null ? null : new Date(endedAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  };
}

const failureTexts: Readonly<Record<string, string>> = {
  lines_refused: 'Lines were refused, so nothing was written; see errors.',
  not_an_array: 'The file is no JSON array, or it is cut off.',
  header_missing: 'The file has no header: its first line names the columns.',
  header_malformed: 'The first line, which names the columns, can not be read.',
  header_too_long: 'The first line, which names the columns, is too long.',
  header_unknown_column: 'The first line names a column that there is not.',
  header_repeated_column: 'The first line names a column twice.',
  too_many_columns: 'The first line has too many columns.',
  forbidden: 'The caller may not do this any more.',
  expired: 'It was kept no longer.',
  internal: 'The server failed. The log tells more.',
};

function failureOf(failure: string): object {
  const [code = '', column] = failure.split(':');
  return { code, message: failureTexts[code] ?? failureTexts.internal, ...(column === undefined ? {} : { column: Number(column) }) };
}

/** Where all is looked at first, that is one half and writing the other. */
function percentOf({ state }: Job, { mode, dryRun, textBytes }: ImportAsked, { pass, bytes }: ImportProgress): number {
  if (state === 'done') return 100;
  const share = textBytes === 0 ? 1 : Math.min(1, bytes / textBytes);
  const halves = mode === 'all_or_nothing' && !dryRun;
  return Math.floor(100 * (halves ? (pass + share) / 2 : share));
}

/** Errors line by line, those behind a line. */
async function errorsOf(job: Job, { kept }: ImportProgress, after: number): Promise<{ errors: readonly LineError[]; more: boolean }> {
  const errors: LineError[] = [];
  if (kept === 0) return { errors, more: false };
  for await (const { line, faults } of readRefused(job.read('quarantine', kept))) {
    if (line <= after || faults.length === 0) continue;
    if (errors.length >= errorsMax) return { errors, more: true };
    errors.push(...faults.map((fault) => ({ line, ...fault })));
  }
  return { errors, more: false };
}

type LineError = Detail & { readonly line: number };

const types: Readonly<Record<ImportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
};

async function showQuarantine(request: NativeCall): Promise<NativeAnswer> {
  const job = await jobOf(request, 'import');
  const { format } = job.asked as ImportAsked;
  const { kept } = job.progress as unknown as ImportProgress;
  const text = quarantineText(readRefused(job.read('quarantine', kept)), format);
  return streamed(text, types[format], `quarantine.${format}`);
}

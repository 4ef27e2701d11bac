import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { ContentionError, isUnavailable, type Queryable, sqlStateOf } from '../storage/database.ts';
import { claimJob, endJob, type JobKind, type JobNumbers, type JobRow, releaseJob, renewJob } from '../storage/jobs.ts';
import type { Log } from '../telemetry/log.ts';
import { type Job, type Jobs, JobTaken } from './jobs.ts';

/** A job under way in this process. */
export type Run = {
  readonly job: Job;
  /** Of a process that stops: the job ends with its next note, to be gone on with later. */
  readonly signal: AbortSignal;
  /** Notes how far the job is, in the transaction of what it did. @throws JobTaken */
  readonly note: (client: Queryable, progress: JobNumbers) => Promise<void>;
};

/** Does a job from where it is. @returns our word for why it failed; undefined: it is done */
export type Work = (run: Run) => Promise<string | undefined>;

export type RunnerOptions = {
  readonly pool: Pool;
  readonly place: string;
  readonly jobs: Jobs;
  readonly work: Readonly<Record<JobKind, Work>>;
  /** Jobs at a time. */
  readonly atOnce: number;
  readonly log: Log;
};

export type Runner = {
  /** There may be something to do. */
  readonly wake: () => void;
  /** Ends after what is being written; the jobs are gone on with by the next process. */
  readonly stop: () => Promise<void>;
};

/** A job whose process was not heard of for so long goes to the next. */
const leaseSeconds = 15;
const renewMs = 4_000;
const lookMs = 3_000;
const sweepMs = 3_600_000;
/** What can't be written now is tried again after so long. */
const waitSeconds = 10;

export function startRunner({ pool, place, jobs, work, atOnce, log }: RunnerOptions): Runner {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    while (running.size < atOnce && !stopping.signal.aborted) {
      const claim = randomUUID();
      const row = await claimJob(pool, place, claim, leaseSeconds);
      if (row === undefined) return;
      const one: Promise<void> = run(row, claim).finally(() => {
        running.delete(one);
        wake();
      });
      running.add(one);
    }
  }

  function wake(): void {
    if (stopping.signal.aborted || atOnce === 0) return;
    looking ??= look()
      .catch((error: unknown) => log.warn({}, 'no import or export could be claimed', error))
      .finally(() => {
        looking = undefined;
      });
  }

  async function run(row: JobRow, claim: string): Promise<void> {
    const renewing = setInterval(() => void renewJob(pool, row.id, claim, leaseSeconds).catch(() => {}), renewMs);
    try {
      const job = await jobs.opened(row);
      const failure =
        job === undefined
          ? 'expired'
          : await work[row.kind]({ job, signal: stopping.signal, note: (client, progress) => jobs.note(client, job, claim, progress) });
      await endJob(pool, row.id, claim, failure === undefined ? { state: 'done' } : { state: 'failed', failure });
    } catch (error) {
      await failed(row, claim, error).catch((other: unknown) => log.warn({ job: row.id }, 'the end of a job was not noted', other));
    } finally {
      clearInterval(renewing);
    }
  }

  async function failed(row: JobRow, claim: string, error: unknown): Promise<void> {
    if (error instanceof JobTaken) return;
    if (stopping.signal.aborted) return releaseJob(pool, row.id, claim, 0);
    if (isPassing(error)) {
      log.warn({ job: row.id, kind: row.kind }, 'a job waits until it can be gone on with', error);
      return releaseJob(pool, row.id, claim, waitSeconds);
    }
    log.error({ job: row.id, kind: row.kind }, 'a job failed', error);
    await endJob(pool, row.id, claim, { state: 'failed', failure: 'internal' });
  }

  const looks = setInterval(wake, lookMs);
  const sweeps = setInterval(() => void jobs.sweep().catch((error: unknown) => log.warn({}, 'old jobs were not removed', error)), sweepMs);
  void jobs.sweep().catch((error: unknown) => log.warn({}, 'old jobs were not removed', error));
  wake();
  return {
    wake,
    async stop() {
      stopping.abort();
      clearInterval(looks);
      clearInterval(sweeps);
      await looking;
      await Promise.all(running);
    },
  };
}

/** SQLSTATEs of statements that took too long, and of locks that weren't to be had. */
const busy = new Set(['57014', '55P03']);

/** Whether it may go better in a while: the database is away or busy, or the disk is full. */
function isPassing(error: unknown): boolean {
  const { code, status } = error as { code?: unknown; status?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT' || status === 503 || error instanceof ContentionError) return true;
  return busy.has(sqlStateOf(error) ?? '') || isUnavailable(error);
}

import type { Queryable } from './database.ts';

export type JobKind = 'import' | 'export';
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** How far a job is: numbers alone, as they are stored in clear. */
export type JobNumbers = Readonly<Record<string, number>>;

/** A job as stored. Times are epoch ms. */
export type JobRow = {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly failure: string | null;
  /** Sealed. */
  readonly arguments: Buffer;
  readonly progress: JobNumbers;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly expiresAt: number;
};

const columns = `id, kind, state, failure, arguments, progress,
  extract(epoch from created_at) * 1000 as created, extract(epoch from ended_at) * 1000 as ended, extract(epoch from expires_at) * 1000 as expires`;

type Stored = Omit<JobRow, 'createdAt' | 'endedAt' | 'expiresAt'> & {
  readonly created: string;
  readonly ended: string | null;
  readonly expires: string;
};

function jobOf({ created, ended, expires, ...row }: Stored): JobRow {
  return {
    ...row,
    createdAt: Math.round(Number(created)),
    endedAt: ended === null ? null : Math.round(Number(ended)),
    expiresAt: Math.round(Number(expires)),
  };
}

export type NewJob = {
  readonly id: string;
  readonly kind: JobKind;
  readonly owner: Buffer;
  readonly place: string;
  readonly arguments: Buffer;
  readonly progress: JobNumbers;
  readonly keptSeconds: number;
};

/** Adds a job. @returns undefined if the caller has as many unfinished ones as he may */
export async function addJob(db: Queryable, job: NewJob, unfinishedMax: number): Promise<JobRow | undefined> {
  const { rows } = await db.query<Stored>(
    `insert into bulk_job (id, kind, owner, place, arguments, progress, expires_at)
      select $1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)
      where (select count(*) from bulk_job where owner = $3 and state in ('queued', 'running')) < $8
      returning ${columns}`,
    [job.id, job.kind, job.owner, job.place, job.arguments, JSON.stringify(job.progress), job.keptSeconds, unfinishedMax],
  );
  return rows[0] === undefined ? undefined : jobOf(rows[0]);
}

/** A job of this caller; of another's there is nothing. */
export async function findJob(db: Queryable, id: string, kind: JobKind, owner: Buffer): Promise<JobRow | undefined> {
  const { rows } = await db.query<Stored>({
    name: 'job_of_owner',
    text: `select ${columns} from bulk_job where id = $1 and kind = $2 and owner = $3 and expires_at > clock_timestamp()`,
    values: [id, kind, owner],
  });
  return rows[0] === undefined ? undefined : jobOf(rows[0]);
}

/** Claims the oldest job of this place that nobody runs: a new one, or one whose process is gone. Rides bulk_job_waiting. */
export async function claimJob(db: Queryable, place: string, claim: string, leaseSeconds: number): Promise<JobRow | undefined> {
  const { rows } = await db.query<Stored>(
    `update bulk_job set state = 'running', claim = $2, claimed_until = clock_timestamp() + make_interval(secs => $3)
      where id = (
        select id from bulk_job where place = $1 and state in ('queued', 'running') and claimed_until < clock_timestamp()
        order by created_at limit 1 for update skip locked
      ) returning ${columns}`,
    [place, claim, leaseSeconds],
  );
  return rows[0] === undefined ? undefined : jobOf(rows[0]);
}

/** @returns whether the job is still this process's to run */
export async function renewJob(db: Queryable, id: string, claim: string, leaseSeconds: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update bulk_job set claimed_until = clock_timestamp() + make_interval(secs => $3) where id = $1 and claim = $2 and state = 'running'`,
    [id, claim, leaseSeconds],
  );
  return rowCount === 1;
}

/** Notes how far a job is, in the transaction of what it did so far. @returns whether the job is still this process's to run */
export async function noteProgress(client: Queryable, id: string, claim: string, progress: JobNumbers): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'job_progress',
    text: `update bulk_job set progress = $3 where id = $1 and claim = $2 and state = 'running'`,
    values: [id, claim, JSON.stringify(progress)],
  });
  return rowCount === 1;
}

/** With a job's end goes what was noted of the contacts in its file. */
export async function endJob(
  db: Queryable,
  id: string,
  claim: string,
  end: { readonly state: 'done' | 'failed'; readonly failure?: string },
): Promise<void> {
  await db.query(
    `with ended as (
        update bulk_job set state = $3, failure = $4, ended_at = clock_timestamp(), claim = null where id = $1 and claim = $2 and state = 'running'
        returning id
      ) delete from bulk_contact where job in (select id from ended)`,
    [id, claim, end.state, end.failure ?? null],
  );
}

/** Gives a job back, to be gone on with after some seconds. */
export async function releaseJob(db: Queryable, id: string, claim: string, waitSeconds: number): Promise<void> {
  await db.query(
    `update bulk_job set state = 'queued', claim = null, claimed_until = clock_timestamp() + make_interval(secs => $3)
      where id = $1 and claim = $2 and state = 'running'`,
    [id, claim, waitSeconds],
  );
}

/** What a job has not committed by now is never committed. @returns whether it had not ended */
export async function cancelJob(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update bulk_job set state = 'cancelled', ended_at = clock_timestamp(), claim = null where id = $1 and state in ('queued', 'running')`,
    [id],
  );
  // A statement of its own: it sees what was noted while the first one waited for the job.
  await db.query('delete from bulk_contact where job = $1', [id]);
  return rowCount === 1;
}

export async function removeJob(db: Queryable, id: string): Promise<void> {
  await db.query('delete from bulk_job where id = $1', [id]);
}

/** Removes what is kept no longer. @returns those of this place that are left: all other files there are nobody's */
export async function sweepJobs(db: Queryable, place: string): Promise<ReadonlySet<string>> {
  await db.query('delete from bulk_job where expires_at < clock_timestamp()');
  await db.query(
    `delete from bulk_contact c where not exists (select from bulk_job j where j.id = c.job and j.state in ('queued', 'running'))`,
  );
  const { rows } = await db.query<{ id: string }>('select id from bulk_job where place = $1', [place]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Notes that these tokens occur in the job's file.
 *
 * @returns for each that occurred before, in an earlier line, its place in the list
 */
export async function noteContacts(
  client: Queryable,
  job: string,
  keys: readonly bigint[],
  line: readonly number[],
): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ n: string }>(
    `with given as (select key, line, n from unnest($2::int8[], $3::int8[]) with ordinality as g(key, line, n)),
      added as (
        insert into bulk_contact (job, key, line) select $1, key, min(line) from given group by key order by key
        on conflict do nothing
      ), known as (
        select key, line from bulk_contact where job = $1 and key in (select key from given)
      )
      select n from given g where exists (select from known k where k.key = g.key and k.line < g.line)
        or exists (select from given e where e.key = g.key and e.line < g.line)`,
    [job, keys, line],
  );
  return new Set(rows.map(({ n }) => Number(n) - 1));
}

import type { Queryable } from './database.ts';
import { statement } from './sql.ts';

/** How failures of one kind of subject are counted. */
export type FailureRule = {
  /** So many bring no waiting. */
  readonly free: number;
  /** Each further one doubles the waiting, which begins with twice this. */
  readonly waitSeconds: number;
  readonly waitSecondsMax: number;
  /** After so many quiet seconds a failure is forgotten. */
  readonly forgetSeconds: number;
};

/**
 * Counts an attempt as failed before it is known to be: any number at once are still counted one by one.
 *
 * @returns how many seconds the subject has to wait, in which case the attempt doesn't count; 0: it may be made
 */
export async function beginAttempt(db: Queryable, subject: Buffer, rule: FailureRule): Promise<number> {
  const { rows } = await db.query<{ wait: number }>(
    statement(
      `with counted as (
         insert into sign_in_failure as f (subject, failures, last_at, blocked_until)
         values ($1, 1, clock_timestamp(), '-infinity')
         on conflict (subject) do update set
           failures = greatest(0, f.failures - floor(extract(epoch from clock_timestamp() - f.last_at) / $5)::int4) + 1,
           last_at = clock_timestamp(),
           blocked_until = case
             when greatest(0, f.failures - floor(extract(epoch from clock_timestamp() - f.last_at) / $5)::int4) + 1 <= $2 then '-infinity'
             else clock_timestamp() + make_interval(secs => least($4::float8, $3::float8 * 2 ^ least(30,
               greatest(0, f.failures - floor(extract(epoch from clock_timestamp() - f.last_at) / $5)::int4) + 1 - $2)))
           end
         where f.blocked_until <= clock_timestamp()
         returning 0 as wait
       )
       select wait from counted union all
       select greatest(1, ceil(extract(epoch from blocked_until - clock_timestamp())))::int4 from sign_in_failure
       where subject = $1 and not exists (select from counted)`,
      [subject, rule.free, rule.waitSeconds, rule.waitSecondsMax, rule.forgetSeconds],
    ),
  );
  // No row at all: another attempt wrote the first one at the same moment, and this statement's snapshot doesn't show it.
  return rows[0]?.wait ?? 1;
}

/** The attempt succeeded: it counts no longer. Others do, for they may be somebody else's at the same address. */
export async function forgiveAttempt(db: Queryable, subject: Buffer, { free }: FailureRule): Promise<void> {
  await db.query(
    statement(
      `update sign_in_failure set failures = greatest(0, failures - 1),
         blocked_until = case when failures - 1 <= $2 then '-infinity' else blocked_until end where subject = $1`,
      [subject, free],
    ),
  );
}

export async function forgetAttempts(db: Queryable, subject: Buffer): Promise<void> {
  await db.query(statement('delete from sign_in_failure where subject = $1', [subject]));
}

/** Rides sign_in_failure_last. */
export async function forgetFailures(db: Queryable): Promise<void> {
  await db.query(`delete from sign_in_failure where last_at < clock_timestamp() - interval '2 days'`);
}

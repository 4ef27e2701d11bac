import type { Queryable } from './database.ts';

export type IdempotencyClaim = {
  readonly id: Buffer;
  readonly fingerprint: Buffer;
  readonly claim: string;
  /** How long it is trusted that somebody is at work. */
  readonly leaseSeconds: number;
  readonly keptSeconds: number;
};

/** What is known of a key that somebody else claimed. `versions`: what it wrote, once that is committed. */
export type Claimed = { readonly fingerprint: Buffer; readonly versions: readonly string[] | null };

/** Claims a key; undefined: it is ours. A claim whose holder is gone and that wrote nothing passes to the next; so does one that is over. */
export async function claimKey(
  db: Queryable,
  { id, fingerprint, claim, leaseSeconds, keptSeconds }: IdempotencyClaim,
): Promise<Claimed | undefined> {
  const { rowCount } = await db.query({
    name: 'claim_idempotency',
    text: `insert into idempotency_key as k (id, fingerprint, claim, claimed_until, expires_at)
      values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), clock_timestamp() + make_interval(secs => $5))
      on conflict (id) do update set fingerprint = excluded.fingerprint, claim = excluded.claim, versions = null,
        claimed_until = excluded.claimed_until, expires_at = excluded.expires_at
      where k.expires_at < clock_timestamp()
        or (k.versions is null and k.claimed_until < clock_timestamp() and k.fingerprint = excluded.fingerprint)`,
    values: [id, fingerprint, claim, leaseSeconds, keptSeconds],
  });
  if (rowCount === 1) return undefined;
  const { rows } = await db.query<Claimed>({
    name: 'idempotency_of',
    text: 'select fingerprint, versions from idempotency_key where id = $1',
    values: [id],
  });
  return rows[0] ?? claimKey(db, { id, fingerprint, claim, leaseSeconds, keptSeconds });
}

/** Holds a claim while somebody is at work under it. One that has written needs no holding. */
export async function renewKey(db: Queryable, { id, claim, leaseSeconds }: IdempotencyClaim): Promise<void> {
  await db.query(
    'update idempotency_key set claimed_until = clock_timestamp() + make_interval(secs => $3) where id = $1 and claim = $2 and versions is null',
    [id, claim, leaseSeconds],
  );
}

/** Notes in the write's own transaction what it wrote. @returns whether the claim was still ours */
export async function noteWritten(client: Queryable, id: Buffer, claim: string, versions: readonly string[]): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'idempotency_written',
    text: 'update idempotency_key set versions = $3 where id = $1 and claim = $2 and versions is null',
    values: [id, claim, versions],
  });
  return rowCount === 1;
}

/** Gives up a claim that came to nothing. */
export async function releaseKey(db: Queryable, id: Buffer, claim: string): Promise<void> {
  await db.query('delete from idempotency_key where id = $1 and claim = $2 and versions is null', [id, claim]);
}

export async function sweepIdempotency(db: Queryable): Promise<void> {
  await db.query('delete from idempotency_key where expires_at < clock_timestamp()');
}

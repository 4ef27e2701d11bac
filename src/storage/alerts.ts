import { int8Array, textArray, timestamptzArray } from './binary.ts';
import type { Queryable } from './database.ts';
import { instantOf } from './rows.ts';

/** What a rule saw of an actor. Times are epoch ms. */
export type Sighting = { readonly rule: string; readonly actor: bigint; readonly item: bigint; readonly at: number };

export type NewAlert = {
  readonly rule: string;
  readonly actor: bigint;
  readonly at: number;
  readonly count: number;
  readonly threshold: number;
  /** None is opened if there is one younger than this. */
  readonly quietSince: number;
  /** Sealed. */
  readonly details: Buffer;
};

export type StoredAlert = {
  readonly id: string;
  readonly rule: string;
  readonly actor: bigint;
  /** A FHIR instant. */
  readonly openedAt: string;
  readonly count: number;
  readonly threshold: number;
  readonly details: Buffer;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
};

/** Notes what was seen; of what was seen before, when it was seen last. Rows come ordered, so that two processes can't deadlock. */
export async function noteSightings(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query({
    name: 'note_sightings',
    text: `insert into alert_sighting as s (rule, actor, item, at)
      select rule, actor, item, max(at) from unnest($1::text[], $2::int8[], $3::int8[], $4::timestamptz[]) as seen (rule, actor, item, at)
      group by rule, actor, item order by rule, actor, item
      on conflict (rule, actor, item) do update set at = greatest(s.at, excluded.at)`,
    values: [
      textArray(sightings.map(({ rule }) => rule)),
      int8Array(sightings.map(({ actor }) => actor)),
      int8Array(sightings.map(({ item }) => item)),
      timestamptzArray(sightings.map(({ at }) => at)),
    ],
  });
}

export type Counted = { readonly rule: string; readonly actor: bigint; readonly count: number };

/** How many different items of these actors were seen since. Rides the primary key. */
export async function countSightings(
  db: Queryable,
  asked: readonly { readonly rule: string; readonly actor: bigint; readonly since: number }[],
): Promise<readonly Counted[]> {
  const { rows } = await db.query<{ rule: string; actor: string; count: number }>({
    name: 'count_sightings',
    text: `select a.rule, a.actor, (select count(*) from alert_sighting s
        where s.rule = a.rule and s.actor = a.actor and s.at > a.since)::int4 as count
      from unnest($1::text[], $2::int8[], $3::timestamptz[]) as a (rule, actor, since)`,
    values: [
      textArray(asked.map(({ rule }) => rule)),
      int8Array(asked.map(({ actor }) => actor)),
      timestamptzArray(asked.map(({ since }) => since)),
    ],
  });
  return rows.map(({ rule, actor, count }) => ({ rule, actor: BigInt(actor), count }));
}

/** The second key of our two-part advisory locks is the actor. */
const alertLock = 7_206;

/** Opens an alert unless one of the rule and actor is still young, whichever process opened it. @returns its id, if it was opened */
export async function openAlert(client: Queryable, alert: NewAlert): Promise<string | undefined> {
  const { rule, actor, at, count, threshold, quietSince, details } = alert;
  await client.query('select pg_advisory_xact_lock($1, $2)', [alertLock, Number(BigInt.asIntN(32, actor))]);
  const { rows } = await client.query<{ id: string }>(
    `insert into audit_alert (rule, actor, opened_at, count, threshold, details)
     select $1, $2::int8, to_timestamp($3::float8 / 1000), $4, $5, $6
     where not exists (select from audit_alert where rule = $1 and actor = $2::int8 and opened_at > coalesce(to_timestamp($7::float8 / 1000), '-infinity'))
     returning id`,
    [rule, actor.toString(), at, count, threshold, details, Number.isFinite(quietSince) ? quietSince : null],
  );
  return rows[0]?.id;
}

const columns = 'id, rule, actor, opened_at, count, threshold, details, acknowledged_at, acknowledged_by';
type Row = {
  readonly id: string;
  readonly rule: string;
  readonly actor: string;
  readonly opened_at: string;
  readonly count: number;
  readonly threshold: number;
  readonly details: Buffer;
  readonly acknowledged_at: string | null;
  readonly acknowledged_by: string | null;
};

/** Alerts that no audit event tells of yet, locked until the transaction ends: each is told by one process. */
export async function lockUnrecorded(client: Queryable, limit: number): Promise<readonly StoredAlert[]> {
  const { rows } = await client.query<Row>(
    `select ${columns} from audit_alert where recorded_at is null order by id limit $1 for update skip locked`,
    [limit],
  );
  return rows.map(storedAlert);
}

export async function markRecorded(client: Queryable, ids: readonly string[]): Promise<void> {
  await client.query('update audit_alert set recorded_at = clock_timestamp() where id = any($1::int8[])', [ids]);
}

/** Newest first. */
export async function listAlerts(
  db: Queryable,
  { all, limit }: { readonly all: boolean; readonly limit: number },
): Promise<readonly StoredAlert[]> {
  const { rows } = await db.query<Row>(`select ${columns} from audit_alert where $1 or acknowledged_at is null order by id desc limit $2`, [
    all,
    limit,
  ]);
  return rows.map(storedAlert);
}

/** @returns whether it was open until now */
export async function acknowledgeAlert(db: Queryable, id: string, by: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update audit_alert set acknowledged_at = clock_timestamp(), acknowledged_by = $2 where id = $1::int8 and acknowledged_at is null',
    [id, by],
  );
  return rowCount === 1;
}

/** Removes alerts of months before, acknowledged or not. @param month  such as 202601. @returns how many there were */
export async function removeAlerts(db: Queryable, month: number): Promise<number> {
  const first = `${Math.floor(month / 100)}-${String(month % 100).padStart(2, '0')}-01T00:00:00Z`;
  const { rowCount } = await db.query('delete from audit_alert where opened_at < $1::timestamptz', [first]);
  return rowCount ?? 0;
}

/** Removes what counts no longer: what a rule saw before its time, and all of rules that are no longer in force. Rides alert_sighting_at. */
export async function sweepSightings(db: Queryable, kept: readonly { readonly rule: string; readonly since: number }[]): Promise<void> {
  const values = [textArray(kept.map(({ rule }) => rule)), timestamptzArray(kept.map(({ since }) => since))];
  await db.query(
    `delete from alert_sighting s using unnest($1::text[], $2::timestamptz[]) as k (rule, since) where s.rule = k.rule and s.at < k.since`,
    values,
  );
  await db.query('delete from alert_sighting where rule <> all($1::text[])', values.slice(0, 1));
}

/** Which of these patients have all the tokens of one of the labels. Rides unique (type, ref_key). */
export async function labelledPatients(
  db: Queryable,
  owners: readonly bigint[],
  labels: readonly (readonly bigint[])[],
): Promise<readonly bigint[]> {
  if (owners.length === 0 || labels.length === 0) return [];
  const { rows } = await db.query<{ ref_key: string }>({
    text: `select ref_key from resource where type = 'Patient' and ref_key = any($1::int8[]) and not deleted
      and (${labels.map((_, at) => `tokens @> $${at + 2}::int8[]`).join(' or ')})`,
    values: [int8Array(owners), ...labels.map((tokens) => int8Array(tokens))],
  });
  return rows.map(({ ref_key }) => BigInt(ref_key));
}

function storedAlert(row: Row): StoredAlert {
  return {
    id: row.id,
    rule: row.rule,
    actor: BigInt(row.actor),
    openedAt: instantOf(row.opened_at),
    count: row.count,
    threshold: row.threshold,
    details: row.details,
    acknowledgedAt: row.acknowledged_at === null ? null : instantOf(row.acknowledged_at),
    acknowledgedBy: row.acknowledged_by,
  };
}

import type { Pool, PoolClient } from 'pg';
import type { Queryable } from './database.ts';
import { inTransaction } from './database.ts';
import { addElements, type ElementName } from './elements.ts';
import { storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';

/** The build of parameters: which resources are extracted anew, and how far it is. */
export type Job = {
  readonly id: number;
  readonly types: readonly string[];
  /** Where it goes on: in the type at this place, counted from 0, behind the row. */
  readonly at: number;
  readonly rid: number;
  readonly done: number;
  readonly total: number;
  readonly skipped: number;
  readonly running: boolean;
};

/** One version of a SearchParameter resource that is in force, or why it isn't. */
export type InForce = { readonly id: string; readonly version: number; readonly fault?: string; readonly job?: Job };

/** Which search parameters are in force; the generation is raised by every change. */
export type ParameterSet = { readonly generation: number; readonly parameters: readonly InForce[] };

type Row = {
  readonly generation: number;
  readonly id: string | null;
  readonly version: number;
  readonly fault: string | null;
  readonly job: JobRow | null;
};
type JobRow = Job;

const jobJson = `json_build_object('id', j.id, 'types', j.types, 'at', j.at - 1, 'rid', j.rid, 'done', j.done, 'total', j.total,
  'skipped', j.skipped, 'running', j.running)`;

export async function readParameterSet(db: Queryable): Promise<ParameterSet> {
  const { rows } = await db.query<Row>(
    `select coalesce((select value::int4 from store_state where name = 'search_parameters'), 0) as generation,
       p.id, p.version, p.fault, case when j.id is not null then ${jobJson} end as job
     from (select) one left join search_parameter p on true left join job j on j.id = p.job order by p.id`,
  );
  const parameters = rows.flatMap(({ id, version, fault, job }) =>
    id === null ? [] : [{ id, version, ...(fault === null ? {} : { fault }), ...(job === null ? {} : { job }) }],
  );
  return { generation: rows[0]?.generation ?? 0, parameters };
}

/** The SearchParameter resources as they are now, deleted ones too. Rides (type, last_updated, rid). */
export async function listParameters(
  db: Queryable,
  since: string | undefined,
): Promise<readonly { readonly id: string; readonly version: number; readonly deleted: boolean; readonly updated: string }[]> {
  const { rows } = await db.query<{ id: string; version: number; deleted: boolean; updated: string }>(
    // A write is seen when it commits, up to as much later as a transaction may last.
    `select id, version, deleted, last_updated::text as updated from resource_other
     where type = 'SearchParameter' and last_updated > coalesce($1::timestamptz - interval '1 minute', '-infinity') order by last_updated`,
    [since ?? null],
  );
  return rows;
}

/** These versions, current or superseded. Rides unique (type, ref_key) and unique (ref_key, version). */
export async function readParameters(
  db: Queryable,
  wanted: readonly { readonly id: string; readonly refKey: bigint; readonly version: number }[],
): Promise<StoredVersion[]> {
  const { rows } = await db.query<VersionRow>(
    `with w as (select * from unnest($1::text[], $2::int8[], $3::int4[]) as w(id, ref_key, version))
     select ${versionColumns('r')} from w join resource_other r
       on r.type = 'SearchParameter' and r.ref_key = w.ref_key and r.version = w.version and r.id = w.id
     union all
     select ${versionColumns('v')} from w join resource_version v
       on v.type = 'SearchParameter' and v.ref_key = w.ref_key and v.version = w.version and v.id = w.id`,
    [wanted.map(({ id }) => id), wanted.map(({ refKey }) => refKey.toString()), wanted.map(({ version }) => version)],
  );
  return rows.map(storedVersion);
}

export type ParameterChanges = {
  readonly removed: readonly string[];
  /** To be built, with the elements that have to be numbered. */
  readonly built: readonly { readonly id: string; readonly version: number }[];
  readonly elements: readonly ElementName[];
  /** Whose resources may hold something for them. */
  readonly types: readonly string[];
  /** A newer version that says the same. */
  readonly kept: readonly { readonly id: string; readonly version: number }[];
  readonly faulty: readonly { readonly id: string; readonly version: number; readonly fault: string }[];
};

/** Brings changes into force, all at once, and tells all processes. */
export async function changeParameters(pool: Pool, changes: ParameterChanges): Promise<void> {
  await inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await addElements(client, changes.elements);
    await client.query('delete from search_parameter where id = any($1::text[])', [changes.removed]);
    await put(
      client,
      changes.faulty,
      changes.faulty.map(({ fault }) => fault),
      null,
    );
    if (changes.built.length > 0) {
      const { rows } = await client.query<{ id: string }>('insert into job (types) values ($1::text[]) returning id', [changes.types]);
      await put(
        client,
        changes.built,
        changes.built.map(() => null),
        rows[0]?.id ?? null,
      );
    }
    await client.query(
      `update search_parameter p set version = k.version from unnest($1::text[], $2::int4[]) as k(id, version) where p.id = k.id`,
      [changes.kept.map(({ id }) => id), changes.kept.map(({ version }) => version)],
    );
    await raiseGeneration(client);
  });
}

async function put(
  client: PoolClient,
  rows: readonly { readonly id: string; readonly version: number }[],
  faults: readonly (string | null)[],
  job: string | null,
): Promise<void> {
  await client.query(
    `insert into search_parameter (id, version, fault, job)
     select id, version, fault, $4::int8 from unnest($1::text[], $2::int4[], $3::text[]) as p(id, version, fault)
     on conflict (id) do update set version = excluded.version, fault = excluded.fault, job = excluded.job`,
    [rows.map(({ id }) => id), rows.map(({ version }) => version), faults, job],
  );
}

/** All other changes wait for the row, so that generations are told apart. */
async function raiseGeneration(client: PoolClient): Promise<void> {
  await client.query(
    `insert into store_state values ('search_parameters', '1')
     on conflict (name) do update set value = (store_state.value::int4 + 1)::text`,
  );
  await client.query(`select pg_notify('search_parameters', '')`);
}

/** The oldest build that some parameter waits for. */
export async function nextJob(db: Queryable): Promise<Job | undefined> {
  const { rows } = await db.query<{ job: Job }>(
    `select ${jobJson} as job from job j where finished_at is null and exists (select from search_parameter p where p.job = j.id) order by j.id limit 1`,
  );
  return rows[0]?.job;
}

export async function beginJob(db: Queryable, { id }: Job, total: number): Promise<void> {
  await db.query('update job set running = true, total = $2 where id = $1', [id, total]);
}

/**
 * Moves a job on, in the transaction that did the work.
 *
 * @returns whether it is still ours to do: nobody else has moved it, and some parameter waits for it
 */
export async function moveJob(client: Queryable, from: Job, to: Pick<Job, 'at' | 'rid' | 'done' | 'skipped'>): Promise<boolean> {
  const { rowCount } = await client.query(
    `update job set at = $4, rid = $5, done = $6, skipped = $7 where id = $1 and at = $2 and rid = $3 and finished_at is null
     and exists (select from search_parameter p where p.job = job.id)`,
    [from.id, from.at + 1, from.rid, to.at + 1, to.rid, to.done, to.skipped],
  );
  return rowCount === 1;
}

/** What was built can be searched by. */
export async function endJob(pool: Pool, { id }: Job): Promise<void> {
  await inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await client.query('update search_parameter set job = null where job = $1', [id]);
    await client.query('update job set finished_at = clock_timestamp() where id = $1', [id]);
    await raiseGeneration(client);
  });
}

/** About how many resources there are of these types: counted where they are few. */
export async function countResources(db: Queryable, relations: ReadonlyMap<string, readonly string[]>): Promise<number> {
  let total = 0;
  for (const [relation, types] of relations) {
    const { rows } = await db.query<{ n: string }>(
      `select case when c.reltuples > 1e6 and c.relname <> 'resource_other' then c.reltuples::int8
         else (select count(*) from ${relation} where type = any($1::text[]) and not deleted) end as n
       from pg_class c where c.oid = '${relation}'::regclass`,
      [types],
    );
    total += Number(rows[0]?.n ?? 0);
  }
  return total;
}

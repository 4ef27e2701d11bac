import type { Pool, PoolClient } from 'pg';
import { inTransaction, type Queryable } from './database.ts';
import type { TableProperty } from './terminology.ts';

export type SystemHead = {
  readonly url: string;
  readonly version: string | undefined;
  readonly name: string | undefined;
  readonly subsumes: boolean;
  readonly properties: Readonly<Record<string, TableProperty>>;
};

/** What a code system's files tell, piece by piece, in any order that lets a concept find its designations. */
export type TermRow =
  | {
      readonly kind: 'concept';
      readonly code: string;
      /** Undefined: the best of the designations that came before. */
      readonly display?: string | undefined;
      readonly definition?: string | undefined;
      readonly active?: boolean;
      readonly abstract?: boolean;
      readonly properties?: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly kind: 'link'; readonly parent: string; readonly child: string }
  | {
      readonly kind: 'designation';
      readonly code: string;
      readonly language?: string | undefined;
      readonly use?: string | undefined;
      readonly value: string;
      /** Its own id, by which a `preferred` row named it. */
      readonly key?: string | undefined;
    }
  /** A designation that is the preferred one; to come before it. */
  | { readonly kind: 'preferred'; readonly key: string }
  /** Values that are added to a concept that came before. */
  | { readonly kind: 'property'; readonly code: string; readonly property: string; readonly value: string };

/** The `use` of a preferred designation. @see https://hl7.org/fhir/R4/snomedct.html#designations */
const preferredUse = '900000000000548007';

export type ListedSystem = {
  readonly url: string;
  readonly version: string;
  readonly name: string | null;
  readonly concepts: number;
  /** `2026-01-31T12:00:00Z` */
  readonly loadedAt: string;
};

/** So many rows go in one statement. */
const batchRows = 2_000;
/** Loads and removals wait for none: one at a time. */
const loadLock = 7_210_001;

/** Another process is loading a code system. */
export class LoadUnderWay extends Error {}

/**
 * Fills a code system under a number of its own, in short transactions and with constant memory; when all of it is there it takes the
 * place of the version with the same name, or of none. If reading breaks off, nothing has changed.
 *
 * @param onRows  called now and then with how many rows came so far
 * @returns       how many concepts it has
 * @throws        LoadUnderWay, or what the rows' source throws
 */
export async function loadSystem(
  pool: Pool,
  head: SystemHead,
  rows: AsyncIterable<TermRow> | Iterable<TermRow>,
  onRows: (rows: number) => void,
): Promise<number> {
  const client = await pool.connect();
  try {
    await assertAlone(client);
    await removeUnready(client);
    // What is lost in a crash was not in force yet; bringing it into force waits for all of it.
    await client.query('set synchronous_commit = off');
    const id = await begin(client, head);
    try {
      await fill(client, id, rows, onRows);
      const concepts = await bringIntoForce(pool, id, head);
      await removeUnready(client);
      await client.query('select analyze_filled()');
      return concepts;
    } catch (error) {
      await removeUnready(client);
      throw error;
    }
  } finally {
    await client.query('reset synchronous_commit').catch(() => {});
    await client.query('select pg_advisory_unlock_all()').catch(() => {});
    await client.query('drop table if exists pg_temp.preferred_designation').catch(() => {});
    client.release();
  }
}

/** @returns whether there was one */
export async function removeSystem(pool: Pool, { url, version }: Pick<SystemHead, 'url' | 'version'>): Promise<boolean> {
  const client = await pool.connect();
  try {
    await assertAlone(client);
    const { rowCount } = await client.query('update code_system set ready = false where url = $1 and version = $2 and ready', [
      url,
      version ?? '',
    ]);
    await removeUnready(client);
    return (rowCount ?? 0) > 0;
  } finally {
    await client.query('select pg_advisory_unlock_all()').catch(() => {});
    client.release();
  }
}

export async function listSystems(db: Queryable): Promise<readonly ListedSystem[]> {
  const { rows } = await db.query<ListedSystem>(
    `select url, version, name, concepts, to_char(loaded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "loadedAt"
     from code_system where ready order by url, id`,
  );
  return rows;
}

async function assertAlone(client: Queryable): Promise<void> {
  const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [loadLock]);
  if (rows[0]?.alone !== true) throw new LoadUnderWay('Another code system is being loaded or removed. Try again when that is done.');
}

async function begin(client: Queryable, { url, version, name, subsumes, properties }: SystemHead): Promise<number> {
  await client.query('create temp table if not exists preferred_designation (key text collate "C" primary key)');
  await client.query('truncate preferred_designation');
  const { rows } = await client.query<{ id: number }>(
    'insert into code_system (url, version, name, subsumes, properties) values ($1, $2, $3, $4, $5) returning id',
    [url, version ?? '', name ?? null, subsumes, JSON.stringify(properties)],
  );
  return rows[0]?.id ?? 0;
}

/** Rows of one kind go together; a change of kind sends what waits, as one kind builds on the other. */
async function fill(
  client: PoolClient,
  id: number,
  rows: AsyncIterable<TermRow> | Iterable<TermRow>,
  onRows: (rows: number) => void,
): Promise<void> {
  let waiting: TermRow[] = [];
  let count = 0;
  for await (const row of rows) {
    if (waiting.length >= batchRows || (waiting.length > 0 && waiting[0]?.kind !== row.kind)) {
      await insert(client, id, waiting);
      waiting = [];
    }
    waiting.push(row);
    if (++count % 50_000 === 0) onRows(count);
  }
  await insert(client, id, waiting);
}

type Of<K extends TermRow['kind']> = readonly Extract<TermRow, { kind: K }>[];

async function insert(client: PoolClient, id: number, rows: readonly TermRow[]): Promise<void> {
  switch (rows[0]?.kind) {
    case 'concept':
      return insertConcepts(client, id, rows as Of<'concept'>);
    case 'link':
      return insertLinks(client, id, rows as Of<'link'>);
    case 'designation':
      return insertDesignations(client, id, rows as Of<'designation'>);
    case 'preferred':
      await client.query('insert into preferred_designation select unnest($1::text[]) on conflict do nothing', [
        (rows as Of<'preferred'>).map(({ key }) => key),
      ]);
      return;
    case 'property':
      return addProperties(client, id, rows as Of<'property'>);
    default:
  }
}

async function insertConcepts(client: PoolClient, id: number, rows: Of<'concept'>): Promise<void> {
  await client.query(
    `insert into concept (system, code, display, definition, active, abstract, properties)
     select $1, r.code, coalesce(r.display, (select d.value from concept_designation d where d.system = $1 and d.code = r.code
       order by d.use = '${preferredUse}' desc nulls last, d.use limit 1)), r.definition, r.active, r.abstract, r.properties
     from unnest($2::text[], $3::text[], $4::text[], $5::bool[], $6::bool[], $7::jsonb[]) as r (code, display, definition, active, abstract, properties)
     on conflict (system, code) do nothing`,
    [
      id,
      rows.map(({ code }) => code),
      rows.map(({ display }) => display ?? null),
      rows.map(({ definition }) => definition ?? null),
      rows.map(({ active = true }) => active),
      rows.map(({ abstract = false }) => abstract),
      rows.map(({ properties = {} }) => JSON.stringify(properties)),
    ],
  );
}

async function insertLinks(client: PoolClient, id: number, rows: Of<'link'>): Promise<void> {
  await client.query(
    'insert into concept_link (system, parent, child) select $1, r.* from unnest($2::text[], $3::text[]) as r on conflict do nothing',
    [id, rows.map(({ parent }) => parent), rows.map(({ child }) => child)],
  );
}

async function insertDesignations(client: PoolClient, id: number, rows: Of<'designation'>): Promise<void> {
  await client.query(
    `insert into concept_designation (system, code, language, use, value)
     select $1, r.code, r.language, case when p.key is null then r.use else '${preferredUse}' end, r.value
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as r (code, language, use, value, key)
     left join preferred_designation p on p.key = r.key`,
    [
      id,
      rows.map(({ code }) => code),
      rows.map(({ language }) => language ?? null),
      rows.map(({ use }) => use ?? null),
      rows.map(({ value }) => value),
      rows.map(({ key }) => key ?? null),
    ],
  );
}

async function addProperties(client: PoolClient, id: number, rows: Of<'property'>): Promise<void> {
  await client.query(
    `update concept c set properties = c.properties || jsonb_build_object(p.property, coalesce(c.properties -> p.property, '[]') || p.found)
     from (select code, property, jsonb_agg(value) as found
           from unnest($2::text[], $3::text[], $4::text[]) as r (code, property, value) group by code, property) p
     where c.system = $1 and c.code = p.code`,
    [id, rows.map(({ code }) => code), rows.map(({ property }) => property), rows.map(({ value }) => value)],
  );
}

function bringIntoForce(pool: Pool, id: number, { url, version }: SystemHead): Promise<number> {
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await client.query('update code_system set ready = false where url = $1 and version = $2 and ready', [url, version ?? '']);
    const { rows } = await client.query<{ concepts: number }>(
      `update code_system set ready = true, loaded_at = clock_timestamp(), concepts = (select count(*) from concept where system = $1)
       where id = $1 returning concepts`,
      [id],
    );
    return rows[0]?.concepts ?? 0;
  });
}

/** What isn't in force and, as we are alone, never will be; in short transactions. */
async function removeUnready(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ id: number }>('select id from code_system where not ready');
  for (const { id } of rows) {
    for (const table of ['concept_designation', 'concept_link', 'concept']) {
      const remove = `delete from ${table} where ctid = any(array(select ctid from ${table} where system = $1 limit 20000))`;
      while (((await client.query(remove, [id])).rowCount ?? 0) > 0);
    }
    await client.query('delete from code_system where id = $1', [id]);
  }
}

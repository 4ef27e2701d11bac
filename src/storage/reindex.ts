import type { Pool } from 'pg';
import { FhirError } from '../fhir/error.ts';
import { readOwners, withOwners } from './binary-owners.ts';
import { int8Array } from './binary.ts';
import { inTransaction, isUnavailable, type Queryable } from './database.ts';
import { factTables, inputRows, inputTokens, newFacts, ownersAlive, rowParameters } from './parameters.ts';
import { relationOf, typeIs } from './relations.ts';
import { type Facts, type NewVersion, storedVersion, type StoredVersion, versionColumns, type VersionRow } from './rows.ts';
import type { Opener } from './sealing.ts';
import { statement } from './sql.ts';
import { factReplacements, lockOwners } from './write.ts';

/** What can be found of a resource, and whose it is. */
type Findable = {
  readonly refKey: bigint;
  readonly tokens: Buffer;
  readonly facts: Facts;
  readonly patient: bigint | null;
  readonly clinicalAt: number | null;
  readonly owners: ReadonlyMap<bigint, string>;
};

export type ReindexContext = {
  readonly pool: Pool;
  readonly open: Opener;
  /** Leaves the patients out of it: erased ones can't be found by what others still say of them. */
  readonly extractWithout: (json: Buffer, type: string, id: string, patients: ReadonlySet<string>) => Findable;
  readonly retriesMax: number;
  /** Resources of one transaction. */
  readonly rowsMax: number;
  /** Told of each resource that can't be read, which then stays as it is. */
  readonly onSkip: (type: string, error: unknown) => void;
};

export type Reindexed = {
  readonly done: number;
  readonly skipped: number;
  /** The row to go on behind; undefined where there are no more. */
  readonly last?: number;
};

/** Sealed texts of one transaction. */
const bytesMax = 8 * 2 ** 20;

/**
 * Extracts the next resources of a type anew. Their versions stay what they are: only what they are found by is replaced, under the
 * rows' locks, and where another version was written meanwhile it is left as it was written.
 *
 * @param also  what the same transaction does beside it; the work is undone if it answers false
 */
export async function reindexBatch(
  ctx: ReindexContext,
  type: string,
  after: number,
  also: (client: Queryable, reindexed: Reindexed) => Promise<boolean>,
): Promise<Reindexed | 'stopped'> {
  const rids = await nextRids(ctx, type, after);
  const last = rids.at(-1);
  const rows = last === undefined ? [] : await readRows(ctx, type, rids);
  const { found, skipped } = await findAll(ctx, await openAll(ctx, rows));
  const reindexed = { done: rids.length, skipped, ...(last === undefined ? {} : { last }) };
  const stopped = new Error('the work was taken over or called off');
  try {
    await inTransaction(ctx.pool, { retriesMax: ctx.retriesMax }, async ({ client }) => {
      if (found.length > 0) await replace(client, type, found);
      if (!(await also(client, reindexed))) throw stopped;
    });
    return reindexed;
  } catch (error) {
    if (error === stopped) return 'stopped';
    throw error;
  }
}

/** The next rows, as many as may be in memory together. Rides the relation's index on rid. */
async function nextRids({ pool, rowsMax }: ReindexContext, type: string, after: number): Promise<number[]> {
  const { rows } = await pool.query<{ rid: string }>(
    statement(
      `select rid from (
         select rid, sum(coalesce(octet_length(content), 0)) over (order by rid) as bytes, row_number() over (order by rid) as n from (
           select rid, content from ${relationOf(type)} r where ${typeIs('r', type)} and rid > $1::int8 and not deleted order by rid limit $2::int
         ) next ) sized where n = 1 or bytes <= ${bytesMax} order by rid`,
      [after, rowsMax],
    ),
  );
  return rows.map(({ rid }) => Number(rid));
}

async function readRows({ pool }: ReindexContext, type: string, rids: readonly number[]): Promise<StoredVersion[]> {
  const { rows } = await pool.query<VersionRow>(
    statement(
      `select ${versionColumns('r')} from ${relationOf(type)} r where ${typeIs('r', type)} and r.rid = any($1::int8[]) and not r.deleted`,
      [int8Array(rids.map(BigInt))],
    ),
  );
  return rows.map(storedVersion);
}

type Readable = { readonly row: StoredVersion; readonly json: Buffer };

/** One by one where one of them can't be opened. */
async function openAll(ctx: ReindexContext, rows: readonly StoredVersion[]): Promise<(Readable | 'skipped')[]> {
  const opened = await ctx.open(rows).catch((error: unknown) => {
    if (isPassing(error)) throw error;
    if (rows.length > 1) return undefined;
    if (rows[0] !== undefined) ctx.onSkip(rows[0].type, error);
    return 'skipped' as const;
  });
  if (opened === 'skipped') return ['skipped'];
  if (opened === undefined) return (await Promise.all(rows.map((row) => openAll(ctx, [row])))).flat();
  // What nobody can open any more belongs to a patient who was erased.
  return opened.flatMap(({ json, erased }, at) => {
    const row = rows[at];
    return erased || row === undefined ? [] : [{ row, json }];
  });
}

async function findAll(ctx: ReindexContext, opened: readonly (Readable | 'skipped')[]): Promise<{ found: NewVersion[]; skipped: number }> {
  const readable = opened.filter((each) => each !== 'skipped');
  const all = readable.flatMap(({ row, json }) => {
    const findable = findOne(ctx, row, json, new Set());
    return findable === undefined ? [] : [{ row, json, findable }];
  });
  const erased = await erasedAmong(
    ctx.pool,
    all.flatMap(({ findable }) => [...findable.owners.keys()]),
  );
  const found = all.flatMap(({ row, json, findable }) => {
    const gone = [...findable.owners].filter(([key]) => erased.has(key)).map(([, id]) => id);
    const left = gone.length === 0 ? findable : findOne(ctx, row, json, new Set(gone));
    return left === undefined ? [] : [versionOf(row, left)];
  });
  return { found, skipped: opened.length - found.length };
}

function findOne(ctx: ReindexContext, { type, id }: StoredVersion, json: Buffer, without: ReadonlySet<string>): Findable | undefined {
  try {
    return ctx.extractWithout(json, type, id, without);
  } catch (error) {
    if (isPassing(error)) throw error;
    ctx.onSkip(type, error);
    return undefined;
  }
}

/** It says nothing of the resource: the same work may be done later. */
function isPassing(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof FhirError && error.status === 503);
}

async function erasedAmong(db: Queryable, owners: readonly bigint[]): Promise<ReadonlySet<bigint>> {
  if (owners.length === 0) return new Set();
  const { rows } = await db.query<{ ref_key: string }>({
    name: 'erased_among',
    text: 'select ref_key from erased_patient where ref_key = any($1::int8[])',
    values: [int8Array([...new Set(owners)])],
  });
  return new Set(rows.map(({ ref_key }) => BigInt(ref_key)));
}

function versionOf({ rid, type, id, version }: StoredVersion, findable: Findable): NewVersion {
  const { refKey, tokens, facts, patient, clinicalAt, owners } = findable;
  return {
    rid,
    type,
    id,
    refKey,
    version,
    interaction: 'u',
    patient,
    clinicalAt,
    tokens,
    facts,
    content: null,
    owners: [...owners.keys()],
  };
}

/** The owners' locks, then the rows': a patient who is being erased meanwhile stays out, and so does what was written over. */
async function replace(client: Queryable, type: string, rows: readonly NewVersion[]): Promise<void> {
  const relation = relationOf(type);
  await Promise.all([
    lockOwners(client, rows),
    client.query(
      statement(`select from ${relation} r where ${typeIs('r', type)} and r.ref_key = any($1::int8[]) order by r.type, r.id for update`, [
        int8Array(rows.map(({ refKey }) => refKey)),
      ]),
    ),
  ]);
  const linked = type === 'Binary' ? await readOwners(client, rows) : new Map<bigint, never[]>();
  const complete = rows.map((row) => ({ ...row, tokens: withOwners(row.tokens, linked.get(row.refKey) ?? []) }));
  await client.query(
    statement(replaceText(relation), [...rowParameters(complete), ...factTables.flatMap((table) => table.encode(complete))]),
  );
}

/** The sealed text isn't touched, and neither is a row of which nothing changes. */
function replaceText(relation: string): string {
  return `with ${[inputRows, ...newFacts(factTables)].join(', ')}, written as materialized (
  select i.*, ${inputTokens} as tokens from input i join ${relation} r on r.type = i.type and r.ref_key = i.ref_key and r.id = i.id
  where r.version = i.version and not r.deleted and ${ownersAlive}
)${factReplacements(factTables, 'written')}, updated as (
  update ${relation} r set patient = w.patient, clinical_at = w.clinical_at, tokens = w.tokens from written w
  where r.type = w.type and r.ref_key = w.ref_key
    and (r.patient is distinct from w.patient or r.clinical_at is distinct from w.clinical_at or not (r.tokens @> w.tokens and r.tokens <@ w.tokens))
)
select`;
}

import { removeOwner, keyIdsOf } from '../encryption/seal.ts';
import { int8Array } from './binary.ts';
import { forgetOwners, keepOwners, readOwners } from './binary-owners.ts';
import { inTransaction, type Queryable } from './database.ts';
import { removeErasedFiles } from './files.ts';
import { holdsToken } from './filter.ts';
import { type KeyStore } from './keys.ts';
import type { Pool, QueryResultRow } from 'pg';
import { type Address, lockCurrent, type LockedVersion, readSuperseded } from './read.ts';
import { noFacts, type Facts, type NewVersion } from './rows.ts';
import type { Opener } from './sealing.ts';
import { amendVersions, replaceVersions } from './write.ts';

/** A patient to erase, with what he is found by. */
export type Patient = {
  readonly id: string;
  /** Of `Patient/id`: also the number of his lock and of his key. */
  readonly refKey: bigint;
  /** Held by every version that is sealed with his key. */
  readonly ownerToken: bigint;
  /** Held by every version in his compartment: who is bound to it still learns that something was there. */
  readonly compartmentToken: bigint;
};

/** What can be found of a version without the patients. */
export type Findable = {
  readonly tokens: Buffer;
  readonly facts: Facts;
  readonly patient: bigint | null;
  readonly clinicalAt: number | null;
};

export type ErasureContext = {
  readonly pool: Pool;
  readonly keys: KeyStore;
  /** Without files, which may be large, or gone. */
  readonly open: Opener;
  readonly extractWithout: (json: Buffer, type: string, id: string, patients: ReadonlySet<string>) => Findable;
  readonly retriesMax: number;
  /** Called before each step, and before each round of a repeated one. */
  readonly onStep?: (step: ErasureStep) => Promise<void> | void;
};

export type ErasureStep = 'tombstone' | 'keys' | 'current' | 'superseded' | 'audit' | 'done';

/** How many resources lost everything, and how many shared ones lost the patients' part. */
export type ErasureCounts = { readonly erased: number; readonly shared: number };

/** Resources of one transaction. */
const roundSize = 100;
/** Pages of a history partition that one statement reads: 128 MiB. */
const blocksPerScan = 16_384;

/**
 * Erases patients. First tombstones, under each patient's lock exclusively: a write that names one has either committed or will be
 * refused. Then their keys are destroyed, and nobody can open what only these opened. Then what is theirs alone is emptied, and
 * what they share with others loses their wraps, tokens and facts. Every step finds by itself what is still to be done, so an
 * erasure that was interrupted anywhere is simply repeated.
 */
export async function erasePatients(ctx: ErasureContext, patients: readonly Patient[]): Promise<ErasureCounts> {
  const { pool, keys } = ctx;
  const refKeys = patients.map(({ refKey }) => refKey);
  await ctx.onStep?.('tombstone');
  await putTombstones(ctx, refKeys);
  await ctx.onStep?.('keys');
  await keys.erase(refKeys);
  const going: Going = {
    patients,
    refKeys,
    ids: new Set(patients.map(({ id }) => id)),
    keyIds: (await keys.idsOf(refKeys)).map(({ id }) => id),
    ownerTokens: int8Array(patients.map(({ ownerToken }) => ownerToken)),
  };
  const counts = { erased: 0, shared: 0 };
  await cleanCurrent(ctx, going, counts);
  await cleanSuperseded(ctx, going, counts);
  await forgetOwners(pool, refKeys);
  await ctx.onStep?.('audit');
  await cleanAuditFacts(pool, going);
  await ctx.onStep?.('done');
  await pool.query('update erased_patient set cleaned_at = clock_timestamp() where ref_key = any($1::int8[])', [int8Array(refKeys)]);
  return counts;
}

/** Which of the listed patients are not wholly erased in the databases as they are now, and how many tombstones are not listed. */
export async function compareErasures(
  db: Queryable,
  keys: Pick<KeyStore, 'idsOf'>,
  listed: readonly Patient[],
): Promise<{ readonly due: readonly Patient[]; readonly unlisted: number }> {
  const refKeys = listed.map(({ refKey }) => refKey);
  const [tombstones, known] = await Promise.all([
    db.query<{ ref_key: string; clean: boolean }>('select ref_key, cleaned_at is not null as clean from erased_patient'),
    keys.idsOf(refKeys),
  ]);
  const clean = new Set(tombstones.rows.filter((row) => row.clean).map(({ ref_key }) => BigInt(ref_key)));
  const destroyed = new Set(known.filter(({ erased }) => erased).map(({ owner }) => owner));
  const names = new Set(refKeys);
  return {
    due: listed.filter(({ refKey }) => !clean.has(refKey) || !destroyed.has(refKey)),
    unlisted: tombstones.rows.filter(({ ref_key }) => !names.has(BigInt(ref_key))).length,
  };
}

/** The patients of one erasure, and how what is theirs is told from the rest. */
type Going = {
  readonly patients: readonly Patient[];
  readonly refKeys: readonly bigint[];
  readonly ids: ReadonlySet<string>;
  readonly keyIds: readonly Buffer[];
  readonly ownerTokens: Buffer;
};
type Counts = { erased: number; shared: number };

function putTombstones({ pool, retriesMax }: ErasureContext, refKeys: readonly bigint[]): Promise<void> {
  return inTransaction(pool, { retriesMax }, async ({ client }) => {
    const sorted = int8Array(refKeys.toSorted((a, b) => (a < b ? -1 : 1)));
    // A statement of its own: the locks are waited for before anything is read or written.
    await client.query('select count(pg_advisory_xact_lock(k)) from unnest($1::int8[]) k', [sorted]);
    await client.query(
      `insert into erased_patient (ref_key) select k from unnest($1::int8[]) k order by k
       on conflict (ref_key) do update set cleaned_at = null where erased_patient.cleaned_at is not null`,
      [sorted],
    );
  });
}

/** Rides the GIN index on tokens. What was cleaned holds no owner token any more, so each round finds the rest. */
async function cleanCurrent(ctx: ErasureContext, going: Going, counts: Counts): Promise<void> {
  for (let before = ''; ; ) {
    await ctx.onStep?.('current');
    const rows = await findByToken<AddressRow>(ctx.pool, 'select type, id, ref_key from resource where tokens && $1::int8[] limit $2', [
      going.ownerTokens,
      roundSize,
    ]);
    if (rows.length === 0) return;
    const round = JSON.stringify(rows);
    if (round === before) throw new Error('an erasure leaves rows as they are that name the patient');
    before = round;
    await cleanResources(ctx, going, rows.map(addressOf), counts);
  }
}

/**
 * Superseded versions of resources that belong to others by now. There is no way in by token, so all are read, a piece of
 * each partition at a time; the rows that a piece gains meanwhile can't name the patients.
 */
async function cleanSuperseded(ctx: ErasureContext, going: Going, counts: Counts): Promise<void> {
  const { rows: parts } = await ctx.pool.query<{ name: string; blocks: string }>(
    `select inhrelid::regclass::text as name, pg_relation_size(inhrelid) / current_setting('block_size')::int8 as blocks
     from pg_inherits where inhparent = 'resource_version'::regclass order by 1`,
  );
  for (const { name, blocks } of parts) {
    for (let from = 0; from < Number(blocks); from += blocksPerScan) {
      await ctx.onStep?.('superseded');
      const { rows } = await ctx.pool.query<AddressRow>(
        `select distinct type, id, ref_key from ${name} where ctid >= $1::tid and ctid < $2::tid and tokens && $3::int8[]`,
        [`(${from},0)`, `(${from + blocksPerScan},0)`, going.ownerTokens],
      );
      for (let at = 0; at < rows.length; at += roundSize)
        await cleanResources(ctx, going, rows.slice(at, at + roundSize).map(addressOf), counts);
    }
  }
}

/** A plan made without knowing the tokens would read whole tables rather than ride the index. */
async function findByToken<R extends object>(pool: Pool, text: string, values: unknown[]): Promise<R[]> {
  return inTransaction(pool, { retriesMax: 0 }, async ({ client }) => {
    await client.query('set local enable_seqscan = off');
    return (await client.query<R & QueryResultRow>(text, values)).rows;
  });
}

type AddressRow = { readonly type: string; readonly id: string; readonly ref_key: string };

const addressOf = ({ type, id, ref_key }: AddressRow): Address => ({ type, id, refKey: BigInt(ref_key) });

/** Cleans all versions of some resources, in one transaction under the locks of their rows. */
function cleanResources(ctx: ErasureContext, going: Going, addresses: readonly Address[], counts: Counts): Promise<void> {
  return inTransaction(ctx.pool, { retriesMax: ctx.retriesMax }, async ({ client }) => {
    const current = await lockCurrent(client, addresses);
    const past = Map.groupBy(await readSuperseded(client, addresses), ({ type, id }) => `${type}/${id}`);
    const owners = await readOwners(client, current, going.refKeys);
    const emptied: NewVersion[] = [];
    const amended: NewVersion[] = [];
    const rewritten: NewVersion[] = [];
    for (const row of current) {
      const versions = await cleanVersions(ctx, going, [...(past.get(`${row.type}/${row.id}`) ?? []), row]);
      // Extraction tells nothing of who owns a Binary by what names it.
      const cleaned = versions.map((version) => version && keepOwners(version, owners.get(row.refKey) ?? []));
      const last = cleaned.at(-1);
      rewritten.push(...cleaned.slice(0, -1).flatMap((version) => version ?? []));
      if (last === undefined) continue;
      if (last.interaction !== 'e') amended.push(last);
      else {
        // The erasure is a version of its own, so that readers of changes learn of it; the one it ends is emptied too.
        emptied.push({ ...last, version: row.version + 1 });
        rewritten.push(last);
      }
    }
    if (emptied.length > 0) await replaceVersions(client, emptied);
    if (amended.length > 0) await amendVersions(client, amended);
    await Promise.all(rewritten.map((version) => rewriteSuperseded(client, version)));
    await removeErasedFiles(client, current);
    counts.erased += emptied.length;
    counts.shared += amended.length;
  });
}

/** What becomes of each version of a resource, oldest first; undefined where it isn't concerned. A deletion goes with what it deleted. */
async function cleanVersions(ctx: ErasureContext, going: Going, versions: readonly LockedVersion[]): Promise<(NewVersion | undefined)[]> {
  const cleaned: (NewVersion | undefined)[] = [];
  for (const version of versions) {
    const before = cleaned.at(-1);
    if (version.content !== undefined) cleaned.push(await cleanVersion(ctx, going, version, version.content));
    else if (version.erased || before === undefined) cleaned.push(undefined);
    else if (before.interaction === 'e') cleaned.push(emptiedOf(going, version));
    else
      cleaned.push({
        ...before,
        version: version.version,
        interaction: version.interaction,
        content: null,
        clinicalAt: null,
        facts: noFacts,
      });
  }
  return cleaned;
}

async function cleanVersion(ctx: ErasureContext, going: Going, version: LockedVersion, content: Buffer): Promise<NewVersion | undefined> {
  const { type, id } = version;
  const ids = keyIdsOf(content);
  const theirs = ids.filter((keyId) => going.keyIds.some((gone) => gone.equals(keyId)));
  if (theirs.length === 0) return undefined;
  const isOwn = theirs.length === ids.length || (type === 'Patient' && going.ids.has(id));
  const [opened] = isOwn ? [] : await ctx.open([version]);
  if (opened === undefined || opened.erased) return emptiedOf(going, version);
  const { tokens, facts, patient, clinicalAt } = ctx.extractWithout(opened.json, type, id, going.ids);
  return {
    ...keyOf(version),
    interaction: version.interaction,
    patient,
    clinicalAt,
    tokens,
    content: theirs.reduce((rest, keyId) => removeOwner(rest, version, keyId), content),
    owners: [],
    facts,
  };
}

/** Nothing is left but that it was there, for those who could see it: without bounds, or by the patient's compartment. */
function emptiedOf({ patients }: Going, version: LockedVersion): NewVersion {
  const held = patients.filter(({ compartmentToken }) => holdsToken(version.tokens, compartmentToken));
  const tokens = Buffer.alloc(held.length * 8);
  held.forEach(({ compartmentToken }, at) => tokens.writeBigInt64BE(compartmentToken, at * 8));
  return { ...keyOf(version), interaction: 'e', patient: null, clinicalAt: null, tokens, content: null, owners: [], facts: noFacts };
}

function keyOf({ rid, type, id, refKey, version }: LockedVersion): Pick<NewVersion, 'rid' | 'type' | 'id' | 'refKey' | 'version'> {
  return { rid, type, id, refKey, version };
}

/** Rides unique (ref_key, version). */
async function rewriteSuperseded(client: Queryable, { refKey, version, interaction, tokens, patient, content }: NewVersion): Promise<void> {
  const list: bigint[] = [];
  for (let at = 0; at < tokens.length; at += 8) list.push(tokens.readBigInt64BE(at));
  await client.query(
    `update resource_version set interaction = $3, deleted = $4::bytea is null, tokens = $5::int8[], patient = $6, content = $4
     where ref_key = $1 and version = $2`,
    [refKey.toString(), version, interaction, content, int8Array(list), patient?.toString() ?? null],
  );
}

/**
 * Audit events are never changed: what they say of the patients is sealed with destroyed keys. Their facts go.
 * Rides the GIN index on tokens, then the facts' primary keys.
 */
async function cleanAuditFacts(pool: Pool, { ownerTokens, keyIds, refKeys }: Going): Promise<void> {
  for (let after = 0; ; ) {
    const rows = await findByToken<{ rid: string; content: Buffer }>(
      pool,
      'select rid, content from audit_event where tokens && $1::int8[] and rid > $2 order by rid limit $3',
      [ownerTokens, after, 1_000],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = Number(last.rid);
    const own = rows.filter(({ content }) => keyIdsOf(content).every((id) => keyIds.some((gone) => gone.equals(id))));
    await Promise.all([
      pool.query('delete from fact_reference where rid = any($1::int8[]) and target = any($2::int8[])', [
        int8Array(rows.map(({ rid }) => BigInt(rid))),
        int8Array(refKeys),
      ]),
      ...['fact_date', 'fact_quantity', 'fact_reference', 'fact_sort'].map((table) =>
        pool.query(`delete from ${table} where rid = any($1::int8[])`, [int8Array(own.map(({ rid }) => BigInt(rid)))]),
      ),
    ]);
  }
}

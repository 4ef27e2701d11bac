import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { FhirError } from '../../fhir/error.ts';
import type { SearchParameterDef } from '../../fhir/schema.ts';
import { parsedParameter, readParameter } from '../../search/added-parameter.ts';
import { makeExtractWithout } from '../../search/extract-without.ts';
import { type AddedParameter, elementsWith, isFor } from '../../search/registry.ts';
import { canNumber } from '../../storage/elements.ts';
import { type ReindexContext, reindexBatch } from '../../storage/reindex.ts';
import { relationOf } from '../../storage/relations.ts';
import {
  beginJob,
  changeParameters,
  countResources,
  endJob,
  type InForce,
  type Job,
  listParameters,
  moveJob,
  nextJob,
  type ParameterChanges,
  readParameters,
  readParameterSet,
} from '../../storage/search-parameters.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Context } from '../context.ts';
import { generationLocks } from './watch.ts';

export type Registrar = {
  /** To be called again and again with the connection that holds its lock. */
  readonly turn: (client: Client) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** One process at a time brings search parameters into force; it holds this lock as long as its connection lives. */
const registrarLock = 7207;
const barrierCheckMs = 20;
const retryMs = 1_000;
/** So few that requests hardly wait for them. */
const batchRows = 25;

/**
 * Brings SearchParameter resources into force as they are written, changed and deleted, whichever process wrote them, and builds what
 * can be found by them: by looking at the resources, so that nothing is forgotten when a process ends half-way.
 */
export function makeRegistrar(ctx: Context, log: Log): Registrar {
  /** Which version of each resource has been looked at; empty until this process is the one. */
  let seen: Map<string, number> | undefined;
  let since: string | undefined;
  let building: Promise<void> | undefined;
  let holder: Client | undefined;
  let stopped = false;

  async function turn(client: Client): Promise<void> {
    if (stopped || !(await isRegistrar(client))) return;
    await reconcile(client);
    building ??= build(client).finally(() => {
      building = undefined;
    });
  }

  async function isRegistrar(client: Client): Promise<boolean> {
    if (holder === client) return true;
    const { rows } = await client.query<{ had: boolean }>('select pg_try_advisory_lock($1) as had', [registrarLock]);
    if (rows[0]?.had !== true) return false;
    holder = client;
    seen = undefined;
    since = undefined;
    client.once('end', () => {
      if (holder === client) holder = undefined;
    });
    return true;
  }

  async function reconcile(client: Client): Promise<void> {
    const listed = await listParameters(client, since);
    const { parameters } = await readParameterSet(client);
    const inForce = new Map(parameters.map((each) => [each.id, each]));
    seen ??= new Map(parameters.map(({ id, version }) => [id, version]));
    const known = seen;
    const changed = listed.filter(({ id, version }) => known.get(id) !== version);
    if (changed.length > 0) {
      const changes = await changesOf(client, changed, inForce);
      if (changes !== undefined) await changeParameters(ctx.pool, changes);
      for (const { id, version } of changed) known.set(id, version);
    }
    since = listed.at(-1)?.updated ?? since;
    // What stood in the way of others may be gone.
    const freed = changed.some(({ id }) => inForce.has(id));
    for (const { id } of parameters.filter(({ fault }) => freed && fault !== undefined)) {
      if (changed.some((each) => each.id === id)) continue;
      known.delete(id);
      since = undefined;
    }
  }

  type Listed = Awaited<ReturnType<typeof listParameters>>[number];

  async function changesOf(
    client: Client,
    changed: readonly Listed[],
    inForce: ReadonlyMap<string, InForce>,
  ): Promise<ParameterChanges | undefined> {
    const opened = await ctx.open(
      await readParameters(
        ctx.pool,
        changed.filter(({ deleted }) => !deleted).map(({ id, version }) => ({ id, version, refKey: ctx.refKeyOf('SearchParameter', id) })),
      ),
    );
    const texts = new Map(opened.filter(({ erased }) => !erased).map(({ id, json }) => [id, json]));
    const changes = { removed: [] as string[], built: [] as AddedParameter[], kept: [] as Seen[], faulty: [] as Faulty[] };
    // As it will be: what comes first is known to what comes after it.
    let added = ctx.live.added().filter(({ id }) => inForce.has(id));
    for (const { id, version } of changed) {
      const wanted = await wantedOf(id, texts.get(id), added);
      const before = added.find((each) => each.id === id);
      if (wanted !== undefined && 'fault' in wanted) changes.faulty.push({ id, version, fault: wanted.fault });
      else if (wanted === undefined) changes.removed.push(...(inForce.has(id) ? [id] : []));
      else if (before !== undefined && sameMeaning(before.definition, wanted.definition)) changes.kept.push({ id, version });
      else changes.built.push({ id, version, definition: wanted.definition });
      added = added.filter((each) => each.id !== id);
      if (wanted !== undefined && 'definition' in wanted) added = [...added, { id, version, definition: wanted.definition }];
    }
    if ([changes.removed, changes.built, changes.kept, changes.faulty].every(({ length }) => length === 0)) return undefined;
    const built = changes.built.map(({ id, version }) => ({ id, version }));
    const { definitions } = ctx;
    const elements = built.length === 0 ? [] : elementsWith(definitions, added);
    if (!(await canNumber(client, elements))) {
      const fault = 'There are no numbers left for the elements that it would add. Give it fewer types as its base.';
      return { ...changes, built: [], elements: [], types: [], faulty: [...changes.faulty, ...built.map((each) => ({ ...each, fault }))] };
    }
    const types = definitions.resourceTypes.filter((type) => changes.built.some(({ definition }) => isFor(definition, type, definitions)));
    return { ...changes, built, elements, types };
  }

  type Seen = { readonly id: string; readonly version: number };
  type Faulty = Seen & { readonly fault: string };

  async function wantedOf(
    id: string,
    json: Buffer | undefined,
    added: readonly AddedParameter[],
  ): Promise<{ definition: SearchParameterDef } | { fault: string } | undefined> {
    if (json === undefined) return undefined;
    try {
      const definition = await readParameter(
        parsedParameter(json),
        id,
        ctx.definitions,
        ctx.live.standard,
        added,
        ctx.config.searchParametersAddedMax,
      );
      return definition && { definition };
    } catch (error) {
      if (error instanceof FhirError) return { fault: error.message };
      throw error;
    }
  }

  /** Builds what waits, one job after the other. */
  async function build(client: Client): Promise<void> {
    try {
      for (let job = await nextJob(ctx.pool); job !== undefined && isOurs(client); job = await nextJob(ctx.pool)) {
        if (!job.running) await beginBuild(client, job);
        else await runJob(client, job);
      }
    } catch (error) {
      if (stopped) return;
      log.warn({}, 'building search parameters failed; it will go on', error);
      await delay(retryMs);
    }
  }

  const isOurs = (client: Client): boolean => !stopped && holder === client;

  async function beginBuild(client: Client, job: Job): Promise<void> {
    if (!(await everybodyExtracts(client))) return;
    const relations = Map.groupBy(job.types, relationOf);
    await beginJob(ctx.pool, job, await countResources(ctx.pool, relations));
  }

  /** Waits until no process extracts by an older generation than is in force now, and what was being written by one is. */
  async function everybodyExtracts(client: Client): Promise<boolean> {
    const { generation } = await readParameterSet(ctx.pool);
    const held = `select from pg_locks where locktype = 'advisory' and objsubid = 2 and classid = $1 and objid::int8 < $2
      and database = (select oid from pg_database where datname = current_database()) limit 1`;
    while (isOurs(client)) {
      const { rowCount } = await ctx.pool.query(held, [generationLocks, generation]);
      if (rowCount === 0) break;
      await delay(barrierCheckMs);
    }
    const { rows } = await ctx.pool.query<{ next: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as next');
    const next = rows[0]?.next ?? '0';
    while (isOurs(client)) {
      const ended = await ctx.pool.query('select where pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8', [next]);
      if (ended.rowCount === 1) return true;
      await delay(barrierCheckMs);
    }
    return false;
  }

  async function runJob(client: Client, job: Job): Promise<void> {
    const reindexing = reindexContext(ctx, log, batchRows);
    for (let at = job; isOurs(client); ) {
      const type = at.types[at.at];
      if (type === undefined) return endJob(ctx.pool, at);
      const began = performance.now();
      let next = at;
      const reindexed = await reindexBatch(reindexing, type, at.rid, async (tx, { done, skipped, last }) => {
        const place = last === undefined ? { at: at.at + 1, rid: 0 } : { at: at.at, rid: last };
        next = { ...at, ...place, done: at.done + done, skipped: at.skipped + skipped };
        return moveJob(tx, at, next);
      });
      if (reindexed === 'stopped') return;
      at = next;
      // As long at rest as at work: requests come first.
      if (reindexed.last !== undefined) await delay(performance.now() - began);
    }
  }

  return {
    turn,
    async stop() {
      stopped = true;
      await building;
    },
  };
}

const sameMeaning = (a: SearchParameterDef, b: SearchParameterDef): boolean => JSON.stringify(a) === JSON.stringify(b);

export function reindexContext(ctx: Context, log: Log, rowsMax: number): ReindexContext {
  return {
    pool: ctx.pool,
    open: ctx.openStored,
    extractWithout: makeExtractWithout(ctx.extract, ctx.config.baseUrl),
    retriesMax: ctx.config.transactionRetriesMax,
    rowsMax,
    onSkip: (type, error) => log.error({ type }, "a resource can't be read for what it is found by", error),
  };
}

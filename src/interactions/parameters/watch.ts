import { Client } from 'pg';
import { definitionOf, parsedParameter, prepareParameters } from '../../search/added-parameter.ts';
import type { LiveRegistry } from '../../search/live-registry.ts';
import type { AddedParameter, BuildProgress } from '../../search/registry.ts';
import type { Queryable } from '../../storage/database.ts';
import { readElementNumbers } from '../../storage/elements.ts';
import type { Opener } from '../../storage/sealing.ts';
import { type InForce, type ParameterSet, readParameters, readParameterSet } from '../../storage/search-parameters.ts';
import type { Log } from '../../telemetry/log.ts';

/**
 * The first key of the locks that tell by which generation of search parameters a process extracts, the second key being the generation.
 * A build begins when nobody holds the lock of an older one.
 */
export const generationLocks = 7206;

export type WatchOptions = {
  readonly url: string;
  /** For what is read of resources. */
  readonly pool: Queryable;
  readonly live: LiveRegistry;
  readonly open: Opener;
  readonly refKeyOf: (type: string, id: string) => bigint;
  readonly log: Log;
  /** After each look, on the watching connection: what more there is to do. */
  readonly onTurn?: (client: Client) => Promise<void>;
  /** When conformance resources have changed somewhere, or may have while the connection was lost. */
  readonly onConformance?: () => void;
};

export type ParameterWatch = { readonly stop: () => Promise<void> };

const lookMs = 1_000;
const reconnectMs = 100;

/**
 * Keeps the live registry at what the database says is in force: told by NOTIFY, and by looking each second. While the connection is
 * lost, others could not know what this process extracts by, so it extracts nothing. Resolves after the first look.
 */
export async function watchParameters(options: WatchOptions): Promise<ParameterWatch> {
  const { live, log } = options;
  const progress = new Map<string, BuildProgress>();
  let client: Client | undefined;
  let held: number | undefined;
  let generation = 0;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let asked = false;

  async function connect(): Promise<Client> {
    const fresh = new Client({
      connectionString: options.url,
      application_name: 'anamnesis parameters',
      connectionTimeoutMillis: 5_000,
      // Longer than any statement here takes; without, one that gets no answer would be waited for until TCP gives up.
      query_timeout: 300_000,
    });
    const lost = (): void => {
      if (client === fresh) disconnected();
    };
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ channel }) => {
      if (channel === 'conformance') options.onConformance?.();
      else look();
    });
    await fresh.connect();
    await fresh.query('listen search_parameters; listen conformance');
    client = fresh;
    options.onConformance?.();
    return fresh;
  }

  /** One look at a time; what is asked for during one is done by one more. */
  function look(): void {
    if (asked || stopped) return;
    asked = true;
    running = running.then(async () => {
      asked = false;
      await turn().catch(startOver);
    });
  }

  /** What was half done is forgotten with the connection and its locks. */
  function startOver(fault: unknown): void {
    log.warn({}, 'looking for search parameters failed', fault);
    const failed = client;
    disconnected();
    void failed?.end().catch(() => {});
  }

  function disconnected(): void {
    client = undefined;
    held = undefined;
    live.setKnown(false);
    if (!stopped) setTimeout(look, reconnectMs);
  }

  async function turn(): Promise<void> {
    if (stopped) return;
    const connected = client ?? (await connect());
    const set = await lockGeneration(connected, await readParameterSet(connected));
    for (const { id, job } of set.parameters) {
      if (job !== undefined) progress.set(id, { done: job.done, total: job.total });
    }
    if (set.generation !== generation) await adopt(connected, set);
    if (client === connected) live.setKnown(true);
    await options.onTurn?.(connected).catch((error: unknown) => log.warn({}, 'bringing search parameters into force failed', error));
  }

  /** The lock is held before it is known whether the generation is still the newest: whoever changes it meanwhile sees the lock. */
  async function lockGeneration(connected: Client, seen: ParameterSet): Promise<ParameterSet> {
    for (let set = seen; ; ) {
      if (held === set.generation) return set;
      await connected.query('select pg_advisory_lock_shared($1, $2)', [generationLocks, set.generation]);
      const again = await readParameterSet(connected);
      if (again.generation === set.generation) {
        if (set.generation === generation) await release(connected, set.generation);
        return set;
      }
      await connected.query('select pg_advisory_unlock_shared($1, $2)', [generationLocks, set.generation]);
      set = again;
    }
  }

  async function adopt(connected: Client, set: ParameterSet): Promise<void> {
    live.replace(await addedOf(set.parameters), await readElementNumbers(connected));
    generation = set.generation;
    await live.drained();
    await release(connected, set.generation);
  }

  /** The locks of older generations go once nothing is written by them. */
  async function release(connected: Client, now: number): Promise<void> {
    if (held !== undefined && held !== now) await connected.query('select pg_advisory_unlock_shared($1, $2)', [generationLocks, held]);
    held = now;
  }

  async function addedOf(parameters: readonly InForce[]): Promise<AddedParameter[]> {
    const usable = parameters.filter(({ fault }) => fault === undefined);
    const wanted = usable.map(({ id, version }) => ({ id, version, refKey: options.refKeyOf('SearchParameter', id) }));
    const opened = await options.open(await readParameters(options.pool, wanted));
    const added: AddedParameter[] = [];
    for (const { id, version, json } of opened) {
      const job = usable.find((each) => each.id === id)?.job;
      try {
        const definition = definitionOf(parsedParameter(json));
        await prepareParameters([definition], live.definitions);
        added.push({ id, version, definition, ...(job === undefined ? {} : { building: () => progress.get(id) ?? job }) });
      } catch (error) {
        log.error({}, "a search parameter in force can't be read", error);
      }
    }
    return added;
  }

  await turn();
  const looking = setInterval(look, lookMs);
  return {
    async stop() {
      stopped = true;
      clearInterval(looking);
      await running;
      live.setKnown(false);
      const last = client;
      client = undefined;
      await last?.end();
    },
  };
}

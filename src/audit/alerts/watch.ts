import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import type { DataKey } from '../../encryption/seal.ts';
import { token, type TokenKey } from '../../encryption/token.ts';
import { atMost } from '../../fhir/at-most.ts';
import { countSightings, noteSightings, openAlert, removeAlerts, type Sighting, sweepSightings } from '../../storage/alerts.ts';
import { firstKept } from '../../storage/audit-retention.ts';
import { inTransaction } from '../../storage/database.ts';
import type { Log } from '../../telemetry/log.ts';
import type { AuditedEvent } from '../event.ts';
import { maintenance } from '../maintenance.ts';
import { tellAlerts } from './announce.ts';
import { sealDetails } from './details.ts';
import type { Rule } from './rules.ts';

export type AlertWatch = {
  /** Takes note of what happens: waits for nothing, and never throws. */
  readonly see: (events: readonly AuditedEvent[]) => void;
  /** Counts what was seen, with what other processes saw, and opens the alerts that follow. */
  readonly turn: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type WatchOptions = {
  readonly rules: readonly Rule[];
  readonly pool: Pool;
  readonly tokenKey: TokenKey;
  readonly sealKey: DataKey;
  /** Which of these patients have a label that is watched. */
  readonly labelled: (owners: readonly bigint[]) => Promise<ReadonlySet<bigint>>;
  /** Resolves when the events are durable. */
  readonly record: (events: readonly AuditedEvent[]) => Promise<void>;
  readonly log: Log;
  /** How long alerts are kept: as long as the events that they follow from. */
  readonly years: number;
  readonly everyMs?: number;
  /** Most different things that are held between two turns. */
  readonly seenMax?: number;
};

/** Something seen, its texts not yet pseudonyms. */
type Seen = { readonly rule: Rule; readonly actor: readonly string[]; readonly item: readonly string[]; readonly event: AuditedEvent };
type Counting = Seen & { readonly sighting: Sighting };

const sweepMs = 600_000;
/** Of so many things it is remembered when they were noted: others are noted again when they are seen again. */
const recentMax = 20_000;
const sightingsPerStatement = 5_000;
/** The same thing seen again is noted anew after this part of its window: by so much a count may be late to forget. */
const refreshed = 12;

/**
 * Looks for misuse in what is recorded. Events are noted as they pass and counted every few seconds in the database, where all processes
 * meet: what one of them saw within the last seconds before it was killed is in the audit trail, and not counted.
 */
export function watchAlerts(options: WatchOptions): AlertWatch {
  const { rules, pool, tokenKey, sealKey, record, log, years, everyMs = 2_000, seenMax = 100_000 } = options;
  const recent = new LRUCache<string, number>(atMost(recentMax));
  const quiet = new LRUCache<string, number>(atMost(10_000));
  let waiting = new Map<string, Seen>();
  let dropped = 0;
  let untold = true;
  let sweptAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> = Promise.resolve();

  function see(events: readonly AuditedEvent[]): void {
    for (const event of events) {
      for (const rule of rules) {
        const sight = rule.sees(event);
        if (sight === undefined) continue;
        const name = [rule.name, sight.actor.join('\0'), sight.item.join('\0')].join('\n');
        if (event.at - (recent.get(name) ?? Number.NEGATIVE_INFINITY) < (rule.windowSeconds * 1_000) / refreshed) continue;
        if (waiting.size >= seenMax) dropped++;
        else {
          recent.set(name, event.at);
          waiting.set(name, { rule, ...sight, event });
        }
      }
    }
  }

  async function once(): Promise<void> {
    const seen = waiting;
    waiting = new Map();
    if (dropped > 0) log.warn({ dropped }, 'more was seen than is counted: an alert may come late');
    dropped = 0;
    try {
      if (seen.size > 0) await count(await counted([...seen.values()]));
    } catch (error) {
      for (const [name, each] of seen) if (!waiting.has(name)) waiting.set(name, each);
      throw error;
    }
    if (untold) untold = (await tellAlerts({ pool, sealKey, record, log })) === 'more';
    if (performance.now() - sweptAt < sweepMs) return;
    sweptAt = performance.now();
    await sweepSightings(
      pool,
      rules.map(({ name, windowSeconds }) => ({ rule: name, since: Date.now() - windowSeconds * 1_000 })),
    );
    await inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
      const removed = await removeAlerts(client, firstKept(Date.now(), years));
      if (removed > 0) await record([maintenance({ action: 'alert-retention', alerts: String(removed) })]);
    });
  }

  async function counted(seen: readonly Seen[]): Promise<readonly Counting[]> {
    const owners = seen.flatMap(({ rule, event }) => (rule.labelled === true ? (event.patient?.owner ?? []) : []));
    const labelled = owners.length === 0 ? new Set<bigint>() : await options.labelled([...new Set(owners)]);
    return seen
      .filter(({ rule, event }) => rule.labelled !== true || (event.patient !== undefined && labelled.has(event.patient.owner)))
      .map((each) => ({ ...each, sighting: sightingOf(each) }));
  }

  function sightingOf({ rule: { name }, actor, item, event }: Seen): Sighting {
    return { rule: name, actor: token(tokenKey, 'alert', name, ...actor), item: token(tokenKey, 'seen', name, ...item), at: event.at };
  }

  async function count(seen: readonly Counting[]): Promise<void> {
    for (let at = 0; at < seen.length; at += sightingsPerStatement)
      await noteSightings(
        pool,
        seen.slice(at, at + sightingsPerStatement).map(({ sighting }) => sighting),
      );
    const latest = new Map(seen.map((each) => [`${each.rule.name} ${each.sighting.actor}`, each]));
    const asked = [...latest]
      .filter(([name, { event }]) => (quiet.get(name) ?? Number.NEGATIVE_INFINITY) <= event.at)
      .map(([, { rule, sighting, event }]) => ({ rule: rule.name, actor: sighting.actor, since: event.at - rule.windowSeconds * 1_000 }));
    if (asked.length === 0) return;
    for (const found of await countSightings(pool, asked)) {
      const name = `${found.rule} ${found.actor}`;
      const last = latest.get(name);
      if (last === undefined || found.count < last.rule.threshold) continue;
      await open(last, found.count);
      quiet.set(name, last.event.at + last.rule.quietSeconds * 1_000);
    }
  }

  async function open({ rule, sighting: { actor }, event }: Counting, found: number): Promise<void> {
    const { name, threshold, quietSeconds } = rule;
    const details = sealDetails(sealKey, { rule: name, actor }, event);
    const alert = { rule: name, actor, at: event.at, count: found, threshold, quietSince: event.at - quietSeconds * 1_000, details };
    const id = await inTransaction(pool, { retriesMax: 3 }, ({ client }) => openAlert(client, alert));
    untold ||= id !== undefined;
  }

  function turn(): Promise<void> {
    running = running.then(once).catch((error: unknown) => log.error({}, 'what was seen was not counted for alerts', error));
    return running;
  }

  let idle = true;
  const timer = setInterval(() => {
    if (!idle) return;
    idle = false;
    void turn().finally(() => (idle = true));
  }, everyMs);
  return {
    see,
    turn,
    async stop() {
      clearInterval(timer);
      await turn();
    },
  };
}

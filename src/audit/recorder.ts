import { FhirError, issue } from '../fhir/error.ts';
import type { AuditRow } from '../storage/audit-rows.ts';
import { sqlStateOf } from '../storage/database.ts';
import { gather } from '../storage/gather.ts';
import { within } from '../storage/within.ts';
import type { AuditedEvent } from './event.ts';
import { type Lot, maySpool, type Store } from './store.ts';

export type Recorder = {
  /**
   * Resolves when the events are durable.
   *
   * @throws FhirError 503 if they can't be written: what they tell of must not be answered
   */
  readonly record: (events: readonly AuditedEvent[]) => Promise<void>;
};

export type RecorderOptions = {
  readonly rows: (events: readonly AuditedEvent[]) => Promise<readonly AuditRow[]>;
  readonly store: Store;
  /** Most events that wait; more are refused, unless none waits: what one request leaves may be more. */
  readonly waitingMax: number;
  /** Most events that share a commit, unless one request leaves more. */
  readonly batchMax: number;
  readonly inFlightMax: number;
  /** See `GatherOptions`. */
  readonly besideAfterMs: number;
  /** Longest wait of a request; what is written later tells of more than was answered, never of less. */
  readonly timeoutMs: number;
  /** Told what went wrong; nothing of the events is in it. */
  readonly onFailure: (error: unknown) => void;
};

type Item = { readonly events: readonly AuditedEvent[] };

/** Events that arrive together share one statement and one commit: a batch is what gathered while those before it were in flight. */
export function makeRecorder({
  rows: makeRows,
  store,
  waitingMax,
  batchMax,
  inFlightMax,
  besideAfterMs,
  timeoutMs,
  onFailure,
}: RecorderOptions): Recorder {
  const add = gather<Item, undefined>({
    rowsMax: batchMax,
    weightOf: ({ events }) => events.length,
    inFlightMax,
    besideAfterMs,
    keyOf: (item) => item,
    // Alone it may succeed if one of the others couldn't be made or stored; not if the database didn't take them in time.
    mayRepeat: (error) => /^(?:22|23)/.test(sqlStateOf(error) ?? '22'),
    async write(items) {
      const rows = await makeRows(items.flatMap(({ events }) => events));
      let from = 0;
      const lots = new Map<Item, Lot>();
      for (const item of items) {
        const { events } = item;
        lots.set(item, { rows: rows.slice(from, (from += events.length)), maySpool: events.every(maySpool) });
      }
      const lost = await store([...lots.values()]);
      return (item) => {
        const lot = lots.get(item);
        if (lot === undefined || lost.has(lot)) throw lot === undefined ? new Error('an event was lost') : lost.get(lot);
        return undefined;
      };
    },
  });
  let waiting = 0;
  return {
    async record(events) {
      if (events.length === 0) return;
      if (waiting > 0 && waiting + events.length > waitingMax) throw auditUnavailable();
      waiting += events.length;
      try {
        await within(timeoutMs, add({ events }));
      } catch (error) {
        onFailure(error);
        throw auditUnavailable(error);
      } finally {
        waiting -= events.length;
      }
    },
  };
}

/** The server can't say that it happened, so it must not happen. */
function auditUnavailable(cause?: unknown): FhirError {
  const text = 'The request can not be recorded in the audit trail at the moment, so it is not answered. Try again later.';
  return new FhirError(503, [issue('transient', 'audit-unavailable', text)], {
    headers: { 'retry-after': '5' },
    ...(cause === undefined ? {} : { cause }),
  });
}

import { isUnavailable } from './database.ts';

export type GatherOptions<T, R> = {
  /** What the items of a batch weigh together at most, unless one alone weighs more. */
  readonly rowsMax: number;
  /** 1 unless told. */
  readonly weightOf?: (item: T) => number;
  readonly inFlightMax: number;
  /**
   * A batch that isn't full begins beside another only once that has been under way for so long: what arrives meanwhile shares one
   * statement and one commit more. At once unless told.
   */
  readonly besideAfterMs?: number;
  /** A batch has one item of each key at most; the next of the same key waits for a later one. */
  readonly keyOf: (item: T) => unknown;
  /** Writes a batch; what it gives back tells each item's answer, or throws what is that item's fault alone. */
  readonly write: (items: readonly T[]) => Promise<(item: T) => R>;
  /** Whether items of a batch that failed may be tried one by one; by default unless the database could not be reached. */
  readonly mayRepeat?: (error: unknown) => boolean;
};

type Waiting<T, R> = {
  readonly item: T;
  readonly resolve: (answer: R | Promise<R>) => void;
  readonly reject: (error: unknown) => void;
  /** The next of the same key. */
  next?: Waiting<T, R>;
};

type Lane<T, R> = { readonly first: Waiting<T, R>; last: Waiting<T, R> };

/**
 * Puts what arrives together into batches. There is no timer: a batch is what gathered while the ones before it were in flight.
 * If a batch as a whole fails, its items are repeated one by one, so that one bad item harms nobody else.
 */
export function gather<T, R>({
  rowsMax,
  weightOf = () => 1,
  inFlightMax,
  besideAfterMs = 0,
  keyOf,
  write,
  mayRepeat = isKnownUndone,
}: GatherOptions<T, R>): (item: T) => Promise<R> {
  /** By key, so that taking a batch costs as much as the batch, however many wait. */
  const lanes = new Map<unknown, Lane<T, R>>();
  let inFlight = 0;
  let waitingWeight = 0;
  let begunAt = 0;
  let timer: NodeJS.Timeout | undefined;

  function take(): Waiting<T, R>[] {
    const taken: [unknown, Lane<T, R>][] = [];
    let weight = 0;
    for (const lane of lanes) {
      weight += weightOf(lane[1].first.item);
      if (weight > rowsMax && taken.length > 0) break;
      taken.push(lane);
    }
    return taken.map(([key, { first, last }]) => {
      waitingWeight -= weightOf(first.item);
      lanes.delete(key);
      if (first.next !== undefined) lanes.set(key, { first: first.next, last });
      return first;
    });
  }

  async function flush(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answerOf = await write(batch.map(({ item }) => item));
      for (const { item, resolve } of batch) resolve(Promise.try(answerOf, item));
    } catch (error) {
      if (batch.length === 1 || !mayRepeat(error)) for (const { reject } of batch) reject(error);
      else await Promise.all(batch.map((one) => flush([one])));
    }
  }

  /** How long the next batch still gathers, in ms. */
  function gathersFor(): number {
    if (inFlight === 0 || waitingWeight >= rowsMax) return 0;
    return Math.max(0, besideAfterMs - (performance.now() - begunAt));
  }

  function next(): void {
    while (lanes.size > 0 && inFlight < inFlightMax) {
      const rest = gathersFor();
      if (rest > 0) {
        timer ??= setTimeout(() => {
          timer = undefined;
          next();
        }, rest);
        return;
      }
      inFlight++;
      begunAt = performance.now();
      void flush(take()).finally(() => {
        inFlight--;
        next();
      });
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      // Items that arrive in the same turn of the event loop go together.
      if (lanes.size === 0) setImmediate(next);
      const [key, one] = [keyOf(item), { item, resolve, reject }];
      waitingWeight += weightOf(item);
      const lane = lanes.get(key);
      if (lane === undefined) lanes.set(key, { first: one, last: one });
      else lane.last = lane.last.next = one;
    });
}

/** Whether a commit that got no answer took effect is not known: repeating it could answer wrongly. */
const isKnownUndone = (error: unknown): boolean => !isUnavailable(error);

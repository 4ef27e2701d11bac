import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * V8 doubles the young generation whenever much of it outlives a collection, up to what `--max-semi-space-size` says, and lets the old one
 * grow to several times what is in use. That is right for requests, of which garbage is soon none. What makes much garbage that lives a
 * little longer, a start or an import, would make the process twice as large without being done sooner.
 */
const usual = { youngGrowth: 2, oldGrowthPercent: 0 };
/** Of the young generation while a frugal work goes on, both of its halves: it doubles once more at most. */
const youngBytesMax = 5 * 2 ** 20;
/** The old generation is collected when it has grown by this much; 0 leaves it to V8. */
const frugalGrowthPercent = 35;

/** The young generation stays as large as it is, or grows again. */
export function holdYoungGeneration(held: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${held ? 1 : usual.youngGrowth}`);
}

/**
 * Collects all there is, once: the young generation becomes small again, memory goes back to the system, and how far the old one may grow is
 * reckoned anew. Takes some 50 to 100 ms, in which nothing else runs.
 */
export function collectGarbage(): void {
  collector()({ type: 'major', flavor: 'last-resort' });
}

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' } | { readonly type: 'minor' }) => void;
let collect: Collect | undefined;

function collector(): Collect {
  if (collect !== undefined) return collect;
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** So many bytes of buffers are let go at a time. */
const sweptBytes = 2 * 2 ** 20;

/**
 * For what passes large files on. What Buffers hold lies outside the heap, where V8 lets tens of MiB of it lie: these are looked through each time that
 * so many bytes have passed, which takes about a millisecond.
 */
export function sweeper(): (passed: number) => void {
  let since = 0;
  return (passed) => {
    since += passed;
    if (since < sweptBytes) return;
    since = 0;
    collector()({ type: 'minor' });
  };
}

export type Frugality = {
  /** To be called now and then while it goes on. */
  readonly look: () => void;
  readonly end: () => void;
};

let works = 0;

/** While any of these isn't ended, the heap is kept small at the price of some more collections. */
export function beFrugal(): Frugality {
  if (works++ === 0) setFlagsFromString(`--heap-growing-percent=${frugalGrowthPercent}`);
  let ended = false;
  return {
    look() {
      if (!ended) holdYoungGeneration(youngBytes() >= youngBytesMax);
    },
    end() {
      if (ended) return;
      ended = true;
      if (--works > 0) return;
      setFlagsFromString(`--heap-growing-percent=${usual.oldGrowthPercent}`);
      holdYoungGeneration(false);
    },
  };
}

const youngBytes = (): number => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;

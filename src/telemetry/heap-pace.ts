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
const frugalGrowthPercent = 40;

/** The young generation stays as large as it is, or grows again. */
export function holdYoungGeneration(held: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${held ? 1 : usual.youngGrowth}`);
}

/**
 * Collects all there is, once: the young generation becomes small again, memory goes back to the system, and how far the old one may grow is
 * reckoned anew. Takes some 50 to 100 ms, in which nothing else runs.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', flavor: 'last-resort' });
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

import { createHash } from 'node:crypto';
import type { Remainder } from '../storage/audit-retention.ts';

/** What was dropped for its age, as a block of the chain tells it. */
export type Dropped = {
  /** The month of the events: 202611. */
  readonly month: number;
  readonly rows: number;
  /** The last of the blocks that were removed with their events, 0 if none was, and its link: the next block is linked to it. */
  readonly through: { readonly n: number; readonly h: string };
  /** Blocks of which nothing is left: first and last of each row of them. */
  readonly emptied: readonly (readonly [first: number, last: number])[];
  /** Blocks that held events of other months too: what is left of each. */
  readonly left: readonly (readonly [n: number, count: number, root: string])[];
};

/** What a block's events are to be, if not those it was made of. */
export type Expected = { readonly count: number; readonly root: string };

/** Which blocks go with a month, and what stays of the others. */
export function planDrop(remainders: readonly Remainder[]): Pick<Dropped, 'emptied' | 'left'> & { readonly through: number } {
  const firstLeft = remainders.findIndex(({ count }) => count > 0);
  const removed = firstLeft < 0 ? remainders : remainders.slice(0, firstLeft);
  const others = (firstLeft < 0 ? [] : remainders.slice(firstLeft)).filter(({ touched }) => touched);
  const emptied: [number, number][] = [];
  for (const { n } of others.filter(({ count }) => count === 0)) {
    const last = emptied.at(-1);
    if (last?.[1] === n - 1) last[1] = n;
    else emptied.push([n, n]);
  }
  return {
    through: removed.at(-1)?.n ?? 0,
    emptied,
    left: others.filter(({ count }) => count > 0).map(({ n, count, root }) => [n, count, root]),
  };
}

const nothing: Expected = { count: 0, root: createHash('sha256').digest('hex') };

/** What is expected of a block after all that was dropped, in the order it was dropped. */
export function expectedAfter(dropped: readonly Dropped[]): (n: number) => Expected | undefined {
  const left = new Map(dropped.flatMap((each) => each.left.map(([n, count, root]) => [n, { count, root }] as const)));
  const emptied = dropped.flatMap((each) => each.emptied);
  return (n) => (emptied.some(([first, last]) => n >= first && n <= last) ? nothing : left.get(n));
}

export function parseDropped(text: string): Dropped | undefined {
  try {
    const { month, rows, through, emptied, left } = JSON.parse(text) as Partial<Dropped>;
    if (typeof month !== 'number' || typeof rows !== 'number' || through === undefined) return undefined;
    return Array.isArray(emptied) && Array.isArray(left) ? { month, rows, through, emptied, left } : undefined;
  } catch {
    return undefined; // whoever reads it finds that the block doesn't fit
  }
}

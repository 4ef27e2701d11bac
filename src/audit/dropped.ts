/** What was dropped for its age, as a block of the chain tells it. */
export type Dropped = {
  /** The month of the events: 202611. */
  readonly month: number;
  readonly rows: number;
  /** The last of the blocks that were removed with their events, 0 if none was, and its link: the next block is linked to it. */
  readonly through: { readonly n: number; readonly h: string };
  /** What is left of blocks that held events of other months too. */
  readonly remainders: readonly { readonly n: number; readonly count: number; readonly root: string }[];
};

export function parseDropped(text: string): Dropped | undefined {
  try {
    const { month, rows, through, remainders } = JSON.parse(text) as Partial<Dropped>;
    if (typeof month !== 'number' || typeof rows !== 'number' || through === undefined || !Array.isArray(remainders)) return undefined;
    return { month, rows, through, remainders };
  } catch {
    return undefined; // whoever reads it finds that the block doesn't fit
  }
}

import type { Pool } from 'pg';
import { blocksAfter, isBehind, lastBlock } from '../storage/audit-blocks.ts';
import type { Log } from '../telemetry/log.ts';
import type { Anchors } from './anchors.ts';
import type { Chain } from './chain.ts';

export type WholenessOptions = { readonly pool: Pool; readonly chain: Chain; readonly anchors: Anchors; readonly log: Log };

/**
 * Looks whether the chain goes on where it was last seen. The server works on all the same, and says what an operator has to look into:
 * each fault once.
 */
export function watchWholeness({ pool, chain, anchors, log }: WholenessOptions): () => Promise<void> {
  const told = new Set<string>();
  const tell = (details: Readonly<Record<string, number>>, text: string): void => {
    if (!told.has(text)) log.error(details, text);
    told.add(text);
  };
  return async () => {
    const [last, anchor] = await Promise.all([lastBlock(pool), anchors.last()]);
    const end = last?.n ?? 0;
    if (anchor !== undefined && end < anchor.n)
      tell(
        { block: end, anchored: anchor.n },
        'the audit trail ends before its last anchor: an older copy of the database was restored, or its end was removed',
      );
    if (last === undefined) return;
    if (anchor !== undefined && end >= anchor.n) {
      const [anchored] = await blocksAfter(pool, anchor.n - 1, 1);
      if (anchored?.n === anchor.n && anchored.h.toString('hex') !== anchor.h)
        tell(
          { block: anchor.n },
          'a block of the audit trail is not the one that was anchored: an older copy of the database was restored, or its end was removed',
        );
    }
    const [before, again] = await blocksAfter(pool, end - 2, 2);
    if (before?.n === end - 1 && again?.n === end && !chain.fits(before.h, again))
      tell({ block: end }, 'the last block of the audit trail is none that this server made: run npm run audit -- verify');
    if (await isBehind(pool, last.last))
      tell(
        { block: end },
        'the audit trail can not be sealed: transactions of this database server are numbered lower than those of the trail (see docs/audit.md, restoring)',
      );
  };
}

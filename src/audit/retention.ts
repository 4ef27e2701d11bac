import { Client } from 'pg';
import { genesis, type Chain } from './chain.ts';
import type { AuditKeys } from '../storage/audit-keys.ts';
import { type AuditBlock, blocksAfter, insertBlock, lastBlock } from '../storage/audit-blocks.ts';
import { type AuditMonth, dropMonth, firstKept, monthsBefore, remaindersOf } from '../storage/audit-retention.ts';
import { type Dropped, planDrop } from './dropped.ts';
import { sealingLock } from './sealer.ts';
import { type Finding, verifyTrail, type VerifyOptions } from './verify.ts';

export type RetentionOptions = Pick<VerifyOptions, 'secret' | 'anchors'> & {
  /** Connects as the owner of the tables: the server's own role can't drop anything. */
  readonly ownerUrl: string;
  readonly chain: Chain;
  readonly keys: AuditKeys;
  readonly now: number;
  readonly years: number;
  readonly dryRun?: boolean;
  /** Called for each month once it is dropped: that too is recorded. */
  readonly onDropped: (month: AuditMonth) => Promise<void>;
};

/** A month that is too old, and what became of it: what doesn't fit the chain is not dropped, for then nobody could look into it. */
export type Retained = AuditMonth & { readonly dropped: boolean; readonly findings: readonly Finding[] };

/**
 * Drops whole months of audit events that are older than they have to be, with their keys. The chain goes on: a block tells what was
 * dropped, and links what is left to what it was linked to.
 */
export async function dropOldMonths(options: RetentionOptions): Promise<readonly Retained[]> {
  const owner = new Client({ connectionString: options.ownerUrl, connectionTimeoutMillis: 5_000, options: '-c TimeZone=UTC' });
  // What is lost shows in the next statement; unheard it would end the process.
  owner.on('error', () => {});
  await owner.connect();
  try {
    const due = await monthsBefore(owner, firstKept(options.now, options.years));
    const retained: Retained[] = [];
    for (const month of due) {
      const { findings } = await verifyTrail({ ...options, db: owner, between: { to: endOf(month.month) } });
      const dropped = options.dryRun !== true && findings.length === 0;
      if (dropped) await drop(owner, month, options);
      retained.push({ ...month, dropped, findings });
      if (findings.length > 0) break;
    }
    return retained;
  } finally {
    await owner.end();
  }
}

async function drop(owner: Client, month: AuditMonth, { chain, keys, onDropped }: RetentionOptions): Promise<void> {
  const { through, emptied, left } = planDrop(await remaindersOf(owner, month));
  await owner.query('begin');
  try {
    await owner.query('select pg_advisory_xact_lock($1)', [sealingLock]);
    const before = (await lastBlock(owner)) ?? genesis;
    const [removed] = through === 0 ? [] : await blocksAfter(owner, through - 1, 1);
    await dropMonth(owner, month, through);
    await insertBlock(
      owner,
      chain.link(before, blockOf(before, { month: month.month, rows: month.rows, through: linkTo(removed), emptied, left })),
    );
    await owner.query('commit');
  } catch (error) {
    await owner.query('rollback').catch(() => {});
    throw error;
  }
  await keys.destroyBefore('audit-month', month.month + 1);
  await keys.destroyBefore('audit-query', month.month + 1);
  await onDropped(month);
}

const linkTo = (block: AuditBlock | undefined): Dropped['through'] =>
  block === undefined ? { n: 0, h: genesis.h.toString('hex') } : { n: block.n, h: block.h.toString('hex') };

function blockOf(before: Pick<AuditBlock, 'last'>, dropped: Dropped): Omit<AuditBlock, 'n' | 'after' | 'h'> {
  return {
    kind: 'd',
    at: String(Date.now() * 1000),
    count: 0,
    last: before.last,
    firstAt: null,
    lastAt: null,
    root: Buffer.alloc(0),
    dropped: JSON.stringify(dropped),
  };
}

/** The last millisecond of a month in UTC. */
function endOf(month: number): number {
  return Date.UTC(Math.floor(month / 100), month % 100) - 1;
}

import { createHash, type Hash } from 'node:crypto';
import { type AuditBlock, blocksAfter, blocksOf, droppingBlocks, lastBlock, type Position, type Span } from '../storage/audit-blocks.ts';
import { repeatedRids, type ScannedEvent, scanEvents } from '../storage/audit-scan.ts';
import type { Queryable } from '../storage/database.ts';
import type { Anchor } from './anchors.ts';
import { type Chain, genesis } from './chain.ts';
import { type Dropped, type Expected, expectedAfter, parseDropped } from './dropped.ts';
import { makeRowMac } from './row-mac.ts';

export type Fault =
  | 'row-altered'
  | 'row-repeated'
  | 'rows-missing'
  | 'rows-added'
  | 'rows-differ'
  | 'block-altered'
  | 'blocks-missing'
  | 'anchor-differs'
  | 'trail-cut-off'
  | 'spool-altered';

/** What doesn't fit, as far as it can be named. */
export type Finding = {
  readonly fault: Fault;
  readonly block?: number;
  readonly row?: { readonly rid: string; readonly id?: string; readonly at?: string };
  readonly text: string;
};

export type VerifyReport = {
  readonly blocks: number;
  readonly rows: number;
  /** Events that no block seals yet: an alteration of one is found, but not whether one was removed or added. */
  readonly unsealed: { readonly rows: number; readonly since: string | null };
  /** The last block told to the outside, without which the end of the trail could be cut off unseen. */
  readonly anchored: { readonly block: number; readonly at: string } | null;
  /** Events that were sealed more than a minute after they happened: they had waited in files, or the server was stopped meanwhile. */
  readonly late: { readonly rows: number; readonly from: string; readonly to: string } | null;
  /** Files of events that the database hasn't taken yet. */
  readonly waiting: number;
  readonly findings: readonly Finding[];
  /** Whether there were more than are listed. */
  readonly cut: boolean;
  readonly seconds: number;
};

export type VerifyOptions = {
  readonly db: Queryable;
  readonly chain: Chain;
  /** Of the audit. */
  readonly secret: Buffer;
  readonly anchors: readonly Anchor[];
  /** Files in AUDIT_SPOOL_DIR. */
  readonly spool?: { readonly waiting: number; readonly refused: number };
  /** Only the blocks that hold events of this time: epoch ms, both ends within. */
  readonly between?: Span;
  readonly findingsMax?: number;
};

const blocksPerRound = 1_000;

/**
 * Holds the trail against its chain and its anchors: every event against its mac, the events of every block against its digest, every
 * block against the one before. Reads in one pass, in the order of sealing, and keeps nothing.
 */
export async function verifyTrail(options: VerifyOptions): Promise<VerifyReport> {
  const { db, chain, anchors, between, findingsMax = 1_000, spool = { waiting: 0, refused: 0 } } = options;
  const started = performance.now();
  const findings: Finding[] = [];
  let found = 0;
  const tell = (finding: Finding): void => {
    if (found++ < findingsMax) findings.push(finding);
  };
  const end = await lastBlock(db);
  // Blocks that are sealed meanwhile are left to the next time.
  const range = between === undefined ? { first: 1, last: end?.n ?? 0 } : await blocksOf(db, between);
  const dropped = await droppedOf(db, chain);
  const late = lateness();
  const checkMac = rowChecker(options.secret, tell);
  const checkRow = (event: ScannedEvent, block: AuditBlock | undefined): void => {
    checkMac(event, block?.n);
    if (block !== undefined) late.see(event, block);
  };
  const expected = expectedAfter(dropped);
  const byNumber = Map.groupBy(anchors, ({ n }) => n);
  let before: Pick<AuditBlock, 'n' | 'last' | 'h'> = genesis;
  let [blocks, rows] = [0, 0];

  for await (const round of rounds(db, range)) {
    blocks += round.length;
    for (const block of round) {
      before = startOf(block, before, dropped, range?.first ?? 1, tell);
      if (before.n > 0 || block.n === 1) checkLink(chain, before, block, tell);
      checkAnchors(byNumber.get(block.n) ?? [], block, tell);
      before = block;
    }
    rows += await checkEvents(db, round, expected, checkRow, tell);
  }
  const unsealed = { rows: 0, since: end === undefined ? null : instant(BigInt(end.at)) };
  if (between === undefined) {
    for await (const part of scanEvents(db, end?.last ?? genesis.last, undefined)) {
      unsealed.rows += part.length;
      for (const event of part) checkRow(event, undefined);
    }
    for (const rid of await repeatedRids(db, 100))
      tell({ fault: 'row-repeated', row: { rid }, text: `The event ${rid} is there more than once.` });
  }
  const lastAnchor = anchors.at(-1);
  checkEnd(anchors, end, tell);
  if (spool.refused > 0)
    tell({
      fault: 'spool-altered',
      text: `${spool.refused} files of events that waited for the database were altered: see AUDIT_SPOOL_DIR.`,
    });
  return {
    blocks,
    rows,
    unsealed,
    anchored: lastAnchor === undefined ? null : { block: lastAnchor.n, at: lastAnchor.at },
    late: late.told(),
    waiting: spool.waiting,
    findings,
    cut: found > findings.length,
    seconds: (performance.now() - started) / 1000,
  };
}

type Tell = (finding: Finding) => void;

async function* rounds(
  db: Queryable,
  range: { readonly first: number; readonly last: number } | undefined,
): AsyncGenerator<readonly AuditBlock[]> {
  if (range === undefined) return;
  for (let after = range.first - 1; ; ) {
    const blocks = (await blocksAfter(db, after, blocksPerRound)).filter(({ n }) => n <= range.last);
    const last = blocks.at(-1);
    if (last === undefined) return;
    yield blocks;
    after = last.n;
  }
}

/**
 * What the trail says was dropped for its age, in the order it was: by blocks that are themselves part of the chain. Of one that isn't
 * linked to the block before nothing is believed, or it would explain away whatever is missing.
 */
async function droppedOf(db: Queryable, chain: Chain): Promise<readonly Dropped[]> {
  const believed: Dropped[] = [];
  for (const { block, before } of await droppingBlocks(db)) {
    // The block before may have been dropped since: then a later one tells its link.
    const removed = believed.find(({ through }) => through.n === block.n - 1);
    const link = before ?? (removed === undefined ? undefined : Buffer.from(removed.through.h, 'hex'));
    const dropped = block.dropped === null ? undefined : parseDropped(block.dropped);
    if (link !== undefined && dropped !== undefined && chain.fits(link, block)) believed.unshift(dropped);
  }
  return believed;
}

/** The block that this one must be linked to. Of a part of the trail, what is before it is taken as it says itself. */
function startOf(
  block: AuditBlock,
  before: Pick<AuditBlock, 'n' | 'last' | 'h'>,
  dropped: readonly Dropped[],
  first: number,
  tell: Tell,
): Pick<AuditBlock, 'n' | 'last' | 'h'> {
  if (before.n === block.n - 1) return before;
  const known = dropped.find(({ through }) => through.n === block.n - 1);
  if (before.n === 0 && known !== undefined) return { n: known.through.n, last: block.after, h: Buffer.from(known.through.h, 'hex') };
  if (before.n === 0 && block.n === first && first > 1) return { n: 0, last: block.after, h: genesis.h };
  tell({
    fault: 'blocks-missing',
    block: before.n + 1,
    text:
      before.n + 1 === block.n - 1 ? `Block ${before.n + 1} is missing.` : `The blocks from ${before.n + 1} to ${block.n - 1} are missing.`,
  });
  return { n: 0, last: block.after, h: genesis.h };
}

function checkLink(chain: Chain, before: Pick<AuditBlock, 'n' | 'last' | 'h'>, block: AuditBlock, tell: Tell): void {
  if (!chain.fits(before.h, block) || !samePlace(block.after, before.last))
    tell({ fault: 'block-altered', block: block.n, text: `Block ${block.n}, or the one before it, was altered.` });
}

function checkAnchors(anchors: readonly Anchor[], block: AuditBlock, tell: Tell): void {
  for (const { h, at } of anchors)
    if (h !== block.h.toString('hex'))
      tell({ fault: 'anchor-differs', block: block.n, text: `Block ${block.n} is not the one that was anchored at ${at}.` });
}

function checkEnd(anchors: readonly Anchor[], end: AuditBlock | undefined, tell: Tell): void {
  const beyond = anchors.find(({ n }) => n > (end?.n ?? 0));
  if (beyond === undefined) return;
  const text = `The trail ends with block ${end?.n ?? 0}, but block ${beyond.n} was anchored at ${beyond.at}: its end was removed, or an older copy restored.`;
  tell({ fault: 'trail-cut-off', block: beyond.n, text });
}

/** The events of blocks that follow one another, each by itself, and those of a block all together. */
async function checkEvents(
  db: Queryable,
  blocks: readonly AuditBlock[],
  expected: (n: number) => Expected | undefined,
  checkRow: (event: ScannedEvent, block: AuditBlock | undefined) => void,
  tell: Tell,
): Promise<number> {
  const waiting = blocks.values();
  let block = waiting.next().value;
  let [digest, count, rows] = [createHash('sha256'), 0, 0];
  const close = (): void => {
    if (block?.kind === 'b')
      checkBlock(
        block,
        { count, root: digest.digest('hex') },
        expected(block.n) ?? { count: block.count, root: block.root.toString('hex') },
        tell,
      );
    [block, digest, count] = [waiting.next().value, createHash('sha256'), 0];
  };
  for await (const part of scanEvents(db, blocks[0]?.after ?? genesis.last, blocks.at(-1)?.last)) {
    rows += part.length;
    for (const event of part) {
      while (block !== undefined && isBehind(event, block.last)) close();
      // What lies between blocks belonged to one that is missing.
      const isSealed = block !== undefined && isBehind(event, block.after);
      checkRow(event, isSealed ? block : undefined);
      if (!isSealed) continue;
      addTo(digest, event);
      count++;
    }
  }
  while (block !== undefined) close();
  return rows;
}

function checkBlock(block: AuditBlock, { count, root }: Expected, expected: Expected, tell: Tell): void {
  if (root === expected.root && count === expected.count) return;
  const [fault, what]: readonly [Fault, string] =
    count < expected.count
      ? ['rows-missing', `${expected.count - count} of its ${expected.count} events are missing`]
      : count > expected.count
        ? ['rows-added', `${count - expected.count} events were added to its ${expected.count}`]
        : ['rows-differ', 'its events are not those that were sealed, or in another order'];
  tell({ fault, block: block.n, text: `Block ${block.n}, events from ${timeOf(block.firstAt)} to ${timeOf(block.lastAt)}: ${what}.` });
}

const isBehind = (event: ScannedEvent, { xid, rid }: Position): boolean =>
  event.xid > BigInt(xid) || (event.xid === BigInt(xid) && event.rid > BigInt(rid));

/** Each event against its mac, and what all events have in common. */
function rowChecker(secret: Buffer, tell: Tell): (event: ScannedEvent, block: number | undefined) => void {
  const rowMac = makeRowMac(secret);
  return (event, block) => {
    const isPlain = event.type === 'AuditEvent' && event.version === 1 && event.interaction === 'c' && !event.deleted;
    const mac = rowMac.ofFields({ ...event, atMicros: event.at, clinicalMicros: event.clinicalAt });
    if (isPlain && event.mac !== null && mac.equals(event.mac)) return;
    const row = { rid: event.rid.toString(), id: event.id, at: instant(event.at) };
    const where = block === undefined ? 'not yet sealed' : `block ${block}`;
    const text = `The event ${row.id} of ${row.at} (${where}) was altered, or is none of this server's.`;
    tell({ fault: 'row-altered', row, text, ...(block === undefined ? {} : { block }) });
  };
}

const lateMicros = 60_000_000n;

/** What was sealed long after it happened. */
function lateness() {
  let rows = 0;
  let [from, to] = [0n, 0n];
  return {
    see({ at }: ScannedEvent, block: AuditBlock): void {
      if (BigInt(block.at) - at <= lateMicros) return;
      from = rows === 0 || at < from ? at : from;
      to = rows === 0 || at > to ? at : to;
      rows++;
    },
    told: (): VerifyReport['late'] => (rows === 0 ? null : { rows, from: instant(from), to: instant(to) }),
  };
}

function addTo(digest: Hash, { xid, rid, mac }: ScannedEvent): void {
  const place = Buffer.allocUnsafe(16);
  place.writeBigUInt64BE(xid, 0);
  place.writeBigInt64BE(rid, 8);
  digest.update(place);
  if (mac !== null) digest.update(mac);
}

const samePlace = (a: Position, b: Position): boolean => a.xid === b.xid && a.rid === b.rid;
const timeOf = (micros: string | null): string => (micros === null ? 'no time' : instant(BigInt(micros)));

/** An altered time may be none that a Date can hold. */
function instant(micros: bigint): string {
  const ms = Number(micros / 1000n);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`;
}

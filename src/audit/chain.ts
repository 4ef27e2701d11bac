import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { AuditBlock, Position } from '../storage/audit-blocks.ts';

/** Where the chain begins. */
export const genesis: Pick<AuditBlock, 'n' | 'last' | 'h'> = { n: 0, last: { xid: '0', rid: '0' }, h: Buffer.alloc(32) };

/** A block without its link. */
export type Unlinked = Omit<AuditBlock, 'h'>;

export type Chain = {
  /** The next block, linked to the one before. */
  readonly link: (before: Pick<AuditBlock, 'n' | 'last' | 'h'>, block: Omit<Unlinked, 'n' | 'after'>) => AuditBlock;
  /** Whether the block says what it said when it was linked to this one before. */
  readonly fits: (before: Buffer, block: AuditBlock) => boolean;
};

/** @param secret  of the audit */
export function makeChain(secret: Buffer): Chain {
  const key = createSecretKey(createHmac('sha256', secret).update('audit block').digest());
  return {
    link(before, block) {
      const whole = { ...block, n: before.n + 1, after: before.last };
      return { ...whole, h: linkOf(key, before.h, whole) };
    },
    fits: (before, block) => linkOf(key, before, block).equals(block.h),
  };
}

function linkOf(key: KeyObject, before: Buffer, { n, kind, at, count, after, last, firstAt, lastAt, root, dropped }: Unlinked): Buffer {
  const told = [n, kind, at, count, ...placeOf(after), ...placeOf(last), firstAt, lastAt, root.toString('hex'), dropped];
  return createHmac('sha256', key).update(before).update(JSON.stringify(told)).digest();
}

const placeOf = ({ xid, rid }: Position): readonly string[] => [xid, rid];

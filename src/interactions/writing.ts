import { inTransaction, type Transaction } from '../storage/database.ts';
import { isConformanceType } from './conformance/conformance.ts';
import type { Context } from './context.ts';

/**
 * Waits for a write, then tells those who hold what follows from stored resources, such as rights and profiles: before its answer goes
 * out, so that whoever stores a profile and then uses it meets it. What fails may have been written all the same: they are told then too.
 */
export async function noticed<T>(ctx: Context, types: readonly string[], writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } finally {
    if (types.some(isConformanceType)) ctx.conformance.changed();
    ctx.rightsWritten?.(types);
  }
}

/** A transaction of its own that writes resources of these types. */
export function inWriting<T>(ctx: Context, types: readonly string[], work: (tx: Transaction) => Promise<T>): Promise<T> {
  return noticed(ctx, types, inTransaction(ctx.pool, { retriesMax: ctx.config.transactionRetriesMax }, work));
}

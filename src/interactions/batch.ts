import type { AuditedEvent } from '../audit/event.ts';
import type { Trail } from '../audit/trail.ts';
import { FhirError } from '../fhir/error.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { Answer, Return } from './answer.ts';
import type { Call, Context } from './context.ts';
import { create } from './create.ts';
import { atEntry, type Entry, readEntries } from './entries.ts';
import { entryTrail, eventsAfter, unreadTrail } from './leaving.ts';
import { conditionalPatch, patch } from './patch.ts';
import { conditionalRemove, remove } from './remove.ts';
import { answerGet } from './retrieve.ts';
import { conditionalUpdate, update } from './update.ts';

/** Entries of one batch that run at a time: together they share commits, but one batch must not take every connection. */
const entriesAtOnce = 8;

/** Events that are written in one statement. */
const eventsAtOnce = 500;

/**
 * Runs a batch: every entry on its own, judged alone, in the order DELETE, POST, PUT and PATCH, GET. What the entries leave in the audit
 * trail beside their writes is written at the end, together.
 *
 * @param onFault turns what an entry threw into its answer
 * @returns       one answer an entry, in the Bundle's order
 * @see           https://hl7.org/fhir/R4/http.html#transaction
 */
export async function batch(
  ctx: Context,
  call: Call,
  parsed: ParsedJson,
  prefer: Return,
  onFault: (error: unknown) => Answer,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const events: AuditedEvent[] = [];
  const settle = async (index: number, trail: Trail, answer: Answer): Promise<void> => {
    answers[index] = answer;
    events.push(...(await eventsAfter(ctx, trail, answer)));
  };
  const faultAt = (index: number, error: unknown): Answer => onFault(error instanceof FhirError ? atEntry(index, error) : error);
  const unread: { readonly index: number; readonly error: unknown }[] = [];
  const entries = await readEntries(ctx, parsed, (index, error) => unread.push({ index, error }));
  for (const { index, error } of unread) await settle(index, unreadTrail(call.trail, index), faultAt(index, error));
  for (const methods of [['DELETE'], ['POST'], ['PUT', 'PATCH'], ['GET', 'HEAD']]) {
    const queue = entries.filter(({ method }) => methods.includes(method));
    const worker = async (): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        const { index } = entry;
        const trail = entryTrail(ctx, call.trail, entry);
        const answer = await runEntry(ctx, { ...call, trail }, entry, prefer).catch((error: unknown) => faultAt(index, error));
        await settle(index, trail, answer);
      }
    };
    await Promise.all(Array.from({ length: entriesAtOnce }, worker));
  }
  for (let at = 0; at < events.length; at += eventsAtOnce) await ctx.audit.record(events.slice(at, at + eventsAtOnce));
  return answers;
}

async function runEntry(ctx: Context, call: Call, entry: Entry, prefer: Return): Promise<Answer> {
  const { method, type, id, query = '', document, patch: change } = entry;
  const options = {
    prefer,
    ...(entry.ifMatch === undefined ? {} : { ifMatch: entry.ifMatch }),
    ...(entry.ifNoneMatch === undefined ? {} : { ifNoneMatch: entry.ifNoneMatch }),
  };
  if (method === 'DELETE')
    return id === undefined ? conditionalRemove(ctx, call, type, query, false) : remove(ctx, call, type, id, entry.ifMatch);
  if (method === 'PATCH' && change !== undefined) {
    return id === undefined ? conditionalPatch(ctx, call, type, query, change, options) : patch(ctx, call, type, id, change, options);
  }
  if (method === 'POST' && document !== undefined) {
    return create(ctx, call, type, document, entry.ifNoneExist === undefined ? { prefer } : { prefer, ifNoneExist: entry.ifNoneExist });
  }
  if (method === 'PUT' && document !== undefined) {
    return id === undefined ? conditionalUpdate(ctx, call, type, query, document, options) : update(ctx, call, type, id, document, options);
  }
  return answerGet(ctx, call, entry);
}

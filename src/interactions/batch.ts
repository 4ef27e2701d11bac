import { FhirError } from '../fhir/error.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { Answer, Return } from './answer.ts';
import type { Call, Context } from './context.ts';
import { create } from './create.ts';
import { atEntry, type Entry, readEntries } from './entries.ts';
import { conditionalPatch, patch } from './patch.ts';
import { conditionalRemove, remove } from './remove.ts';
import { answerGet } from './retrieve.ts';
import { conditionalUpdate, update } from './update.ts';

/** Entries of one batch that run at a time: together they share commits, but one batch must not take every connection. */
const entriesAtOnce = 8;

/**
 * Runs a batch: every entry on its own, judged alone, in the order DELETE, POST, PUT and PATCH, GET.
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
  const fail = (index: number, error: unknown): void => {
    answers[index] = onFault(error instanceof FhirError ? atEntry(index, error) : error);
  };
  const entries = await readEntries(ctx, parsed, fail);
  for (const methods of [['DELETE'], ['POST'], ['PUT', 'PATCH'], ['GET', 'HEAD']]) {
    const queue = entries.filter(({ method }) => methods.includes(method));
    const worker = async (): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        try {
          answers[entry.index] = await runEntry(ctx, call, entry, prefer);
        } catch (error) {
          fail(entry.index, error);
        }
      }
    };
    await Promise.all(Array.from({ length: entriesAtOnce }, worker));
  }
  return answers;
}

function runEntry(ctx: Context, call: Call, entry: Entry, prefer: Return): Promise<Answer> {
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

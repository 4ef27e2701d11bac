import { badRequest } from '../fhir/error.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { type Entry, entryPath } from './entries.ts';
import { history } from './history.ts';
import { read, vread } from './read.ts';
import { searchAt } from './search-address.ts';
import { partOfAnswer } from './subset.ts';

/** Answers a GET entry of a batch or transaction: read, vread, history or search. */
export async function answerGet(ctx: Context, call: Call, entry: Entry): Promise<Answer> {
  const [path = ''] = entry.url.split('?', 1);
  const [type = '', id, third, version, ...more] = path.split('/');
  const pairs = [...new URLSearchParams(entry.query ?? '')];
  const part = (answer: Answer): Answer => partOfAnswer(answer, pairs, ctx.definitions.schema);
  if (more.length === 0) {
    if (id === undefined || (id === '' && third === undefined)) return searchAt(ctx, call, type === '' ? {} : { type }, pairs);
    if (id === '_history' && third === undefined) return history(ctx, call, { type }, pairs);
    if (third === undefined) return part(await read(ctx, call, type, id, entry));
    if (third === '_history')
      return version === undefined ? history(ctx, call, { type, id }, pairs) : part(await vread(ctx, call, type, id, version));
  }
  if (id !== undefined && third !== undefined && version === undefined) {
    return searchAt(ctx, call, { compartment: { type, id }, ...(third === '*' ? {} : { type: third }) }, pairs);
  }
  throw badRequest(
    'entry-url-invalid',
    'A GET entry reads (Type/id), reads a version (Type/id/_history/1), lists history or searches (Type?…, Patient/id/Type?…).',
    `${entryPath(entry.index)}.request.url`,
  );
}

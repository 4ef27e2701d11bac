import { passesFilter } from '../storage/filter.ts';
import { insertVersions } from '../storage/write.ts';
import { type Answer, type Return, writeAnswer } from './answer.ts';
import { besideOf, goesAlone } from './beside.ts';
import { bindLinks } from './binaries.ts';
import { matchUnderLock, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import { type Document, isShown } from './document.ts';
import { newId } from './ids.ts';
import { created, toldOf, unchanged } from './outcomes.ts';
import { multipleMatches, refusedByStore } from './preconditions.ts';
import { writeLast } from './update.ts';
import { assertTypeMatches, type Prepared, prepareVersion, validated } from './prepare.ts';
import { inWriting, noticed } from './writing.ts';

export type CreateOptions = { readonly prefer: Return /** Search criteria, as the header holds them. */; readonly ifNoneExist?: string };

/**
 * Creates a resource under an id of ours; with If-None-Exist only if nothing the caller sees matches.
 *
 * @see https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#ccreate
 */
export async function create(ctx: Context, call: Call, type: string, received: Document, options: CreateOptions): Promise<Answer> {
  const filter = call.access.permit('c', type);
  assertTypeMatches(received, type);
  const document = await validated(ctx, received);
  if (options.ifNoneExist !== undefined) return createUnlessMatched(ctx, call, document, options.ifNoneExist, options.prefer);
  const [rid = 0] = await ctx.rowIds.take(1);
  const id = newId(type);
  const prepared = await prepareVersion(ctx, call, document, { id, rid, version: 1, interaction: 'c' }, filter);
  const { row, json } = prepared;
  const alone = prepared.links.length > 0 || row.file !== undefined || goesAlone(call);
  const lastUpdated = alone ? await createAlone(ctx, call, prepared) : await noticed(ctx, [type], ctx.creates.add(row));
  if (lastUpdated === undefined) throw refusedByStore();
  const readable = isShown(document) && passesFilter(call.access.filter('r', type), row.tokens);
  const told = toldOf(created(type), document);
  return writeAnswer({ status: 201, stamp: { type, id, version: 1, lastUpdated }, json, row, isNew: true, readable }, options.prefer, told);
}

/** In a transaction of its own, with what is written beside it. */
function createAlone(ctx: Context, call: Call, { row, links }: Prepared): Promise<string> {
  return inWriting(ctx, [row.type], async (tx) => {
    await bindLinks(ctx, tx.client, links);
    return writeLast(tx, row, insertVersions, await besideOf(ctx, call, tx.client, [row]));
  });
}

async function createUnlessMatched(ctx: Context, call: Call, document: Document, criteria: string, prefer: Return): Promise<Answer> {
  const { type } = document;
  const query = parseCriteria(ctx, type, criteria, 'If-None-Exist');
  call.access.permit('s', type);
  return inWriting(ctx, [type], async (tx) => {
    const [match, another] = await matchUnderLock(ctx, call, tx.client, query);
    if (another !== undefined) throw multipleMatches('If-None-Exist');
    if (match !== undefined) {
      const stamp = { type, id: match.id, version: match.version, lastUpdated: match.lastUpdated };
      return writeAnswer(
        { status: 200, stamp, json: match.json, row: match, isNew: false, readable: call.access.filter('r', type) === 'all' },
        prefer,
        [unchanged(type)],
      );
    }
    const [rid = 0] = await ctx.rowIds.take(1);
    const id = newId(type);
    const { row, json, links } = await prepareVersion(
      ctx,
      call,
      document,
      { id, rid, version: 1, interaction: 'c' },
      call.access.filter('c', type),
    );
    await bindLinks(ctx, tx.client, links);
    const lastUpdated = await writeLast(tx, row, insertVersions, await besideOf(ctx, call, tx.client, [row]));
    const readable = isShown(document) && passesFilter(call.access.filter('r', type), row.tokens);
    const told = toldOf(created(type), document);
    return writeAnswer({ status: 201, stamp: { type, id, version: 1, lastUpdated }, json, row, isNew: true, readable }, prefer, told);
  });
}

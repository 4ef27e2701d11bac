import { notFound } from '../fhir/error.ts';
import type { BinaryLink, LinkedOwner } from '../storage/binary-owners.ts';
import { LostRace, type Transaction } from '../storage/database.ts';
import { passesFilter, passesWrite } from '../storage/filter.ts';
import { type LockedVersion, readCurrent } from '../storage/read.ts';
import { insertVersions, lockOwners, replaceVersions } from '../storage/write.ts';
import { type Answer, type Return, writeAnswer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { type Document, type Edit, isShown } from './document.ts';
import type { Entry } from './entries.ts';
import { type Resolve, rewriteLinks } from './links.ts';
import { created, deleted, toldOf, unchanged, updated } from './outcomes.ts';
import { patched } from './patch.ts';
import { assertIfMatch, refusedByStore, versionConflict } from './preconditions.ts';
import { assertDeletable, deletionOf, type Prepared, prepareVersion, refusedWrite } from './prepare.ts';
import { gone } from './read.ts';
import type { Target } from './transaction-steps.ts';
import type { Current, Resolved } from './transaction-targets.ts';
import { assertMayCreate, assertUpdatable, identicalAuditEvent, unchangedText } from './update.ts';

/** What an entry writes, if anything, and its answer once it is written. */
export type Work = {
  readonly insert?: Prepared['row'];
  readonly replace?: Prepared['row'];
  readonly links?: readonly BinaryLink[];
  readonly answer: (lastUpdated: LastUpdated) => Answer;
};
export type LastUpdated = (rid: number) => string;

export async function workOf(
  ctx: Context,
  call: Call,
  each: Resolved,
  current: Current,
  resolve: Resolve,
  rid: number,
  prefer: Return,
): Promise<Work> {
  const { step, target, found, sameAs, linked = [] } = each;
  const { entry } = step;
  const readable = call.access.filter('r', entry.type) === 'all';
  if (found !== undefined)
    return {
      answer: () =>
        writeAnswer({ status: 200, stamp: found, json: found.json, row: found, isNew: false, readable }, prefer, [unchanged(entry.type)]),
    };
  if (entry.method === 'GET' || entry.method === 'HEAD' || sameAs !== undefined) return { answer: () => ({ status: 200 }) };
  if (target === undefined) return { answer: () => ({ status: 204, issues: [deleted(0)] }) };
  const row = current.get(`${target.type}/${target.id}`);
  if (entry.method === 'DELETE') return deleteWork(ctx, call, target, row, entry);
  if (entry.method === 'PATCH') return patchWork(ctx, call, target, row, entry, resolve, prefer, linked);
  if (entry.document === undefined) throw new Error('a write without a document');
  const { document, edits } = rewriteLinks(entry.document, resolve, ctx.definitions.schema);
  if (entry.method === 'PUT' && row !== undefined) return replaceWork(ctx, call, row, entry, document, edits, prefer, linked);
  if (entry.method === 'PUT') {
    assertMayCreate(call, target.type);
    if (entry.ifMatch !== undefined) throw versionConflict();
    if (target.type === 'AuditEvent') {
      const address = { ...target, refKey: ctx.refKeyOf(target.type, target.id) };
      if ((await readCurrent(ctx.reader, address, 'all')) !== undefined) {
        const answer = await identicalAuditEvent(ctx, call, address, document, { prefer });
        return { answer: () => answer };
      }
    }
  }
  const interaction = entry.method === 'POST' ? 'c' : 'u';
  const prepared = await prepareVersion(
    ctx,
    call,
    document,
    { id: target.id, rid, version: 1, interaction },
    call.access.filter(interaction, target.type),
    edits,
    linked,
  );
  return { insert: prepared.row, links: prepared.links, answer: answerOf(201, prepared, prefer, call, document) };
}

function answerOf(status: 200 | 201, { row, json }: Prepared, prefer: Return, call: Call, document: Document): Work['answer'] {
  return (lastUpdated) => {
    const stamp = { type: row.type, id: row.id, version: row.version, lastUpdated: lastUpdated(row.rid) };
    const readable = isShown(document) && passesFilter(call.access.filter('r', row.type), row.tokens);
    const told = toldOf(status === 201 ? created(row.type) : updated(row.type), document);
    return writeAnswer({ status, stamp, json, row, isNew: true, readable }, prefer, told);
  };
}

async function deleteWork(ctx: Context, call: Call, target: Target, row: LockedVersion | undefined, entry: Entry): Promise<Work> {
  if (row === undefined || !passesWrite(call.access.filter('d', target.type), row)) {
    assertDeletable(call, row);
    assertIfMatch(entry.ifMatch, undefined);
    return { answer: () => ({ status: 204, issues: [deleted(0)] }) };
  }
  if (row.deleted) return { answer: () => ({ status: 204, stamp: row }) };
  assertIfMatch(entry.ifMatch, row.version);
  const next = await deletionOf(ctx, call, row);
  return {
    replace: next,
    answer: (lastUpdated) => ({
      status: 204,
      stamp: { type: row.type, id: row.id, version: next.version, lastUpdated: lastUpdated(row.rid) },
      recorded: true,
    }),
  };
}

async function patchWork(
  ctx: Context,
  call: Call,
  target: Target,
  row: LockedVersion | undefined,
  entry: Entry,
  resolve: Resolve,
  prefer: Return,
  linked: readonly LinkedOwner[],
): Promise<Work> {
  if (row === undefined || entry.patch === undefined) throw notFound(target.type);
  if (!passesWrite(call.access.filter('u', target.type), row)) throw refusedWrite(call, row);
  if (row.deleted) throw gone(row);
  assertIfMatch(entry.ifMatch, row.version);
  return nextWork(ctx, call, row, await patched(ctx, row, entry.patch, resolve), 'p', [], prefer, linked);
}

function replaceWork(
  ctx: Context,
  call: Call,
  row: LockedVersion,
  entry: Entry,
  document: Document,
  edits: readonly Edit[],
  prefer: Return,
  linked: readonly LinkedOwner[],
): Promise<Work> {
  if (!passesWrite(call.access.filter('u', row.type), row)) throw refusedWrite(call, row);
  assertUpdatable(row, entry);
  return nextWork(ctx, call, row, document, 'u', edits, prefer, linked);
}

async function nextWork(
  ctx: Context,
  call: Call,
  row: LockedVersion,
  document: Document,
  interaction: 'u' | 'p',
  edits: readonly Edit[],
  prefer: Return,
  linked: readonly LinkedOwner[],
): Promise<Work> {
  const same = row.deleted ? undefined : await unchangedText(ctx, row, document, edits);
  const readable = isShown(document) && passesFilter(call.access.filter('r', row.type), row.tokens);
  if (same !== undefined) {
    const told = toldOf(unchanged(row.type), document);
    return { answer: () => writeAnswer({ status: 200, stamp: row, json: same, row, isNew: false, readable }, prefer, told) };
  }
  const prepared = await prepareVersion(
    ctx,
    call,
    document,
    { ...row, version: row.version + 1, interaction },
    call.access.filter('u', row.type),
    edits,
    linked,
  );
  return { replace: prepared.row, links: prepared.links, answer: answerOf(row.deleted ? 201 : 200, prepared, prefer, call, document) };
}

/** All rows in one statement a table, and first versions beside them; a row that is refused refuses the whole. */
export async function writeAll(tx: Transaction, works: readonly Work[], beside: readonly Prepared['row'][] = []): Promise<LastUpdated> {
  const order = (a: Prepared['row'], b: Prepared['row']): number => (a.type === b.type ? (a.id < b.id ? -1 : 1) : a.type < b.type ? -1 : 1);
  const inserts = [...works.flatMap(({ insert }) => insert ?? []), ...beside].sort(order);
  const replaces = works.flatMap(({ replace }) => replace ?? []).sort(order);
  const [, ...written] = await Promise.all([
    lockOwners(tx.client, [...inserts, ...replaces]),
    insertVersions(tx.client, inserts),
    replaceVersions(tx.client, replaces),
  ]);
  const times = new Map(written.flatMap((part) => [...part]));
  const refused = [...inserts, ...replaces].find(({ rid }) => !times.has(rid));
  // Somebody else made it since it was looked for: run again, the transaction finds it and goes on as an update.
  if (refused?.version === 1 && refused.interaction === 'u') throw new LostRace('a resource came to be beside the transaction');
  if (refused !== undefined) throw refusedByStore();
  return (rid) => times.get(rid) ?? '';
}

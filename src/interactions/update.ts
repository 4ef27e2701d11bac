import { badRequest, notFound } from '../fhir/error.ts';
import { sameValue } from '../fhir/json.ts';
import type { BinaryLink, LinkedOwner } from '../storage/binary-owners.ts';
import type { Transaction } from '../storage/database.ts';
import { noRows, passesFilter, passesWrite } from '../storage/filter.ts';
import { type Address, type LockedVersion, lockCurrent, readCurrent } from '../storage/read.ts';
import type { NewVersion, StoredVersion } from '../storage/rows.ts';
import type { Decision } from '../storage/update-batch.ts';
import { insertVersions, lockOwners, replaceVersions } from '../storage/write.ts';
import { type Answer, type Return, writeAnswer } from './answer.ts';
import { besideOf, goesAlone } from './beside.ts';
import { bindLinks, concernsBinaries, linkedOwners } from './binaries.ts';
import { lockMatch, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import { type Document, type Edit, isShown, parseStored, storedText, storedValue } from './document.ts';
import { newId } from './ids.ts';
import { created, toldOf, unchanged, updated } from './outcomes.ts';
import { assertIfMatch, auditEventsStay, existsAlready, multipleMatches, refusedByStore, versionConflict } from './preconditions.ts';
import { assertId, assertTypeMatches, type Prepared, prepareVersion, refusedWrite, validated } from './prepare.ts';
import { gone, openBy } from './read.ts';
import { inWriting, noticed } from './writing.ts';

export type UpdateOptions = { readonly prefer: Return; readonly ifMatch?: string; readonly ifNoneMatch?: string };

/**
 * Replaces a resource, or creates it under the id the client brought. An update that changes nothing makes no version.
 *
 * @see https://hl7.org/fhir/R4/http.html#update
 */
export async function update(
  ctx: Context,
  call: Call,
  type: string,
  id: string,
  received: Document,
  options: UpdateOptions,
): Promise<Answer> {
  call.access.permit('u', type);
  assertId(id);
  assertTypeMatches(received, type);
  assertSameId(received, id);
  const document = await validated(ctx, received);
  return writeUnderId(ctx, call, { type, id, refKey: ctx.refKeyOf(type, id) }, document, options);
}

/**
 * Updates the one resource that matches, or creates one if none does.
 *
 * @see https://hl7.org/fhir/R4/http.html#cond-update
 */
export async function conditionalUpdate(
  ctx: Context,
  call: Call,
  type: string,
  criteria: string,
  received: Document,
  options: UpdateOptions,
): Promise<Answer> {
  call.access.permit('u', type);
  call.access.permit('s', type);
  if (type === 'AuditEvent') throw auditEventsStay();
  assertTypeMatches(received, type);
  const document = await validated(ctx, received);
  const query = parseCriteria(ctx, type, criteria, 'The URL');
  return inWriting(ctx, [type], async (tx) => {
    const [match, another] = await lockMatch(ctx, call, tx.client, query);
    if (another !== undefined) throw multipleMatches('the URL');
    const brought = document.value.id;
    if (match !== undefined) {
      if (typeof brought === 'string' && brought !== match.id) {
        throw badRequest(
          'id-mismatch',
          'The body has another id than the resource that matches. Leave the id out, or send the id of the match.',
          `${type}.id`,
        );
      }
      return writeLocked(ctx, call, tx, { type, id: match.id, refKey: ctx.refKeyOf(type, match.id) }, document, options);
    }
    assertMayCreate(call, type);
    const id = typeof brought === 'string' ? brought : newId(type);
    assertId(id);
    return writeLocked(ctx, call, tx, { type, id, refKey: ctx.refKeyOf(type, id) }, document, options);
  });
}

/** Together with other updates where nothing stands against it, else in a transaction of its own. */
async function writeUnderId(ctx: Context, call: Call, address: Address, document: Document, options: UpdateOptions): Promise<Answer> {
  if (address.type !== 'AuditEvent' && !goesAlone(call) && !concernsBinaries(ctx, document)) {
    const answer = await noticed(
      ctx,
      [address.type],
      ctx.updates.add(address, (current) => nextVersion(ctx, call, current, document, options)),
    );
    if (answer !== 'alone') return answer;
  }
  return inWriting(ctx, [address.type], (tx) => writeLocked(ctx, call, tx, address, document, options));
}

/** Under the row's lock: decides between new version, new resource and nothing to do. */
async function writeLocked(
  ctx: Context,
  call: Call,
  tx: Transaction,
  address: Address,
  document: Document,
  options: UpdateOptions,
): Promise<Answer> {
  const [current] = address.type === 'AuditEvent' ? [] : await lockCurrent(tx.client, [address]);
  if (current === undefined)
    return (await insertUnderId(ctx, call, tx, address, document, options)) ?? writeLocked(ctx, call, tx, address, document, options);
  const linked = await linkedOwners(ctx, tx.client, address, true);
  const { row, links, answer } = await nextVersion(ctx, call, current, document, options, linked);
  if (row === undefined) return answer(undefined);
  await bindLinks(ctx, tx.client, links);
  return answer(await writeLast(tx, row, replaceVersions, await besideOf(ctx, call, tx.client, [row])));
}

/** What an update makes of the current version, which is locked: the next version, or nothing to do. */
async function nextVersion(
  ctx: Context,
  call: Call,
  current: LockedVersion,
  document: Document,
  options: UpdateOptions,
  linked: readonly LinkedOwner[] = [],
): Promise<Decision<Answer> & { readonly links: readonly BinaryLink[] }> {
  const { type, id } = current;
  const filter = call.access.filter('u', type);
  if (!passesWrite(filter, current)) throw refusedWrite(call, current);
  assertUpdatable(current, options);
  const readable = isShown(document) && passesFilter(call.access.filter('r', type), current.tokens);
  const same = current.deleted ? undefined : await unchangedText(ctx, current, document);
  if (same !== undefined) {
    const told = toldOf(unchanged(type), document);
    return {
      links: [],
      answer: () => writeAnswer({ status: 200, stamp: current, json: same, row: current, isNew: false, readable }, options.prefer, told),
    };
  }
  const version = current.version + 1;
  const { row, json, links } = await prepareVersion(ctx, call, document, { ...current, version, interaction: 'u' }, filter, [], linked);
  const [status, advice] = current.deleted ? ([201, created(type)] as const) : ([200, updated(type)] as const);
  const answer = (lastUpdated: string | undefined): Answer => {
    if (lastUpdated === undefined) throw refusedByStore();
    return writeAnswer(
      { status, stamp: { type, id, version, lastUpdated }, json, row, isNew: true, readable },
      options.prefer,
      toldOf(advice, document),
    );
  };
  return { row, links, answer };
}

export function assertUpdatable(current: LockedVersion, { ifMatch, ifNoneMatch }: Pick<UpdateOptions, 'ifMatch' | 'ifNoneMatch'>): void {
  // What was erased stays erased: its id is never used again.
  if (current.erased) throw gone(current);
  assertIfMatch(ifMatch, current.deleted ? undefined : current.version);
  if (ifNoneMatch?.trim() === '*' && !current.deleted) throw existsAlready();
}

/** The stored text, if the document says the same; compared as text first, then as values. */
export async function unchangedText(
  ctx: Context,
  current: StoredVersion,
  document: Document,
  edits: readonly Edit[] = [],
): Promise<Buffer | undefined> {
  const { file } = document;
  // A file is the same if it is the same one: its bytes needn't be read.
  const opened = await openBy(file === undefined ? ctx.open : ctx.openStored, current);
  if (opened.partial || (file !== undefined && opened.file?.key.id.equals(file.key.id) !== true)) return undefined;
  const text = storedText(document, current.id, edits);
  if (opened.json.equals(Buffer.from(text))) return opened.json;
  const stored = parseStored(opened.json);
  return sameValue(stored.value, stored.decimals, storedValue(document, current.id), document.decimals) ? opened.json : undefined;
}

/** Inserts under an id the client brought; undefined if somebody else did meanwhile, to go on as an update. */
async function insertUnderId(
  ctx: Context,
  call: Call,
  tx: Transaction,
  address: Address,
  document: Document,
  options: UpdateOptions,
): Promise<Answer | undefined> {
  const { type, id } = address;
  if (options.ifMatch !== undefined) throw call.access.filter('u', type) === 'all' ? versionConflict() : notFound(type);
  assertMayCreate(call, type);
  const [rid = 0] = await ctx.rowIds.take(1);
  const linked = await linkedOwners(ctx, tx.client, address, false);
  const prepared: Prepared = await prepareVersion(ctx, call, document, { id, rid, version: 1, interaction: 'u' }, 'all', [], linked);
  await bindLinks(ctx, tx.client, prepared.links);
  const owners = lockOwners(tx.client, [prepared.row]);
  const written = await insertVersions(tx.client, [prepared.row]);
  await owners;
  const lastUpdated = written.get(rid);
  if (lastUpdated === undefined) {
    if (type === 'AuditEvent') return identicalAuditEvent(ctx, call, address, document, options);
    if (options.ifNoneMatch?.trim() === '*') throw existsAlready();
    const [now] = await lockCurrent(tx.client, [address]);
    if (now === undefined) throw refusedByStore();
    return undefined;
  }
  await writeBeside(tx, await besideOf(ctx, call, tx.client, [prepared.row]));
  const readable = isShown(document) && passesFilter(call.access.filter('r', type), prepared.row.tokens);
  return writeAnswer(
    { status: 201, stamp: { type, id, version: 1, lastUpdated }, json: prepared.json, row: prepared.row, isNew: true, readable },
    options.prefer,
    toldOf(created(type), document),
  );
}

/** A PUT of an audit event that is stored already: 200 if it says the same, refused otherwise. */
export async function identicalAuditEvent(
  ctx: Context,
  call: Call,
  address: Address,
  document: Document,
  options: UpdateOptions,
): Promise<Answer> {
  const stored = await readCurrent(ctx.reader, address, call.access.filter('u', address.type));
  const same = stored === undefined ? undefined : await unchangedText(ctx, stored, document);
  if (stored === undefined || same === undefined) throw auditEventsStay();
  return writeAnswer(
    { status: 200, stamp: stored, json: same, row: stored, isNew: false, readable: call.access.filter('r', address.type) === 'all' },
    options.prefer,
    toldOf(unchanged(address.type), document),
  );
}

/**
 * An id of the client's choice may be brought only by callers without bounds on the type: for all others a PUT that finds
 * nothing they see is 404, whether or not the id is taken.
 */
export function assertMayCreate(call: Call, type: string): void {
  if (call.access.filter('u', type) !== 'all') throw notFound(type);
  if (call.access.filter('c', type) === noRows) call.access.permit('c', type);
}

/**
 * Writes one row as the transaction's last act: owners' locks, statement and commit in one round trip.
 *
 * @param beside  a first version that is written with it or not at all: then the commit waits until both are known to be written
 */
export async function writeLast(
  tx: Transaction,
  row: NewVersion,
  write: (client: Transaction['client'], rows: readonly NewVersion[]) => Promise<ReadonlyMap<number, string>>,
  beside?: NewVersion,
): Promise<string> {
  if (beside !== undefined) {
    const [, rows] = await Promise.all([lockOwners(tx.client, [row, beside]), write(tx.client, [row])]);
    const lastUpdated = rows.get(row.rid);
    if (lastUpdated === undefined) throw refusedByStore();
    await writeBeside(tx, beside);
    return lastUpdated;
  }
  const written = await tx.final(async () => {
    const [, rows] = await Promise.all([lockOwners(tx.client, [row]), write(tx.client, [row])]);
    return rows;
  });
  const lastUpdated = written.get(row.rid);
  if (lastUpdated === undefined) throw refusedByStore();
  return lastUpdated;
}

/** Adds a first version to what the transaction has written. @throws FhirError 409 if it is refused, and so the whole */
export async function writeBeside(tx: Transaction, row: NewVersion | undefined): Promise<void> {
  if (row === undefined) return;
  const [, written] = await Promise.all([lockOwners(tx.client, [row]), insertVersions(tx.client, [row])]);
  if (!written.has(row.rid)) throw refusedByStore();
}

function assertSameId(document: Document, id: string): void {
  const brought = document.value.id;
  if (brought === id) return;
  const text = brought === undefined ? 'The body needs the id that the URL has.' : 'The body has another id than the URL.';
  throw badRequest('id-mismatch', `${text} Send the resource with the id of the URL.`, `${document.type}.id`);
}

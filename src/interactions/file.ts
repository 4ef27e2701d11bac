import { isRecord, textOf } from '../search/sink.ts';
import { inTransaction } from '../storage/database.ts';
import { passesWrite } from '../storage/filter.ts';
import { lockCurrent, readCurrent, readVersion } from '../storage/read.ts';
import type { StoredFile } from '../storage/stored-file.ts';
import type { StoredVersion } from '../storage/rows.ts';
import { notFound } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Answer, FileBody } from './answer.ts';
import type { Call, Context } from './context.ts';
import { parseStored } from './document.ts';
import { assertId, refusedWrite } from './prepare.ts';
import { gone, openBy, versionNotFound } from './read.ts';
import { assertMayCreate, assertUpdatable, type UpdateOptions } from './update.ts';

/** A Binary and its bytes. */
export type FileAnswer = Answer & {
  readonly file: FileBody & {
    /** Without `data` where the bytes lie beside it; without the version and time that the server sets. */
    readonly resource: JsonObject;
    /** How the bytes are stored, where they lie beside it. */
    readonly stored?: StoredFile;
  };
};

/**
 * Reads a Binary as what it is: whatever its size, in pieces.
 *
 * @param version  the current one, if undefined
 * @throws         FhirError as reading it does
 */
export async function readFile(ctx: Context, call: Call, id: string, version?: number): Promise<FileAnswer> {
  const type = 'Binary';
  const filter = call.access.permitRead(type, id);
  assertId(id);
  const address = { type, id, refKey: ctx.refKeyOf(type, id) };
  const row =
    version === undefined ? await readCurrent(ctx.reader, address, filter) : await readVersion(ctx.reader, address, version, filter);
  if (row === undefined) throw version === undefined ? notFound(type) : versionNotFound(type);
  if (row.deleted) throw gone(row);
  return { status: 200, stamp: row, disclosed: [row], file: await fileOf(ctx, row) };
}

async function fileOf(ctx: Context, row: StoredVersion): Promise<FileAnswer['file']> {
  const opened = await openBy(ctx.openStored, row);
  const resource = parseStored(opened.json).value as JsonObject;
  const contentType = textOf(resource.contentType) ?? '';
  const context = resource.securityContext;
  const securityContext = isRecord(context) ? textOf(context.reference) : undefined;
  const about = { resource, contentType, ...(securityContext === undefined ? {} : { securityContext }) };
  const { file } = opened;
  if (file !== undefined) return { ...about, stored: file, size: file.size, content: await begun(ctx.files.read(file)) };
  const bytes = Buffer.from(textOf(resource.data) ?? '', 'base64');
  return { ...about, size: bytes.length, content: pieces(bytes) };
}

/** What is broken at its beginning is told before anything is answered. */
async function begun(content: AsyncGenerator<Buffer, void, undefined>): Promise<AsyncGenerator<Buffer, void, undefined>> {
  const first = await content.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* content;
  })();
}

const pieceBytes = 65_536;

function* pieces(content: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

/**
 * Refuses what a later update of this resource would refuse whatever it brings, so that nobody sends a file in vain.
 *
 * @throws FhirError 403, 404, 410, 412
 */
export async function assertChangeable(
  ctx: Context,
  call: Call,
  type: string,
  id: string,
  conditions: Pick<UpdateOptions, 'ifMatch' | 'ifNoneMatch'>,
): Promise<void> {
  const filter = call.access.permit('u', type);
  const address = { type, id, refKey: ctx.refKeyOf(type, id) };
  const [current] = await inTransaction(ctx.pool, { retriesMax: ctx.config.transactionRetriesMax }, ({ client }) =>
    lockCurrent(client, [address]),
  );
  if (current === undefined) return assertMayCreate(call, type);
  if (!passesWrite(filter, current)) throw refusedWrite(call, current);
  assertUpdatable(current, conditions);
}

import { inTransaction } from '../storage/database.ts';
import { passesWrite } from '../storage/filter.ts';
import { lockCurrent, readCurrent, readVersion } from '../storage/read.ts';
import type { StoredFile } from '../storage/stored-file.ts';
import type { StoredVersion } from '../storage/rows.ts';
import { notFound } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { Answer } from './answer.ts';
import type { Call, Context } from './context.ts';
import { parseStored } from './document.ts';
import { assertId, refusedWrite } from './prepare.ts';
import { gone, openBy } from './read.ts';
import { assertUpdatable } from './update.ts';

/** A Binary and its bytes. */
export type FileAnswer = Answer & {
  readonly file: {
    /** Without `data` where the bytes lie beside it; without the version and time that the server sets. */
    readonly resource: JsonObject;
    /** How the bytes are stored, where they lie beside it. */
    readonly stored?: StoredFile;
    readonly contentType: string;
    readonly size: number;
    /** The bytes, to be read once. It throws where what is stored is not what was: what was given until then is not the whole. */
    readonly content: AsyncGenerator<Buffer, void, undefined>;
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
  if (row === undefined) throw notFound(type);
  if (row.deleted) throw gone(row);
  return { status: 200, stamp: row, disclosed: [row], file: await fileOf(ctx, row) };
}

async function fileOf(ctx: Context, row: StoredVersion): Promise<FileAnswer['file']> {
  const opened = await openBy(ctx.openStored, row);
  const resource = parseStored(opened.json).value as JsonObject;
  const contentType = typeof resource.contentType === 'string' ? resource.contentType : '';
  const { file } = opened;
  if (file !== undefined) return { resource, stored: file, contentType, size: file.size, content: await begun(ctx.files.read(file)) };
  const bytes = Buffer.from(typeof resource.data === 'string' ? resource.data : '', 'base64');
  return { resource, contentType, size: bytes.length, content: pieces(bytes) };
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

// biome-ignore lint/suspicious/useAwait: the same shape as what is read from the store
async function* pieces(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

/**
 * Refuses what a later update of this resource would refuse whatever it brings, so that nobody sends a file in vain.
 *
 * @throws FhirError 403, 404, 410, 412
 */
export async function assertChangeable(ctx: Context, call: Call, type: string, id: string, ifMatch?: string): Promise<void> {
  const filter = call.access.permit('u', type);
  const address = { type, id, refKey: ctx.refKeyOf(type, id) };
  const [current] = await inTransaction(ctx.pool, { retriesMax: ctx.config.transactionRetriesMax }, ({ client }) =>
    lockCurrent(client, [address]),
  );
  if (current === undefined) throw notFound(type);
  if (!passesWrite(filter, current)) throw refusedWrite(call, current);
  assertUpdatable(current, ifMatch === undefined ? {} : { ifMatch });
}

import { sealChunk, openChunk, newFileKey, type FileKey } from '../encryption/seal-chunks.ts';
import { SealBroken } from '../encryption/seal-broken.ts';
import { FhirError, issue } from '../fhir/error.ts';
import { int8Array } from './binary.ts';
import { type Queryable, sqlStateOf } from './database.ts';
import type { Address } from './read.ts';
import type { NewVersion } from './rows.ts';
import type { StoredFile } from './stored-file.ts';

/** The bytes of files, in pieces: neither writing nor reading one takes more memory for a larger file. */
export type Files = {
  /**
   * Writes a file while it comes, in short statements of their own. It is nobody's until the write of a Binary binds it, and is removed if
   * none does. What the source throws is thrown, and nothing is kept.
   */
  readonly write: (source: AsyncIterable<Buffer>) => Promise<StoredFile>;
  /** @throws SealBroken where a piece is not what was written there: what was given until then is genuine, but not the whole */
  readonly read: (file: StoredFile) => AsyncGenerator<Buffer, void, undefined>;
  /** Removes a file, unless a Binary has it. */
  readonly discard: (file: StoredFile) => Promise<void>;
};

/** A multiple of 3, so that each piece is whole groups of base64. */
export const chunkBytes = 49_152;

const chunksOf = (size: number): number => Math.ceil(size / chunkBytes);

/**
 * @param writing  where files are written
 * @param reading  where they are read: other connections than those that transactions hold while they read
 */
export function makeFiles(writing: Queryable, reading: Queryable): Files {
  async function discardId(id: Buffer): Promise<void> {
    await writing.query('delete from binary_file where id = $1 and bound_at is null', [id.toString('hex')]);
  }

  async function writeChunks(key: FileKey, source: AsyncIterable<Buffer>): Promise<number> {
    let seq = 0;
    let size = 0;
    const write = async (piece: Buffer, isLast: boolean): Promise<void> => {
      await insertChunk(writing, key.id, seq, sealChunk(key, { seq, isLast }, piece));
      seq++;
    };
    const pending = Buffer.allocUnsafeSlow(chunkBytes);
    let filled = 0;
    for await (const bytes of source) {
      size += bytes.length;
      for (let from = 0; from < bytes.length; ) {
        // Only when more follows is it known that a full piece is not the last one.
        if (filled === chunkBytes) {
          await write(pending, false);
          filled = 0;
        }
        const copied = bytes.copy(pending, filled, from, from + chunkBytes - filled);
        filled += copied;
        from += copied;
      }
    }
    if (filled > 0) await write(pending.subarray(0, filled), true);
    return size;
  }

  return {
    async write(source) {
      const key = newFileKey();
      try {
        return { key, size: await writeChunks(key, source) };
      } catch (error) {
        // What can't be removed now is removed by housekeeping.
        await discardId(key.id).catch(() => {});
        throw error;
      }
    },
    async *read({ key, size }) {
      const chunks = chunksOf(size);
      let left = size;
      for (let seq = 0; seq < chunks; seq++) {
        const { rows } = await reading.query<{ sealed: Buffer }>({
          name: 'binary_chunk',
          text: 'select sealed from binary_chunk where file = $1 and seq = $2',
          values: [key.id.toString('hex'), seq],
        });
        const sealed = rows[0]?.sealed;
        if (sealed === undefined) throw new SealBroken('seal-altered');
        const piece = openChunk(key, { seq, isLast: seq === chunks - 1 }, sealed);
        left -= piece.length;
        if (seq === chunks - 1 ? left !== 0 : piece.length !== chunkBytes) throw new SealBroken('seal-altered');
        yield piece;
      }
    },
    discard: ({ key }) => discardId(key.id),
  };
}

const foreignKeyViolation = '23503';

/** The file comes to be with its first piece; of one that was removed meanwhile no piece is taken any more. */
async function insertChunk(db: Queryable, id: Buffer, seq: number, sealed: Buffer): Promise<void> {
  const values = [id.toString('hex'), seq, sealed];
  if (seq > 0) {
    await db
      .query({ name: 'add_binary_chunk', text: 'insert into binary_chunk (file, seq, sealed) values ($1, $2, $3)', values })
      .catch((error: unknown) => {
        throw sqlStateOf(error) === foreignKeyViolation ? fileGone(error) : error;
      });
  } else
    await db.query({
      name: 'begin_binary_file',
      text: `with begun as (insert into binary_file (id) values ($1))
        insert into binary_chunk (file, seq, sealed) values ($1, $2, $3)`,
      values,
    });
}

function fileGone(cause?: unknown): FhirError {
  return new FhirError(409, [issue('conflict', 'file-gone', 'The file that was sent is no longer there. Send the request again.')], {
    cause,
  });
}

/**
 * Binds the files of these versions to their Binaries, in the transaction that writes them.
 *
 * @throws FhirError 409 where one is no longer there: it took too long from its last byte to here
 */
export async function bindFiles(client: Queryable, versions: readonly NewVersion[]): Promise<void> {
  for (const { refKey, version, file } of versions) {
    if (file === undefined) continue;
    const { rowCount } = await client.query({
      name: 'bind_binary_file',
      text: `update binary_file set binary_key = $2, version = coalesce(version, $3), bound_at = coalesce(bound_at, clock_timestamp())
        where id = $1 and (binary_key is null or binary_key = $2)`,
      values: [file.toString('hex'), refKey.toString(), version],
    });
    if (rowCount !== 1) throw fileGone();
  }
}

const unboundHours = 1;
const sweptMax = 100;

/** Removes files that no Binary has taken: of uploads that were refused, broke off, or whose process ended. */
export async function sweepFiles(db: Queryable): Promise<void> {
  for (let swept = sweptMax; swept === sweptMax; ) {
    const { rowCount } = await db.query(
      `delete from binary_file where id in (
         select id from binary_file where bound_at is null and made_at < clock_timestamp() - make_interval(hours => $1)
         order by made_at limit $2 for update skip locked)
       and bound_at is null`,
      [unboundHours, sweptMax],
    );
    swept = rowCount ?? 0;
  }
}

/** Removes the files of these resources that no version can open any more, because those that had them were erased. */
export async function removeErasedFiles(client: Queryable, resources: readonly Address[]): Promise<void> {
  const binaries = resources.filter(({ type }) => type === 'Binary');
  if (binaries.length === 0) return;
  await client.query(
    `delete from binary_file f where f.binary_key = any($1::int8[])
       and not exists (select from resource_other r where r.type = 'Binary' and r.ref_key = f.binary_key and r.version >= f.version
         and r.content is not null)
       and not exists (select from resource_version v where v.type = 'Binary' and v.ref_key = f.binary_key and v.version >= f.version
         and v.content is not null)`,
    [int8Array(binaries.map(({ refKey }) => refKey))],
  );
}

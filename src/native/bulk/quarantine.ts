import type { SpoolWriter } from '../../bulk/spool.ts';
import type { Detail } from '../error.ts';
import type { ImportFormat } from './read-lines.ts';

/** A line that was refused, and why; the header of a CSV file comes before all others, without faults. */
export type Refused = { readonly line: number; readonly faults: readonly Detail[]; readonly bytes: Buffer | undefined };

const headBytes = 8;

/** Lines as sent with their faults: length of the faults(4) ‖ length of the line(4) ‖ faults ‖ line. */
export async function keepRefused(file: SpoolWriter, { line, faults, bytes }: Refused): Promise<void> {
  const told = Buffer.from(JSON.stringify({ line, faults, ...(bytes === undefined ? { isGone: true } : {}) }));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(told.length);
  head.writeUInt32BE(bytes?.length ?? 0, 4);
  await file.write(head);
  await file.write(told);
  if (bytes !== undefined) await file.write(bytes);
}

export async function* readRefused(blocks: AsyncIterable<Buffer>): AsyncGenerator<Refused, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const block of blocks) {
    pending = pending.length === 0 ? block : Buffer.concat([pending, block]);
    while (pending.length >= headBytes) {
      const toldEnd = headBytes + pending.readUInt32BE(0);
      const end = toldEnd + pending.readUInt32BE(4);
      if (pending.length < end) break;
      const { line, faults, isGone } = JSON.parse(pending.toString('utf8', headBytes, toldEnd)) as {
        line: number;
        faults: Detail[];
        isGone?: true;
      };
      yield { line, faults, bytes: isGone === true ? undefined : Buffer.from(pending.subarray(toldEnd, end)) };
      pending = pending.subarray(end);
    }
  }
}

/** The refused lines as a file in the format they came in, to be mended and sent again. */
export async function* quarantineText(refused: AsyncIterable<Refused>, format: ImportFormat): AsyncGenerator<Buffer, void, undefined> {
  let count = 0;
  for await (const { bytes } of refused) {
    if (bytes === undefined) continue;
    if (format === 'json') yield Buffer.from(count === 0 ? '[\n' : ',\n');
    yield bytes;
    if (format !== 'json') yield Buffer.from('\n');
    count++;
  }
  if (format === 'json') yield Buffer.from(count === 0 ? '[]\n' : '\n]\n');
}

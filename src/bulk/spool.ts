import { type FileHandle, open } from 'node:fs/promises';
import { openBytes, sealBytes } from '../encryption/seal-bytes.ts';
import type { DataKey } from '../encryption/seal.ts';
import { SealBroken } from '../encryption/seal-broken.ts';

/** What a file is sealed with, and what it is: `<job>/input`. A block opens at its own place in its own file only. */
export type SpoolSeal = { readonly key: DataKey; readonly purpose: string };

/** A sealed file that grows at its end. Nothing of it is ever on the disk in clear. */
export type SpoolWriter = {
  readonly write: (bytes: Buffer) => Promise<void>;
  /** Writes what is pending, and waits until the disk has it. @returns the bytes on the disk, from where a writer may go on */
  readonly flush: () => Promise<number>;
  /** What was written behind these bytes on the disk goes, and what is pending. */
  readonly cutBack: (to: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

const blockBytes = 65_536;
const lengthBytes = 4;
/** A block and all that sealing adds. */
const sealedBytesMax = blockBytes + 256;

/**
 * Blocks of 64 KiB: length(4) ‖ sealed bytes.
 *
 * @param keep  what of the file is kept, as `flush` told it; what is behind goes
 */
export async function writeSpool(file: string, seal: SpoolSeal, keep = 0): Promise<SpoolWriter> {
  const handle = await open(file, keep === 0 ? 'w' : 'r+', 0o600);
  await handle.truncate(keep).catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  let at = keep;
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  async function writeBlock(block: Buffer): Promise<void> {
    const sealed = sealBytes(seal.key, placeOf(seal, at), block);
    const framed = Buffer.allocUnsafe(lengthBytes + sealed.length);
    framed.writeUInt32BE(sealed.length);
    framed.set(sealed, lengthBytes);
    let written = 0;
    while (written < framed.length) written += (await handle.write(framed, written, framed.length - written, at + written)).bytesWritten;
    at += framed.length;
  }

  async function drain(least: number): Promise<void> {
    if (pendingBytes < least || pendingBytes === 0) return;
    const all = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending);
    let from = 0;
    for (; all.length - from >= Math.max(least, 1); from += blockBytes) await writeBlock(all.subarray(from, from + blockBytes));
    pending = from < all.length ? [Buffer.from(all.subarray(from))] : [];
    pendingBytes = Math.max(0, all.length - from);
  }

  return {
    async write(bytes) {
      pending.push(bytes);
      pendingBytes += bytes.length;
      await drain(blockBytes);
    },
    async flush() {
      if (pendingBytes === 0) return at;
      await drain(1);
      await handle.datasync();
      return at;
    },
    async cutBack(to) {
      pending = [];
      pendingBytes = 0;
      if (to === at) return;
      await handle.truncate(to);
      at = to;
    },
    close: () => handle.close(),
  };
}

/**
 * The text of a sealed file, a block at a time.
 *
 * @param until  the bytes on the disk that count, as `flush` told them
 * @throws       SealBroken if anything of it was altered, moved or cut off
 */
export async function* readSpool(file: string, seal: SpoolSeal, until: number): AsyncGenerator<Buffer, void, undefined> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(lengthBytes);
    for (let at = 0; at < until; ) {
      await readExactly(handle, head, at);
      const length = head.readUInt32BE();
      if (length > sealedBytesMax || at + lengthBytes + length > until) throw new SealBroken('seal-format');
      const sealed = Buffer.allocUnsafe(length);
      await readExactly(handle, sealed, at + lengthBytes);
      yield openBytes(seal.key, placeOf(seal, at), sealed);
      at += lengthBytes + length;
    }
  } finally {
    await handle.close();
  }
}

const placeOf = ({ purpose }: SpoolSeal, at: number): string => `${purpose}/${at}`;

async function readExactly(handle: FileHandle, into: Buffer, at: number): Promise<void> {
  for (let read = 0; read < into.length; ) {
    const { bytesRead } = await handle.read(into, read, into.length - read, at + read);
    if (bytesRead === 0) throw new SealBroken('seal-format');
    read += bytesRead;
  }
}

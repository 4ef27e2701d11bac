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
  const pending = Buffer.allocUnsafeSlow(blockBytes);
  let pendingBytes = 0;
  let onDisk = true;
  const framed = Buffer.allocUnsafeSlow(lengthBytes + sealedBytesMax);

  async function writeBlock(): Promise<void> {
    const sealed = sealBytes(seal.key, placeOf(seal, at), pending.subarray(0, pendingBytes));
    const end = framed.writeUInt32BE(sealed.length) + sealed.length;
    framed.set(sealed, lengthBytes);
    pendingBytes = 0;
    for (let written = 0; written < end; ) written += (await handle.write(framed, written, end - written, at + written)).bytesWritten;
    at += end;
    onDisk = false;
  }

  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length; ) {
        const taken = bytes.copy(pending, pendingBytes, from);
        from += taken;
        pendingBytes += taken;
        if (pendingBytes === blockBytes) await writeBlock();
      }
    },
    async flush() {
      if (pendingBytes > 0) await writeBlock();
      if (!onDisk) await handle.datasync();
      onDisk = true;
      return at;
    },
    async cutBack(to) {
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
    const block = Buffer.allocUnsafeSlow(sealedBytesMax);
    for (let at = 0; at < until; ) {
      await readExactly(handle, head, at);
      const length = head.readUInt32BE();
      if (length > sealedBytesMax || at + lengthBytes + length > until) throw new SealBroken('seal-format');
      const sealed = block.subarray(0, length);
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

import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { uuidv7 } from '../fhir/uuid.ts';
import type { AuditRow } from '../storage/audit-rows.ts';
import type { SpoolContent, SpoolFrames } from './spool-frames.ts';

/** A file that nobody adds to any more. */
export type SpoolFile = { readonly path: string; readonly bytes: number };

export type SpoolFiles = {
  /** On disk when it resolves. @throws Error where it can't be, or there would be more than may be */
  readonly append: (rows: readonly AuditRow[]) => Promise<void>;
  /** Ends the file that is added to; all that there are of this process then, the oldest first. */
  readonly close: () => Promise<readonly SpoolFile[]>;
  /** Takes over what other processes have left, dead or alive: one that lives goes on in another file. */
  readonly takeOver: () => Promise<void>;
  readonly read: (file: SpoolFile) => Promise<SpoolContent>;
  readonly remove: (file: SpoolFile) => Promise<void>;
  /** Puts aside what was tampered with: it is looked at by people. */
  readonly putAside: (file: SpoolFile) => Promise<void>;
};

/** A file of its own for so much: what is brought in is read as a whole. */
const fileBytesMax = 8 * 2 ** 20;
const [waiting, refused] = ['.spool', '.refused'];

type Open = { readonly path: string; readonly handle: FileHandle; link: Buffer; bytes: number };

export type SpoolFilesOptions = { readonly dir: string; readonly bytesMax: number; readonly frames: SpoolFrames };

/**
 * The files of a spool. Names are in the order of time. A process that takes over a file renames it first; who adds to a file looks, after
 * it is on disk and before he tells anybody, whether it still has its name, and else writes the same into another: what is there twice is
 * brought in once.
 */
export function openSpoolFiles({ dir, bytesMax, frames }: SpoolFilesOptions): SpoolFiles {
  let current: Open | undefined;
  let closed: SpoolFile[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  /** One after another. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  async function begin(): Promise<Open> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await assertPrivate(dir);
    const path = join(dir, `${uuidv7(Date.now())}${waiting}`);
    const handle = await open(path, 'ax', 0o600);
    const { head, link } = frames.begin();
    try {
      await writeAll(handle, head);
      await syncFolder(dir);
    } catch (error) {
      await handle.close();
      await unlink(path);
      throw error;
    }
    current = { path, handle, link, bytes: head.length };
    return current;
  }

  async function end(): Promise<void> {
    const ending = current;
    current = undefined;
    if (ending === undefined) return;
    closed.push({ path: ending.path, bytes: ending.bytes });
    await ending.handle.close();
  }

  async function add(rows: readonly AuditRow[]): Promise<'kept' | 'taken' | 'full'> {
    if (current !== undefined && current.bytes >= fileBytesMax) await end();
    const file = current ?? (await begin());
    const { bytes, link } = frames.frame(file.link, rows);
    const held = closed.reduce((sum, each) => sum + each.bytes, 0) + file.bytes;
    if (held + bytes.length > bytesMax) return 'full';
    try {
      await writeAll(file.handle, bytes);
      await file.handle.datasync();
    } catch (error) {
      // What stands at its end may be half a frame: nothing comes behind that.
      await end().catch(() => undefined);
      throw error;
    }
    file.link = link;
    file.bytes += bytes.length;
    return (await inodeOf(file.path)) === (await file.handle.stat({ bigint: true })).ino ? 'kept' : 'taken';
  }

  return {
    append: (rows) =>
      inTurn(async () => {
        for (let attempt = 0; attempt < 3; attempt++) {
          const became = await add(rows);
          if (became === 'kept') return;
          if (became === 'full') throw new Error('the spool of the audit trail is full');
          await end();
        }
        throw new Error('the files of the spool are taken away');
      }),
    close: () =>
      inTurn(async () => {
        await end();
        return [...closed];
      }),
    takeOver: () =>
      inTurn(async () => {
        const own = new Set([current?.path, ...closed.map(({ path }) => path)]);
        const taken: SpoolFile[] = [];
        for (const name of (await namesIn(dir)).filter((each) => each.endsWith(waiting)).sort()) {
          const path = join(dir, name);
          if (own.has(path)) continue;
          const to = join(dir, `${name.slice(0, 36)}.${uuidv7(Date.now())}${waiting}`);
          try {
            await rename(path, to);
            taken.push({ path: to, bytes: (await stat(to)).size });
          } catch (error) {
            if (!isMissing(error)) throw error; // another process was first
          }
        }
        closed = [...taken, ...closed];
      }),
    async read(file) {
      try {
        return frames.read(await readFile(file.path));
      } catch (error) {
        if (isMissing(error)) return { rows: [], faults: 0, torn: 0 }; // taken over by another process
        throw error;
      }
    },
    async remove(file) {
      await unlink(file.path).catch(ignoreMissing);
      closed = closed.filter(({ path }) => path !== file.path);
      await syncFolder(dir);
    },
    async putAside(file) {
      await rename(file.path, `${file.path.slice(0, -waiting.length)}${refused}`).catch(ignoreMissing);
      closed = closed.filter(({ path }) => path !== file.path);
      await syncFolder(dir);
    },
  };
}

/** How many files wait in a folder or were put aside: for who looks at it from outside. */
export async function spooledFiles(dir: string): Promise<{ readonly waiting: number; readonly refused: number }> {
  const names = await namesIn(dir);
  return { waiting: names.filter((each) => each.endsWith(waiting)).length, refused: names.filter((each) => each.endsWith(refused)).length };
}

/** Who may write there could take events away at the end of a file. Windows has no such permissions. */
async function assertPrivate(dir: string): Promise<void> {
  const found = await stat(dir);
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw new Error('the folder of AUDIT_SPOOL_DIR must be open to its owner alone (0700)');
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** A name is on disk when its folder is. */
async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder can't be opened there
  for (const folder of [dir, dirname(dir)]) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';
function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatRing, type KeyRing, makeRootKey, parseRing, rootKeyIdOf, unwrapSecret, wrapSecret } from './key-ring.ts';
import { type KeyManagement, KeyManagementError } from './keys.ts';

export type KeyFileOptions = {
  readonly file: string;
  /** True only if no secret was ever wrapped: a new root key beside secrets of a lost one would hide that all is lost. */
  readonly mayCreate: boolean;
  /** When a key that is made now was made. */
  readonly now: Date;
};

const ownerOnly = 0o077;
const ownerWrites = 0o022;
const fileBytesMax = 1_000_000;

/**
 * The default key management: root keys in a file that its owner alone may read. Makes the file where it is missing and may be made; of
 * several processes that try at once, one does and all use its key.
 *
 * @throws KeyManagementError, whose text names the file and what to do
 */
export async function openKeyFile(options: KeyFileOptions): Promise<KeyManagement> {
  const { file } = options;
  let newest = (await readRing(file)) ?? (await createRing(options));

  async function unwrap(wrapped: Buffer, context: string): Promise<Buffer> {
    const id = rootKeyIdOf(wrapped);
    let key = newest.keys.find((known) => known.id === id);
    if (key === undefined) {
      // Another process may have rotated since.
      newest = (await readRing(file)) ?? newest;
      key = newest.keys.find((known) => known.id === id);
    }
    if (key === undefined) {
      throw new KeyManagementError(
        'root-key-missing',
        `The key file ${file} does not hold the root key ${id} that stored keys are wrapped with: bring back the file that does.`,
      );
    }
    return unwrapSecret(key, wrapped, context);
  }

  return {
    wrap: (secret, context) => wrapSecret(newest, secret, context),
    unwrap,
    describe: () => ({
      provider: 'key-file',
      location: file,
      currentKeyId: newest.current.id,
      keys: newest.keys.map(({ id, created }) => ({ id, created })),
    }),
  };
}

/**
 * Adds a new root key that wraps from now on; the old ones stay and unwrap. Running processes take it up when they meet a secret wrapped
 * with it.
 *
 * @returns the id of the new key
 */
export async function rotateKeyFile(file: string, now: Date): Promise<string> {
  const next = `${file}.new`;
  // Its existence is also the lock: two rotations at once would lose one of the keys.
  const handle = await open(next, 'wx', 0o600).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new KeyManagementError(
      'key-file-busy',
      `${next} exists: another rotation is running, or one was interrupted. If none is running, remove that file and try again.`,
    );
  });
  try {
    const ring = await readRing(file);
    if (ring === undefined)
      throw new KeyManagementError('key-file-missing', `The key file ${file} is missing: there is nothing to rotate.`);
    const current = makeRootKey(now.toISOString());
    await writeAll(handle, formatRing({ current, keys: [...ring.keys, current] }));
    await rename(next, file);
    await syncFolder(file);
    return current.id;
  } catch (error) {
    await handle.close();
    await unlink(next).catch(ignoreMissing);
    throw error;
  }
}

/** Undefined if there is no such file. */
async function readRing(file: string): Promise<KeyRing | undefined> {
  const handle = await open(file, constants.O_RDONLY).catch(ignoreMissing);
  if (handle === undefined) return undefined;
  try {
    await assertPrivate(handle, file);
    const ring = parseRing(await handle.readFile('utf8'));
    if (ring === undefined) throw new KeyManagementError('key-file-invalid', `${file} is not a whole key file: bring back a copy that is.`);
    return ring;
  } finally {
    await handle.close();
  }
}

/** Windows has no such permissions; there the folder's access list has to do. */
async function assertPrivate(handle: FileHandle, file: string): Promise<void> {
  const found = await handle.stat();
  if (!found.isFile() || found.size > fileBytesMax) throw new KeyManagementError('key-file-invalid', `${file} is not a key file.`);
  if (process.platform === 'win32') return;
  if ((found.mode & ownerOnly) !== 0) {
    throw new KeyManagementError(
      'key-file-exposed',
      `The key file ${file} may be read by others than its owner: chmod 600 it, and rotate its key if others had access.`,
    );
  }
  const folder = dirname(file);
  if (((await stat(folder)).mode & ownerWrites) !== 0) {
    throw new KeyManagementError(
      'key-file-exposed',
      `The folder ${folder} of the key file may be written by others than its owner: chmod 700 it.`,
    );
  }
}

async function createRing({ file, mayCreate, now }: KeyFileOptions): Promise<KeyRing> {
  if (!mayCreate) {
    throw new KeyManagementError(
      'key-file-missing',
      `The key file ${file} is missing, and what is stored can only be read with the root key it held: bring it back.`,
    );
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const key = makeRootKey(now.toISOString());
  const draft = `${file}.${randomUUID()}`;
  await writeAll(await open(draft, 'wx', 0o600), formatRing({ current: key, keys: [key] }));
  try {
    // Unlike rename, link never replaces: whoever comes second uses the first one's file.
    await link(draft, file).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(draft);
  }
  await syncFolder(file);
  const ring = await readRing(file);
  if (ring === undefined) throw new KeyManagementError('key-file-missing', `The key file ${file} vanished while it was made.`);
  return ring;
}

/** On disk, not only in the system's cache, before anything is wrapped with it. */
async function writeAll(handle: FileHandle, text: string): Promise<void> {
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(file: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder can't be opened there
  const folder = await open(dirname(file), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

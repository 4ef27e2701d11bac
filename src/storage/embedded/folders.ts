import { execFile } from 'node:child_process';
import { chmod, lchown, lstat, mkdir, open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The operating-system user that PostgreSQL runs as when we are root, which it refuses to be. */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number };

/** Where things lie in a cluster's folder. */
export type Layout = {
  /** The folder given, without symbolic links. Ours; when we are root others may pass through it but list nothing. */
  readonly dir: string;
  /** PGDATA: PostgreSQL's own, 0700. */
  readonly pgdata: string;
  /** PostgreSQL's own, 0700: who can't enter it can't even try a password. */
  readonly sockets: string;
  /** Ours, 0600. */
  readonly passwordFile: string;
};

export async function layoutOf(path: string): Promise<Layout> {
  await makeFolder(path);
  const dir = await realpath(path);
  return { dir, pgdata: join(dir, 'data'), sockets: join(dir, 'socket'), passwordFile: join(dir, 'superuser.password') };
}

/**
 * Makes a folder and its missing parents whatever the umask: 0700, or for root 0711, since PostgreSQL has to pass through them as
 * another user. Folders that exist keep their modes: they may be closed on purpose.
 */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined || !isRoot()) return;
  const top = await realpath(first);
  for (let folder = await realpath(path); folder.length >= top.length; folder = dirname(folder)) await chmod(folder, 0o711);
}

/**
 * Which user PostgreSQL runs as; undefined means our own.
 *
 * An existing cluster keeps its owner, so that a folder made by one user isn't silently taken over by a start as root. A new one, and one
 * that root copied here, goes to `postgres`, else `nobody`.
 */
export async function accountFor(pgdata: string): Promise<Account | undefined> {
  if (!isRoot()) return undefined;
  const accounts = await passwd();
  const owner = await stat(pgdata).catch(ifMissing);
  if (owner !== undefined && owner.uid !== 0) {
    return { name: accounts.find((account) => account.uid === owner.uid)?.name ?? `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  }
  const named = (name: string) => accounts.find((account) => account.name === name);
  return named('postgres') ?? named('_postgres') ?? named('nobody') ?? { name: 'nobody', uid: 65534, gid: 65534 };
}

/** The first folder on the way to `path`, itself included, that the account can't pass; undefined if it gets there. */
export async function closedFolder(path: string, account: Account | undefined): Promise<string | undefined> {
  if (account === undefined) return undefined;
  const folders: string[] = [];
  for (let folder = await realpath(path); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of folders) {
    if (canPass(await stat(folder), account)) continue;
    // Mode bits don't tell of access control lists: before we refuse, the account tries.
    return (await entersInFact(path, account)) ? undefined : folder;
  }
  return undefined;
}

/** Makes the tree the account's. The top goes last: as long as it is root's, a start that was cut short is begun anew. */
export async function giveTo(path: string, account: Account): Promise<void> {
  if ((await lstat(path)).isDirectory()) {
    for (const name of await readdir(path)) await giveTo(join(path, name), account);
  }
  // A symbolic link is given away itself, never what it leads to.
  await lchown(path, account.uid, account.gid);
}

/** Makes a renamed or created name in this folder survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** For `.catch`: a missing file is the answer undefined, any other fault stays one. */
export function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
  throw error;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function canPass(folder: { mode: number; uid: number; gid: number }, account: Account): boolean {
  if (account.uid === folder.uid) return (folder.mode & 0o100) !== 0;
  if (account.gid === folder.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}

async function entersInFact(path: string, { uid, gid }: Account): Promise<boolean> {
  const run = promisify(execFile);
  return run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', path], { uid, gid, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function passwd(): Promise<Account[]> {
  const text = (await readFile('/etc/passwd', 'utf8').catch(ifMissing)) ?? '';
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

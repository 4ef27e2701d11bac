import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { ifMissing, syncFolder, type Account, type Layout } from './folders.ts';

export const superuser = 'postgres';

const staging = 'new-';

/**
 * Makes the cluster if the folder has none, whole or not at all: initdb works beside it and its result is renamed into place.
 *
 * @param durable  false leaves it to the operating system when files reach the disk; for throw-away clusters
 * @returns        the superuser's password
 * @throws         Error if initdb fails, the folder holds something else, or a cluster of another major version
 */
export async function ensureCluster(
  layout: Layout,
  { binaries, account, durable }: { binaries: Binaries; account: Account | undefined; durable: boolean },
): Promise<string> {
  for (const name of await readdir(layout.dir)) {
    // An initdb that outlived its server may still write there; it fails, and what it leaves goes next time.
    if (name.startsWith(staging)) await rm(join(layout.dir, name), { recursive: true, force: true, maxRetries: 3 });
  }
  const version = await readFile(join(layout.pgdata, 'PG_VERSION'), 'utf8').catch(ifMissing);
  if (version !== undefined) {
    assertMajor(version.trim(), binaries, layout);
    return readPassword(layout);
  }
  if (((await readdir(layout.pgdata).catch(ifMissing)) ?? []).length > 0) {
    throw new Error(`"${layout.pgdata}" isn't empty, but holds no PostgreSQL cluster.`);
  }
  const password = await newPassword(layout);
  await initialise(layout, { binaries, account, durable, password });
  return password;
}

function assertMajor(found: string, binaries: Binaries, { pgdata }: Layout): void {
  if (found === binaries.major) return;
  throw new Error(
    `The cluster in "${pgdata}" is of PostgreSQL ${found}, the embedded one is ${binaries.major}. ` +
      'Dump it with its own version and load it into a new folder, or set DATABASE_URL to a server of your own.',
  );
}

async function readPassword({ passwordFile, pgdata }: Layout): Promise<string> {
  const password = (await readFile(passwordFile, 'utf8').catch(ifMissing))?.trim();
  if (!password) throw new Error(`The password of the cluster in "${pgdata}" is missing: restore "${passwordFile}".`);
  return password;
}

/** Written before the cluster that takes it, so that no cluster is ever without. */
async function newPassword({ dir, passwordFile }: Layout): Promise<string> {
  const password = randomBytes(32).toString('base64url');
  const draft = `${passwordFile}.${staging}`;
  await writeDurably(draft, `${password}\n`);
  await rename(draft, passwordFile);
  await syncFolder(dir);
  return password;
}

async function initialise(
  { dir, pgdata }: Layout,
  { binaries, account, durable, password }: { binaries: Binaries; account: Account | undefined; durable: boolean; password: string },
): Promise<void> {
  const folder = await mkdtemp(join(dir, staging));
  try {
    const passwordFile = join(folder, 'password');
    await writeDurably(passwordFile, password);
    if (account !== undefined) for (const path of [passwordFile, folder]) await chown(path, account.uid, account.gid);
    const fresh = join(folder, 'data');
    const options = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--data-checksums'];
    const access = [`--username=${superuser}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    await runInitdb(binaries, account, ['-D', fresh, ...options, ...access, ...(durable ? [] : ['--no-sync'])]);
    await rmdir(pgdata).catch(ifMissing);
    await rename(fresh, pgdata);
    await syncFolder(dir);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runInitdb(binaries: Binaries, account: Account | undefined, args: readonly string[]): Promise<void> {
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  try {
    await promisify(execFile)(join(binaries.folder, 'bin/initdb'), args, { ...identity, cwd: '/', env: serverEnvironment });
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const advice = said.includes('effective user ID')
      ? ' Give that user an entry in /etc/passwd, or bring your own PostgreSQL in DATABASE_URL.'
      : '';
    throw new Error(`initdb failed: ${said || 'it did not run'}.${advice}`, { cause });
  }
}

/** PostgreSQL gets none of our environment: PGOPTIONS and its kin would change it, and our secrets are not its business. */
export const serverEnvironment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

import { execFile } from 'node:child_process';
import { readdir, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './folders.ts';

const run = promisify(execFile);

/**
 * All PostgreSQL processes at work in a data directory, whoever started them: every one of them changes into it.
 * Empty where there is no /proc; there the next start finds out by itself (launch.ts).
 */
export async function postgresIn(pgdata: string, account: Account | undefined): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  return postgresAmong((await readdir('/proc')).map(Number).filter(Number.isInteger), pgdata, account);
}

/**
 * Those of the pids that are alive, a `postgres`, and at work in this directory. A pid alone proves nothing: it may be anybody's by now.
 *
 * @param pgdata   absolute, without symbolic links
 * @param account  whom PostgreSQL runs as; undefined means our own user
 */
export async function postgresAmong(pids: readonly number[], pgdata: string, account: Account | undefined): Promise<number[]> {
  if (process.platform !== 'linux') return filterAsync(pids, (pid) => isPostgresByCommand(pid, pgdata));
  const found: number[] = [];
  const hidden: number[] = [];
  await Promise.all(
    pids.map(async (pid) => {
      const answer = await look(pid, pgdata);
      if (answer === 'yes') found.push(pid);
      if (answer === 'hidden') hidden.push(pid);
    }),
  );
  if (account === undefined || hidden.length === 0) return found;
  return [...found, ...(await lookAs(account, hidden, pgdata))];
}

async function look(pid: number, pgdata: string): Promise<'yes' | 'no' | 'hidden'> {
  try {
    // Compared as directories, not as names: after a rename or in another mount the name differs.
    const [cwd, own, executable] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(pgdata), readlink(`/proc/${pid}/exe`)]);
    return cwd.ino === own.ino && cwd.dev === own.dev && isPostgres(executable) ? 'yes' : 'no';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES' || code === 'EPERM') return 'hidden';
    // Gone meanwhile, or a zombie.
    if (code === 'ENOENT' || code === 'ESRCH') return 'no';
    throw error;
  }
}

/** In a container root usually lacks CAP_SYS_PTRACE, and other users' processes show their folders to these users alone. */
async function lookAs({ uid, gid }: Account, pids: readonly number[], pgdata: string): Promise<number[]> {
  const theirs = await filterAsync(pids, async (pid) => (await stat(`/proc/${pid}`).catch(() => undefined))?.uid === uid);
  if (theirs.length === 0) return [];
  const script = 'for pid; do echo "$pid $(readlink "/proc/$pid/exe")"; readlink "/proc/$pid/cwd" || echo; done';
  const { stdout } = await run('/bin/sh', ['-c', script, 'sh', ...theirs.map(String)], { uid, gid, cwd: '/' });
  const lines = stdout.split('\n');
  return theirs.filter((pid, n) => {
    const executable = lines[2 * n]?.slice(String(pid).length + 1) ?? '';
    return isPostgres(executable) && lines[2 * n + 1] === pgdata;
  });
}

/** An executable replaced by an update reads `…/postgres (deleted)`. */
function isPostgres(executable: string): boolean {
  return basename(executable).split(' ')[0] === 'postgres';
}

async function isPostgresByCommand(pid: number, pgdata: string): Promise<boolean> {
  // ps fails when there is no such process.
  const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.includes('postgres') && stdout.includes(`-D ${pgdata} `);
}

async function filterAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(test));
  return items.filter((_, n) => kept[n]);
}

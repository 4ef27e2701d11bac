import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { ifMissing, makeFolder } from './folders.ts';

const waitMs = 1000;

/** A server runs in this folder. The text is for whoever wanted to start another one. */
export class FolderInUse extends Error {}

// A lock whose handle the caller drops must not be closed by the garbage collector.
const held = new Set<DatabaseSync>();

/**
 * Makes this process the only server of a folder until `release()` or its own end, however that comes.
 *
 * The lock is the kernel's (fcntl, through SQLite, the one door to it that Node has): it ends with the process that holds it. So there is
 * no stale lock, no race between two starts and no pid that now is somebody else's; and it holds between containers that share a folder,
 * where pids say nothing. `server.lock` stays empty and is never removed, for another process may be about to lock it,
 * nor opened by any other means: closing a file ends all fcntl locks that the process has on it.
 * `server.pid` holds pid and host of the holder, for people and for the message.
 *
 * @throws  FolderInUse naming pid and folder, if another server has it
 */
export async function lockDataDir(dir: string): Promise<{ release(): Promise<void> }> {
  await makeFolder(dir);
  const pidFile = join(dir, 'server.pid');
  const deadline = performance.now() + waitMs;
  for (;;) {
    const database = await tryLock(dir);
    if (database !== undefined) {
      held.add(database);
      await writeFile(pidFile, `${process.pid}\n${hostname()}\n`, { mode: 0o600 });
      return { release: () => release(database, pidFile) };
    }
    // The holder writes its pid just after it has the lock: a dead pid means that it is about to, or that it is going.
    const holder = await readHolder(pidFile);
    if (holder !== undefined)
      throw new FolderInUse(`Another server (${holder}) is using "${dir}". Stop it, or give this one a folder of its own.`);
    if (performance.now() > deadline) throw new FolderInUse(`Another server is using "${dir}", but "${pidFile}" doesn't tell which.`);
    await delay(20);
  }
}

async function release(database: DatabaseSync, pidFile: string): Promise<void> {
  if (!held.delete(database)) return;
  await rm(pidFile, { force: true });
  database.close();
}

async function tryLock(dir: string): Promise<DatabaseSync | undefined> {
  const path = join(dir, 'server.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // No journal file: nothing is ever written.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    await chmod(path, 0o600);
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw new Error(`The folder "${dir}" can't be locked for this server: is it writable, and on a file system with locks?`, {
      cause: error,
    });
  }
}

async function readHolder(pidFile: string): Promise<string | undefined> {
  const [pid, host] = ((await readFile(pidFile, 'utf8').catch(ifMissing)) ?? '').split('\n');
  if (!pid || !host) return undefined;
  if (host !== hostname()) return `process ${pid} on ${host}`;
  return isAlive(Number(pid)) ? `process ${pid}` : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** SQLITE_BUSY. @see https://www.sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}

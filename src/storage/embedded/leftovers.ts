import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ifMissing, type Account, type Layout } from './folders.ts';
import { postgresAmong, postgresIn } from './processes.ts';

const fastMs = 20_000;
const immediateMs = 10_000;
const orphanGraceMs = 1_000;
const pollMs = 10;

/**
 * Clears what an earlier server left in a cluster's folder when it was killed, so that PostgreSQL can start: a postmaster that lived on,
 * backends that outlived theirs, the pid file and sockets of either. Only for the holder of the folder's lock.
 *
 * @throws  Error naming the pid, if a process won't go
 */
export async function clearLeftovers({ pgdata, sockets }: Layout, account: Account | undefined): Promise<void> {
  const pidFile = join(pgdata, 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8').catch(ifMissing);
  if (text !== undefined) {
    const isAtWork = async (pid: number) => (await postgresAmong([pid], pgdata, account)).length === 1;
    const postmaster = Number(text.split('\n')[0]);
    if (Number.isInteger(postmaster) && postmaster > 0 && (await isAtWork(postmaster))) await stopPostmaster(postmaster, isAtWork);
    await endOrphans(() => postgresIn(pgdata, account));
    // The pid file has to go: PostgreSQL won't start if its pid now is another process's. With it goes the number of the shared memory
    // block, but no process is left here that could be attached to one, and the block's key, made from the directory's inode, is checked
    // all the same.
    await rm(pidFile, { force: true });
  }
  for (const name of (await readdir(sockets).catch(ifMissing)) ?? []) await rm(join(sockets, name), { force: true });
}

async function stopPostmaster(pid: number, isAtWork: (pid: number) => Promise<boolean>): Promise<void> {
  const stages = [
    { signal: 'SIGINT', waitMs: fastMs },
    { signal: 'SIGQUIT', waitMs: immediateMs },
  ] as const;
  for (const { signal, waitMs } of stages) {
    sendSignal(pid, signal);
    const deadline = performance.now() + waitMs;
    do {
      await delay(pollMs);
      if (!(await isAtWork(pid))) return;
    } while (performance.now() < deadline);
  }
  throw new Error(`PostgreSQL (process ${pid}), left over from an earlier start, doesn't stop.`);
}

/**
 * Backends whose postmaster was killed end by themselves as soon as they notice, which a long query doesn't: then they are told. Their
 * memory is lost with the postmaster and the next start recovers from WAL, so there is nothing that a kill could still spoil.
 */
async function endOrphans(find: () => Promise<number[]>): Promise<void> {
  const stages = [
    { signal: undefined, waitMs: orphanGraceMs },
    { signal: 'SIGQUIT', waitMs: orphanGraceMs },
    { signal: 'SIGKILL', waitMs: immediateMs },
  ] as const;
  let orphans = await find();
  for (const { signal, waitMs } of stages) {
    if (signal !== undefined) for (const pid of orphans) sendSignal(pid, signal);
    const deadline = performance.now() + waitMs;
    while (orphans.length > 0 && performance.now() < deadline) {
      await delay(pollMs);
      orphans = await find();
    }
    if (orphans.length === 0) return;
  }
  throw new Error(`PostgreSQL processes ${orphans.join(', ')}, left over from an earlier start, don't end.`);
}

function sendSignal(pid: number, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone meanwhile, which is what we want.
    ifMissing(error);
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { listenSettings, type Address } from './address.ts';
import type { Binaries } from './binaries.ts';
import { serverEnvironment, superuser } from './create.ts';
import type { Account, Layout } from './folders.ts';
import { clearLeftovers } from './leftovers.ts';
import { logLinePrefix, readLog } from './log.ts';
import type { Settings } from './settings.ts';

/** How a process ended: one of the two is null. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Running = { readonly pid: number; readonly exited: Promise<Exit>; stop(): Promise<void> };

export type LaunchOptions = {
  readonly layout: Layout;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly settings: Settings;
  readonly address: Address;
  readonly password: string;
  readonly onLog: (line: string) => void;
  /** Ends the wait for a server that is still starting, and the server. */
  readonly signal: AbortSignal;
};

const fastMs = 20_000;
const immediateMs = 10_000;
const pollMs = 5;
const pollMaxMs = 250;
const answerMs = 60_000;
const recoveryMs = 15 * 60_000;
const sharedMemoryMs = 30_000;

/**
 * Starts PostgreSQL in a cluster's folder and waits until it takes a connection, after whatever an earlier one left there is cleared.
 *
 * @throws  Error with PostgreSQL's last words if it exits or doesn't answer: 60 s, or 15 min while it says that it recovers
 */
export async function launch(options: LaunchOptions): Promise<Running> {
  const deadline = performance.now() + sharedMemoryMs;
  for (;;) {
    await clearLeftovers(options.layout, options.account);
    try {
      return await launchOnce(options);
    } catch (error) {
      // Where orphans can't be looked up (processes.ts) PostgreSQL still sees that their memory is in use, and they end soon.
      if (!isSaying(error, 'pre-existing shared memory block') || performance.now() > deadline) throw error;
      await delay(250, undefined, { signal: options.signal });
    }
  }
}

/** Whether a start failed because its TCP port was taken, between its choice and the start. */
export function isPortTaken(error: unknown): boolean {
  return isSaying(error, 'could not create any TCP/IP sockets');
}

async function launchOnce(options: LaunchOptions): Promise<Running> {
  const child = spawnPostgres(options);
  const lastWords: string[] = [];
  readLog(child.stderr, ({ text, own }) => {
    if (own && lastWords.push(text) > 8) lastWords.shift();
    options.onLog(text);
  });
  const exited = exitOf(child);
  const closed = new Promise((resolve) => child.once('close', resolve));
  try {
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    await ready(options, exited);
  } catch (cause) {
    await stop(child, exited);
    // What it last said is still in the pipe.
    await Promise.race([closed, delay(500)]);
    throw new Error(`PostgreSQL in "${options.layout.dir}" did not start: ${[...lastWords, messageOf(cause)].join(' | ')}`, { cause });
  }
  return { pid: child.pid ?? 0, exited, stop: () => stop(child, exited) };
}

function spawnPostgres({ layout, binaries, account, settings, address }: LaunchOptions) {
  const all = { ...settings, log_line_prefix: logLinePrefix, ...listenSettings(address) };
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(binaries.folder, 'bin/postgres'), ['-D', layout.pgdata, ...args], {
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    // A session of its own: Ctrl-C is for the server, which stops PostgreSQL when it has answered its last request.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: serverEnvironment,
  });
  // A process that ends without stop() takes PostgreSQL with it where it can; what can't be caught, clearLeftovers finds.
  const endWithUs = () => child.kill('SIGINT');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs)).once('error', () => process.off('exit', endWithUs));
  return child;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    // Not even started.
    child.on('error', () => child.pid === undefined && resolve({ code: null, signal: null }));
  });
}

async function ready({ address, password, signal }: LaunchOptions, exited: Promise<Exit>): Promise<void> {
  let exit: Exit | undefined;
  void exited.then((found) => (exit = found));
  const start = performance.now();
  let limitMs = answerMs;
  for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * 1.2, pollMaxMs)) {
    const refusal = await knock(address, password);
    if (refusal === undefined) return;
    // SQLSTATE 57P03, cannot_connect_now: it lives, but is still recovering.
    if (refusal.code === '57P03') limitMs = recoveryMs;
    if (refusal.code?.startsWith('28')) throw new Error('its password is not the one kept beside it', { cause: refusal.error });
    if (exit !== undefined) throw new Error(`it exited with ${exit.signal ?? exit.code}`);
    if (performance.now() - start > limitMs) throw new Error('it takes no connections', { cause: refusal.error });
    await delay(waitMs, undefined, { signal });
  }
}

/** One try to connect; undefined if it succeeds. */
async function knock({ host, port }: Address, password: string): Promise<{ code: string | undefined; error: unknown } | undefined> {
  const client = new Client({ host, port, user: superuser, password, database: 'postgres', connectionTimeoutMillis: 5000 });
  // A connection that breaks says so here as well as by connect(); unheard it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? String(error.code) : undefined, error };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Fast shutdown: sessions end, a checkpoint is written. SIGTERM would wait for every client to leave by itself. */
async function stop(child: ChildProcess, exited: Promise<Exit>): Promise<void> {
  if (child.pid === undefined) return;
  child.kill('SIGINT');
  if (await within(exited, fastMs)) return;
  // Immediate: no checkpoint, the next start recovers from WAL.
  child.kill('SIGQUIT');
  if (await within(exited, immediateMs)) return;
  child.kill('SIGKILL');
  await exited;
}

async function within(done: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  return Promise.race([done.then(() => true), late]).finally(() => timer.abort());
}

function isSaying(error: unknown, words: string): boolean {
  return error instanceof Error && error.message.includes(words);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

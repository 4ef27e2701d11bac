import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DevelopmentClaims, signDevelopmentToken } from '../../src/authorization/development-issuer.ts';

const repository = join(import.meta.dirname, '..', '..');
const main = join(repository, 'src/cli/main.ts');

/** `npm start` as a process of its own, with its two embedded clusters in a folder. */
export type OwnServer = {
  readonly child: ChildProcess;
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly base: string;
  readonly origin: string;
  readonly dataDir: string;
  /** A client's that may do all, unless claims say otherwise. */
  readonly token: (claims?: Partial<DevelopmentClaims>) => Promise<string>;
  /** What it has written to both outputs so far. */
  readonly output: () => string;
  /** Resolves once databases answer too; throws with the output if the process ends before, or after `limitMs`. */
  readonly ready: (limitMs?: number) => Promise<void>;
};

/** @param dir  an empty folder, or that of an earlier server: data, keys and port file stand below it */
export function spawnServer(dir: string, port: number, env: Readonly<Record<string, string>> = {}): OwnServer {
  const dataDir = join(dir, 'data');
  const whole = {
    PATH: process.env['PATH'],
    PORT: String(port),
    DATA_DIR: dataDir,
    CACHE_DIR: join(repository, '.cache'),
    KEY_FILE: join(dir, 'keys', 'root.json'),
    LOG_LEVEL: 'error',
    ...env,
  };
  const child = spawn(process.execPath, [main, 'serve'], {
    cwd: dir,
    env: whole,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const origin = `http://127.0.0.1:${port}`;
  const base = `${origin}/fhir/R4`;
  return {
    child,
    dir,
    env: whole,
    base,
    origin,
    dataDir,
    output: () => output,
    token: (claims) =>
      signDevelopmentToken(join(dir, 'keys', 'development-issuer.json'), {
        scope: 'system/*.cruds',
        audience: base,
        expiresIn: 86_400,
        ...claims,
      }),
    async ready(limitMs = 60_000) {
      const deadline = performance.now() + limitMs;
      while (
        !(await fetch(`${origin}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        ))
      ) {
        if (hasEnded(child)) throw new Error(`the server ended: ${output.slice(-2000)}`);
        if (performance.now() > deadline) throw new Error(`the server is not ready after ${limitMs} ms: ${output.slice(-2000)}`);
        await delay(50);
      }
    },
  };
}

/** Runs a command beside the server, on its databases. */
export async function commandBeside({ dir, env }: OwnServer, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [main, ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Sends the signal and waits for the end; what it ended with. */
export async function endServer({ child }: OwnServer, signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
  if (!hasEnded(child)) {
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
  return { code: child.exitCode, signal: child.signalCode };
}

/** The postmaster of one of the server's clusters, as its pid file names it. */
export async function postmasterOf({ dataDir }: OwnServer, kind: 'main' | 'keys'): Promise<number> {
  const pid = Number((await readFile(join(dataDir, 'postgres', kind, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) throw new Error('no postmaster');
  return pid;
}

/** The processes that a process has started itself. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Those of them that serve a client, the busy ones alone if there are any: PostgreSQL names them by user, database, where the client is and what they do. */
export async function connectionsOf(postmaster: number): Promise<number[]> {
  const found = await Promise.all(
    (await childrenOf(postmaster)).map(async (pid) => {
      const name = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const doing = /^postgres: \S+ \S+ (?:\[local\]|\S+\(\d+\)) ([\w ]+)/.exec(name)?.[1]?.trim();
      return doing === undefined ? [] : [{ pid, isBusy: doing !== 'idle' }];
    }),
  );
  const connections = found.flat();
  const busy = connections.filter(({ isBusy }) => isBusy);
  return (busy.length > 0 ? busy : connections).map(({ pid }) => pid);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { connectionUrl } from '../src/storage/embedded/address.ts';
import { superuser } from '../src/storage/embedded/create.ts';
import { layoutOf } from '../src/storage/embedded/folders.ts';

/** A server under test: started here, or one that runs already. */
export type Server = {
  readonly base: string;
  readonly token: string | undefined;
  /** Its process, if known: CPU is told for it and its children. */
  readonly pid: number | undefined;
  /** Where the ceilings may make tables: the PostgreSQL that the server works on. */
  readonly databaseUrl: string | undefined;
  /** Makes a token of the server's development issuer, where that is ours. */
  readonly mint?: (scope: string, patient: string) => Promise<string>;
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_MS = 120_000;
const STOP_MS = 40_000;

/**
 * Starts our server as `npm start` does, on a free port, and waits until it is ready.
 *
 * @param kept  where its data is and stays; else it gets an empty database in a temporary folder
 * @param more  variables of its environment beside our own
 */
export async function startServer(kept?: string, more: NodeJS.ProcessEnv = {}): Promise<Server> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'anamnesis-bench-')));
  await mkdir(folder, { recursive: true });
  // PostgreSQL runs as another user when we are root, and must pass through.
  await chmod(folder, 0o711);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}/fhir/R4`;
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    DATA_DIR: join(folder, 'data'),
    KEY_FILE: join(folder, 'keys', 'root.json'),
    LOG_LEVEL: 'warn',
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/anamnesis'),
    MALLOC_ARENA_MAX: '1',
    ...more,
  };
  const log = join(folder, 'server.log');
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, ['--max-semi-space-size=16', 'src/cli/main.ts', 'serve'], {
    cwd: root,
    env,
    stdio: ['ignore', output, output],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([exited, wait(STOP_MS, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
      await exited;
    }
    if (kept === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilReady(base, () => child.exitCode !== null);
    return {
      base,
      token: await mint(env, ['--scope', 'system/*.cruds']),
      pid: child.pid,
      databaseUrl: await mainClusterUrl(env.DATA_DIR),
      mint: (scope, patient) => mint(env, ['--scope', scope, '--patient', patient, '--user', `Patient/${patient}`]),
      stop,
    };
  } catch (error) {
    const lines = (await readFile(log, 'utf8')).trim().split('\n').slice(-15).join('\n');
    await stop();
    throw new Error(`the server did not start; its last words:\n${lines}`, { cause: error });
  }
}

async function untilReady(base: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const status = await fetch(`${base}/metadata`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    if (hasEnded()) throw new Error('it ended');
    if (Date.now() > deadline) throw new Error(`not ready within ${READY_MS / 1000} s (last status ${status})`);
    await wait(100);
  }
}

/** A token by our own development issuer. */
async function mint(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'token', ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunks, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  const token = Buffer.concat(chunks as Buffer[])
    .toString('utf8')
    .trim();
  if (code !== 0 || token === '') throw new Error('no token could be made');
  return token;
}

/** The embedded main cluster under a DATA_DIR: of the two it is the one with the larger buffers. */
export async function mainClusterUrl(dataDir: string): Promise<string | undefined> {
  const found: { readonly url: string; readonly buffers: number }[] = [];
  for (const entry of await readdir(dataDir, { withFileTypes: true, recursive: true })) {
    if (entry.name !== 'superuser.password') continue;
    const layout = await layoutOf(entry.parentPath);
    const [, , , port, host] = (await readFile(join(layout.pgdata, 'postmaster.pid'), 'utf8')).split('\n');
    const password = (await readFile(layout.passwordFile, 'utf8')).trim();
    const url = connectionUrl(
      { host: host === '' || host === undefined ? '127.0.0.1' : host, port: Number(port) },
      { user: superuser, password, database: 'postgres' },
    );
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ buffers: string }>("select setting as buffers from pg_settings where name = 'shared_buffers'");
    await client.end();
    found.push({ url, buffers: Number(rows[0]?.buffers) });
  }
  return found.sort((a, b) => b.buffers - a.buffers)[0]?.url;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseAddress, connectionUrl, isSocket } from './address.ts';
import { binariesFor, packagedBinaries } from './binaries.ts';
import { ensureCluster, superuser } from './create.ts';
import { accountFor, closedFolder, giveTo, isRoot, layoutOf, type Account, type Layout } from './folders.ts';
import { isPortTaken, launch, type Exit, type LaunchOptions, type Running } from './launch.ts';
import { lockDataDir } from './lock.ts';
import { machineMemory, settingsFor, type Settings } from './settings.ts';

/** A running PostgreSQL of our own. */
export type Cluster = {
  /** The folder it was started in; PGDATA is `data` in it. */
  readonly dir: string;
  /** The postmaster's; after a restart another. */
  readonly pid: number;
  /** The folder of its Unix socket, or 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
  /** A connection URI that libpq, pg and MikroORM read alike. */
  url(options: { user: string; password: string; database: string }): string;
  /** Fast shutdown, or immediate if that takes over 20 s; ends restarts and frees the folder. Repeated calls wait for the same stop. */
  stop(): Promise<void>;
};

/** PostgreSQL ended, or did not come up again (`error`), without having been asked to. */
export type ClusterExit = Exit & {
  readonly error?: unknown;
  /** How often in a row it has ended within a minute of its start, this time included. */
  readonly failures: number;
  /** Null: it stays down, because restarts weren't asked for or have failed too often. */
  readonly restartInMs: number | null;
};

export type ClusterOptions = {
  /** The cluster's own folder; made if missing. */
  readonly dir: string;
  /** Over `settingsFor('main', machineMemory())`; the address can't be set. */
  readonly settings?: Settings;
  /** Lines for the log, free of anything a client sent. */
  readonly onLog?: (line: string) => void;
  readonly onExit?: (exit: ClusterExit) => void;
  /** Start it again, at the same address, when it ends by itself; by default until it has failed ten times in a row, over half a minute. */
  readonly restart?: boolean | { readonly failuresMax: number };
};

const quickMs = 60_000;
const defaultFailuresMax = 10;
const backoffMs = 100;
const backoffMaxMs = 10_000;
const portTriesMax = 5;

/**
 * Starts the PostgreSQL cluster of a folder, and makes it first if there is none.
 *
 * @throws  Error for the operator: folder in use or out of PostgreSQL's reach, no binaries, other major version, PostgreSQL's last words
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const packaged = await packagedBinaries();
  const layout = await layoutOf(options.dir);
  const lock = await lockDataDir(layout.dir);
  try {
    const account = await accountFor(layout.pgdata);
    await assertReachable(layout, account);
    const binaries = await binariesFor(account, packaged);
    const settings = { ...settingsFor('main', machineMemory()), ...options.settings };
    const password = await ensureCluster(layout, { binaries, account, durable: settings['fsync'] !== 'off' });
    await ensureOwner(layout, account);
    const onLog = options.onLog ?? (() => undefined);
    const first = await launchSomewhere({ layout, binaries, account, settings, password, onLog });
    return supervise(first, options, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

type Launched = { readonly running: Running; readonly launchOptions: LaunchOptions; readonly abort: AbortController };

async function launchSomewhere(options: Omit<LaunchOptions, 'address' | 'signal'>): Promise<Launched> {
  const abort = new AbortController();
  for (let tries = 1; ; tries++) {
    const launchOptions = { ...options, address: await chooseAddress(options.layout), signal: abort.signal };
    try {
      return { running: await launch(launchOptions), launchOptions, abort };
    } catch (error) {
      if (isSocket(launchOptions.address) || !isPortTaken(error) || tries === portTriesMax) throw error;
    }
  }
}

function supervise(first: Launched, { onExit, restart = false }: ClusterOptions, release: () => Promise<void>): Cluster {
  const failuresMax = typeof restart === 'object' ? restart.failuresMax : restart ? defaultFailuresMax : 0;
  const { launchOptions, abort } = first;
  const { layout, address, password } = launchOptions;
  let running = first.running;
  let stopped: Promise<void> | undefined;

  const watched = watch();

  async function watch(): Promise<void> {
    let failures = 0;
    let startedAt = performance.now();
    let exit: Exit & { error?: unknown } = await running.exited;
    while (!abort.signal.aborted) {
      failures = exit.error !== undefined || performance.now() - startedAt < quickMs ? failures + 1 : 1;
      const restartInMs = failures < failuresMax ? Math.min(backoffMs * 2 ** (failures - 1), backoffMaxMs) : null;
      onExit?.({ ...exit, failures, restartInMs });
      if (restartInMs === null) return;
      await delay(restartInMs, undefined, { signal: abort.signal }).catch(() => undefined);
      if (abort.signal.aborted) return;
      try {
        running = await launch(launchOptions);
        startedAt = performance.now();
        // stop() was called in the very moment it came up.
        if (abort.signal.aborted) await running.stop();
        exit = await running.exited;
      } catch (error) {
        exit = { code: null, signal: null, error };
      }
    }
  }

  async function stop(): Promise<void> {
    abort.abort();
    await running.stop();
    await watched;
    await release();
  }

  return {
    dir: layout.dir,
    get pid() {
      return running.pid;
    },
    host: address.host,
    port: address.port,
    superuser: { user: superuser, password },
    url: (login) => connectionUrl(address, login),
    stop: () => (stopped ??= stop()),
  };
}

async function assertReachable({ dir }: Layout, account: Account | undefined): Promise<void> {
  const closed = await closedFolder(dir, account);
  if (closed === undefined || account === undefined) return;
  const mode = ((await stat(closed)).mode & 0o777).toString(8);
  throw new Error(
    `PostgreSQL runs as ${account.name} (uid ${account.uid}), who can't pass the folder "${closed}" (mode ${mode}) on the way to "${dir}". ` +
      'Choose a folder outside it (DATA_DIR), start as another user than root, or open it (chmod o+x).',
  );
}

/** PostgreSQL insists on owning its data, which nobody else may read. */
async function ensureOwner({ pgdata, sockets }: Layout, account: Account | undefined): Promise<void> {
  await mkdir(sockets, { recursive: true, mode: 0o700 });
  if (account !== undefined) {
    await chown(sockets, account.uid, account.gid);
    // Root's own is a cluster that was copied here, from a backup for example.
    if ((await stat(pgdata)).uid !== account.uid) await giveTo(pgdata, account);
  }
  if (isRoot() || (await stat(pgdata)).uid === process.getuid?.()) await chmod(pgdata, 0o700);
}

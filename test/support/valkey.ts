import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './server.ts';

/** The program that is installed here: Valkey, or Redis, which speaks the same. */
export const valkeyProgram = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);

export type RunningValkey = {
  readonly url: string;
  /** Ends it as a crash would. */
  readonly kill: () => Promise<void>;
  /** Lets it hang, or go on: connections stay, answers don't come. */
  readonly pause: (isPaused: boolean) => void;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** One of its own, on a port of its own, that writes nothing to disk. */
export async function startValkey(): Promise<RunningValkey> {
  const program = valkeyProgram;
  if (program === undefined) throw new Error('neither valkey-server nor redis-server is installed');
  const [folder, port] = await Promise.all([mkdtemp(join(tmpdir(), 'anamnesis-valkey-')), freePort()]);
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    '--requirepass',
    'open',
  ];
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined) return;
    const gone = new Promise((resolve) => {
      running.once('exit', resolve);
    });
    running.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    child = spawn(program, settings, { stdio: 'ignore' });
    for (let tries = 0; !(await listens(port)); tries++) {
      if (tries > 100) throw new Error(`${program} does not listen`);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  };
  await start();
  return {
    url: `valkey://default:open@127.0.0.1:${port}/0`,
    kill,
    pause: (isPaused) => child?.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'),
    start,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

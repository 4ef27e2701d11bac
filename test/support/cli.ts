import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestServer } from './server.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command in a process of its own, on the databases of a server that goes on running. */
export type Cli = (args: readonly string[], input?: string) => Promise<Ran>;

export function cliBeside({ base, databaseUrl, keyDatabaseUrl, services: { config } }: Omit<TestServer, 'token' | 'request'>): Cli {
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    BASE_URL: base,
    DATABASE_URL: databaseUrl,
    KEY_DATABASE_URL: keyDatabaseUrl,
    DATABASE_POOL_SIZE: '4',
    DATA_DIR: `${config.dataDir}-beside`,
    CACHE_DIR: config.cacheDir,
    KEY_FILE: config.keyFile,
    LOG_LEVEL: 'error',
  };
  return (args, input = '') =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
      });
      child.stdin?.end(input);
    });
}

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFolder } from '../support/cluster.ts';
import { startScript } from '../support/own-process.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let env: Record<string, string>;
let base: string;
let token: string;
let folder: string;

beforeAll(async () => {
  folder = await createFolder();
  const port = await freePort();
  base = `http://127.0.0.1:${port}/fhir/R4`;
  env = {
    NODE_ENV: 'test',
    PORT: String(port),
    DATA_DIR: join(folder, 'd'),
    CACHE_DIR: fileURLToPath(new URL('../../.cache', import.meta.url)),
    KEY_FILE: join(folder, 'keys', 'root.json'),
    LOG_LEVEL: 'error',
  };
});

let server: ReturnType<typeof startScript>['child'] | undefined;
afterAll(() => stopServer());

async function startServer(): Promise<void> {
  const { child, errors } = startScript(main, ['serve'], ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]);
  server = child;
  while (
    child.exitCode === null &&
    !(await fetch(`${base}/metadata`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await new Promise((resolve) => setTimeout(resolve, 50));
  if (child.exitCode !== null) throw new Error(errors());
}

async function stopServer(): Promise<void> {
  if (server === undefined || server.exitCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGTERM');
  await gone;
}

function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
  });
}

const send = (method: string, path: string, body?: object) =>
  fetch(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

test('erases beside the running server, which knows at once, and without one', async () => {
  await startServer();
  token = (await command('token', '--scope', 'system/*.cruds')).stdout.trim();
  for (const id of ['a', 'b']) {
    expect((await send('PUT', `/Patient/${id}`, { resourceType: 'Patient', id })).status).toBe(201);
    expect((await send('GET', `/Patient/${id}`)).status).toBe(200);
  }

  const beside = await command('erase', '--patient', 'a', '--reason', 'order 1');
  expect(beside).toEqual({ code: 0, stdout: 'Patient/a is erased: 1 resources are gone, 0 are left to others.\n', stderr: '' });
  await expect.poll(async () => (await send('GET', '/Patient/a/_history/1')).status, { timeout: 250, interval: 10 }).toBe(410);
  expect((await send('GET', '/Patient/b')).status).toBe(200);

  await stopServer();
  expect((await command('erase', '--patient', 'b', '--reason', 'order 2')).code).toBe(0);
  await startServer();
  expect((await send('GET', '/Patient/b')).status).toBe(410);
  expect((await readFile(join(folder, 'keys', 'erasures.ndjson'), 'utf8')).trim().split('\n')).toHaveLength(2);
});

test('refuses an id that was never known, and an order without a reason', async () => {
  const unknown = await command('erase', '--patient', 'nobody', '--reason', 'order 3');
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('No Patient/nobody was ever known here') });
  expect((await command('erase', '--patient', 'a')).code).toBe(2);
  expect((await command('erase', '--patient', 'a/b', '--reason', 'x')).code).toBe(2);
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

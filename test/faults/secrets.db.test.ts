import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endServer, freePort, type OwnServer, spawnServer } from './own-server.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
let dir: string;
let port: number;
let server: OwnServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'anamnesis-secrets-'));
  await chmod(dir, 0o711);
  port = await freePort();
  server = spawnServer(dir, port, { LOG_LEVEL: 'trace', NODE_ENV: 'test' });
  await server.ready();
}, 90_000);
afterAll(async () => {
  if (server !== undefined) await endServer(server, 'SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

/** A command beside the server; what it prints, both outputs apart. */
function command(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'test',
    PORT: String(port),
    DATA_DIR: server.dataDir,
    CACHE_DIR: join(import.meta.dirname, '..', '..', '.cache'),
    KEY_FILE: join(dir, 'keys', 'root.json'),
    LOG_LEVEL: 'trace',
  };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, ...args], { cwd: dir, env }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(stderr));
    });
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('keys and tokens stand in no log line and in no file of the data', async () => {
  const made = await command('keys', 'create', 'feed', '--scope', 'system/*.rs');
  const key = made.stdout.split('\n').find((line) => line.startsWith('ana_')) ?? '';
  const rotated = (await command('keys', 'rotate', key.slice(4, 20))).stdout.split('\n').find((line) => line.startsWith('ana_')) ?? '';
  const token = await server.token();
  const secrets = { key: key.slice(21), rotated: rotated.slice(21), token: token.split('.')[2] ?? '', guessed: 'G'.repeat(43) };
  for (const secret of Object.values(secrets)) expect(secret.length).toBeGreaterThanOrEqual(43);
  expect(made.stderr).not.toContain(secrets.key);

  const ask = async (path: string, headers: Record<string, string>, init: RequestInit = {}): Promise<number> => {
    const answer = await fetch(`${server.base}${path}`, { ...init, headers });
    const told = `${await answer.text()} ${JSON.stringify([...answer.headers])}`;
    for (const secret of Object.values(secrets)) expect(told).not.toContain(secret);
    return answer.status;
  };
  expect(await ask('/Patient', { 'x-api-key': key })).toBe(200);
  expect(await ask('/Patient', { 'x-api-key': rotated })).toBe(200);
  expect(await ask('/Patient', { authorization: `Bearer ${token}` })).toBe(200);
  // Where they don't belong, or are none.
  expect(await ask('/Patient', { 'x-api-key': `${key.slice(0, 21)}${secrets.guessed}` })).toBe(401);
  expect(await ask('/Patient', { 'x-api-key': key, authorization: `Bearer ${token}` })).toBe(400);
  expect(await ask('/Patient', { authorization: `Bearer ${key}` })).toBe(401);
  expect(await ask('/Patient', { authorization: `Bearer ${token}x` })).toBe(401);
  expect(await ask('/Patient', { authorization: `Basic ${token}` })).toBe(401);
  expect(await ask('/Patient', { 'x-api-key': token })).toBe(401);
  expect(await ask('/Patient', { 'x-request-id': secrets.guessed.repeat(2), authorization: 'Bearer x' })).toBe(401);

  await endServer(server, 'SIGTERM');
  const output = server.output();
  expect(output).toContain('listening');
  for (const [name, secret] of Object.entries(secrets)) expect(output, name).not.toContain(secret);

  const files = await filesBelow(server.dataDir);
  expect(files.length).toBeGreaterThan(500);
  let bytes = 0;
  const found: string[] = [];
  for (const file of files) {
    const content = await readFile(file);
    bytes += content.length;
    for (const [name, secret] of Object.entries(secrets)) {
      const forms = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret, 'base64url').toString('latin1')];
      if (forms.some((form) => content.includes(Buffer.from(form, 'latin1')))) found.push(`${name} in ${file}`);
    }
  }
  expect(found).toEqual([]);
  expect(bytes).toBeGreaterThan(10_000_000);
  // The file that may hold a secret belongs to its owner alone.
  for (const name of await readdir(join(dir, 'keys'))) expect((await stat(join(dir, 'keys', name))).mode & 0o077, name).toBe(0);
}, 180_000);

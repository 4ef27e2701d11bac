import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDataDir } from '../../../src/storage/embedded/lock.ts';
import { createFolder } from '../../support/cluster.ts';
import { killHard, startScript } from '../../support/own-process.ts';

const script = fileURLToPath(new URL('../../support/own-lock.ts', import.meta.url));

describe('the lock of a data folder', () => {
  let dir: string;
  const started: ReturnType<typeof startScript>[] = [];
  const start = () => {
    const process = startScript(script, [dir]);
    started.push(process);
    return process;
  };

  beforeEach(async () => {
    dir = await createFolder();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map(({ child }) => killHard(child)));
    await rm(dir, { recursive: true, force: true });
  });

  test('is refused while this process holds it, and given again after its release', async () => {
    const lock = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toThrow(`Another server (process ${process.pid}) is using "${dir}"`);
    await lock.release();
    await lock.release();
    const next = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toThrow('Another server');
    await next.release();
    expect(await readdir(dir)).toEqual(['server.lock']);
  });

  test('is refused while another process holds it, which the message names, and free as soon as that one is killed', async () => {
    const other = start();
    expect(await other.firstLine).toBe('locked');
    await expect(lockDataDir(dir)).rejects.toThrow(`process ${other.child.pid}) is using "${dir}"`);
    await killHard(other.child);
    await (await lockDataDir(dir)).release();
  });

  test('holds against other processes also after a second try in this one', async () => {
    const lock = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toThrow('Another server');
    expect(await start().firstLine).toContain(`process ${process.pid}`);
    await lock.release();
  });

  test('goes to exactly one of many starts at once, here', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDir(dir)));
    const won = tries.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.release();
  });

  test('goes to exactly one of many starts at once, in processes of their own, after a holder that was killed', async () => {
    const killed = start();
    await killed.firstLine;
    await killHard(killed.child);
    const said = await Promise.all(Array.from({ length: 5 }, () => start().firstLine));
    expect(said.filter((line) => line === 'locked')).toHaveLength(1);
    expect(said.filter((line) => line?.startsWith('Another server (process'))).toHaveLength(4);
  });

  test("isn't held by a pid file alone, not even by one with the pid of a living process", async () => {
    for (const left of [`${process.ppid}\n${hostname()}\n`, '4194304\nelsewhere\n', 'no pid at all', '']) {
      await writeFile(join(dir, 'server.pid'), left);
      const lock = await lockDataDir(dir);
      expect(await readFile(join(dir, 'server.pid'), 'utf8')).toBe(`${process.pid}\n${hostname()}\n`);
      await lock.release();
    }
  });

  test('leaves nothing that others may read', async () => {
    const lock = await lockDataDir(dir);
    for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
    await lock.release();
  });
});

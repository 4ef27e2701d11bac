import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRowMac } from '../../src/audit/row-mac.ts';
import { openSpoolFiles } from '../../src/audit/spool-files.ts';
import { makeSpoolFrames } from '../../src/audit/spool-frames.ts';
import type { AuditRow } from '../../src/storage/audit-rows.ts';

const secret = Buffer.alloc(32, 3);
const frames = makeSpoolFrames(secret);
const rowMac = makeRowMac(secret);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-spool-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function row(rid: number): AuditRow {
  const bare = {
    rid,
    id: `id-${rid}`,
    refKey: 1n,
    at: 1_800_000_000_000,
    patient: null,
    tokens: Buffer.alloc(8),
    content: Buffer.alloc(900),
  };
  return { ...bare, mac: rowMac.of(bare) };
}

test('a process whose file is taken over while it adds to it loses nothing, whenever that happens', async () => {
  const dir = join(folder, 'two');
  const [one, other] = [1, 2].map(() => openSpoolFiles({ dir, bytesMax: 2 ** 24, frames }));
  if (one === undefined || other === undefined) throw new Error('no spool');
  const kept: number[] = [];
  const found = new Set<number>();
  async function takeAll(files: typeof one): Promise<void> {
    for (const file of (await files?.close()) ?? []) {
      const { rows } = (await files?.read(file)) ?? { rows: [] };
      for (const { rid } of rows) found.add(rid);
      await files?.remove(file);
    }
  }
  const adding = (async () => {
    for (let rid = 1; rid <= 1_500; rid++) {
      // Taken away thrice within one attempt it is refused, and so not answered.
      await one.append([row(rid)]).then(
        () => kept.push(rid),
        () => undefined,
      );
    }
  })();
  let isOver = false;
  void adding.finally(() => (isOver = true));
  let turns = 0;
  while (!isOver) {
    await other.takeOver();
    await takeAll(other);
    turns++;
    await delay(Math.random() * 25);
  }
  await takeAll(one);
  expect(turns).toBeGreaterThan(5);
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.filter((rid) => !found.has(rid))).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('what is beyond the bound is refused and leaves the rest as it is; there is room again once files are removed', async () => {
  const files = openSpoolFiles({ dir: join(folder, 'full'), bytesMax: 10_000, frames });
  let kept = 0;
  const fill = async (): Promise<void> => {
    for (; kept < 100; kept++) await files.append([row(kept)]);
  };
  await expect(fill()).rejects.toThrow('full');
  await expect(files.append([row(99)])).rejects.toThrow('full');
  const [file, ...more] = await files.close();
  if (file === undefined) throw new Error('no file');
  expect(more).toEqual([]);
  expect(file.bytes).toBeLessThanOrEqual(10_000);
  expect(await files.read(file)).toMatchObject({ rows: Array.from({ length: kept }, (_, rid) => ({ rid })), faults: 0, torn: 0 });
  await files.remove(file);
  await files.append([row(99)]);
});

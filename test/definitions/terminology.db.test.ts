import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedTerminology } from '../../src/definitions/terminology.ts';

let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'anamnesis-terminology-'));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

const category = 'http://terminology.hl7.org/CodeSystem/observation-category';

describe("HL7's published terminology", () => {
  test('is compiled once, into a cache that others read', { timeout: 60_000 }, async () => {
    const first = publishedTerminology({ cacheDir });
    expect(await readdir(cacheDir)).toEqual([]);
    await Promise.all([first.prepare(), first.prepare()]);
    const [name = '', ...others] = await readdir(cacheDir);
    expect(others).toEqual([]);
    const bytes = await readFile(join(cacheDir, name));
    const found = (await publishedTerminology({ cacheDir }).resource('CodeSystem', category)) as Record<string, unknown>;
    expect(found).toMatchObject({ resourceType: 'CodeSystem', url: category, content: 'complete' });
    expect(found).not.toHaveProperty('text');
    expect(await readFile(join(cacheDir, name))).toEqual(bytes);
  });

  test('has nothing of another name or version', async () => {
    const { resource } = publishedTerminology({ cacheDir });
    expect(await resource('CodeSystem', `${category}|4.0.1`)).toBeUndefined();
    expect(await resource('ValueSet', category)).toBeUndefined();
    expect(await resource('CodeSystem', 'http://terminology.hl7.org/CodeSystem/nothing')).toBeUndefined();
  });

  test('is compiled anew when the cache is damaged', { timeout: 60_000 }, async () => {
    const [name = ''] = await readdir(cacheDir);
    const bytes = await readFile(join(cacheDir, name));
    bytes.fill(7, bytes.length - 2_000_000);
    await writeFile(join(cacheDir, name), bytes);
    expect(await publishedTerminology({ cacheDir }).resource('CodeSystem', category)).toMatchObject({ url: category });
  });
});

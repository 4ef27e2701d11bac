import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readCacheFile } from '../../src/definitions/cache-file.ts';
import { COMPILER_VERSION, loadDefinitions } from '../../src/definitions/load.ts';

const cacheDir = mkdtempSync(join(tmpdir(), 'anamnesis-cache-test-'));
const file = join(cacheDir, `definitions-4.0.1-${COMPILER_VERSION}.bin`);
let intact: Buffer;

beforeAll(async () => {
  await loadDefinitions({ cacheDir });
  intact = readFileSync(file);
}, 60_000);
beforeEach(() => writeFileSync(file, intact));
afterAll(() => rmSync(cacheDir, { recursive: true }));

const flipByteAt = (offset: number): void => {
  const damaged = Buffer.from(intact);
  damaged.writeUInt8(damaged.readUInt8(offset) ^ 0x01, offset);
  writeFileSync(file, damaged);
};

test('a compiled cache is read, not written again', async () => {
  const before = statSync(file).ino;
  const { resourceTypes } = await loadDefinitions({ cacheDir });
  expect(resourceTypes).toHaveLength(146);
  expect(statSync(file).ino).toBe(before);
});

test('another output comes with another compiler version, so that no older cache is taken for it', async () => {
  const cached = await readCacheFile(file);
  // If this fails after a change to the compiler: raise COMPILER_VERSION, then put both numbers here.
  const digest = crc32(cached?.types ?? '', crc32(cached?.summary ?? '')).toString(16);
  expect([COMPILER_VERSION, digest]).toEqual([6, '26f2267b']);
});

test('a file damaged before the start is compiled anew', async () => {
  flipByteAt(64 + 1_000_000);
  const { schema } = await loadDefinitions({ cacheDir });
  expect(schema('Observation')?.elements.get('valueQuantity')?.type).toBe('Quantity');
  expect(readFileSync(file).equals(intact)).toBe(true);
});

test.each([
  ['damaged', () => flipByteAt(intact.length - 100)],
  ['gone', () => rmSync(file)],
])('a file that is %s when a document is read is compiled anew', async (_what, damage) => {
  const definitions = await loadDefinitions({ cacheDir });
  damage();
  // The last document of the file, where the damage is.
  expect(await definitions.resource('ValueSet', 'yesnodontknow')).toMatchObject({ id: 'yesnodontknow' });
  expect(readFileSync(file).equals(intact)).toBe(true);
});

test('two processes that start on an empty folder both get the definitions, and leave one file of the same bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-cache-race-'));
  try {
    const outputs = await Promise.all([loadInProcess(folder), loadInProcess(folder)]);
    expect(outputs).toEqual(['146', '146']);
    const [only, ...others] = readdirSync(folder);
    expect(others).toEqual([]);
    expect(readFileSync(join(folder, only ?? '')).equals(intact)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('a folder that cannot be written is an error that names it', async () => {
  await expect(loadDefinitions({ cacheDir: join(file, 'below-a-file') })).rejects.toThrow('below-a-file');
});

async function loadInProcess(folder: string): Promise<string> {
  const program = `
    const { loadDefinitions } = await import(${JSON.stringify(new URL('../../src/definitions/load.ts', import.meta.url).href)});
    process.stdout.write(String((await loadDefinitions({ cacheDir: ${JSON.stringify(folder)} })).resourceTypes.length));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return output;
}

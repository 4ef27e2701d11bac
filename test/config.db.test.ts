import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../src/config.ts';

function folderWith(dotEnv?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (dotEnv !== undefined) writeFileSync(join(folder, '.env'), dotEnv);
  return folder;
}

test('the environment of the process is read when none is given', () => {
  vi.stubEnv('PORT', '9001');
  expect(loadConfig(undefined, folderWith()).port).toBe(9001);
});

test('a file .env gives what the environment lacks', () => {
  vi.stubEnv('PORT', '9001');
  vi.stubEnv('PAGE_SIZE_MAX', undefined);
  const folder = folderWith('PORT=9002\nPAGE_SIZE_MAX="200"\n#INCLUDE_MAX=1\n');
  expect(loadConfig(undefined, folder)).toMatchObject({ port: 9001, pageSizeMax: 200, includeMax: 1000 });
});

test('a given environment stands alone', () => {
  expect(loadConfig({}, folderWith('PORT=9002\n')).port).toBe(8080);
});

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { readContractDocument } from '../../src/native/contract-document.ts';

test('a document is read the same from its text and from the cache, and anew when either is another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-contract-document-'));
  const cache = join(folder, 'cache');
  const file = join(folder, 'a.yaml');
  const read = (dir?: string) => readContractDocument(pathToFileURL(file), dir);
  writeFileSync(file, 'a: [1, x]\n');
  const first = await read(cache);
  expect(first).toEqual({ text: 'a: [1, x]\n', value: { a: [1, 'x'] } });
  expect([await read(cache), await read()]).toEqual([first, first]);
  const [kept = ''] = readdirSync(cache);
  writeFileSync(join(cache, kept), '{"a":[1,"from the cache"]}');
  expect((await read(cache)).value).toEqual({ a: [1, 'from the cache'] });
  writeFileSync(join(cache, kept), '{"a":[1');
  expect((await read(cache)).value).toEqual(first.value);
  writeFileSync(file, 'a: 2\n');
  expect((await read(cache)).value).toEqual({ a: 2 });
});

test('the contract is read by readers of YAML 1.1 too, to whom a question mark in a flow mapping is a key', () => {
  const lines = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8').split('\n');
  const unquoted = lines.map((line) => line.replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '""'));
  expect(lines.filter((_, at) => /\{.*\?\s*[,}]/.test(unquoted[at] ?? ''))).toEqual([]);
});

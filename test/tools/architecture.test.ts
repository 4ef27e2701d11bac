import { describe, expect, test } from 'vitest';
import {
  badNames,
  circularImports,
  forbiddenCode,
  importsAgainstRank,
  importsWithoutSuffix,
  insideKnowledge,
  longFiles,
} from '../../tools/architecture.ts';
import { type Source, scanSource } from '../../tools/source-scan.ts';

/** Files by path, as they would be read from the repository. */
function files(texts: Readonly<Record<string, string>>): Source[] {
  return Object.entries(texts).map(([path, text]) => scanSource(path, text));
}

describe('ranks', () => {
  test.each([
    ["import { a } from '../http/app.ts';"],
    ["import type { A } from '../http/app.ts';"],
    ["import { type A } from '../http/app.ts';"],
    ["import '../http/app.ts';"],
    ["import * as a from '../http/app.ts';"],
    ["export { a } from '../http/app.ts';"],
    ["export * from '../http/app.ts';"],
    ["export async function a() { return (await import('../http/app.ts')).b; }"],
    ['export const a = () => import(`../http/app.ts`);'],
    ["type A = import('../http/app.ts').A;"],
    ["new Worker(new URL('../http/app.ts', import.meta.url));"],
  ])('%s in storage is refused', (text) => {
    expect(importsAgainstRank(files({ 'src/storage/read.ts': text }))).toEqual([
      'src/storage/read.ts:1 imports src/http/app.ts: storage has rank 2, http has rank 9',
    ]);
  });

  test.each([
    ['src/search/plan.ts', './types/date.ts'],
    ['src/search/types/date.ts', '../plan.ts'],
    ['src/search/plan.ts', '../storage/read.ts'],
    ['src/search/plan.ts', '../config.ts'],
    ['src/server.ts', './services.ts'],
    ['src/server.ts', './http/app.ts'],
    ['src/cli/main.ts', '../server.ts'],
    ['src/config.ts', './config-kinds.ts'],
    ['src/search/plan.ts', 'pg'],
  ])('%s may import %s', (path, specifier) => {
    expect(importsAgainstRank(files({ [path]: `import {} from '${specifier}';` }))).toEqual([]);
  });

  test.each([
    ['src/encryption/seal.ts', '../definitions/load.ts', 'encryption has rank 1, definitions has rank 1'],
    ['src/fhir/json.ts', '../config.ts', 'fhir has rank 0, config has rank 0'],
    ['src/config.ts', './services.ts', 'config has rank 0, start has rank 10'],
    ['src/storage/read.ts', '../novelty/x.ts', 'novelty has no rank'],
    ['src/novelty/x.ts', '../fhir/json.ts', 'novelty has no rank'],
    ['src/extra.ts', './fhir/json.ts', 'src/extra.ts has no rank'],
    ['src/storage/read.ts', '../../tools/x.ts', 'no part of src'],
  ])('%s may not import %s', (path, specifier, reason) => {
    expect(importsAgainstRank(files({ [path]: `\n\nimport {} from '${specifier}';` }))).toEqual([expect.stringMatching(reason)]);
  });
});

describe('circles', () => {
  test('are found over any distance, and through types and import()', () => {
    const circle = files({
      'src/a.ts': "import './b.ts';",
      'src/b.ts': "import type { C } from './c.ts';",
      'src/c.ts': "await import('./a.ts');",
      'src/d.ts': "import './a.ts';",
    });
    expect(circularImports(circle)).toEqual(['src/a.ts → src/b.ts → src/c.ts → src/a.ts']);
    expect(circularImports(files({ 'src/a.ts': "import './a.ts';" }))).toEqual(['src/a.ts → src/a.ts']);
  });

  test('a file that another process runs is not imported', () => {
    const pair = files({ 'src/a.ts': "import './b.ts';", 'src/b.ts': "fork(new URL('./a.ts', import.meta.url));" });
    expect(circularImports(pair)).toEqual([]);
  });

  test('two ways to one file are none', () => {
    const diamond = files({
      'src/a.ts': "import './b.ts'; import './c.ts';",
      'src/b.ts': "import './d.ts';",
      'src/c.ts': "import './d.ts';",
      'src/d.ts': '',
    });
    expect(circularImports(diamond)).toEqual([]);
  });
});

describe('code that src may not hold', () => {
  test.each([
    ['export default 1;', 'exports by name only'],
    ['export default function a() {}', 'exports by name only'],
    ['const a = 1; export { a as default };', 'exports by name only'],
    ["export { default } from './a.ts';", 'exports by name only'],
    ['const a = process.env.PORT;', 'leaves the environment'],
    ["const a = process['env'].PORT;", 'leaves the environment'],
    ['const a = globalThis.process.env;', 'leaves the environment'],
    ['const { env } = process;', 'leaves the environment'],
    ['const { env: settings } = process;', 'leaves the environment'],
    ["import { env } from 'node:process';", 'leaves the environment'],
    ["import { env as settings } from 'process';", 'leaves the environment'],
    ["console.log('x');", 'writes to the log'],
    ["console['error']('x');", 'writes to the log'],
    ['const a = console.log;', 'writes to the log'],
    ['await import(name);', 'imports only what is written out'],
    [`await import(\`./\${name}.ts\`);`, 'imports only what is written out'],
  ])('%s', (text, reason) => {
    expect(forbiddenCode(files({ 'src/http/app.ts': `\n${text}` }))).toEqual([expect.stringContaining(`src/http/app.ts:2: src ${reason}`)]);
    expect(forbiddenCode(files({ 'tools/app.ts': text }))).toEqual([]);
  });

  test.each([
    ["// console.log(process.env)\nconst a = 'export default process.env';"],
    ['const a = { env: 1, console: 2 }; a.env + a.console;'],
    ['const { pid } = process;'],
  ])('what only looks like it is left alone: %s', (text) => {
    expect(forbiddenCode(files({ 'src/http/app.ts': text }))).toEqual([]);
  });

  test('config.ts may read the environment, and nothing else of it', () => {
    expect(forbiddenCode(files({ 'src/config.ts': 'process.env;' }))).toEqual([]);
    expect(forbiddenCode(files({ 'src/config.ts': 'export default 1;' }))).toHaveLength(1);
    expect(forbiddenCode(files({ 'src/http/config.ts': 'process.env;' }))).toHaveLength(1);
  });
});

test('names that say nothing, or are not kebab-case, are refused', () => {
  const paths = [
    'src/utils/a.ts',
    'src/http/helpers.ts',
    'src/http/date-utils.ts',
    'test/common/a.test.ts',
    'tools/misc.ts',
    'src/http/buildApp.ts',
  ];
  expect(badNames(files(Object.fromEntries(paths.map((path) => [path, '']))))).toHaveLength(paths.length);
  expect(badNames(files({ 'src/encryption/common-key.ts': '', 'test/a/b-c.db.test.ts': '', 'src/a/pkg.d.ts': '' }))).toEqual([]);
});

test('files of src over 300 lines need a reason, and a reason needs such a file', () => {
  const sources = files({
    'src/a.ts': '\n'.repeat(300),
    'src/b.ts': '\n'.repeat(301),
    'src/c.ts': '\n'.repeat(301),
    'test/d.test.ts': '\n'.repeat(900),
  });
  expect(longFiles(sources, { 'src/c.ts': 'a table' })).toEqual(['src/b.ts has 301 lines, more than 300']);
  expect(longFiles(sources, { 'src/a.ts': 'x', 'src/b.ts': 'x', 'src/c.ts': 'x' })).toEqual([
    expect.stringContaining('src/a.ts is not too long'),
  ]);
});

test('relative imports need their suffix', () => {
  const imports = [
    "import './a.ts';",
    "import './b';",
    "import '../c.js';",
    "import d from './d.json' with { type: 'json' };",
    "import 'hono';",
  ];
  expect(importsWithoutSuffix(files({ 'src/http/app.ts': imports.join('\n') }))).toEqual([
    'src/http/app.ts:2 imports src/http/b without .ts',
    'src/http/app.ts:3 imports src/c.js without .ts',
  ]);
});

test('the conformance suites may not import src', () => {
  const sources = files({
    'test/conformance/read.test.ts': "import '../../src/fhir/json.ts';\nimport './client.ts';",
    'test/fhir/json.test.ts': "import '../../src/fhir/json.ts';",
  });
  expect(insideKnowledge(sources)).toEqual([expect.stringContaining('test/conformance/read.test.ts:1 imports src/fhir/json.ts')]);
});

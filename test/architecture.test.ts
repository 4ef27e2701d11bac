import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sections } from '../src/config-variables.ts';
import {
  badNames,
  circularImports,
  forbiddenCode,
  importsAgainstRank,
  importsWithoutSuffix,
  insideKnowledge,
  longFiles,
} from '../tools/architecture.ts';
import { configurationPage, environmentExample } from '../tools/config.ts';
import { readSources } from '../tools/source-scan.ts';

const root = new URL('..', import.meta.url);
const sources = readSources(root, ['src', 'test', 'tools', 'bench', 'clients']);

/** Files of src/ that may be longer than 300 lines, each with the reason. */
const longFilesAllowed: Readonly<Record<string, string>> = { 'src/native/api-types.ts': 'made of openapi.yaml by npm run openapi' };

describe('the source', () => {
  test('is found', () => {
    const paths = sources.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['src/config.ts', 'src/fhir/error.ts', 'test/architecture.test.ts', 'tools/architecture.ts']),
    );
  });

  test('imports its own folder or a lower rank', () => {
    expect(importsAgainstRank(sources)).toEqual([]);
  });

  test('has no circular imports', () => {
    expect(circularImports(sources)).toEqual([]);
  });

  test('imports by full file name', () => {
    expect(importsWithoutSuffix(sources)).toEqual([]);
  });

  test('has names that say something', () => {
    expect(badNames(sources)).toEqual([]);
  });

  test('has no default exports, no console output, no computed imports, and one reader of the environment', () => {
    expect(forbiddenCode(sources)).toEqual([]);
  });

  test('has files of at most 300 lines, but for listed ones', () => {
    expect(longFiles(sources, longFilesAllowed)).toEqual([]);
  });

  test('is unknown to the conformance suites', () => {
    expect(insideKnowledge(sources)).toEqual([]);
  });
});

describe('the configuration', () => {
  test('has the same variables in .env.example and in src/config-variables.ts', () => {
    const named = [...read('.env.example').matchAll(/^#?([A-Z][A-Z\d_]*)=/gm)].map(([, name = '']) => name);
    expect(named.toSorted()).toEqual(
      Object.values(sections)
        .flatMap((section) => Object.keys(section))
        .toSorted(),
    );
  });

  test.each([
    ['docs/configuration.md', configurationPage],
    ['.env.example', environmentExample],
  ])('is documented as it is in %s (npm run config -- write)', (file, text) => {
    expect(read(file)).toBe(text());
  });
});

function read(file: string): string {
  return readFileSync(new URL(file, root), 'utf8');
}

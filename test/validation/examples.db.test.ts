import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { type JsonObject, parseJson } from '../../src/fhir/json.ts';
import { compileShapes } from '../../src/validation/shape.ts';

const folder = new URL('../../node_modules/hl7.fhir.r4.examples/', import.meta.url);
const limits = { depthMax: 100, containerMax: 1_000_000, stringBytesMax: 100_000_000 };

/** The official examples that break their own definitions, and the issues they have: in each the example is wrong. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  // The package's own listing, twice; name and status are 1..1.
  'ImplementationGuide-fhir.json': ['shape-required ImplementationGuide.name', 'shape-required ImplementationGuide.status'],
  'ig-r4.json': ['shape-required ImplementationGuide.name', 'shape-required ImplementationGuide.status'],
  // An id of 67 characters.
  'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json': ['shape-format SearchParameter.id'],
  // Generated without the linkId of nested items, which is 1..1.
  'Questionnaire-qs1.json': [
    'shape-required Questionnaire.item.item.linkId',
    'shape-required Questionnaire.item.item.item.linkId',
    'shape-required Questionnaire.item.item.item.item.linkId',
  ],
  // Generated from extensions without a context, hence without base, which is 1..*.
  ...Object.fromEntries(
    ['codesystem-extensions-CodeSystem', 'valueset-extensions-ValueSet'].flatMap((stem) =>
      ['author', 'effective', 'end', 'keyword', 'workflow'].map((code) => [
        `SearchParameter-${stem}-${code}.json`,
        ['shape-required SearchParameter.base'],
      ]),
    ),
  ),
};

let definitions: Definitions;

beforeAll(async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'definitions-'));
  definitions = await loadDefinitions({ cacheDir });
  return () => rmSync(cacheDir, { recursive: true });
});

describe('the official examples', () => {
  test('have the shape their definitions ask for, except those that are wrong themselves', { timeout: 60_000 }, () => {
    const check = compileShapes(definitions.schema);
    const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'package.json' && !name.startsWith('.'));
    const found: Record<string, readonly string[]> = {};
    for (const file of files) {
      const { value, decimals } = parseJson(readFileSync(new URL(file, folder)), limits);
      const issues = check(value as JsonObject, decimals);
      if (issues.length > 0)
        found[file] = [...new Set(issues.map(({ id, expression }) => `${id} ${expression?.join().replace(/\[\d+\]/g, '')}`))];
    }
    expect(files.length).toBe(5_306);
    expect(found).toEqual(WRONG);
  });
});

test('every type of the definitions compiles', () => {
  const check = compileShapes(definitions.schema);
  const missed = definitions.resourceTypes.map((resourceType) => check({ resourceType }, new Map()));
  expect(missed).toHaveLength(146);
  expect(new Set(missed.flat().map(({ id }) => id))).toEqual(new Set(['shape-required']));
});

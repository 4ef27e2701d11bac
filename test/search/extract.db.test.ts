import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { compilePaths, prepareLibrary } from '../../src/fhirpath/compile.ts';
import { type Extracted, type Extractor, makeExtractor } from '../../src/search/extract.ts';
import { allElements, buildRegistry, type Registry } from '../../src/search/registry.ts';
import { tokensIn } from './hold.ts';

/** Extraction by R4's own search parameters, over the official examples, whole and damaged. */

type Resource = { readonly resourceType: string; readonly id?: string } & Record<string, unknown>;

const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'package.json' && !name.startsWith('.'));
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
let definitions: Definitions;
let registry: Registry;
let extract: Extractor;

beforeAll(async () => {
  definitions = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
  await prepareLibrary();
  const numbers = new Map(allElements(definitions).map(({ type, path }, at) => [`${type} ${path}`, at + 1]));
  registry = buildRegistry(definitions, ({ type, path }) => {
    const number = numbers.get(`${type} ${path}`);
    if (number === undefined) throw new Error(`${type} ${path} has no number`);
    return number;
  });
  extract = makeExtractor({ registry, key, base: 'http://127.0.0.1:8080/fhir/R4' });
}, 120_000);

function read(name: string): Resource {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Resource;
}
const isResource = (value: Resource): boolean => definitions.resourceTypes.includes(value.resourceType);

/** What must hold of whatever is extracted, from whatever: rows that the fact tables take. */
function assertStorable({ facts, tokens, clinicalAt }: Extracted): void {
  expect(tokens.length % 8).toBe(0);
  for (const { lo, hi } of [...facts.dates, ...facts.quantities]) {
    expect(Number.isNaN(lo) || Number.isNaN(hi)).toBe(false);
  }
  for (const { param } of [...facts.dates, ...facts.quantities, ...facts.references, ...facts.sorts]) expect(param).toBeLessThan(32_768);
  const unique = (rows: readonly object[]): void => expect(new Set(rows.map((row) => Object.values(row).join())).size).toBe(rows.length);
  unique(facts.dates);
  unique(facts.quantities);
  unique(facts.references);
  if (clinicalAt !== null) expect(clinicalAt).toBeLessThan(Number.POSITIVE_INFINITY);
}

test('every search parameter of R4 is extracted, but for those that are answered without elements', () => {
  const unanswered = new Set<string>();
  for (const type of registry.types) {
    const search = registry.of(type);
    for (const param of search.params.values()) {
      if (param.elements.length === 0 && param.type !== 'composite') unanswered.add(param.code);
    }
    const composites = definitions.searchParameters.filter(({ base, type: kind }) => kind === 'composite' && base.includes(type));
    if (composites.length > 0) expect(search.pairs.length, type).toBeGreaterThan(0);
  }
  expect([...unanswered].sort()).toEqual(['_content', '_filter', '_id', '_lastUpdated', '_query', '_text']);
});

test('all official examples are extracted without a fault, and leave storable facts', () => {
  let extracted = 0;
  let tokens = 0;
  for (const name of files) {
    const resource = read(name);
    if (!isResource(resource)) continue;
    const found = extract(resource, resource.resourceType, resource.id ?? 'x');
    assertStorable(found);
    extracted++;
    tokens += found.tokens.length / 8;
  }
  expect(extracted).toBeGreaterThan(5_000);
  expect(tokens / extracted).toBeGreaterThan(10);
}, 120_000);

test('no date of a person stands in clear', () => {
  for (const name of files.filter((each) => /^(Patient|Person|Practitioner|RelatedPerson)-/.test(each))) {
    const resource = read(name);
    const { facts, clinicalAt } = extract(resource, resource.resourceType, 'x');
    expect(facts.dates, name).toEqual([]);
    expect(clinicalAt, name).toBeNull();
  }
});

describe('damaged examples are extracted without a fault', () => {
  const damage: readonly ((value: unknown) => unknown)[] = [
    () => null,
    () => 7,
    () => 1e308,
    () => '',
    () => '2024',
    () => 'not what was expected \u0000',
    () => true,
    () => [],
    () => ({}),
    () => [[]],
    () => [null],
    () => ({ reference: 7, identifier: 'x', coding: 'y', value: {}, start: [], low: 'z', event: {}, repeat: null }),
    (value) => [value, value],
    (value) => ({ value }),
    (value) => ({ resourceType: 'Patient', id: value }),
  ];

  /** A copy with one value, chosen by `path` from the outside in, replaced. */
  function damaged(value: unknown, path: readonly number[], change: (value: unknown) => unknown): unknown {
    const [at = 0, ...rest] = path;
    if (typeof value !== 'object' || value === null || path.length === 0) return change(value);
    const names = Object.keys(value).filter((name) => name !== 'resourceType');
    const name = names[at % Math.max(names.length, 1)];
    if (name === undefined) return change(value);
    const next = damaged((value as Record<string, unknown>)[name], rest, change);
    return Array.isArray(value) ? value.map((item, index) => (String(index) === name ? next : item)) : { ...value, [name]: next };
  }

  test('at any place, by anything', () => {
    const examples = files.filter((_, at) => at % 9 === 0);
    fc.assert(
      fc.property(
        fc.constantFrom(...examples),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...damage),
        (name, path, change) => {
          const resource = read(name);
          if (!isResource(resource)) return;
          const broken = damaged(resource, path, change) as Resource;
          assertStorable(extract({ ...broken, resourceType: resource.resourceType }, resource.resourceType, 'x'));
        },
      ),
      { numRuns: 3_000 },
    );
  }, 120_000);

  test('of every type, with every member replaced', () => {
    const seen = new Set<string>();
    for (const name of files) {
      const type = name.slice(0, name.indexOf('-'));
      if (seen.has(type) || !definitions.resourceTypes.includes(type)) continue;
      seen.add(type);
      const resource = read(name);
      for (const member of definitions.schema(type)?.elements.keys() ?? []) {
        for (const change of damage) extract({ ...resource, [member]: change(resource[member]) }, type, 'x');
      }
    }
    expect(seen.size).toBeGreaterThanOrEqual(140);
  }, 120_000);
});

describe('datatypes that a search parameter of another kind meets', () => {
  const dates = (resource: Resource) => extract(resource, resource.resourceType, 'x').facts.dates;

  test.each<[string, Resource]>([
    ['a vaccination told in words', { resourceType: 'Immunization', occurrenceString: 'as a child' }],
    ['a procedure at an age', { resourceType: 'Procedure', performedAge: { value: 43, unit: 'a' } }],
    ['a procedure told in words', { resourceType: 'Procedure', performedString: 'last spring' }],
    ['a procedure in a range of ages', { resourceType: 'Procedure', performedRange: { low: { value: 40 }, high: { value: 43 } } }],
    ['a plan’s activity told in words', { resourceType: 'CarePlan', activity: [{ detail: { scheduledString: 'daily' } }] }],
  ])('%s leaves no date', (_, resource) => {
    expect(dates(resource)).toEqual([]);
  });

  test('a plan’s activity by a Timing or a Period leaves one', () => {
    const activity = [{ detail: { scheduledPeriod: { start: '2024-01-01' } } }, { detail: { scheduledTiming: { event: ['2024-02-02'] } } }];
    expect(dates({ resourceType: 'CarePlan', activity })).toHaveLength(2);
  });

  test('a probability may be a number or a range', () => {
    const quantities = (prediction: object) =>
      extract({ resourceType: 'RiskAssessment', prediction: [prediction] }, 'RiskAssessment', 'x').facts.quantities.map(({ lo, hi }) => [
        lo,
        hi,
      ]);
    expect(quantities({ probabilityDecimal: 0.25 })).toEqual([[0.25, 0.25]]);
    expect(quantities({ probabilityRange: { low: { value: 0.1 }, high: { value: 0.2 } } })).toEqual([[0.1, 0.2]]);
  });

  test('a consent’s source may be a reference or an attachment', () => {
    const references = (source: object) => extract({ resourceType: 'Consent', ...source }, 'Consent', 'x').facts.references.length;
    expect(references({ sourceReference: { reference: 'Consent/1' } })).toBe(1);
    expect(references({ sourceAttachment: { url: 'http://example.org/consent.pdf' } })).toBe(0);
  });

  test('a resource inside a Bundle is no reference, but its patient owns the Bundle', () => {
    const composition = { resourceType: 'Composition', subject: { reference: 'Patient/p' } };
    const { facts, owners } = extract({ resourceType: 'Bundle', type: 'document', entry: [{ resource: composition }] }, 'Bundle', 'x');
    expect(facts.references).toEqual([]);
    expect([...owners.values()]).toEqual(['p']);
  });

  test('a position and a relation are found by what they are', () => {
    const { facts } = extract({ resourceType: 'Location', position: { latitude: 1.5, longitude: -2.5 } }, 'Location', 'x');
    expect(facts.quantities.map(({ lo }) => lo)).toEqual([1.5, -2.5]);
    const [pair] = registry.of('DocumentReference').pairs;
    const relatesTo = [{ code: 'replaces', target: { reference: 'DocumentReference/old' } }];
    const { tokens } = extract({ resourceType: 'DocumentReference', relatesTo }, 'DocumentReference', 'x');
    expect(tokensIn(tokens).has(token(key, 'x', pair?.path ?? '', 'c', 'replaces', 'DocumentReference/old'))).toBe(true);
  });
});

test('the composites’ pairs end where their components do', () => {
  for (const type of registry.types) {
    for (const { path, first, second } of registry.of(type).pairs) {
      expect(['token', 'reference'], path).toContain(first.kind);
      expect(['token', 'reference', 'date', 'quantity'], path).toContain(second.kind);
    }
  }
  const observation = registry.of('Observation').pairs.map(({ path }) => path);
  expect(observation).toHaveLength(6);
  expect(compilePaths('Observation.component', 'Observation', definitions.schema)[0]?.path).toBe('Observation.component');
});

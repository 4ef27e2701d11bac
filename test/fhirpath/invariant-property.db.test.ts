import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { expect, test } from 'vitest';
import { loadDefinitions } from '../../src/definitions/load.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import { compileInvariant, isOwnInvariant } from '../../src/fhirpath/compile-invariant.ts';
import { scopeOf } from './invariant-schema.ts';

/**
 * Made-up expressions on real resources, with the library as judge. Where it ends with an error we may too, or find what HL7's
 * validator does. Left out is what the two are known to mean otherwise: texts of numbers and elements, the types of ids, and numbers
 * beside dates, whose equality isn't false for it but nothing; and names on a primitive, of which it takes JavaScript's own members for
 * elements (`link` of a string); and subsets with an item twice, which it takes for larger than the whole.
 * A date and a dateTime of the same day are never equal for it, which made-up expressions come upon now and then: so they are the same
 * ones each time.
 */

/** INVARIANT_RUNS=20000 makes a longer run of it, INVARIANT_SEED another one. */
const RUNS = Number(process.env['INVARIANT_RUNS'] ?? 800);
const SEED = Number(process.env['INVARIANT_SEED'] ?? 1);

const folder = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));

const PATHS: Readonly<Record<string, readonly string[]>> = {
  'Patient-example': [
    ...['name', 'name.given', 'name.family', 'birthDate', 'active', 'contact', 'contact.name.given', 'telecom'],
    ...['telecom.use', 'identifier.period.start', 'deceased', 'extension', 'birthDate.extension', 'gender', 'contact.period.start'],
  ],
  'Observation-blood-pressure': [
    ...['status', 'code', 'code.coding', 'code.coding.code', 'component', 'component.value', 'component.value.value', 'value'],
    ...['category.coding.system', 'bodySite.text', 'interpretation.coding', 'subject.reference', 'component.code.coding'],
  ],
  'Observation-f001': [
    ...['status', 'code.coding', 'value', 'value.value', 'referenceRange', 'referenceRange.low.value', 'identifier'],
    ...['interpretation.coding.code', 'subject.reference', 'component', 'identifier.use'],
  ],
};

const STEPS = [
  ...['.first()', '.last()', '.tail()', '.distinct()', '.skip(1)', '.take(2)', '.children()', '.descendants()', '[0]', '[1]'],
  ...['.where(exists())', '.where($index = 0)', '.select($this)', '.ofType(Quantity)', '.ofType(code)', '.where($this is string)'],
  ...[".extension('http://x')", '.repeat(children())'],
];

const TEXTS = [
  "'a'",
  "'official'",
  "''",
  "('x' & 'y')",
  "'abc'.substring(1)",
  "'aXa'.lower()",
  "'abc'.replace('b', 'c')",
  "'a-b'.replaceMatches('[a-z]', 'x')",
];

/** Within where() paths begin at the resource: see above for names on a primitive. */
function expressions(paths: readonly string[]): fc.Arbitrary<string> {
  const rooted = ['%resource.', '%context.', '%rootResource.'];
  return truths(paths, ['', '', '', ...rooted], truths(paths, rooted, fc.constantFrom('$this.exists()', '$index = 0', '$this is code')));
}

function truths(paths: readonly string[], roots: readonly string[], condition: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<Record<'truth' | 'collection' | 'count', string>>((tie) => {
    const [truth, collection, count] = [tie('truth'), tie('collection'), tie('count')];
    const path = fc.tuple(fc.constantFrom(...roots), fc.constantFrom(...paths)).map((parts) => parts.join(''));
    const one = <Part>(part: fc.Arbitrary<Part>, write: (part: Part) => string) => part.map(write);
    return {
      collection: fc.oneof(
        { depthSize: 'small' },
        path,
        one(fc.tuple(collection, fc.constantFrom(...STEPS)), (parts) => parts.join('')),
        one(fc.tuple(collection, collection), ([left, right]) => `(${left} | ${right})`),
        one(
          fc.tuple(collection, fc.constantFrom('combine', 'intersect', 'exclude'), collection),
          ([left, name, right]) => `${left}.${name}(${right})`,
        ),
        one(fc.tuple(collection, condition), ([from, criterion]) => `${from}.where(${criterion})`),
        one(fc.tuple(truth, collection, collection), (parts) => `iif(${parts.join(', ')})`),
      ),
      count: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('0', '1', '2', '1.5', '-1', "'abc'.length()", "'abc'.indexOf('c')", '7 div 2', '7 mod 4', '7 / 2', '2 * 3 - 1'),
        one(collection, (from) => `${from}.count()`),
      ),
      truth: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('true', 'false', '{}'),
        one(
          fc.tuple(
            collection,
            fc.constantFrom('exists()', 'empty()', 'isDistinct()', 'hasValue()', 'exists($this is Quantity)', 'all($this.exists())'),
          ),
          (parts) => parts.join('.'),
        ),
        one(fc.tuple(truth, fc.constantFrom('and', 'or', 'xor', 'implies'), truth), (parts) => `(${parts.join(' ')})`),
        one(truth, (condition) => `(${condition}).not()`),
        one(fc.tuple(count, fc.constantFrom('=', '!=', '<', '<=', '>', '>='), count), (parts) => `(${parts.join(' ')})`),
        one(
          fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom('=', '!=', '<', '~', '!~'), fc.constantFrom(...TEXTS)),
          (parts) => `(${parts.join(' ')})`,
        ),
        one(fc.tuple(collection, fc.constantFrom('=', '!=', '~', '!~'), collection), (parts) => `(${parts.join(' ')})`),
        one(fc.tuple(collection, collection), ([left, right]) => `(${left}.first() in ${right})`),
        one(fc.tuple(collection, collection), ([part, whole]) => `${part}.distinct().subsetOf(${whole})`),
        one(fc.tuple(collection, collection), ([whole, part]) => `${whole}.supersetOf(${part}.distinct())`),
        one(
          fc.tuple(path, fc.constantFrom('Quantity', 'code', 'boolean', 'dateTime', 'HumanName')),
          ([from, type]) => `(${from}.first() is ${type})`,
        ),
        one(
          fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom("startsWith('a')", "endsWith('y')", "contains('b')", "matches('^[a-c]')")),
          (parts) => parts.join('.'),
        ),
      ),
    };
  }).truth;
}

test.each(Object.entries(PATHS))(
  'on %s our verdict is the library’s',
  async (name, paths) => {
    const { schema } = await loadDefinitions({ cacheDir: join(tmpdir(), 'anamnesis-test-definitions') });
    const { text: _, id: __, ...resource } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as JsonObject;
    const type = resource['resourceType'] as string;
    const told = { true: 0, false: 0 };
    fc.assert(
      fc.property(expressions(paths), (expression) => {
        fc.pre(expression.length < 400);
        expect(isOwnInvariant(expression, schema)).toBe(true);
        const expected = byLibrary(expression, resource);
        const ours = compileInvariant(expression, type, schema)?.(resource, scopeOf(resource));
        if (expected === undefined) return;
        expect(ours).toBe(expected);
        told[expected ? 'true' : 'false']++;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(Math.min(told.true, told.false)).toBeGreaterThan(100);
  },
  60_000 + 60 * RUNS,
);

function byLibrary(expression: string, resource: JsonObject): boolean | undefined {
  try {
    const evaluate = fhirpath.compile(expression, r4, { resolveInternalTypes: false, traceFn: () => {} });
    const results = evaluate(resource, { resource, rootResource: resource }) as readonly ({ readonly data?: unknown } | boolean)[];
    const [first] = results;
    return first !== undefined && (results.length > 1 || (typeof first === 'object' ? first.data : first) !== false);
  } catch {
    return undefined;
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/fhir/json.ts';
import { openTestValidator, type TestValidator } from '../support/validation.ts';

const folder = new URL('../../node_modules/hl7.fhir.r4.examples/', import.meta.url);

let validator: TestValidator;
let texts: string[];
beforeAll(async () => {
  validator = await openTestValidator();
  texts = readdirSync(folder)
    .filter((name) => /^[A-Z][A-Za-z]+-.*\.json$/.test(name))
    .filter((_, index) => index % 23 === 0)
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .filter((text) => text.length < 20_000);
}, 60_000);

const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    0,
    -1.5,
    '',
    '#',
    '#x',
    'urn:uuid:',
    'Patient/',
    ' ',
    [],
    {},
    [[]],
    [null],
    { resourceType: 'Bundle' },
    { id: 1 },
  ),
  fc.string({ maxLength: 5 }),
  fc.array(fc.constantFrom<Json>(null, 1, 'a', {}, []), { maxLength: 3 }),
  fc.dictionary(
    fc.constantFrom('resourceType', 'id', 'url', 'reference', 'coding', 'code', 'system', 'extension', 'contained', 'meta', 'div'),
    fc.constantFrom<Json>(null, 1, 'a', 'Patient', {}, [], [{}], [1]),
  ),
);

/** Puts junk in the place of some of the values, however deep. */
function spoil(value: Json, at: () => boolean, spoiled: () => Json): Json {
  if (at()) return spoiled();
  if (Array.isArray(value)) return value.map((item) => spoil(item, at, spoiled));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]): [string, Json] => [
    name,
    name === 'resourceType' ? (member ?? null) : spoil(member ?? null, at, spoiled),
  ]);
  return Object.fromEntries(entries);
}

test('whatever stands where, validation ends with issues and never with an error', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 }),
      fc.array(junk, { minLength: 1, maxLength: 4 }),
      async (example, gaps, spoils) => {
        let left = gaps[0] ?? 0;
        let turn = 0;
        const at = () => {
          if (left-- > 0) return false;
          turn++;
          left = (gaps[turn % gaps.length] ?? 0) + 5;
          return turn > 0;
        };
        const whole = JSON.parse(texts[example % texts.length] ?? '{}') as JsonObject;
        const entries = Object.entries(whole).map(([name, value]): [string, Json] => [
          name,
          name === 'resourceType' ? (value ?? null) : spoil(value ?? null, at, () => spoils[turn % spoils.length] ?? null),
        ]);
        const resource = Object.fromEntries(entries);
        const issues = await validator.validator.validate({ value: resource, decimals: new Map() });
        for (const { text, expression } of issues) {
          expect(text.length).toBeLessThan(2_000);
          expect(expression === undefined || expression.length > 0).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  );
});

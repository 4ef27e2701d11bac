import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { matcherOf } from '../../src/search/match-unstored.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Asked, matchesAll, type Subject } from './oracle.ts';

/**
 * Random resources and random searches: what comes over HTTP is what the specification, told plainly in oracle.ts, says; and so does
 * the same search as a test of each resource in memory.
 */

let server: TestServer;
let sets = 0;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

const two = (value: number): string => String(value).padStart(2, '0');
const days = fc
  .tuple(fc.integer({ min: 1969, max: 1972 }), fc.constantFrom(1, 2, 6, 12), fc.constantFrom(1, 15, 28))
  .map(([year, month, day]) => `${year}-${two(month)}-${two(day)}`);
const dates = fc.tuple(days, fc.constantFrom(4, 7, 10)).map(([day, length]) => day.slice(0, length));
const dateTimes = fc.oneof(
  dates,
  fc.tuple(days, fc.constantFrom('00:00:00', '10:30:00', '23:59:59')).map(([day, time]) => `${day}T${time}Z`),
);
const words = fc.string({ unit: fc.constantFrom('a', 'B', 'é', 'c', '%', '_', "'"), minLength: 1, maxLength: 16 });
const systems = fc.constantFrom('urn:a', 'urn:b');
const codes = fc.constantFrom('x', 'X', 'yy', 'z-1');
const coded = <Name extends 'code' | 'value'>(name: Name) =>
  fc.record(
    { system: systems, [name]: codes },
    {
      requiredKeys: [name] as never,
    },
  );
const references = fc.constantFrom('Patient/1', 'Patient/2', 'Device/1', 'Group/2');
const values = fc.integer({ min: -40, max: 40 }).map((quarter) => quarter / 4);
const ucum = 'http://unitsofmeasure.org';
/** The same amounts in three units, and in none. */
const quantities = fc.tuple(values, fc.constantFrom('mg', 'ug', 'g', undefined)).map(([value, code]) => {
  if (code === undefined) return { value };
  return { value: code === 'ug' ? value * 1000 : code === 'g' ? Number((value / 1000).toFixed(6)) : value, system: ucum, code };
});
const texts = fc.array(fc.constantFrom('Heart', 'rate', 'béat', 'BP', 'h'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' '));
const concepts = fc.record(
  {
    coding: fc.array(fc.record({ system: systems, code: codes, display: texts }, { requiredKeys: ['code'] }), {
      minLength: 1,
      maxLength: 2,
    }),
    text: texts,
  },
  { requiredKeys: ['coding'] },
);

const patients = fc.record(
  {
    name: fc.array(fc.record({ family: words, given: fc.array(words, { minLength: 1, maxLength: 2 }) }, { requiredKeys: ['family'] }), {
      minLength: 1,
      maxLength: 2,
    }),
    gender: fc.constantFrom('male', 'female', 'other'),
    active: fc.boolean(),
    birthDate: dates,
    identifier: fc.array(coded('value'), { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const observations = fc
  .record(
    {
      status: fc.constantFrom('final', 'amended'),
      code: concepts,
      subject: references.map((reference) => ({ reference })),
      effectiveDateTime: dateTimes,
      effectivePeriod: fc.tuple(fc.option(days), fc.option(days)).map(([a, b]) => {
        const [start, end] = a !== null && b !== null && a > b ? [b, a] : [a, b];
        return { ...(start === null ? {} : { start }), ...(end === null && start !== null ? {} : { end: end ?? '1971' }) };
      }),
      valueQuantity: quantities,
      component: fc.array(fc.record({ code: concepts, valueQuantity: quantities }, { requiredKeys: ['code'] }), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { requiredKeys: ['status', 'code'] },
  )
  .map(({ effectivePeriod, ...rest }) =>
    rest.effectiveDateTime === undefined && effectivePeriod !== undefined ? { ...rest, effectivePeriod } : rest,
  )
  .map(withoutRepeatedValue);

const prefixes = fc.constantFrom('', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb');
const withPrefix = (value: fc.Arbitrary<string>) => fc.tuple(prefixes, value).map((parts) => parts.join(''));
const tokens = (code: fc.Arbitrary<string>, system: fc.Arbitrary<string> = systems) =>
  fc.oneof(
    code,
    fc.tuple(system, code).map((parts) => parts.join('|')),
    code.map((text) => `|${text}`),
    system.map((text) => `${text}|`),
  );

function asked(params: fc.Arbitrary<string>, value: fc.Arbitrary<string>, modifiers: readonly string[]): fc.Arbitrary<Asked> {
  const plain = fc.record({ param: params, values: fc.array(value, { minLength: 1, maxLength: 3 }) });
  const modified = fc
    .tuple(plain, fc.constantFrom(...modifiers, 'missing'), fc.boolean())
    .map(([clause, modifier, missing]) =>
      modifier === 'missing' ? { param: clause.param, modifier, values: [String(missing)] } : { ...clause, modifier },
    );
  return fc.oneof({ weight: 2, arbitrary: plain }, { weight: 1, arbitrary: modified });
}

const numbers = fc.oneof(
  values.map(String),
  values.map((value) => value.toFixed(2)),
  values.map((value) => value.toFixed(1)),
);
const amounts = fc.oneof(
  withPrefix(numbers),
  fc.tuple(withPrefix(numbers), fc.constantFrom('mg', 'ug', 'g')).map(([number, unit]) => `${number}|${ucum}|${unit}`),
  fc.tuple(withPrefix(numbers), fc.constantFrom('mg', 'g')).map(([number, unit]) => `${number}||${unit}`),
);
const composed = fc
  .tuple(
    tokens(codes).filter((code) => !code.endsWith('|')),
    amounts,
  )
  .map((parts) => parts.join('$'));
const clausesOf = {
  Patient: fc.oneof(
    asked(
      fc.constant('gender'),
      tokens(fc.constantFrom('male', 'FEMALE', 'none'), fc.constantFrom('http://hl7.org/fhir/administrative-gender', 'urn:a')),
      ['not'],
    ),
    asked(fc.constant('active'), fc.constantFrom('true', 'false'), ['not']),
    asked(fc.constant('identifier'), tokens(codes), ['not']),
    asked(fc.constantFrom('family', 'given', 'name'), words, ['exact', 'contains']),
    asked(fc.constant('birthdate'), withPrefix(dates), []),
  ),
  Observation: fc.oneof(
    asked(fc.constant('code'), tokens(codes), ['not']),
    asked(fc.constant('combo-code'), tokens(codes), ['not']),
    asked(fc.constant('code'), fc.constantFrom('heart', 'ra', 'Rate beat', 'BP h', 'x'), ['text']).filter(
      ({ modifier }) => modifier === 'text',
    ),
    asked(fc.constant('status'), fc.constantFrom('final', 'amended', 'http://hl7.org/fhir/observation-status|final'), ['not']),
    asked(fc.constantFrom('subject', 'patient'), fc.constantFrom('1', '2', 'Patient/1', 'Patient/2'), ['Patient']),
    asked(fc.constant('subject'), fc.constantFrom('Device/1', '1', 'Group/2', 'Patient/1'), ['Patient']),
    asked(fc.constant('date'), withPrefix(dateTimes), []),
    asked(fc.constantFrom('value-quantity', 'component-value-quantity'), amounts, []),
    asked(fc.constantFrom('code-value-quantity', 'component-code-value-quantity', 'combo-code-value-quantity'), composed, []).filter(
      ({ modifier }) => modifier === undefined,
    ),
  ),
};

const escaped = (value: string, param: string): string =>
  param === 'subject' || param === 'patient' || param.endsWith('quantity') ? value : value.replace(/[\\,$]/g, '\\$&');

test.each(['Patient', 'Observation'] as const)('searches of %s', { timeout: 120_000 }, async (type) => {
  const contents: fc.Arbitrary<object> = type === 'Patient' ? patients : observations;
  const searches = fc.array(fc.array(clausesOf[type], { minLength: 1, maxLength: 3 }), { minLength: 15, maxLength: 15 });
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(contents, { minLength: 12, maxLength: 12 }),
      searches,
      fc.integer({ min: 3, max: 20 }),
      async (made, queries, count) => {
        const set = `set-${++sets}`;
        const resources = made.map((content, at): Subject => ({ ...content, resourceType: type, id: `${set}-${two(at)}` }));
        await store(set, resources);
        for (const clauses of queries) {
          const expected = resources.filter((resource) => matchesAll(resource, clauses)).map(({ id }) => id);
          const asked = clauses.map(({ param, modifier, values: list }): [string, string] => [
            `${param}${modifier === undefined ? '' : `:${modifier}`}`,
            list.map((each) => escaped(each, param)).join(','),
          ]);
          const query = asked.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
          expect(await searched(`/${type}?_tag=${set}&_sort=_id&_count=${count}&${query}`), JSON.stringify(clauses)).toEqual(expected);
          expect(matchedInMemory(type, resources, asked), JSON.stringify(clauses)).toEqual(expected);
          found += expected.length;
        }
      },
    ),
    { numRuns: 25 },
  );
  expect(found).toBeGreaterThan(500);
});

/** As conditional references are matched with what a transaction is about to store. */
function matchedInMemory(type: string, resources: readonly Subject[], asked: readonly [string, string][]): string[] {
  const { context } = server.services;
  const { query } = parseSearch(type, asked, context.registry, context.config, false);
  const matches = matcherOf(query, context.planContext());
  return resources
    .filter((resource) => matches({ id: resource.id, resource, extracted: context.extract(resource, type, resource.id) }))
    .map(({ id }) => id);
}

/** obs-7: what a component has the code of is the component's value alone. */
function withoutRepeatedValue<R extends Coded & { valueQuantity?: unknown; component?: readonly Coded[] }>(resource: R) {
  const { valueQuantity, ...rest } = resource;
  const codings = resource.code.coding.map((coding) => JSON.stringify(coding));
  const repeated = resource.component?.some(({ code }) => code.coding.some((coding) => codings.includes(JSON.stringify(coding)))) === true;
  return repeated || valueQuantity === undefined ? rest : { ...rest, valueQuantity };
}

type Coded = { readonly code: { readonly coding: readonly unknown[] } };

async function store(tag: string, resources: readonly Subject[]): Promise<void> {
  const entry = resources.map((resource) => ({
    resource: { ...resource, meta: { tag: [{ code: tag }] } },
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function searched(path: string): Promise<string[]> {
  const ids: string[] = [];
  for (let url: string | undefined = path; url !== undefined; ) {
    const { status, json, text } = await server.request('GET', url);
    expect(status, text).toBe(200);
    for (const { resource } of json.entry ?? []) ids.push(resource.id);
    url = json.link.find((link: { relation: string }) => link.relation === 'next')?.url;
  }
  return ids;
}

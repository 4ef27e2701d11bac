import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Asked, matchesAll, type Subject } from './oracle.ts';

/** Random resources and random searches: what comes over HTTP is what the specification, told plainly in oracle.ts, says. */

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
      code: fc.record({ coding: fc.array(coded('code'), { minLength: 1, maxLength: 2 }) }),
      subject: references.map((reference) => ({ reference })),
      effectiveDateTime: dateTimes,
      effectivePeriod: fc.tuple(fc.option(days), fc.option(days)).map(([a, b]) => {
        const [start, end] = a !== null && b !== null && a > b ? [b, a] : [a, b];
        return { ...(start === null ? {} : { start }), ...(end === null && start !== null ? {} : { end: end ?? '1971' }) };
      }),
      valueQuantity: values.map((value) => ({ value })),
    },
    { requiredKeys: ['status', 'code'] },
  )
  .map(({ effectivePeriod, ...rest }) =>
    rest.effectiveDateTime === undefined && effectivePeriod !== undefined ? { ...rest, effectivePeriod } : rest,
  );

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
    asked(fc.constant('status'), fc.constantFrom('final', 'amended', 'http://hl7.org/fhir/observation-status|final'), ['not']),
    asked(fc.constantFrom('subject', 'patient'), fc.constantFrom('1', '2', 'Patient/1', 'Patient/2'), ['Patient']),
    asked(fc.constant('subject'), fc.constantFrom('Device/1', '1', 'Group/2', 'Patient/1'), ['Patient']),
    asked(fc.constant('date'), withPrefix(dateTimes), []),
    asked(fc.constant('value-quantity'), withPrefix(numbers), []),
  ),
};

const escaped = (value: string): string => value.replace(/[\\,$]/g, '\\$&');

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
          const query = clauses.map(({ param, modifier, values: list }) => {
            const value = list.map((each) => (param === 'subject' || param === 'patient' ? each : escaped(each))).join(',');
            return `${param}${modifier === undefined ? '' : `:${modifier}`}=${encodeURIComponent(value)}`;
          });
          expect(await searched(`/${type}?_tag=${set}&_sort=_id&_count=${count}&${query.join('&')}`), JSON.stringify(clauses)).toEqual(
            expected,
          );
          found += expected.length;
        }
      },
    ),
    { numRuns: 25 },
  );
  expect(found).toBeGreaterThan(500);
});

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

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

/** @see https://hl7.org/fhir/R4/search.html#composite */

let server: TestServer;
const loinc = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const mmHg = (value: number) => ({ value, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' });
const kg = (value: number) => ({ value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' });

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

const observation = (id: string, code: string, rest: object): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: code === '' ? { text: 'no code' } : loinc(code),
  ...rest,
});

const pressure = (id: string, systolic: number, diastolic: number): Resource =>
  observation(id, '85354-9', {
    component: [
      { code: loinc('8480-6'), valueQuantity: mmHg(systolic) },
      { code: loinc('8462-4'), valueQuantity: mmHg(diastolic) },
    ],
  });

beforeAll(async () => {
  server = await startTestServer();
  const resources: Resource[] = [
    pressure('bp-high', 160, 70),
    // Its diastolic value is what a search for the systolic one must not find.
    pressure('bp-crossed', 100, 165),
    observation('bp-bare', '85354-9', { component: [{ code: loinc('8480-6') }, { code: { text: 'odd' }, valueQuantity: mmHg(1) }] }),
    observation('kg-70', '29463-7', { valueQuantity: kg(70) }),
    observation('kg-90', '29463-7', { valueQuantity: kg(90) }),
    observation('no-system', '', { code: { coding: [{ code: '29463-7' }] }, valueQuantity: kg(95) }),
    observation('concept', '72166-2', { valueCodeableConcept: loinc('LA18976-3') }),
    observation('concept-inside', '1-8', {
      component: [{ code: loinc('883-9'), valueCodeableConcept: { coding: [{ system: 'urn:a$b|c,d\\e', code: 'x$|,y' }] } }],
    }),
    observation('dated', '11778-8', { valueDateTime: '2024-03-01' }),
    observation('period', '11778-8', { valuePeriod: { start: '2024-01-01', end: '2024-12-31' } }),
    observation('text', '8251-1', { valueString: 'Éclair, $5 and some more words' }),
    {
      resourceType: 'DocumentReference',
      id: 'newer',
      status: 'current',
      content: [{ attachment: { contentType: 'text/plain' } }],
      relatesTo: [
        { code: 'replaces', target: { reference: 'DocumentReference/old' } },
        { code: 'appends', target: { reference: 'DocumentReference/other' } },
      ],
    },
    {
      resourceType: 'Group',
      id: 'women',
      type: 'person',
      actual: false,
      characteristic: [
        {
          code: { coding: [{ system: 'urn:c', code: 'gender' }] },
          valueCodeableConcept: { coding: [{ system: 'urn:g', code: 'female' }] },
          exclude: false,
        },
        { code: { coding: [{ system: 'urn:c', code: 'pregnant' }] }, valueBoolean: true, exclude: true },
      ],
    },
    {
      resourceType: 'MolecularSequence',
      id: 'seq',
      coordinateSystem: 0,
      referenceSeq: { genomeBuild: 'GRCh 37', chromosome: { coding: [{ system: 'urn:chr', code: '1' }] }, windowStart: 10, windowEnd: 50 },
      variant: [
        { start: 12, end: 14 },
        { start: 40, end: 45 },
      ],
    },
    {
      resourceType: 'ValueSet',
      id: 'adults',
      status: 'draft',
      useContext: [
        { code: { system: 'urn:u', code: 'age' }, valueRange: { low: { value: 18, system: 'http://unitsofmeasure.org', code: 'a' } } },
        { code: { system: 'urn:u', code: 'focus' }, valueCodeableConcept: { coding: [{ system: 'urn:f', code: 'cancer' }] } },
      ],
    },
  ];
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  await send('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
}, 60_000);
afterAll(() => server?.stop());

async function send(method: string, path: string, body: object): Promise<void> {
  const { status, text } = await server.request(method, path, { body });
  if (status >= 300) throw new Error(text);
}

async function idsOf(path: string): Promise<string> {
  const { status, json, text } = await server.request('GET', `/${path}`);
  expect(status, text).toBe(200);
  return (json.entry ?? [])
    .map((entry: { resource: { id: string } }) => entry.resource.id)
    .sort()
    .join(' ');
}

const query = (type: string, param: string, value: string): string => `${type}?${param}=${encodeURIComponent(value)}`;

describe('values of one item', () => {
  test.each([
    ['component-code-value-quantity', 'http://loinc.org|8480-6$gt150', 'bp-high'],
    ['component-code-value-quantity', 'http://loinc.org|8462-4$gt150', 'bp-crossed'],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$lt60', ''],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$160|http://unitsofmeasure.org|mm[Hg]', 'bp-high'],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$160|http://unitsofmeasure.org|kPa', ''],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$160||mm[Hg]', 'bp-high'],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$165||mm[Hg]', ''],
    ['component-code-value-quantity', 'http://loinc.org|8480-6$ge100,http://loinc.org|8462-4$70', 'bp-crossed bp-high'],
    // Less than a code in full: found by the components, and compared again.
    ['component-code-value-quantity', '8480-6$gt150', 'bp-high'],
    ['component-code-value-quantity', 'http://loinc.org|$gt162', 'bp-crossed'],
    ['component-code-value-quantity', '8480-6$70', ''],
    ['combo-code-value-quantity', 'http://loinc.org|8480-6$gt150', 'bp-high'],
    ['combo-code-value-quantity', 'http://loinc.org|29463-7$gt80', 'kg-90'],
    ['combo-code-value-quantity', '29463-7$gt80', 'kg-90 no-system'],
    ['combo-code-value-quantity', '|29463-7$gt80', 'no-system'],
    // The code of the whole beside a value of a component.
    ['combo-code-value-quantity', '85354-9$gt150', ''],
    ['code-value-quantity', 'http://loinc.org|29463-7$70', 'kg-70'],
    ['code-value-quantity', '29463-7$ne70', 'kg-90 no-system'],
    ['code-value-quantity', 'http://loinc.org|29463-7$70000|http://unitsofmeasure.org|g', 'kg-70'],
    ['combo-code-value-quantity', '29463-7$ge90000|http://unitsofmeasure.org|g', 'kg-90 no-system'],
    ['code-value-concept', 'http://loinc.org|72166-2$http://loinc.org|LA18976-3', 'concept'],
    ['code-value-concept', '72166-2$LA18976-3', 'concept'],
    ['code-value-concept', 'http://loinc.org|72166-2$LA18976-3', 'concept'],
    ['component-code-value-concept', 'http://loinc.org|883-9$urn:a\\$b\\|c\\,d\\\\e|x\\$\\|\\,y', 'concept-inside'],
    ['component-code-value-concept', '883-9$urn:a\\$b\\|c\\,d\\\\e|', 'concept-inside'],
    ['code-value-date', 'http://loinc.org|11778-8$2024', 'dated period'],
    ['code-value-date', 'http://loinc.org|11778-8$2024-03-01', 'dated'],
    ['code-value-date', '11778-8$sa2023-12-31', 'dated period'],
    ['code-value-date', '11778-8$sa2024-02', 'dated'],
    ['code-value-string', 'http://loinc.org|8251-1$eclair', 'text'],
    ['code-value-string', '8251-1$eclair\\, \\$5 and some more w', 'text'],
    ['code-value-string', '8251-1$eclair\\, \\$5 and some less', ''],
    ['code-value-string', '29463-7$eclair', ''],
    ['component-code-value-quantity:missing', 'false', 'bp-crossed bp-high bp-bare'.split(' ').sort().join(' ')],
    ['component-code-value-concept:missing', 'false', 'concept-inside'],
    ['code-value-quantity:missing', 'false', 'kg-70 kg-90 no-system'],
    ['combo-code-value-quantity:missing', 'true', 'concept concept-inside dated period text'],
  ])('Observation?%s=%s finds "%s"', async (param, value, ids) => {
    expect(await idsOf(query('Observation', param, value))).toBe(ids);
  });

  test.each([
    ['DocumentReference', 'relationship', 'replaces$DocumentReference/old', 'newer'],
    ['DocumentReference', 'relationship', 'replaces$old', 'newer'],
    ['DocumentReference', 'relationship', 'http://hl7.org/fhir/document-relationship-type|replaces$DocumentReference/old', 'newer'],
    ['DocumentReference', 'relationship', 'appends$DocumentReference/old', ''],
    ['DocumentReference', 'relationship', 'urn:else|replaces$DocumentReference/old', ''],
    ['DocumentReference', 'relationship:missing', 'false', 'newer'],
    ['Group', 'characteristic-value', 'urn:c|gender$urn:g|female', 'women'],
    ['Group', 'characteristic-value', 'gender$female', 'women'],
    ['Group', 'characteristic-value', 'urn:c|pregnant$true', 'women'],
    ['Group', 'characteristic-value', 'urn:c|pregnant$urn:g|female', ''],
    ['MolecularSequence', 'chromosome-window-coordinate', 'urn:chr|1$gt5$lt60', 'seq'],
    ['MolecularSequence', 'chromosome-variant-coordinate', 'urn:chr|1$gt11$lt15', 'seq'],
    // Each holds in some variant, both in none.
    ['MolecularSequence', 'chromosome-variant-coordinate', 'urn:chr|1$gt20$lt15', ''],
    ['MolecularSequence', 'chromosome-variant-coordinate', '1$gt20$gt44', 'seq'],
    ['MolecularSequence', 'chromosome-variant-coordinate', 'urn:chr|2$gt11$lt15', ''],
    ['ValueSet', 'context-type-quantity', 'urn:u|age$gt20', 'adults'],
    ['ValueSet', 'context-type-quantity', 'urn:u|focus$gt20', ''],
    ['ValueSet', 'context-type-value', 'urn:u|focus$urn:f|cancer', 'adults'],
    ['ValueSet', 'context-type-value', 'age$cancer', ''],
  ])('%s?%s=%s finds "%s"', async (type, param, value, ids) => {
    expect(await idsOf(query(type, param, value))).toBe(ids);
  });

  test('the same search beside another clause, in pages and in numbers', async () => {
    const text = query('Observation', 'component-code-value-quantity', '8480-6$ge100');
    expect(await idsOf(`${text}&code=85354-9`)).toBe('bp-crossed bp-high');
    expect((await server.request('GET', `/${text}&_summary=count`)).json.total).toBe(2);
    const { json } = await server.request('GET', `/${text}&_count=1&_total=accurate`);
    expect([json.total, json.entry.length, json.link.some(({ relation }: { relation: string }) => relation === 'next')]).toEqual([
      2,
      1,
      true,
    ]);
  });
});

test.each([
  ['one part', 'http://loinc.org|8480-6', 'search-invalid-composite'],
  ['too many parts', 'a$1$2', 'search-invalid-composite'],
  ['an empty part', 'a$', 'search-invalid-composite'],
  ['a sign that is escaped', 'a\\$1', 'search-invalid-composite'],
  ['what is no number', 'a$much', 'search-invalid-number'],
])('refuses %s', async (_, value, id) => {
  const { status, json } = await server.request('GET', `/${query('Observation', 'component-code-value-quantity', value)}`);
  expect([status, json.issue[0].details.coding[0].code]).toEqual([400, id]);
});

test('refuses modifiers that composites don’t take', async () => {
  const { status, json } = await server.request('GET', '/Observation?code-value-quantity:not=a$1');
  expect([status, json.issue[0].details.coding[0].code]).toEqual([400, 'search-unknown-modifier']);
});

test.each([
  ['a sort', '_sort=code-value-quantity'],
  ['an include', '_include=Observation:code-value-quantity'],
])('refuses %s by one', async (_, text) => {
  const { status, json } = await server.request('GET', `/Observation?${text}`);
  expect([status, json.issue[0].details.coding[0].code]).toEqual([400, expect.stringMatching(/^search-/)]);
});

describe('a caller who is bound', () => {
  const own = { subject: { reference: 'Patient/ann' } };
  const other = { subject: { reference: 'Patient/bob' } };
  beforeAll(async () => {
    for (const [id, subject, systolic] of [
      ['ann-bp', own, 155],
      ['bob-bp', other, 156],
    ] as const) {
      const body = { ...pressure(id, systolic, 80), ...subject };
      await send('PUT', `/Observation/${id}`, body);
    }
    for (const id of ['ann', 'bob']) await send('PUT', `/Patient/${id}`, { resourceType: 'Patient', id });
  });

  test.each(['http://loinc.org|8480-6$155,http://loinc.org|8480-6$156', '8480-6$155,8480-6$156'])('finds his own by %s', async (value) => {
    const token = await server.token({ scope: 'patient/Observation.rs', patient: 'ann' });
    const path = `/${query('Observation', 'component-code-value-quantity', value)}`;
    const { json } = await server.request('GET', `${path}&_total=accurate`, { token });
    expect([json.total, json.entry.map((entry: { resource: { id: string } }) => entry.resource.id)]).toEqual([1, ['ann-bp']]);
    expect((await server.request('GET', `${path}&_summary=count`)).json.total).toBe(2);
  });

  test('finds resources that others refer to, by one of theirs', async () => {
    for (const value of ['http://loinc.org|8480-6$156', '8480-6$156']) {
      expect(await idsOf(`Patient?_has:Observation:patient:component-code-value-quantity=${encodeURIComponent(value)}`)).toBe('bob');
    }
    expect(await idsOf(`Patient?_has:Observation:patient:component-code-value-quantity=${encodeURIComponent('8462-4$156')}`)).toBe('');
  });

  test('by a scope: with two codes in full, and no range', async () => {
    const narrowed = encodeURIComponent('http://loinc.org|72166-2$http://loinc.org|LA18976-3');
    const token = await server.token({ scope: `system/Observation.rs?code-value-concept=${narrowed}` });
    const { json } = await server.request('GET', '/Observation', { token });
    expect(json.entry.map((entry: { resource: { id: string } }) => entry.resource.id)).toEqual(['concept']);
    const range = await server.token({
      scope: `system/Observation.rs?code-value-quantity=${encodeURIComponent('http://loinc.org|29463-7$70')}`,
    });
    expect((await server.request('GET', '/Observation', { token: range })).status).toBe(403);
    const less = await server.token({ scope: `system/Observation.rs?component-code-value-concept=${encodeURIComponent('883-9$x')}` });
    expect((await server.request('GET', '/Observation', { token: less })).status).toBe(403);
  });
});

test('metadata lists them', async () => {
  const { json } = await server.request('GET', '/metadata');
  const { searchParam } = json.rest[0].resource.find(({ type }: { type: string }) => type === 'Observation');
  expect(searchParam).toContainEqual({
    name: 'component-code-value-quantity',
    definition: 'http://hl7.org/fhir/SearchParameter/Observation-component-code-value-quantity',
    type: 'composite',
  });
});

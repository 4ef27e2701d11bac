import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';

/** https://hl7.org/fhir/R4/patient-operation-everything.html, https://hl7.org/fhir/R4/encounter-operation-everything.html */
let server: TestServer;

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly fullUrl: string; readonly resource: Resource; readonly search: { readonly mode: string } };

const ref = (reference: string) => ({ reference });
const code = (text: string) => ({ text });
const observation = (id: string, patient: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: code('x'),
  subject: ref(`Patient/${patient}`),
  ...more,
});

const encounter = (id: string, patient: string, more: object = {}): Resource => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: ref(`Patient/${patient}`),
  ...more,
});

const resources: readonly Resource[] = [
  { resourceType: 'Organization', id: 'trust', name: 'Trust' },
  { resourceType: 'Organization', id: 'clinic', name: 'Clinic', partOf: ref('Organization/trust') },
  { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }] },
  { resourceType: 'PractitionerRole', id: 'role', practitioner: ref('Practitioner/doc'), organization: ref('Organization/clinic') },
  { resourceType: 'Location', id: 'ward', name: 'Ward' },
  { resourceType: 'Location', id: 'home', name: 'Home' },
  { resourceType: 'Medication', id: 'drug', code: code('drug'), manufacturer: ref('Organization/maker') },
  { resourceType: 'Organization', id: 'maker', name: 'Maker' },
  { resourceType: 'Binary', id: 'scan', contentType: 'text/plain', data: 'aGVsbG8=' },
  { resourceType: 'Patient', id: 'pa', name: [{ family: 'Ahlgren' }], generalPractitioner: [ref('PractitionerRole/role')] },
  { resourceType: 'Patient', id: 'pb', name: [{ family: 'Bergstrom' }] },
  { resourceType: 'Patient', id: 'pc', name: [{ family: 'Carlsson' }] },
  encounter('ea', 'pa', {
    period: { start: '2020-03-01T08:00:00Z', end: '2020-03-05T08:00:00Z' },
    // No search parameter looks there.
    hospitalization: { destination: ref('Location/home') },
    location: [{ location: ref('Location/ward') }],
  }),
  encounter('eb', 'pb'),
  observation('oa-2019', 'pa', { effectiveDateTime: '2019-05-05T10:00:00Z' }),
  observation('oa-2020', 'pa', { effectiveDateTime: '2020-03-02', encounter: ref('Encounter/ea'), focus: [ref('Patient/pb')] }),
  observation('oa-2021', 'pa', { effectivePeriod: { start: '2020-12-30', end: '2021-01-03' } }),
  observation('oa-undated', 'pa', { hasMember: [ref('Observation/ob')] }),
  observation('ob', 'pb', { encounter: ref('Encounter/eb') }),
  {
    resourceType: 'MedicationRequest',
    id: 'ma',
    status: 'active',
    intent: 'order',
    subject: ref('Patient/pa'),
    medicationReference: ref('Medication/drug'),
    authoredOn: '2020-03-03',
    encounter: ref('Encounter/ea'),
  },
  {
    resourceType: 'DocumentReference',
    id: 'da',
    status: 'current',
    subject: ref('Patient/pa'),
    content: [{ attachment: { contentType: 'text/plain', url: 'Binary/scan' } }],
  },
  {
    resourceType: 'Condition',
    id: 'ca',
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
    subject: ref('Patient/pa'),
    code: code('x'),
    asserter: ref('Practitioner/doc'),
  },
];

const own = ['Patient/pa', 'Condition/ca', 'DocumentReference/da', 'Encounter/ea', 'MedicationRequest/ma'];
const observations = ['Observation/oa-2019', 'Observation/oa-2020', 'Observation/oa-2021', 'Observation/oa-undated'];
const support = [
  'Binary/scan',
  'Location/home',
  'Location/ward',
  'Medication/drug',
  'Organization/clinic',
  'Organization/maker',
  'Organization/trust',
  'Practitioner/doc',
  'PractitionerRole/role',
];

beforeAll(async () => {
  server = await startTestServer();
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const stored = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  if (stored.status !== 200) throw new Error(stored.text);
}, 60_000);
afterAll(() => server?.stop());

const get = (path: string, token?: string): Promise<Answered> => server.request('GET', path, token === undefined ? {} : { token });
const entriesOf = ({ json }: Answered): readonly Entry[] => json.entry ?? [];
const named = (answer: Answered, mode?: string): string[] =>
  entriesOf(answer)
    .filter(({ search }) => mode === undefined || search.mode === mode)
    .map(({ resource }) => `${resource.resourceType}/${resource.id}`)
    .sort();
const linkOf = ({ json }: Answered, relation: string): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === relation)?.url;
const sorted = (...lists: readonly (readonly string[])[]): string[] => lists.flat().sort();

async function pagesOf(path: string, token?: string): Promise<Answered[]> {
  const pages: Answered[] = [];
  for (let next: string | undefined = path; next !== undefined; next = linkOf(pages.at(-1) as Answered, 'next')) {
    const page = await get(next, token);
    if (page.status !== 200 || pages.length > 50) throw new Error(`page ${pages.length}: ${page.status} ${page.text}`);
    pages.push(page);
  }
  return pages;
}

describe('the record of a patient', () => {
  test('is his compartment, and whatever that refers to but what is another patient’s', async () => {
    const answer = await get('/Patient/pa/$everything');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 9 });
    expect(named(answer, 'match')).toEqual(sorted(own, observations));
    expect(named(answer, 'include')).toEqual(support);
    expect(entriesOf(answer)[0]?.resource).toMatchObject({ resourceType: 'Patient', id: 'pa' });
    expect(entriesOf(answer)[0]?.fullUrl).toBe(`${server.base}/Patient/pa`);
    expect(answer.text).not.toContain('Bergstrom');
    expect(linkOf(answer, 'next')).toBeUndefined();
    expect(linkOf(answer, 'self')).toBe(`${server.base}/Patient/pa/$everything`);
  });

  test('comes page by page, each resource of it once', async () => {
    for (const count of [1, 2, 4, 8, 9]) {
      const pages = await pagesOf(`/Patient/pa/$everything?_count=${count}`);
      const matches = pages.map((page) => named(page, 'match'));
      expect(matches.flat().sort()).toEqual(sorted(own, observations));
      expect(matches.every((page) => page.length <= count)).toBe(true);
      expect(pages).toHaveLength(Math.ceil(9 / count));
      expect([...new Set(pages.flatMap((page) => named(page, 'include')))].sort()).toEqual(support);
    }
  });

  test('may be asked for by POST, with Parameters', async () => {
    const parameter = [
      { name: '_count', valueInteger: 2 },
      { name: '_type', valueCode: 'Observation,Patient' },
      { name: 'start', valueDate: '2020' },
    ];
    const first = await server.request('POST', '/Patient/pa/$everything', { body: { resourceType: 'Parameters', parameter } });
    expect(first.status, first.text).toBe(200);
    const rest = await pagesOf(linkOf(first, 'next') ?? '');
    expect(sorted(named(first), ...rest.map((page) => named(page)))).toEqual(sorted(['Patient/pa'], observations.slice(1)));
  });

  test.each([
    ['start=2020', ['Observation/oa-2020', 'Observation/oa-2021', 'Observation/oa-undated']],
    ['end=2019', ['Observation/oa-2019', 'Observation/oa-undated']],
    ['start=2020-03-02&end=2020-03-02', ['Observation/oa-2020', 'Observation/oa-undated']],
    ['start=2021-01-01', ['Observation/oa-2021', 'Observation/oa-undated']],
    ['start=2030', ['Observation/oa-undated']],
  ])('%s keeps what was done then or tells no date', async (query, expected) => {
    const answer = await get(`/Patient/pa/$everything?_type=Observation&${query}`);
    expect(named(answer)).toEqual(expected);
    const whole = await get(`/Patient/pa/$everything?${query}`);
    expect(named(whole, 'match').filter((name) => name.startsWith('Observation'))).toEqual(expected);
    expect(named(whole)).toContain('Patient/pa');
  });

  test('_since keeps what was changed since', async () => {
    const at = new Date().toISOString();
    expect(named(await get(`/Patient/pa/$everything?_since=${at}`))).toEqual([]);
    await server.request('PUT', '/Observation/oa-2019', {
      body: { ...observation('oa-2019', 'pa', { effectiveDateTime: '2019-05-05T10:00:00Z' }), status: 'amended' },
    });
    expect(named(await get(`/Patient/pa/$everything?_since=${at}`))).toEqual(['Observation/oa-2019']);
    const pages = await pagesOf('/Patient/pa/$everything?_count=2&_since=2020-01-01T00:00:00Z');
    expect(pages.flatMap((page) => named(page, 'match')).sort()).toEqual(sorted(own, observations));
  });

  test('_type keeps these types, among what is referred to as well', async () => {
    expect(named(await get('/Patient/pa/$everything?_type=Condition,Practitioner'))).toEqual(['Condition/ca', 'Practitioner/doc']);
    expect(named(await get('/Patient/pa/$everything?_type=Condition&_type=Encounter'))).toEqual(['Condition/ca', 'Encounter/ea']);
  });

  test('is refused where what is asked is not understood', async () => {
    for (const [query, id] of [
      ['_type=Observations', 'search-unknown-type'],
      ['_count=0', 'everything-invalid-count'],
      ['_count=-1', 'search-invalid-value'],
      ['start=yesterday', 'operation-parameter'],
      ['_since=2020', 'operation-parameter'],
      ['bogus=1', 'operation-parameter'],
      ['_page=x', 'page-invalid'],
    ]) {
      const answer = await get(`/Patient/pa/$everything?${query}`);
      expect(answer.status, answer.text).toBe(400);
      expect(answer.json.issue[0].details.coding[0].code).toBe(id);
    }
    expect((await get('/Patient/nobody/$everything')).status).toBe(404);
    expect((await server.request('DELETE', '/Patient/pa/$everything')).status).toBe(405);
  });
});

describe('the records of all patients', () => {
  test('come one after the other, in pages', async () => {
    const whole = await get('/Patient/$everything');
    const all = sorted(own, observations, ['Patient/pb', 'Encounter/eb', 'Observation/ob', 'Patient/pc']);
    expect(named(whole, 'match')).toEqual(all);
    expect(whole.json.total).toBe(all.length);
    for (const count of [1, 3, 13]) {
      const pages = await pagesOf(`/Patient/$everything?_count=${count}`);
      expect(pages.flatMap((page) => named(page, 'match')).sort()).toEqual(all);
    }
  });
});

describe('the record of an encounter', () => {
  test('is its compartment and what that refers to', async () => {
    const answer = await get('/Encounter/ea/$everything');
    expect(named(answer, 'match')).toEqual(['Encounter/ea', 'MedicationRequest/ma', 'Observation/oa-2020']);
    expect(named(answer, 'include')).toEqual(
      sorted(['Location/home', 'Location/ward', 'Medication/drug', 'Organization/maker', 'Patient/pa', 'Patient/pb']),
    );
    expect((await get('/Encounter/ea/$everything?start=2020')).status).toBe(400);
    expect((await get('/Encounter/$everything')).status).toBe(404);
  });
});

describe('a caller', () => {
  test('gets what he may search, and of what it refers to what he may read', async () => {
    const pa = await server.token({ scope: 'patient/*.rs', patient: 'pa' });
    const mine = await get('/Patient/pa/$everything', pa);
    expect(named(mine, 'match')).toEqual(sorted(own, observations));
    // A Binary is of no compartment.
    expect(named(mine, 'include')).toEqual(support.filter((name) => name !== 'Binary/scan'));
    expect(named(await get('/Patient/$everything', pa))).toEqual(named(mine));
    expect(named(await get('/Encounter/ea/$everything', pa), 'include')).not.toContain('Patient/pb');
    const few = await server.token({ scope: 'patient/Patient.rs patient/Observation.rs patient/Organization.s', patient: 'pa' });
    expect(named(await get('/Patient/pa/$everything', few))).toEqual(sorted(['Patient/pa'], observations));
    const refused = await get('/Patient/pa/$everything?_type=Condition', few);
    expect(refused.status).toBe(403);
    for (const scope of ['patient/Observation.rs', 'patient/Patient.r patient/Observation.rs', 'patient/Patient.s'])
      expect((await get('/Patient/pa/$everything', await server.token({ scope, patient: 'pa' }))).status).toBe(403);
  });

  test('goes on only with his own link, for the same record', async () => {
    const first = await get('/Patient/pa/$everything?_count=2');
    const next = linkOf(first, 'next') ?? '';
    const other = await server.token({ scope: 'patient/*.rs', patient: 'pb' });
    expect((await get(next, other)).status).toBe(404);
    expect((await get(next, await server.token({ scope: 'patient/*.rs', patient: 'pa' }))).status).toBe(403);
    expect((await get(next.replace('Patient/pa', 'Patient/pb'))).status).toBe(400);
    expect((await get(next.replace('_count=2', '_count=3'))).status).toBe(400);
  });
});

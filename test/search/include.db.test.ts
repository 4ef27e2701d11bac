import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

/** A chain of organisations, panels of observations, and who they are of. */

let server: TestServer;
let ann: string;

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = {
  readonly search: { readonly mode: string };
  readonly fullUrl?: string;
  readonly resource: Resource & { readonly meta?: { readonly versionId: string } };
};

const observation = (id: string, patient: string, more: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'x' },
  subject: { reference: `Patient/${patient}` },
  ...more,
});

beforeAll(async () => {
  server = await startTestServer({ INCLUDE_MAX: '13' });
  ann = await server.token({ scope: 'patient/*.rs', patient: 'ann' });
  await put(
    ...Array.from({ length: 14 }, (_, n) => ({
      resourceType: 'Organization',
      id: `org-${n}`,
      name: `Org ${n}`,
      ...(n === 13 ? {} : { partOf: { reference: `Organization/org-${n + 1}` } }),
    })),
    { resourceType: 'Organization', id: 'loop-a', name: 'Loop', partOf: { reference: 'Organization/loop-b' } },
    { resourceType: 'Organization', id: 'loop-b', name: 'Loop', partOf: { reference: 'Organization/loop-a' } },
    { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'First' }] },
    {
      resourceType: 'PractitionerRole',
      id: 'role',
      practitioner: { reference: 'Practitioner/doc' },
      organization: { reference: 'Organization/org-12' },
    },
    {
      resourceType: 'Patient',
      id: 'ann',
      managingOrganization: { reference: 'Organization/org-11' },
      generalPractitioner: [{ reference: 'PractitionerRole/role' }],
    },
    { resourceType: 'Patient', id: 'bob' },
    observation('leaf-1', 'ann', { performer: [{ reference: 'Practitioner/doc' }] }),
    observation('leaf-2', 'bob', { performer: [{ reference: 'Practitioner/doc/_history/1' }] }),
    observation('panel', 'ann', { hasMember: [{ reference: 'Observation/leaf-1' }, { reference: 'Observation/leaf-2' }] }),
    observation('battery', 'ann', { hasMember: [{ reference: 'Observation/panel' }] }),
    observation('odd', 'ann', {
      subject: { reference: '#in' },
      contained: [{ resourceType: 'Patient', id: 'in' }],
      performer: [
        { identifier: { system: 'urn:p', value: 'doc' }, type: 'Practitioner' },
        { reference: 'https://elsewhere.example.org/fhir/Practitioner/doc' },
        { reference: 'Practitioner/nobody' },
        { reference: `${server.base}/Practitioner/doc` },
      ],
    }),
    {
      resourceType: 'Provenance',
      id: 'prov',
      target: [{ reference: 'Observation/leaf-1' }, { reference: 'Observation/leaf-2' }],
      recorded: '2024-01-01T00:00:00Z',
      agent: [{ who: { reference: 'Practitioner/doc' } }],
    },
  );
  await put({ resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Second' }] });
}, 60_000);
afterAll(() => server?.stop());

async function put(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

async function included(path: string, token?: string): Promise<{ matches: string; includes: string; outcomes: string[] }> {
  const { status, json, text } = await server.request('GET', path, token === undefined ? {} : { token });
  expect(status, text).toBe(200);
  const entries: Entry[] = json.entry ?? [];
  const named = (mode: string): string =>
    entries
      .filter(({ search }) => search.mode === mode)
      .map(({ resource: { resourceType, id, meta } }) => (resourceType === 'Practitioner' ? `${id}/${meta?.versionId}` : id))
      .sort()
      .join(' ');
  const outcomes = entries.filter(({ search }) => search.mode === 'outcome') as unknown as {
    resource: { issue: { details: { coding: { code: string }[] } }[] };
  }[];
  return {
    matches: named('match'),
    includes: named('include'),
    outcomes: outcomes.flatMap(({ resource }) => resource.issue.map(({ details }) => details.coding[0]?.code ?? '')),
  };
}

describe('what is included', () => {
  test.each([
    ['Observation?_id=leaf-1&_include=Observation:subject', 'ann'],
    ['Observation?_id=leaf-1&_include=Observation:subject:Patient', 'ann'],
    ['Observation?_id=leaf-1&_include=Observation:subject:Group', ''],
    ['Observation?_id=leaf-1&_include=Observation:patient&_include=Observation:performer', 'ann doc/2'],
    ['Observation?_id=leaf-1&_include=*', 'ann doc/2'],
    ['Observation?_id=leaf-1&_include=Observation:*', 'ann doc/2'],
    ['Observation?_id=leaf-1&_include=Observation:*:Practitioner', 'doc/2'],
    // Includes of another type than the matches' ask nothing of them.
    ['Observation?_id=leaf-1&_include=Patient:organization', ''],
    // Not of what was included, unless it is said.
    ['Observation?_id=leaf-1&_include=Observation:subject&_include=Patient:organization', 'ann'],
    ['Observation?_id=leaf-1&_include=Observation:subject&_include:iterate=Patient:organization', 'ann org-11'],
    [
      'Observation?_id=leaf-1&_include=Observation:subject&_include:iterate=Patient:*&_include:iterate=PractitionerRole:practitioner',
      'ann doc/2 org-11 role',
    ],
    ['Observation?_id=battery&_include=Observation:has-member', 'panel'],
    ['Observation?_id=battery&_include:iterate=Observation:has-member', 'leaf-1 leaf-2 panel'],
    [
      'Observation?_id=battery&_include:iterate=*',
      'ann doc/1 doc/2 leaf-1 leaf-2 org-11 org-12 org-13 panel role bob'.split(' ').sort().join(' '),
    ],
    // A match of the page is no include too.
    ['Observation?_id=battery,panel&_include:iterate=Observation:has-member', 'leaf-1 leaf-2'],
    ['Organization?_id=loop-a&_include:iterate=Organization:partof', 'loop-b'],
    ['Organization?_id=loop-a,loop-b&_include:iterate=Organization:partof', ''],
    ['Patient?_id=ann&_revinclude=Observation:subject', 'battery leaf-1 panel'],
    ['Patient?_id=ann&_revinclude=Observation:subject&_revinclude=Provenance:target', 'battery leaf-1 panel'],
    ['Patient?_id=ann&_revinclude=Observation:subject&_revinclude:iterate=Provenance:target', 'battery leaf-1 panel prov'],
    ['Patient?_id=ann&_revinclude=Observation:subject:Group', ''],
    ['Patient?_id=ann&_revinclude=Observation:*', 'battery leaf-1 panel'],
    ['Observation?_id=leaf-2&_revinclude:iterate=Observation:has-member', 'battery panel'],
    ['Practitioner?_revinclude=PractitionerRole:practitioner&_revinclude:iterate=Patient:general-practitioner', 'ann role'],
    ['Observation?_id=leaf-1,leaf-2&_revinclude=Provenance:target', 'prov'],
    ['Provenance?_include=Provenance:target&_include:iterate=Observation:subject', 'ann bob leaf-1 leaf-2'],
  ])('%s: %j', async (path, expected) => {
    expect(await included(`/${path}`)).toMatchObject({ includes: expected, outcomes: [] });
  });

  test('a version that a reference names is that version', async () => {
    expect((await included('/Observation?_id=leaf-2&_include=Observation:performer')).includes).toBe('doc/1');
    expect((await included('/Observation?_id=leaf-1,leaf-2&_include=Observation:performer')).includes).toBe('doc/1 doc/2');
    const { json } = await server.request('GET', '/Observation?_id=leaf-1,leaf-2&_include=Observation:performer');
    const doctors = (json.entry as Entry[]).filter(({ resource }) => resource.resourceType === 'Practitioner');
    expect(doctors.map(({ fullUrl }) => fullUrl)).toEqual([`${server.base}/Practitioner/doc`, `${server.base}/Practitioner/doc`]);
  });

  test('what is logical, contained, elsewhere or nowhere is left out; our own absolute address is ours', async () => {
    expect((await included('/Observation?_id=odd&_include=*')).includes).toBe('doc/2');
  });

  test('each resource once, however many point to it', async () => {
    const { matches, includes } = await included('/Observation?patient=ann&_include=Observation:subject&_include=Observation:patient');
    expect([matches, includes]).toEqual(['battery leaf-1 panel', 'ann']);
  });

  test('what was deleted is not included', async () => {
    await put(
      { resourceType: 'Location', id: 'gone' },
      { resourceType: 'HealthcareService', id: 'service', location: [{ reference: 'Location/gone' }] },
    );
    expect((await included('/HealthcareService?_include=HealthcareService:location')).includes).toBe('gone');
    expect((await server.request('DELETE', '/Location/gone')).status).toBe(200);
    expect((await included('/HealthcareService?_include=HealthcareService:location')).includes).toBe('');
  });
});

describe('bounds are said', () => {
  test('more levels than are followed', async () => {
    const { includes, outcomes } = await included('/Organization?_id=org-0&_include:iterate=Organization:partof');
    expect(includes.split(' ')).toHaveLength(10);
    expect(outcomes).toEqual(['search-includes-cut']);
    expect((await included('/Organization?_id=org-3&_include:iterate=Organization:partof')).outcomes).toEqual([]);
  });

  test('more resources than are included', async () => {
    await put(
      ...Array.from(
        { length: 15 },
        (_, n): Resource => ({ resourceType: 'Location', id: `loc-${n}`, managingOrganization: { reference: 'Organization/org-13' } }),
      ),
    );
    const { includes, outcomes } = await included('/Organization?_id=org-13&_revinclude=Location:organization');
    expect([includes.split(' ').length, outcomes]).toEqual([13, ['search-includes-cut']]);
  });

  test('a resource that points often counts once', async () => {
    const doctors = ['a', 'b', 'c', 'd', 'e'].map((id) => `many-${id}`);
    await put(
      ...doctors.map((id): Resource => ({ resourceType: 'Practitioner', id })),
      ...['v', 'w', 'x', 'y', 'z'].map((id) =>
        observation(`many-${id}`, 'bob', { performer: doctors.map((doctor) => ({ reference: `Practitioner/${doctor}` })) }),
      ),
    );
    expect(await included(`/Practitioner?_id=${doctors.join()}&_revinclude=Observation:performer`)).toMatchObject({
      includes: 'many-v many-w many-x many-y many-z',
      outcomes: [],
    });
  });
});

describe('a caller reaches nothing through what he may not see', () => {
  test.each([
    ['Observation?_id=panel&_include=Observation:has-member', 'leaf-1'],
    ['Observation?_id=battery&_include:iterate=*', 'ann doc/2 leaf-1 org-11 org-12 org-13 panel role'],
    ['Practitioner?_id=doc&_revinclude=Observation:performer&_include:iterate=Observation:subject', 'ann leaf-1'],
    ['Practitioner?_id=doc&_revinclude=PractitionerRole:practitioner&_revinclude:iterate=Patient:general-practitioner', 'ann role'],
  ])('%s: %j', async (path, expected) => {
    expect((await included(`/${path}`, ann)).includes).toBe(expected);
  });
});

describe('what is refused', () => {
  test.each([
    ['_include=Observation:code', 'search-unknown-include', '"code" is no reference parameter'],
    ['_include=Observation:subjekt', 'search-unknown-include', 'Did you mean "subject"?'],
    ['_include=Observatio:subject', 'search-unknown-include', 'Did you mean "Observation"?'],
    ['_include=Observation', 'search-unknown-include', 'Observation:parameter'],
    ['_include=Observation:subject:', 'search-unknown-include', 'Observation:parameter'],
    ['_include=Observation:subject:Patient:x', 'search-unknown-include', 'Observation:parameter'],
    ['_include=Observation:subject:Patien', 'search-unknown-include', 'Did you mean "Patient"?'],
    ['_include=Observation:encounter:Patient', 'search-unknown-include', 'never points to Patient'],
    ['_include:recurse=Observation:has-member', 'search-unknown-modifier', 'write :iterate'],
    ['_include:foo=Observation:has-member', 'search-unknown-modifier', 'Known: iterate'],
    ['_revinclude=*', 'search-unknown-include', 'name the type'],
    ['_revinclude:recurse=Provenance:target', 'search-unknown-modifier', 'write :iterate'],
  ])('%s', async (query, code, words) => {
    const { status, json } = await server.request('GET', `/Observation?${query}`);
    expect([status, json.issue[0].details.coding[0].code]).toEqual([400, code]);
    expect(json.issue[0].details.text).toContain(words);
  });
});

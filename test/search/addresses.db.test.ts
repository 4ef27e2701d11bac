import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RequestOptions, startTestServer, type TestServer } from '../support/server.ts';

/** Searches of several types, of the whole system and of compartments: what is asked where, and who sees what. */

let server: TestServer;
let ann: string;

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly search: { readonly mode: string }; readonly resource: Resource };

const tag = { meta: { tag: [{ code: 't' }] } };
const of = (patient: string) => ({ reference: `Patient/${patient}` });
const observation = (id: string, patient: string, more: object = {}): Resource => ({
  ...tag,
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'urn:c', code: 'hr' }] },
  subject: of(patient),
  ...more,
});

beforeAll(async () => {
  server = await startTestServer();
  ann = await server.token({ scope: 'patient/*.rs', patient: 'ann' });
  await put(
    { ...tag, resourceType: 'Patient', id: 'ann', name: [{ family: 'Ann' }], managingOrganization: { reference: 'Organization/org' } },
    { ...tag, resourceType: 'Patient', id: 'bob' },
    { ...tag, resourceType: 'Organization', id: 'org', name: 'Org' },
    { ...tag, resourceType: 'Practitioner', id: 'doc' },
    { ...tag, resourceType: 'RelatedPerson', id: 'mum', patient: of('ann') },
    { ...tag, resourceType: 'Device', id: 'dev', patient: of('ann') },
    {
      ...tag,
      resourceType: 'Encounter',
      id: 'enc',
      status: 'finished',
      class: { code: 'AMB' },
      subject: of('ann'),
      participant: [{ individual: { reference: 'Practitioner/doc' } }],
    },
    observation('oa1', 'ann', { effectiveDateTime: '2024-01-01', valueQuantity: { value: 60 }, encounter: { reference: 'Encounter/enc' } }),
    observation('oa2', 'ann', {
      effectiveDateTime: '2024-02-01',
      valueQuantity: { value: 90 },
      performer: [{ reference: 'Practitioner/doc' }],
    }),
    // In Ann's compartment as its performer, and in that of the device.
    observation('op', 'bob', { performer: [of('ann')], device: { reference: 'Device/dev' } }),
    observation('ob', 'bob', { performer: [{ reference: 'RelatedPerson/mum' }] }),
    { ...tag, resourceType: 'Condition', id: 'ca', subject: of('ann'), code: { coding: [{ system: 'urn:c', code: 'hr' }] } },
    { ...tag, resourceType: 'Condition', id: 'cb', subject: of('bob') },
    { ...tag, resourceType: 'Patient', id: 'gone' },
  );
  const { status } = await server.request('DELETE', '/Patient/gone');
  if (status !== 200) throw new Error(`the fixture could not be deleted: ${status}`);
}, 60_000);
afterAll(() => server?.stop());

async function put(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

const named = (bundle: { entry?: Entry[] }, mode = 'match'): string =>
  (bundle.entry ?? [])
    .filter(({ search }) => search.mode === mode)
    .map(({ resource }) => resource.id)
    .join(' ');
const sorted = (ids: string): string => ids.split(' ').sort().join(' ');

async function found(path: string, options: RequestOptions = {}): Promise<string> {
  const { status, json, text } = await server.request(options.body === undefined ? 'GET' : 'POST', path, options);
  expect(status, text).toBe(200);
  return named(json);
}

/** All pages' matches in order. */
async function paged(path: string, token?: string): Promise<string[]> {
  const ids: string[] = [];
  for (let url: string | undefined = path, pages = 0; url !== undefined; pages++) {
    const { status, json, text } = await server.request('GET', url, token === undefined ? {} : { token });
    expect([status, pages < 100], text).toEqual([200, true]);
    const page = named(json);
    if (page === '') expect(pages, 'only the first page may be empty').toBe(0);
    ids.push(...page.split(' '));
    url = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
  }
  return ids;
}

const codeOf = async (path: string, options: RequestOptions = {}): Promise<[number, string]> => {
  const { status, json } = await server.request('GET', path, options);
  return [status, json.issue?.[0].details.coding[0].code];
};

describe('several types', () => {
  test.each([
    ['?_type=Observation,Condition&_tag=t', 'ca cb ob oa1 oa2 op'],
    ['?_type=Observation,Condition&code=urn:c|hr', 'ca ob oa1 oa2 op'],
    ['?_type=Observation,Condition&patient=ann', 'ca oa1 oa2'],
    ['?_type=Observation,Condition&subject:Patient.family=ann', 'ca oa1 oa2'],
    ['?_type=Patient&_id=ann', 'ann'],
    ['?_type=Observation,Condition,Encounter&_type=Condition,Patient&_tag=t', 'ca cb'],
    ['?_id=ann,oa1,nobody', 'ann oa1'],
    ['?_tag=t&_lastUpdated=gt2020', 'ann bob ca cb dev doc enc mum oa1 oa2 ob op org'],
    ['?_tag=t&_lastUpdated=lt2020', ''],
    ['/Observation?_type=Observation&patient=ann', 'oa1 oa2'],
  ])('%s', async (query, expected) => {
    const path = query.startsWith('/') ? query : `/${query}`;
    expect(sorted(await found(path))).toBe(sorted(expected));
    for (const size of [1, 2, 5])
      expect(sorted((await paged(`${path}&_count=${size}`)).join(' ')), `pages of ${size}`).toBe(sorted(expected));
    const total = expected === '' ? 0 : expected.split(' ').length;
    expect((await server.request('GET', `${path}&_summary=count`)).json).toMatchObject({ total });
    expect((await server.request('GET', `${path}&_count=1&_total=accurate`)).json).toMatchObject({ total });
  });

  test.each(['_lastUpdated', '-_lastUpdated', '_id', '-_id'])('in one order: _sort=%s', async (sort) => {
    await put(observation('later', 'bob'));
    const path = `/?_type=Patient,Observation,Condition&_tag=t&_sort=${sort}`;
    const { json } = await server.request('GET', path);
    const rows = (json.entry as Entry[]).map(({ resource }) => resource as unknown as { id: string; meta: { lastUpdated: string } });
    const keys = rows.map(({ id, meta }) => (sort.endsWith('_id') ? id : meta.lastUpdated));
    expect(keys).toEqual(sort.startsWith('-') ? keys.toSorted().reverse() : keys.toSorted());
    expect(rows).toHaveLength(9);
    for (const size of [1, 2, 4]) expect(await paged(`${path}&_count=${size}`), `pages of ${size}`).toEqual(rows.map(({ id }) => id));
    await server.request('DELETE', '/Observation/later');
  });

  test('the self link says what was asked, and where', async () => {
    const { json } = await server.request('GET', '/?_type=Observation,Condition&code=hr&_count=2');
    const links = Object.fromEntries(json.link.map(({ relation, url }: { relation: string; url: string }) => [relation, new URL(url)]));
    expect(links['self'].pathname).toBe(new URL(server.base).pathname);
    expect([...links['self'].searchParams]).toEqual([
      ['_type', 'Observation,Condition'],
      ['code', 'hr'],
      ['_count', '2'],
    ]);
    expect(links['next'].searchParams.get('_type')).toBe('Observation,Condition');
  });

  test('includes of matches of any of the types', async () => {
    const { json } = await server.request('GET', '/?_type=Patient,Encounter&_id=ann,enc&_include=*&_revinclude=Observation:encounter');
    expect(sorted(named(json, 'include'))).toBe('doc oa1 org');
  });

  test('forms: to the base, to a type and to a compartment, query and body together', async () => {
    const form = (body: string) => ({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
    expect(sorted(await found('/_search?_type=Observation,Condition', form('code=hr&patient=ann')))).toBe('ca oa1 oa2');
    expect(sorted(await found('/Observation/_search?patient=ann', form('value-quantity=gt70')))).toBe('oa2');
    expect(sorted(await found('/Patient/ann/Observation/_search?code=hr', form('value-quantity=gt70')))).toBe('oa2');
    expect(sorted(await found('/Patient/ann/*/_search', form('_type=Condition')))).toBe('ca');
  });

  test.each([
    ['/', 'search-type-required'],
    ['/?_count=5', 'search-type-required'],
    ['/?code=hr', 'search-type-required'],
    ['/?_sort=_id', 'search-type-required'],
    ['/?_type=Observatoin', 'search-unknown-type'],
    ['/?_type=Observation&_type=Patient', 'search-no-type'],
    ['/?_type=Observation,Patient&code=hr', 'search-unknown-parameter'],
    ['/?_type=Observation,Condition&_sort=code', 'search-sort-unsupported'],
    ['/?_tag=t&_sort=_lastUpdated', 'search-sort-too-costly'],
    ['/?_type=Observation,Condition&_explain=true', 'search-explain-one-type'],
    ['/Patient?_type=Observation', 'search-other-type'],
  ])('%s is refused', async (path, code) => {
    expect(await codeOf(path)).toEqual([400, code]);
  });

  test('leniently, what one type lacks is left out for all', async () => {
    const { json } = await server.request('GET', '/?_type=Observation,Patient&code=nothing&_tag=t', {
      headers: { prefer: 'handling=lenient' },
    });
    expect(sorted(named(json))).toBe('ann bob oa1 oa2 ob op');
    expect(json.entry.at(-1).resource.issue[0].details.coding[0].code).toBe('search-unknown-parameter');
    expect(json.link[0].url).not.toContain('code=');
  });

  test('a page link is good for its own search alone', async () => {
    const { json } = await server.request('GET', '/?_type=Observation,Condition&_tag=t&_count=2');
    const next = new URL(json.link.find(({ relation }: { relation: string }) => relation === 'next').url);
    next.searchParams.set('_type', 'Patient');
    expect((await codeOf(next.href))[0]).toBe(400);
    expect((await codeOf(next.href.replace('_type=Patient', '_type=Observation%2CCondition'), { token: ann }))[0]).toBe(403);
  });
});

describe('compartments', () => {
  test.each([
    ['Patient/ann/Observation', 'oa1 oa2 op'],
    ['Patient/ann/Observation?code=urn:c|hr', 'oa1 oa2 op'],
    ['Patient/ann/Observation?code=urn:c|hr&value-quantity=gt70', 'oa2'],
    ['Patient/ann/Observation?patient=ann', 'oa1 oa2'],
    ['Patient/ann/Observation?patient=bob', 'op'],
    ['Patient/ann/Observation?date=ge2024-01-15&_sort=-date', 'oa2'],
    ['Patient/ann/Condition', 'ca'],
    ['Patient/ann/Condition?code:missing=true', ''],
    ['Patient/ann/Patient', 'ann'],
    ['Patient/ann/*', 'ann ca enc mum oa1 oa2 op'],
    ['Patient/ann/*?_type=Observation,Condition', 'ca oa1 oa2 op'],
    ['Patient/ann/*?_id=oa1,ob', 'oa1'],
    ['Patient/bob/*', 'bob cb ob op'],
    ['Practitioner/doc/*', 'doc enc oa2'],
    ['Practitioner/doc/Observation', 'oa2'],
    ['RelatedPerson/mum/Observation', 'ob'],
    ['Encounter/enc/Observation', 'oa1'],
    ['Encounter/enc/*', 'enc oa1'],
    ['Device/dev/Observation', 'op'],
    ['Device/dev/*', 'dev op'],
  ])('%s: %j', async (path, expected) => {
    expect(sorted(await found(`/${path}`))).toBe(expected);
    const more = path.includes('?') ? '&' : '?';
    expect(sorted((await paged(`/${path}${more}_count=2`)).join(' '))).toBe(expected);
    const total = expected === '' ? 0 : expected.split(' ').length;
    expect((await server.request('GET', `/${path}${more}_summary=count`)).json.total).toBe(total);
  });

  test('the self link names the compartment', async () => {
    const { json } = await server.request('GET', '/Patient/ann/Observation?code=hr&_count=1');
    const urls: string[] = json.link.map(({ url }: { url: string }) => url);
    expect(urls.every((url) => url.startsWith(`${server.base}/Patient/ann/Observation?code=hr`))).toBe(true);
  });

  test('entries of a batch search them too', async () => {
    const entry = [
      'Patient/ann/Observation?value-quantity=gt70',
      'Device/dev/*',
      '?_type=Condition,Encounter&_tag=t',
      `${server.base}?_id=ann`,
    ].map((url) => ({ request: { method: 'GET', url } }));
    const { json } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect(json.entry.map(({ resource }: { resource: { entry: Entry[] } }) => sorted(named(resource)))).toEqual([
      'oa2',
      'dev op',
      'ca cb enc',
      'ann',
    ]);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD']) {
      const body = {
        resourceType: 'Bundle',
        type: 'batch',
        entry: [{ request: { method, url: '?_id=ann' }, resource: { resourceType: 'Patient' } }],
      };
      expect((await server.request('POST', '', { body })).json.entry[0].response.status, method).toMatch(/^400/);
    }
  });

  test.each([
    ['/Patient/nobody/Observation', 404, 'not-found'],
    ['/Patient/gone/Observation', 410, 'resource-deleted'],
    ['/Patient/ann/Organization', 400, 'search-not-in-compartment'],
    ['/Patient/ann/Observatoin', 404, 'resource-type-unknown'],
    ['/Organization/org/Patient', 400, 'search-no-compartment'],
    ['/Patient/a_b/Observation', 400, 'id-invalid'],
    ['/Patient/ann/*?code=hr', 400, 'search-unknown-parameter'],
    ['/Patient/ann/*?_type=Observation,Organization', 400, 'search-not-in-compartment'],
  ])('%s: %i %s', async (path, status, code) => {
    const answer = await codeOf(path);
    expect([answer[0], code === 'not-found' ? code : answer[1]]).toEqual([status, code]);
  });
});

describe('a caller who is bound to one patient', () => {
  test.each([
    ['Patient/ann/*', 'ann ca enc mum oa1 oa2 op'],
    ['Patient/ann/Observation', 'oa1 oa2 op'],
    ['Practitioner/doc/*', 'doc enc oa2'],
    ['RelatedPerson/mum/Observation', ''],
    ['?_type=Observation,Condition,Patient&_tag=t', 'ann ca oa1 oa2 op'],
    ['?_tag=t', 'ann ca dev doc enc mum oa1 oa2 op org'],
    ['?_id=bob,ob,ann', 'ann'],
  ])('%s: %j', async (path, expected) => {
    const { status, json, text } = await server.request('GET', `/${path}`, { token: ann });
    expect(status, text).toBe(200);
    expect(sorted(named(json))).toBe(expected);
    expect(json.total).toBe(expected === '' ? 0 : expected.split(' ').length);
    expect(sorted((await paged(`/${path}${path.includes('?') ? '&' : '?'}_count=2`, ann)).join(' '))).toBe(expected);
  });

  test('another patient’s compartment is answered as that of one who never was', async () => {
    const tells = async (id: string): Promise<unknown[]> => {
      const { status, text } = await server.request('GET', `/Patient/${id}/Observation`, { token: ann });
      return [status, text.replaceAll(id, 'ID')];
    };
    expect(await tells('bob')).toEqual(await tells('zzz'));
    expect(await tells('gone')).toEqual(await tells('zzz'));
    expect((await tells('bob'))[0]).toBe(404);
  });

  test('types that he may not search are refused where they are named, and left out where all are meant', async () => {
    expect(await codeOf('/?_type=Observation,Bundle&_tag=t', { token: ann })).toEqual([403, 'scope-insufficient']);
    expect(await codeOf('/Bundle?_tag=t', { token: ann })).toEqual([403, 'scope-insufficient']);
  });
});

describe('contained resources', () => {
  test.each([
    ['_contained=false', 200, undefined],
    ['_contained=false&_containedType=contained', 200, undefined],
    ['_contained=true', 200, undefined],
    ['_contained=both', 200, undefined],
    ['_contained=maybe', 400, 'search-invalid-value'],
    ['_containedType=other', 400, 'search-invalid-value'],
  ])('%s: %i', async (query, status, code) => {
    expect(await codeOf(`/Observation?${query}`)).toEqual([status, code]);
  });

  test('are not found on their own', async () => {
    await put(
      observation('holds', 'ann', {
        subject: { reference: '#in' },
        contained: [{ resourceType: 'Patient', id: 'in', name: [{ family: 'Inside' }] }],
      }),
    );
    expect(await found('/Patient?family=inside')).toBe('');
    expect(await found('/Patient?_id=in')).toBe('');
  });
});

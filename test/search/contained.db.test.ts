import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reindexContext } from '../../src/interactions/parameters/registrar.ts';
import { reindexBatch } from '../../src/storage/reindex.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;
type Entry = { readonly fullUrl: string; readonly search: { readonly mode: string }; readonly resource: Resource };

async function put(resource: Resource): Promise<void> {
  const { status, text } = await server.request('PUT', `/${resource.resourceType}/${resource.id}`, { body: resource });
  expect([200, 201], text).toContain(status);
}

const medication = (id: string, code: string, also: object = {}): Resource => ({
  resourceType: 'Medication',
  id,
  code: { coding: [{ system: 'urn:m', code }] },
  ...also,
});

const request = (id: string, patient: string, contained: readonly Resource[], also: object = {}): Resource => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  subject: { reference: `Patient/${patient}` },
  medicationReference: { reference: `#${contained[0]?.id ?? ''}` },
  supportingInformation: contained.map((each) => ({ reference: `#${each.id}` })),
  contained,
  ...also,
});

type Told = {
  readonly status: number;
  readonly total: unknown;
  readonly pages: readonly (readonly string[])[];
  readonly entries: readonly Entry[];
};

/** All pages, by the addresses on them. */
async function told(url: string, token?: string): Promise<Told> {
  const entries: Entry[] = [];
  const pages: string[][] = [];
  let total: unknown;
  for (let next: string | undefined = url; next !== undefined; ) {
    const { status, json } = await server.request('GET', next, token === undefined ? {} : { token });
    if (status !== 200) return { status, total, pages, entries };
    if (pages.length === 0) total = json.total;
    const those = (json.entry ?? []) as Entry[];
    entries.push(...those);
    pages.push(those.map(({ fullUrl }) => fullUrl.slice(server.base.length + 1)));
    next = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
  }
  return { status: 200, total, pages, entries };
}

const codeOf = async (url: string, token?: string): Promise<unknown> => {
  const { status, json } = await server.request('GET', url, token === undefined ? {} : { token });
  return [status, json.issue?.[0].details.coding[0].code];
};

describe('_containedType=contained', () => {
  beforeAll(async () => {
    const many = ['a', 'b', 'c'].map((id) => medication(id, 'one'));
    await put(request('t1', 'p', [...many, medication('d', 'two')]));
    await put(request('t2', 'p', [medication('a', 'one'), medication('b', 'two')]));
    await put(medication('t3', 'one'));
  });
  const all = ['MedicationRequest/t1#a', 'MedicationRequest/t1#b', 'MedicationRequest/t1#c', 'MedicationRequest/t2#a'];

  test('answers each by itself, at its container’s address', async () => {
    const text =
      '{"resourceType":"Medication","id":"exact","amount":{"numerator":{"value":1.50},"denominator":{"value":1}},"status":"active"}';
    const body = `{"resourceType":"MedicationRequest","id":"t9","status":"draft","intent":"order","subject":{"reference":"Patient/p"},"medicationReference":{"reference":"#exact"},"contained":[${text}]}`;
    const { status } = await server.request('PUT', '/MedicationRequest/t9', { body });
    expect(status).toBe(201);
    const url = '/Medication?_id=exact&_contained=true&_containedType=contained';
    const { text: answer, json } = await server.request('GET', url);
    expect(json.total).toBe(1);
    expect(json.entry[0]).toMatchObject({ fullUrl: `${server.base}/MedicationRequest/t9#exact`, search: { mode: 'match' } });
    expect(answer).toContain('{"value":1.50}');
    expect(json.entry[0].resource).toEqual(JSON.parse(text));
    const { json: part } = await server.request('GET', `${url}&_elements=status`);
    expect(part.entry[0].resource).toMatchObject({ id: 'exact', status: 'active' });
    expect(part.entry[0].resource).not.toHaveProperty('amount');
  });

  test.each([1, 2, 3, 4, 5, 100])('in pages of %i, which end inside a container too', async (count) => {
    const { pages } = await told(`/Medication?code=urn:m|one&_contained=true&_containedType=contained&_count=${count}`);
    expect(pages.flat()).toEqual(all);
    expect(pages.slice(0, -1).every((page) => page.length === count)).toBe(true);
    const both = await told(`/Medication?code=urn:m|one&_contained=both&_containedType=contained&_count=${count}&_total=accurate`);
    expect(both.pages.flat()).toEqual(['Medication/t3', ...all]);
    expect(both.total).toBe(5);
  });

  test('counts what is contained', async () => {
    expect(await told('/Medication?code=urn:m|one&_contained=true&_containedType=contained&_summary=count')).toMatchObject({ total: 4 });
    expect(await told('/Medication?code=urn:m|one&_contained=true&_count=1&_total=estimate')).toMatchObject({ total: 2 });
  });

  test('goes on behind what was shown where the container changes meanwhile', async () => {
    await put(
      request(
        'v1',
        'p',
        ['a', 'b', 'c'].map((id) => medication(id, 'moving')),
      ),
    );
    const url = '/Medication?code=urn:m|moving&_contained=true&_containedType=contained&_count=1';
    const { json } = await server.request('GET', url);
    const next: string = json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    await put(request('v1', 'p', [medication('a', 'moving'), medication('b', 'still'), medication('c', 'moving')]));
    expect((await told(next)).pages.flat()).toEqual(['MedicationRequest/v1#c']);
    await put(request('v1', 'p', [medication('a', 'still')]));
    expect((await told(next)).pages.flat()).toEqual([]);
    expect((await told(url)).total).toBe(0);
    await server.request('DELETE', '/MedicationRequest/v1');
    expect((await told('/Medication?code=urn:m|still&_contained=true')).total).toBe(0);
  });
});

describe('what a caller may see', () => {
  beforeAll(async () => {
    await put(request('s1', 'sara', [medication('m', 'seen')]));
    await put(request('s2', 'tom', [medication('m', 'seen', { status: 'inactive' })], { status: 'completed' }));
    await put({
      resourceType: 'Observation',
      id: 's3',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: 'Patient/tom' },
      performer: [{ reference: '#sara' }],
      contained: [{ resourceType: 'Patient', id: 'sara', gender: 'female', name: [{ family: 'Withinside' }] }],
    });
  });

  test.each([
    ['nothing to read: nothing there', 'system/Medication.rs', undefined, []],
    ['containers to read', 'system/Medication.s system/MedicationRequest.r', undefined, ['s1', 's2']],
    ['containers to search alone', 'system/Medication.s system/MedicationRequest.s', undefined, []],
    ['containers of a status', 'system/Medication.s system/MedicationRequest.r?status=active', undefined, ['s1']],
    ['contained ones of a status', 'system/Medication.s?status=inactive system/MedicationRequest.r', undefined, ['s2']],
    [
      'a status that the container has and not what it contains',
      'system/Medication.s?status=active system/MedicationRequest.r',
      undefined,
      [],
    ],
    ['his own', 'patient/Medication.rs patient/MedicationRequest.rs', 'sara', ['s1']],
    ['another’s', 'patient/Medication.rs patient/MedicationRequest.rs', 'una', []],
  ] as const)('%s', async (_, scope, patient, ids) => {
    const token = await server.token({ scope, ...(patient === undefined ? {} : { patient }) });
    const seen = ids.map((id) => `MedicationRequest/${id}`);
    const { pages, total } = await told('/Medication?code=urn:m|seen&_contained=true', token);
    expect([pages.flat(), total]).toEqual([seen, ids.length]);
    const each = await told('/Medication?code=urn:m|seen&_contained=both&_containedType=contained&_count=1&_total=accurate', token);
    expect([each.pages.flat(), each.total]).toEqual([seen.map((place) => `${place}#m`), ids.length]);
    expect(await told('/Medication?code=urn:m|seen&_contained=true&_summary=count', token)).toMatchObject({ total: ids.length });
  });

  test('without the right to search the contained type the answer is a 403', async () => {
    const token = await server.token({ scope: 'system/MedicationRequest.rs' });
    expect(await codeOf('/Medication?code=urn:m|seen&_contained=true', token)).toEqual([403, 'scope-insufficient']);
  });

  test('an id inside makes nobody the patient of that id', async () => {
    const sara = await server.token({ scope: 'patient/*.rs', patient: 'sara' });
    const tom = await server.token({ scope: 'patient/*.rs', patient: 'tom' });
    expect((await told('/Patient?family=withinside&_contained=true', sara)).total).toBe(0);
    expect((await told('/Patient?family=withinside&_contained=true', tom)).pages.flat()).toEqual(['Observation/s3']);
    expect((await told('/Patient/sara?_contained=true', sara)).status).toBe(404);
  });

  test('a hop through a type he may not search is refused, whatever is stored', async () => {
    const token = await server.token({ scope: 'system/Medication.rs system/MedicationRequest.rs' });
    expect(await codeOf('/Medication?manufacturer.name=x&_contained=true', token)).toEqual([403, 'search-hop-forbidden']);
    expect(await codeOf('/Claim?patient.name=x&_contained=true', await server.token({ scope: 'system/Claim.rs' }))).toEqual([
      403,
      'search-hop-forbidden',
    ]);
  });

  test('what others’ resources contain changes nothing of his answers', async () => {
    const token = await server.token({ scope: 'patient/*.rs', patient: 'vera' });
    const coded = (id: string, code: string): Resource => ({
      resourceType: 'Observation',
      id,
      status: 'final',
      code: { coding: [{ code }] },
    });
    const holder = (id: string, patient: string, codes: readonly string[]): Resource => ({
      resourceType: 'Observation',
      id,
      status: 'final',
      code: { coding: [{ code: 'r-a' }] },
      subject: { reference: `Patient/${patient}` },
      hasMember: codes.map((_, at) => ({ reference: `#c${at}` })),
      contained: codes.map((code, at) => coded(`c${at}`, code)),
    });
    for (let n = 0; n < 6; n++) await put(holder(`r-own-${n}`, 'vera', n % 2 === 0 ? ['r-a', 'r-b'] : ['r-b']));
    const queries = ['true', 'both'].flatMap((mode) =>
      ['container', 'contained'].flatMap((answer) =>
        [
          '',
          '&_total=accurate',
          '&_total=estimate',
          ...(answer === 'container' ? ['&_sort=-_lastUpdated', '&_sort=_id&_total=accurate'] : []),
        ].flatMap((also) =>
          ['code=r-a', 'code=r-b', 'code:not=r-a', 'subject:missing=true', '_has:Observation:has-member:code=r-a'].map(
            (clause) => `/Observation?${clause}&_contained=${mode}&_containedType=${answer}&_count=2${also}`,
          ),
        ),
      ),
    );
    const answers = async () => {
      const all: unknown[] = [];
      for (const url of queries) {
        const { status, total, pages } = await told(url, token);
        expect(status, url).toBe(200);
        all.push([url, total, pages]);
      }
      return all;
    };
    const before = await answers();
    expect(JSON.stringify(before)).toContain('r-own-0#c0');
    for (let n = 0; n < 12; n++) await put(holder(`r-${n % 2 === 0 ? 'a' : 'z'}-${n}`, 'will', ['r-a', 'r-b', 'r-a']));
    await put({ ...request('r-x', 'will', [coded('c0', 'r-a')]), medicationReference: { display: 'x' } });
    await server.services.context.pool.query('analyze');
    await server.services.context.statistics.refresh();
    expect(await answers()).toEqual(before);
    for (let n = 0; n < 12; n++) await server.request('DELETE', `/Observation/r-${n % 2 === 0 ? 'a' : 'z'}-${n}`);
    expect(await answers()).toEqual(before);
  }, 60_000);
});

test('conditional interactions are about resources of their own', async () => {
  const body = medication('x', 'conditional');
  const { status, json } = await server.request('POST', '/Medication', {
    body,
    headers: { 'if-none-exist': 'code=urn:m|conditional&_contained=true' },
  });
  expect([status, json.issue[0].details.coding[0].code]).toEqual([400, 'criteria-contained']);
  expect(
    await codeOf('/Medication?code=urn:m|conditional', await server.token({ scope: 'system/Medication.s?code=x&_contained=true' })),
  ).toEqual([403, 'scope-unsupported']);
});

test('what was stored without such tokens is found once it was indexed anew', async () => {
  await put(request('w1', 'p', [medication('m', 'early')]));
  const { context, log } = server.services;
  await context.pool.query(`update resource_medicationrequest set tokens = '{}' where id = 'w1'`);
  expect((await told('/Medication?code=urn:m|early&_contained=true')).total).toBe(0);
  const reindexing = reindexContext(context, log, 100);
  await expect(reindexBatch(reindexing, 'MedicationRequest', 0, () => Promise.resolve(true))).resolves.toMatchObject({ skipped: 0 });
  expect((await told('/Medication?code=urn:m|early&_contained=true')).total).toBe(1);
  expect((await told('/MedicationRequest?medication.code=urn:m|early')).total).toBe(1);
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import cases from '../cases/search/date-prefix.json' with { type: 'json' };
import { startTestServer, type TestServer } from '../support/server.ts';

/** Searches over HTTP on a real database. What a value matches in all its variants is told by matching.test.ts; here is what SQL decides. */

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  await put(
    { resourceType: 'Organization', id: 'org', name: 'Acme' },
    {
      resourceType: 'Patient',
      id: 'ann',
      active: true,
      name: [{ family: 'Müller', given: ['Ann', 'Sue'] }],
      gender: 'female',
      birthDate: '1970',
      identifier: [{ system: 'urn:mrn', value: 'A-1' }],
      telecom: [{ system: 'email', value: 'ann@example.org' }],
      address: [{ city: 'Graz', line: ['100% Weg_1'] }],
      managingOrganization: { reference: 'Organization/org' },
      meta: { tag: [{ system: 'urn:t', code: 'vip' }], profile: ['http://p.org/one|1.0'], security: [{ system: 'urn:s', code: 'R' }] },
    },
    {
      resourceType: 'Patient',
      id: 'bob',
      active: false,
      name: [{ family: 'Wolfeschlegelsteinhausen', given: ['Bob'] }],
      gender: 'male',
      birthDate: '1970-06-14',
      identifier: [{ system: 'urn:mrn', value: 'a-1' }, { value: 'loose' }],
      deceasedDateTime: '2020-05-05T10:30:00+02:00',
      managingOrganization: { identifier: { system: 'urn:org', value: '7' } },
    },
    { resourceType: 'Patient', id: 'cid', name: [{ family: 'Mull' }], birthDate: '1971-01', deceasedDateTime: '2020-05-05' },
    { resourceType: 'Patient', id: 'dot', managingOrganization: { reference: 'http://other.org/fhir/Organization/org' } },
    {
      resourceType: 'Account',
      id: 'joint',
      status: 'active',
      subject: [{ reference: 'Patient/ann' }, { reference: 'Patient/bob' }],
    },
    observation('o1', { subject: { reference: 'Patient/ann' }, value: 5.4 }),
    observation('o2', { subject: { reference: 'Patient/ann/_history/1' }, value: 5.35 }),
    observation('o3', { subject: { reference: `${server.base}/Patient/bob` }, value: 5.45 }),
    observation('o4', { subject: { reference: 'Device/ann' }, value: 100, status: 'amended' }),
  );
}, 60_000);
afterAll(() => server?.stop());

type Resource = { readonly resourceType: string; readonly id: string } & Readonly<Record<string, unknown>>;

function observation(id: string, { subject, value, status = 'final' }: { subject: object; value: number; status?: string }): Resource {
  const valueQuantity = { value, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' };
  return {
    resourceType: 'Observation',
    id,
    status,
    code: { coding: [{ system: 'http://loinc.org', code: 'GLU' }] },
    subject,
    valueQuantity,
  };
}

async function put(...resources: Resource[]): Promise<void> {
  const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  expect(status, text).toBe(200);
}

/** The ids that a search finds, in order. */
async function idsOf(path: string): Promise<string[]> {
  const { status, json, text } = await server.request('GET', `/${path}`);
  expect(status, text).toBe(200);
  return (json.entry ?? []).filter((entry: Entry) => entry.search.mode === 'match').map((entry: Entry) => entry.resource.id);
}
type Entry = { readonly search: { readonly mode: string }; readonly resource: { readonly id: string } };

describe('clauses', () => {
  test.each([
    // token
    ['Patient?gender=male', 'bob'],
    ['Patient?gender=http://hl7.org/fhir/administrative-gender|male', 'bob'],
    ['Patient?gender=http://hl7.org/fhir/administrative-gender|', 'ann bob'],
    ['Patient?gender=http://example.org|male', ''],
    ['Patient?gender=male,female', 'ann bob'],
    ['Patient?gender:not=male', 'ann cid dot'],
    ['Patient?gender:not=male,female', 'cid dot'],
    ['Patient?gender:missing=true', 'cid dot'],
    ['Patient?gender:missing=false', 'ann bob'],
    ['Patient?active=true', 'ann'],
    ['Patient?active=false', 'bob'],
    ['Patient?identifier=A-1', 'ann'],
    ['Patient?identifier=a-1', 'bob'],
    ['Patient?identifier=urn:mrn|', 'ann bob'],
    ['Patient?identifier=|loose', 'bob'],
    ['Patient?identifier=urn:mrn|a-1&identifier=loose', 'bob'],
    ['Patient?identifier=urn:mrn|A-1&identifier=loose', ''],
    ['Patient?email=ANN@example.org', 'ann'],
    ['Patient?deceased=true', 'bob cid'],
    ['Patient?deceased=false', 'ann dot'],
    // meta
    ['Patient?_tag=urn:t|vip', 'ann'],
    ['Patient?_security=R', 'ann'],
    ['Patient?_profile=http://p.org/one', 'ann'],
    ['Patient?_profile=http://p.org/one|1.0', 'ann'],
    ['Patient?_profile=http://p.org/one|2.0', ''],
    ['Patient?_id=ann,cid', 'ann cid'],
    ['Patient?_id=Ann', ''],
    ['Patient?_id=org', ''],
    ['Patient?_lastUpdated=gt2020', 'ann bob cid dot'],
    ['Patient?_lastUpdated=lt2020', ''],
    ['Patient?_lastUpdated=ne2020', 'ann bob cid dot'],
    // string
    ['Patient?family=mull', 'ann cid'],
    ['Patient?family=Müll', 'ann cid'],
    ['Patient?family=müller', 'ann'],
    ['Patient?family:exact=Müller', 'ann'],
    ['Patient?family:exact=Muller', ''],
    ['Patient?family:contains=ULL', 'ann cid'],
    ['Patient?family:contains=steinhaus', 'bob'],
    ['Patient?family:contains=ul&gender=female', 'ann'],
    ['Patient?family=Wolfeschlegelsteinh', 'bob'],
    ['Patient?family=Wolfeschlegelx', ''],
    ['Patient?family=zz,Wolfeschlegelx', ''],
    ['Patient?name=sue', 'ann'],
    ['Patient?given=ann,bob', 'ann bob'],
    ['Patient?address=100%25', 'ann'],
    ['Patient?address=100_', ''],
    ['Patient?address:contains=g_1', 'ann'],
    ['Patient?address:contains=g%251', ''],
    ['Patient?family:missing=true', 'dot'],
    // reference
    ['Patient?organization=org', 'ann'],
    ['Patient?organization=Organization/org', 'ann'],
    ['Patient?organization=http://other.org/fhir/Organization/org', 'dot'],
    ['Patient?organization:identifier=urn:org|7', 'bob'],
    ['Patient?organization:missing=true', 'cid'],
    ['Observation?patient=ann', 'o1 o2'],
    ['Observation?subject=ann', 'o1 o2 o4'],
    ['Observation?subject:Patient=ann', 'o1 o2'],
    ['Observation?subject=Patient/ann/_history/1', 'o2'],
    ['Observation?subject=Device/ann', 'o4'],
    ['Observation?patient=bob', 'o3'],
    ['Observation?patient=ann,bob', 'o1 o2 o3'],
    ['Observation?patient=ann&status=amended', ''],
    ['Account?patient=ann', 'joint'],
    ['Account?subject=Patient/bob', 'joint'],
    ['Account?patient=cid', ''],
    // quantity
    ['Observation?value-quantity=5.4', 'o1 o2'],
    ['Observation?value-quantity=5.40', 'o1'],
    ['Observation?value-quantity=ge5.4', 'o1 o3 o4'],
    ['Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mmol/L', 'o3 o4'],
    ['Observation?value-quantity=gt5.4||mmol/L', 'o3 o4'],
    ['Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg/dL', ''],
    ['Observation?value-quantity=1e2', 'o4'],
    ['Observation?value-quantity=ap95', 'o4'],
    // dates of persons
    ['Patient?birthdate=1970', 'ann bob'],
    ['Patient?birthdate=ge1970-06-15', 'ann cid'],
    ['Patient?birthdate=lt1970-06-15', 'ann bob'],
    ['Patient?birthdate=eq1970-06-14', 'bob'],
    ['Patient?birthdate=sa1970-06-15', 'cid'],
    ['Patient?birthdate=ne1970', 'cid'],
    ['Patient?birthdate=ge1970-06-01&birthdate=le1970-06-30', 'ann bob'],
    ['Patient?birthdate:missing=true', 'dot'],
    ['Patient?death-date=2020-05-05', 'bob cid'],
    ['Patient?death-date=ge2020-05-05T08:30:00Z', 'bob cid'],
    ['Patient?death-date=gt2020-05-05T09:00:00Z', 'cid'],
    ['Patient?death-date=eq2020-05-05T08:30Z', 'bob'],
    ['Patient?death-date=sa2020-05-05T08:00:00Z', 'bob'],
    // nothing at all
    ['Patient?family=', 'ann bob cid dot'],
    ['Patient?family=,', 'ann bob cid dot'],
    ['Patient', 'ann bob cid dot'],
  ])('%s finds %j', async (path, expected) => {
    expect((await idsOf(path)).sort()).toEqual(expected.split(' ').filter((id) => id !== ''));
    const counted = await server.request('GET', `/${path}${path.includes('?') ? '&' : '?'}_summary=count`);
    expect(counted.json).toMatchObject({ type: 'searchset', total: expected.split(' ').filter((id) => id !== '').length });
    expect(counted.json.entry).toBeUndefined();
  });
});

describe('dates as SQL compares them', () => {
  beforeAll(async () => {
    const named = {
      dateTime: 'effectiveDateTime',
      period: 'effectivePeriod',
      timing: 'effectiveTiming',
      instant: 'effectiveInstant',
    } as const;
    await put(
      ...cases.map(({ value }, at) => {
        const [entry] = Object.entries(value);
        const [kind, content] = entry ?? ['', undefined];
        return {
          resourceType: 'Observation',
          id: `date-${at}`,
          status: 'final',
          code: { text: 'x' },
          [named[kind as keyof typeof named]]: content,
        };
      }),
    );
  });

  test.each(cases.map((each, at) => ({ ...each, at })))('$query and $value: $matches', async ({ query, matches, at }) => {
    expect(await idsOf(`Observation?_id=date-${at}&date=${encodeURIComponent(query)}`)).toEqual(matches ? [`date-${at}`] : []);
  });
});

describe('a code in full beside a value', () => {
  const loinc = 'http://loinc.org';
  const weight = (id: string, kg: number, when: string, codes: readonly string[]): Resource => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: codes.map((code) => ({ system: loinc, code })) },
    valueQuantity: { value: kg, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
    effectiveDateTime: when,
  });
  beforeAll(() =>
    put(
      weight('w1', 60, '2020-01-01', ['29463-7']),
      weight('w2', 70, '2021-01-01', ['29463-7', '3141-9']),
      weight('w3', 80, '2022-01-01', ['3141-9', '29463-7']),
      weight('w4', 90, '2023-01-01', ['8302-2']),
      { ...weight('w5', 75, '2021-06-01', ['8302-2']), component: [{ code: { coding: [{ system: loinc, code: '29463-7' }] } }] },
    ),
  );

  const both = encodeURIComponent(`${loinc}|29463-7,${loinc}|3141-9`);
  test.each([
    [`code=${loinc}%7C29463-7&value-quantity=gt65`, 'w2 w3'],
    [`code=${loinc}%7C29463-7&value-quantity=gt65%7Chttp://unitsofmeasure.org%7Ckg`, 'w2 w3'],
    [`code=${loinc}%7C29463-7&value-quantity=gt65%7Chttp://unitsofmeasure.org%7Cg`, 'w1 w2 w3'],
    [`code=${loinc}%7C29463-7&value-quantity=gt65000%7Chttp://unitsofmeasure.org%7Cg`, 'w2 w3'],
    [`code=${loinc}%7C29463-7&value-quantity=gt50&date=le2021-12`, 'w1 w2'],
    [`code=${both}&value-quantity=gt50`, 'w1 w2 w3'],
    [`code=${both}&value-quantity=ne70&status=final`, 'w1 w3'],
    [`code=${both}&value-quantity=gt50&_sort=-date`, 'w1 w2 w3'],
    [`code=29463-7&value-quantity=gt65`, 'w2 w3'],
    [`code:not=${loinc}%7C29463-7&value-quantity=gt65,lt80&_id=w1,w2,w3,w4`, 'w4'],
  ])('%s finds %j', async (query, expected) => {
    expect((await idsOf(`Observation?${query}`)).sort().join(' ')).toBe(expected);
    const total = expected === '' ? 0 : expected.split(' ').length;
    expect((await server.request('GET', `/Observation?${query}&_summary=count`)).json.total).toBe(total);
  });

  test('is paged, each resource once though two of its codes match', async () => {
    const seen: string[] = [];
    for (let url: string | undefined = `/Observation?code=${both}&value-quantity=gt50&_count=1`; url !== undefined; ) {
      const { json } = await server.request('GET', url);
      seen.push(...json.entry.map((entry: { resource: { id: string } }) => entry.resource.id));
      const next: string | undefined = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
      url = next?.slice(server.base.length);
    }
    expect(seen).toEqual(['w1', 'w2', 'w3']);
  });
});

describe('a change of the resource changes what finds it', () => {
  test('old values no longer find it, new ones do, and a deleted one is not found', async () => {
    const patient = { resourceType: 'Patient', id: 'change', name: [{ family: 'Before' }], birthDate: '1950-01-01' };
    await put(patient);
    expect(await idsOf('Patient?family=before&birthdate=1950')).toEqual(['change']);
    await put({ ...patient, name: [{ family: 'After' }], birthDate: '1960-01-01' });
    expect(await idsOf('Patient?family=before')).toEqual([]);
    expect(await idsOf('Patient?birthdate=1950')).toEqual([]);
    expect(await idsOf('Patient?family=after&birthdate=1960')).toEqual(['change']);
    expect((await server.request('DELETE', '/Patient/change')).status).toBe(200);
    expect(await idsOf('Patient?family=after')).toEqual([]);
    expect(await idsOf('Patient?_id=change')).toEqual([]);
  });
});

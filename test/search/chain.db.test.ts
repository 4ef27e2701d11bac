import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;

const loinc = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const reference = (place: string) => ({ reference: place });

/** Two families of two in two clinics of one hospital, with visits and measurements. */
const resources: readonly (readonly [string, object])[] = [
  ['Organization/hospital', { name: 'Hospital of Anytown' }],
  ['Organization/north', { name: 'Clinic North', partOf: reference('Organization/hospital') }],
  ['Organization/south', { name: 'Clinic South', partOf: reference('Organization/hospital') }],
  [
    'Patient/ann',
    {
      name: [{ family: 'Petersen-Longfellow-Smith', given: ['Ann'] }],
      gender: 'female',
      birthDate: '1970-05-01',
      managingOrganization: reference('Organization/north'),
    },
  ],
  [
    'Patient/bob',
    {
      name: [{ family: 'Petersen', given: ['Bob'] }],
      gender: 'male',
      birthDate: '1980-01-01',
      managingOrganization: reference('Organization/south'),
    },
  ],
  [
    'Patient/cid',
    {
      name: [{ family: 'Chalmers', given: ['Cid', 'Peter'] }],
      gender: 'male',
      link: [{ other: reference('Patient/bob'), type: 'seealso' }],
    },
  ],
  [
    'Patient/dee',
    { name: [{ family: 'Öztürk', given: ['Dee'] }], birthDate: '2001', managingOrganization: reference('Organization/nowhere') },
  ],
  [
    'Device/cuff',
    { deviceName: [{ name: 'Petersen cuff', type: 'user-friendly-name' }], identifier: [{ system: 'urn:devices', value: '1' }] },
  ],
  ['Location/ward', { name: 'Petersen ward', identifier: [{ system: 'urn:wards', value: '1' }] }],
  [
    'Encounter/e1',
    { status: 'finished', class: { code: 'AMB' }, subject: reference('Patient/ann'), period: { start: '2024-01-01', end: '2024-01-02' } },
  ],
  [
    'Encounter/e2',
    { status: 'finished', class: { code: 'IMP' }, subject: reference('Patient/bob'), period: { start: '2024-02-01', end: '2024-02-20' } },
  ],
  ['Encounter/e3', { status: 'planned', class: { code: 'AMB' }, subject: reference('Patient/bob') }],
  [
    'Observation/o1',
    {
      status: 'final',
      code: loinc('8867-4'),
      subject: reference('Patient/ann'),
      encounter: reference('Encounter/e1'),
      effectiveDateTime: '2024-01-01',
      valueQuantity: { value: 70 },
    },
  ],
  [
    'Observation/o2',
    {
      status: 'final',
      code: loinc('8867-4'),
      subject: reference('Patient/bob'),
      encounter: reference('Encounter/e2'),
      effectiveDateTime: '2024-02-02',
      valueQuantity: { value: 90 },
    },
  ],
  [
    'Observation/o3',
    {
      status: 'amended',
      code: loinc('29463-7'),
      subject: reference('Patient/bob'),
      encounter: reference('Encounter/e3'),
      hasMember: [reference('Observation/o2')],
      valueQuantity: { value: 80 },
    },
  ],
  ['Observation/o4', { status: 'final', code: loinc('8867-4'), subject: reference('Patient/cid') }],
  ['Observation/o5', { status: 'final', code: loinc('8867-4'), subject: reference('Device/cuff') }],
  ['Observation/o6', { status: 'final', code: loinc('29463-7'), subject: reference('Location/ward') }],
  ['Observation/o7', { status: 'final', code: loinc('29463-7'), subject: reference('Patient/dee') }],
  [
    'List/mixed',
    {
      status: 'current',
      mode: 'working',
      entry: [{ item: reference('Patient/ann') }, { item: reference('Patient/cid') }, { item: reference('Observation/o5') }],
    },
  ],
  ['List/bobs', { status: 'current', mode: 'working', subject: reference('Patient/bob'), entry: [{ item: reference('Observation/o2') }] }],
];

beforeAll(async () => {
  server = await startTestServer();
  const entry = resources.map(([url, content]) => {
    const [resourceType, id] = url.split('/');
    return { resource: { resourceType, id, ...content }, request: { method: 'PUT', url } };
  });
  const { status, text } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  if (status !== 200) throw new Error(text);
}, 60_000);
afterAll(() => server?.stop());

async function found(path: string, token?: string): Promise<string[]> {
  const ids: string[] = [];
  for (let url: string | undefined = `/${path}${path.includes('?') ? '&' : '?'}_count=2`; url !== undefined; ) {
    const { status, json, text } = await server.request('GET', url, token === undefined ? {} : { token });
    expect(status, text).toBe(200);
    for (const { resource, search } of json.entry ?? []) if (search.mode === 'match') ids.push(resource.id);
    url = json.link.find((link: { relation: string }) => link.relation === 'next')?.url;
  }
  return ids.sort();
}

async function refused(path: string, token?: string): Promise<{ status: number; id: string; text: string }> {
  const { status, json } = await server.request('GET', `/${path}`, token === undefined ? {} : { token });
  const [issue] = json.issue ?? [];
  return { status, id: issue?.details?.coding?.[0]?.code, text: issue?.details?.text ?? issue?.diagnostics };
}

describe('chains', () => {
  test.each<[string, string]>([
    ['Observation?subject:Patient.family=petersen', 'o1 o2 o3'],
    ['Observation?patient.family=petersen', 'o1 o2 o3'],
    ['Observation?subject.name=petersen', 'o1 o2 o3 o6'],
    ['Observation?subject.identifier=1', 'o5 o6'],
    ['Observation?subject.identifier=urn:wards|1', 'o6'],
    ['Observation?patient.family:exact=Petersen', 'o2 o3'],
    ['Observation?patient.family=ozturk', 'o7'],
    ['Observation?patient.gender=male,female', 'o1 o2 o3 o4'],
    ['Observation?patient.gender:not=male', 'o1 o7'],
    ['Observation?patient.gender:missing=true', 'o7'],
    ['Observation?patient.birthdate=lt1975', 'o1'],
    ['Observation?patient.birthdate=ge1975', 'o2 o3 o7'],
    ['Observation?patient._id=bob,cid', 'o2 o3 o4'],
    ['Observation?patient._id=nobody', ''],
    ['Observation?patient._id:not=bob', 'o1 o4 o7'],
    ['Observation?patient._id:missing=false', 'o1 o2 o3 o4 o7'],
    ['Observation?patient._lastUpdated:missing=true', ''],
    ['Encounter?_id:not=e1,e2', 'e3'],
    ['Observation?patient._lastUpdated=ge2000', 'o1 o2 o3 o4 o7'],
    ['Observation?patient._lastUpdated=lt2000', ''],
    ['Observation?patient.organization.name=clinic', 'o1 o2 o3'],
    ['Observation?patient.organization.partof.name=hospital', 'o1 o2 o3'],
    ['Observation?subject:Patient.organization:Organization.partof._id=hospital', 'o1 o2 o3'],
    ['Observation?patient.organization._id=nowhere', ''],
    ['Observation?patient.link:Patient.given=bob', 'o4'],
    // Two chains may be met by different ways, two values of one by either.
    ['Observation?patient.gender=male&encounter.class=IMP', 'o2'],
    ['Observation?patient.gender=male&encounter.class=AMB', 'o3'],
    ['Observation?code=8867-4&patient.gender=male', 'o2 o4'],
    ['Observation?date=ge2024-02-01&patient.gender=male', 'o2'],
    ['Observation?code=8867-4&value-quantity=gt80&patient.gender=male', 'o2'],
    ['Observation?has-member.code=8867-4', 'o3'],
    ['Observation?patient=bob&encounter.status=planned', 'o3'],
    // Which could point to any type: those that have the parameter are asked.
    ['Observation?focus.code=8867-4', ''],
    // Decided by opening the patients: longer than what tokens tell, or within the name.
    ['Observation?patient.family=petersen-longfellow', 'o1'],
    ['Observation?patient.family=petersen-longfellowx', ''],
    ['Observation?patient.family:contains=ter', 'o1 o2 o3'],
    ['Observation?patient.family:contains=te', 'o1 o2 o3'],
    ['Observation?subject.name:contains=sen', 'o1 o2 o3 o6'],
    ['Observation?patient.organization.name:contains=nort', 'o1'],
    ['Encounter?subject:Patient.organization.name=clinic south', 'e2 e3'],
  ])('%s', async (path, expected) => {
    expect(await found(encodeURI(path))).toEqual(expected === '' ? [] : expected.split(' '));
  });
});

describe('_has', () => {
  test.each<[string, string]>([
    ['Patient?_has:Observation:patient:code=8867-4', 'ann bob cid'],
    ['Patient?_has:Observation:patient:code=http://loinc.org|29463-7', 'bob dee'],
    ['Patient?_has:Observation:subject:code=8867-4,29463-7', 'ann bob cid dee'],
    ['Device?_has:Observation:subject:code=8867-4', 'cuff'],
    ['Location?_has:Observation:subject:code=8867-4', ''],
    ['Patient?_has:Observation:patient:code=8867-4&_has:Encounter:patient:class=IMP', 'bob'],
    ['Patient?_has:Observation:patient:code=8867-4&gender=female', 'ann'],
    ['Patient?_has:Observation:patient:value-quantity=gt75', 'bob'],
    ['Patient?_has:Observation:patient:value-quantity:missing=true', 'cid dee'],
    ['Patient?_has:Observation:patient:code:not=8867-4', 'bob dee'],
    ['Patient?_has:Observation:patient:_id=o4,o7', 'cid dee'],
    ['Patient?_has:Observation:patient:encounter.class=AMB', 'ann bob'],
    ['Patient?_has:Observation:patient:encounter.class=IMP', 'bob'],
    ['Patient?_has:Encounter:patient:_has:Observation:encounter:code=29463-7', 'bob'],
    ['Organization?_has:Patient:organization:_has:Observation:patient:code=29463-7', 'south'],
    ['Organization?_has:Patient:organization:family=petersen', 'north south'],
    ['Organization?_has:Organization:partof:_has:Patient:organization:gender=female', 'hospital'],
    ['Organization?_has:Patient:organization:family=petersen-longfellow', 'north'],
    ['Organization?_has:Patient:organization:family:contains=sen-long', 'north'],
    ['Observation?patient._has:Encounter:patient:class=IMP', 'o2 o3'],
    ['Observation?subject:Patient._has:Encounter:patient:class=AMB', 'o1 o2 o3'],
    ['Observation?_has:Observation:has-member:code=29463-7', 'o2'],
    ['Patient?_has:Patient:link:given=cid', 'bob'],
    ['Patient?_has:List:item:status=current', 'ann cid'],
  ])('%s', async (path, expected) => {
    expect(await found(encodeURI(path))).toEqual(expected === '' ? [] : expected.split(' '));
  });
});

describe('_list', () => {
  test.each<[string, string]>([
    ['Patient?_list=mixed', 'ann cid'],
    ['Patient?_list=List/mixed', 'ann cid'],
    ['Patient?_list=mixed&gender=male', 'cid'],
    ['Observation?_list=mixed,bobs', 'o2 o5'],
    ['Observation?_list=nothing', ''],
    ['Encounter?_list=mixed', ''],
    ['Observation?patient._list=mixed', 'o1 o4'],
  ])('%s', async (path, expected) => {
    expect(await found(path)).toEqual(expected === '' ? [] : expected.split(' '));
  });

  test('doesn’t keep lists that a server works out', async () => {
    expect(await refused('Patient?_list=$current-patients')).toMatchObject({ status: 400, id: 'search-list-unsupported' });
  });
});

describe('_filter', () => {
  test.each<[string, string, string]>([
    ['Patient', 'name co "pet"', 'ann bob cid'],
    ['Patient', 'family eq "PETERSEN"', 'bob'],
    ['Patient', 'family ne petersen', 'ann cid dee'],
    ['Patient', 'given ne cid', 'ann bob cid dee'],
    ['Patient', 'family ew smith', 'ann'],
    ['Patient', 'family sw pet', 'ann bob'],
    ['Patient', 'gender ne male', 'ann'],
    ['Patient', 'not (gender eq male)', 'ann dee'],
    ['Patient', 'gender pr false', 'dee'],
    ['Patient', 'given eq "bob" and birthdate ge 1975-10-10', 'bob'],
    ['Patient', 'given eq ann or birthdate ge 1975-10-10', 'ann bob dee'],
    ['Patient', 'family ew smith or (family co halm and gender eq male)', 'ann cid'],
    ['Patient', 'not (family ew smith or family co halm)', 'bob dee'],
    ['Patient', 'birthdate po 2001-06', 'dee'],
    ['Patient', 'birthdate po 1970', 'ann'],
    ['Patient', 'organization pr true and not (organization.name pr true)', 'dee'],
    ['Patient', '_id eq ann or _id eq bob', 'ann bob'],
    ['Patient', '_id pr false', ''],
    ['Patient', '_has:Observation:patient:code eq 29463-7', 'bob dee'],
    ['Patient', 'not (_has:Observation:patient:code eq 29463-7)', 'ann cid'],
    ['Observation', 'code eq http://loinc.org|8867-4 and value-quantity gt 80', 'o2'],
    ['Observation', 'value-quantity lt 75 or value-quantity gt 85', 'o1 o2'],
    ['Observation', 'value-quantity ne 80', 'o1 o2'],
    ['Observation', 'subject.name co "pet"', 'o1 o2 o3 o4 o6'],
    ['Observation', 'not (subject.name co "pet")', 'o5 o7'],
    ['Observation', 'patient[gender eq male].family sw pet', 'o2 o3'],
    ['Observation', 'patient[gender eq male] pr true', 'o2 o3 o4'],
    ['Observation', 'patient[gender eq male] pr false', 'o1 o5 o6 o7'],
    ['Observation', 'subject re Patient/bob', 'o2 o3'],
    ['Observation', 'patient ne Patient/bob', 'o1 o4 o7'],
    ['Observation', 'has-member pr true', 'o3'],
    ['Encounter', 'date po 2024-02-10', 'e2'],
    ['Encounter', 'date po 2024', 'e1 e2'],
    ['Encounter', 'date po 2024 and status eq finished and subject.family eq petersen', 'e2'],
  ])('%s: %s', async (type, filter, expected) => {
    expect(await found(`${type}?_filter=${encodeURIComponent(filter)}`)).toEqual(expected === '' ? [] : expected.split(' '));
  });

  test('stands beside other parameters, and beside another', async () => {
    const filter = (text: string) => `_filter=${encodeURIComponent(text)}`;
    expect(await found(`Patient?gender=male&${filter('family co halm or family co ters')}`)).toEqual(['bob', 'cid']);
    expect(await found(`Patient?${filter('family co ters')}&${filter('given eq ann')}`)).toEqual(['ann']);
  });

  test('tells the place where it can’t be read', async () => {
    const answer = await refused(`Patient?_filter=${encodeURIComponent('name co "pet" andd given eq x')}`);
    expect(answer).toMatchObject({ status: 400, id: 'search-invalid-filter' });
    expect(answer.text).toContain('at character 15');
  });
});

describe('totals, orders and pages', () => {
  test('count what a chain leaves', async () => {
    const { json } = await server.request('GET', '/Observation?patient.gender=male&_total=accurate&_count=1');
    expect(json.total).toBe(3);
    const only = await server.request('GET', '/Observation?patient.family:contains=ters&_summary=count');
    expect(only.json.total).toBe(3);
  });

  test('go through chains in any order', async () => {
    const { json } = await server.request('GET', '/Observation?patient.family:contains=ters&_sort=-date&_count=10');
    expect(json.entry.map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual(['o2', 'o1', 'o3']);
  });
});

describe('a caller bound to a patient', () => {
  test('meets no other through a chain', async () => {
    const token = await server.token({ scope: 'patient/*.rs', patient: 'bob' });
    expect(await found('Observation?patient.family=petersen', token)).toEqual(['o2', 'o3']);
    expect(await found('Patient?_has:Observation:patient:code=8867-4', token)).toEqual(['bob']);
    // A record that links to his is part of his compartment.
    expect(await found('Patient?_has:Patient:link:given=cid', token)).toEqual(['bob']);
    expect(await found('Observation?patient.gender=female', token)).toEqual([]);
    expect(await found('Organization?_has:Patient:organization:gender=female', token)).toEqual([]);
    expect(await found('Organization?_has:Patient:organization:gender=male', token)).toEqual(['south']);
    expect(await found('Organization?_has:Patient:organization:family:contains=ters', token)).toEqual(['south']);
    expect(await found('Observation?_list=mixed', token)).toEqual([]);
    expect(await found('Observation?_list=bobs', token)).toEqual(['o2']);
  });

  test('is told which types his scopes don’t let him search', async () => {
    const token = await server.token({ scope: 'system/Observation.rs' });
    expect(await refused('Observation?patient.family=petersen', token)).toMatchObject({ status: 403, id: 'search-hop-forbidden' });
    const both = await server.token({ scope: 'system/Observation.rs system/Location.rs' });
    expect(await found('Observation?subject.name=petersen', both)).toEqual(['o6']);
  });
});

describe('what has to be understood', () => {
  test.each([
    ['Observation?patient.famly=x', 'search-unknown-parameter'],
    ['Observation?code.name=x', 'search-invalid-chain'],
    ['Observation?focus._id=x', 'search-chain-ambiguous'],
    ['Patient?_has:Observation:patient=x', 'search-invalid-has'],
    ['Observation?patient.link.link.link.link.link.family=x', 'search-chain-too-deep'],
    ['Patient?_filter=gender co x', 'search-unknown-operator'],
  ])('%s is refused', async (path, id) => {
    expect(await refused(encodeURI(path))).toMatchObject({ status: 400, id });
  });

  test('is left out with a warning where the client asks for it', async () => {
    const { status, json } = await server.request('GET', '/Observation?patient.famly=x&patient.gender=female', {
      headers: { prefer: 'handling=lenient' },
    });
    expect(status).toBe(200);
    const modes = json.entry.map(({ search }: { search: { mode: string } }) => search.mode);
    expect(modes).toEqual(['match', 'outcome']);
    expect(json.link[0].url).not.toContain('famly');
  });
});

describe('conditional writes', () => {
  test('find by chains what the database has', async () => {
    const body = { resourceType: 'Encounter', status: 'finished', class: { code: 'IMP' }, subject: { reference: 'Patient/bob' } };
    const headers = { 'if-none-exist': 'subject:Patient.given=bob&class=IMP' };
    expect((await server.request('POST', '/Encounter', { body, headers })).status).toBe(200);
  });

  test('refuse conditional references by chains', async () => {
    const entry = [
      {
        resource: {
          resourceType: 'Observation',
          status: 'final',
          code: { text: 'x' },
          encounter: { reference: 'Encounter?subject:Patient.given=ann' },
        },
        request: { method: 'POST', url: 'Observation' },
      },
    ];
    const { status, json } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
    expect(status).toBe(400);
    expect(json.issue[0].details.coding[0].code).toBe('criteria-follow-references');
  });
});

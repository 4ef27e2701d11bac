import { expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { server, house, v1 } = await openHospital('admin');

const grace = {
  name: 'Grace Brewster Hopper',
  specialty: 'Cardiology',
  npi: '1234567893',
  email: 'Grace@Example.org',
  phone: '+12025550143',
};

test('a provider written by v1 is a Practitioner and a PractitionerRole for FHIR, and is replaced with both', async () => {
  const made = await v1('POST', '/providers', { body: grace });
  const { provider_id: id } = made.json;
  expect([made.status, made.headers.get('etag'), made.json]).toMatchObject([
    201,
    'W/"1"',
    { ...grace, email: 'grace@example.org', is_active: true },
  ]);
  expect((await server.request('GET', `/Practitioner/${id}`)).json).toMatchObject({
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
    name: [{ use: 'official', text: grace.name }],
    active: true,
  });
  const roles = await server.request('GET', `/PractitionerRole?practitioner=Practitioner/${id}`);
  expect(roles.json.entry.map(({ resource }: { resource: object }) => resource)).toMatchObject([{ specialty: [{ text: 'Cardiology' }] }]);
  const replaced = await v1('PUT', `/providers/${id}`, { body: { name: 'Grace Hopper', specialty: 'Neurology' } });
  expect([replaced.status, replaced.json]).toMatchObject([200, { name: 'Grace Hopper', specialty: 'Neurology', version: 2 }]);
  expect(replaced.json).not.toHaveProperty('npi');
  expect((await v1('GET', `/providers/${id}`)).json).toEqual(replaced.json);
  const stale = await v1('PUT', `/providers/${id}`, { body: grace, headers: { 'if-match': 'W/"1"' } });
  expect([stale.status, stale.json.code]).toEqual([412, 'version_mismatch']);
  expect((await server.request('GET', `/PractitionerRole?practitioner=Practitioner/${id}&_summary=count`)).json.total).toBe(1);
  const gone = await v1('PUT', `/providers/${id}`, { body: { name: 'Grace Hopper' } });
  expect(gone.json).not.toHaveProperty('specialty');
});

test('a Practitioner written by FHIR keeps what v1 does not know when he is replaced', async () => {
  const { json } = await server.request('POST', '/Practitioner', {
    body: {
      resourceType: 'Practitioner',
      identifier: [{ system: 'urn:hospital', value: '7' }],
      name: [{ family: 'Hamilton', given: ['Margaret'], prefix: ['Dr'] }],
      telecom: [{ system: 'phone', value: 'ext. 12' }],
      qualification: [{ code: { text: 'MD' } }],
    },
  });
  await server.request('POST', '/PractitionerRole', {
    body: {
      resourceType: 'PractitionerRole',
      practitioner: { reference: `Practitioner/${json.id}` },
      specialty: [{ coding: [{ system: 'http://snomed.info/sct', code: '394579002', display: 'Cardiology' }] }],
      availabilityExceptions: 'not on Mondays',
    },
  });
  const shown = await v1('GET', `/providers/${json.id}`);
  expect(shown.json).toMatchObject({ name: 'Dr Margaret Hamilton', phone: 'ext. 12', specialty: 'Cardiology' });
  await v1('PUT', `/providers/${json.id}`, { body: { name: 'Dr Margaret Hamilton', npi: '1234567893', specialty: 'Cardiology' } });
  expect((await server.request('GET', `/Practitioner/${json.id}`)).json).toMatchObject({
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi' }, { system: 'urn:hospital', value: '7' }],
    name: [{ family: 'Hamilton', given: ['Margaret'], prefix: ['Dr'] }],
    qualification: [{ code: { text: 'MD' } }],
  });
});

test('providers are listed by name and npi, a page at a time', async () => {
  for (const name of ['Ada Paging', 'Bea Paging', 'Cleo Paging']) await v1('POST', '/providers', { body: { name, specialty: 'Surgery' } });
  const first = await v1('GET', '/providers?name=Bea&total=true');
  expect([first.json.data.map(({ name }: { name: string }) => name), first.json.meta.pagination]).toEqual([
    ['Bea Paging'],
    { limit: 20, total: 1 },
  ]);
  const page = await v1('GET', '/providers?limit=2');
  const next = await v1('GET', `/providers?limit=2&cursor=${encodeURIComponent(page.json.next_cursor)}`);
  expect([...page.json.data, ...next.json.data].map(({ name }: { name: string }) => name)).toMatchObject([
    'Cleo Paging',
    'Bea Paging',
    'Ada Paging',
    expect.anything(),
  ]);
  expect(page.json.data[0]).toMatchObject({ specialty: 'Surgery' });
  expect((await v1('GET', '/providers?npi=1234567893')).json.data).toMatchObject([{ npi: '1234567893' }]);
});

test('a provider is refused with a wrong check digit, and the details never repeat it', async () => {
  const faulty = await v1('POST', '/providers', { body: { ...grace, npi: '1234567890', phone: '+99912345678' } });
  expect([faulty.status, faulty.json.details.map(({ field }: { field: string }) => field)]).toEqual([422, ['npi', 'phone']]);
  expect(faulty.text).not.toContain('1234567890');
});

test.each(['provider', 'viewer', 'patient'] as const)('a %s reads providers and writes none', async (role) => {
  const token = house.tokens[role];
  expect((await v1('GET', `/providers/${house.doctor}`, { token })).json).toMatchObject({ name: 'Grace Hopper' });
  const refused = await v1('POST', '/providers', { token, body: grace });
  expect([refused.status, refused.json.code]).toEqual([403, 'forbidden']);
  expect((await v1('PUT', `/providers/${house.doctor}`, { token, body: grace })).status).toBe(403);
});

test('without a token, or with scopes of something else, providers are not told', async () => {
  expect((await v1('GET', `/providers/${house.doctor}`, { token: null })).status).toBe(401);
  const token = await server.token({ scope: 'patient:read' });
  expect((await v1('GET', '/providers', { token })).status).toBe(403);
  const narrow = await server.token({ scope: 'system/Practitioner.cruds' });
  expect((await v1('GET', `/providers/${house.doctor}`, { token: narrow })).json).not.toHaveProperty('specialty');
  expect((await v1('PUT', `/providers/${house.doctor}`, { token: narrow, body: grace })).status).toBe(403);
  const writer = await server.token({ scope: 'provider:*' });
  expect((await v1('POST', '/providers', { token: writer, body: { name: 'By short scopes' } })).status).toBe(201);
  const all = await server.token({ scope: 'admin' });
  expect((await v1('POST', '/providers', { token: all, body: { name: 'By the scope admin' } })).status).toBe(201);
  const bounded = await server.token({ scope: 'admin', user: `Practitioner/${house.doctor}`, roles: ['provider'] });
  expect((await v1('POST', '/providers', { token: bounded, body: { name: 'By a provider' } })).status).toBe(403);
});

test('a registration under an Idempotency-Key is made once, with one role', async () => {
  const headers = { 'idempotency-key': 'grace' };
  const answers = await Promise.all([1, 2, 3].map(() => v1('POST', '/providers', { body: grace, headers })));
  expect(new Set(answers.map(({ json }) => json.provider_id)).size).toBe(1);
  const [{ json }] = answers as [(typeof answers)[0]];
  expect((await server.request('GET', `/PractitionerRole?practitioner=Practitioner/${json.provider_id}&_summary=count`)).json.total).toBe(
    1,
  );
});

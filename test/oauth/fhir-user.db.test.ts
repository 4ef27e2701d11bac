import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { addApp, addUser, tokensOf } from './launching.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const put = async (type: string, id: string, more: object = {}): Promise<void> => {
    const { status, text } = await server.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id, ...more } });
    if (status !== 201) throw new Error(text);
  };
  for (const id of ['pa', 'pb']) await put('Patient', id);
  for (const id of ['dr', 'other']) await put('Practitioner', id);
  await put('PractitionerRole', 'role', { practitioner: { reference: 'Practitioner/dr' } });
  for (const id of ['mother', 'aunt']) await put('RelatedPerson', id, { patient: { reference: 'Patient/pa' } });
  await put('Person', 'person', { link: [{ target: { reference: 'Patient/pa' } }] });
  await put('Organization', 'house', { name: 'House' });
});
afterAll(() => server?.stop());

const both = 'openid fhirUser';
const get = (token: string, path: string) => server.request('GET', path, { token });
const statusOf = async (token: string, path: string): Promise<number> => (await get(token, path)).status;

describe('A26 › what fhirUser names is read with the access token', () => {
  test.each(['Patient/pa', 'Practitioner/dr', 'PractitionerRole/role', 'RelatedPerson/mother', 'Person/person'])(
    '%s, without any scope of resources',
    async (user) => {
      const token = await server.token({ scope: both, user });
      const { status, json } = await get(token, `/${user}`);
      expect([status, `${json.resourceType}/${json.id}`]).toEqual([200, user]);
    },
  );

  test('beside scopes of other resources, and of a patient', async () => {
    for (const scope of [`${both} patient/Observation.rs`, `launch/patient ${both} patient/*.rs`])
      expect(await statusOf(await server.token({ scope, patient: 'pa', user: 'Practitioner/dr' }), '/Practitioner/dr'), scope).toBe(200);
  });

  test('where it is named by its whole address', async () => {
    const token = await server.token({ scope: both, user: `${server.base}/Practitioner/dr` });
    expect(await statusOf(token, '/Practitioner/dr')).toBe(200);
  });

  test('by an app that its user let in so', async () => {
    const login = 'dora';
    await addUser(server, login, ['provider'], 'Practitioner/dr');
    await addApp(server, 'app');
    const { tokens } = await tokensOf(server, { client: 'app', login, scope: both });
    expect(await statusOf(tokens.access_token, '/Practitioner/dr')).toBe(200);
    expect(await statusOf(tokens.access_token, '/Practitioner/other')).toBe(403);
  });
});

describe('and nothing else is', () => {
  const same = async (token: string, one: string, other: string): Promise<number> => {
    const [first, second] = [await get(token, one), await get(token, other)];
    const plain = (text: string): string => text.replaceAll(/"[\w-]{36}"/g, '');
    expect([second.status, plain(second.text)]).toEqual([first.status, plain(first.text)]);
    return first.status;
  };

  test('others of the same type look as if they were absent', async () => {
    const token = await server.token({ scope: both, user: 'Practitioner/dr' });
    expect(await same(token, '/Practitioner/other', '/Practitioner/none')).toBe(403);
    const narrow = await server.token({ scope: `${both} patient/Patient.rs`, patient: 'pa', user: 'Patient/pa' });
    expect(await same(narrow, '/Patient/pb', '/Patient/none')).toBe(404);
    const aunt = await server.token({ scope: `${both} patient/Patient.rs`, patient: 'pa', user: 'RelatedPerson/aunt' });
    expect(await same(aunt, '/RelatedPerson/mother', '/RelatedPerson/none')).toBe(403);
  });

  test('no version, no history, no search, no operation, and no write', async () => {
    const token = await server.token({ scope: both, user: 'Practitioner/dr' });
    const own = '/Practitioner/dr';
    for (const path of [
      `${own}/_history/1`,
      `${own}/_history`,
      '/Practitioner?_id=dr',
      '/Practitioner',
      '/PractitionerRole/role',
      '/Organization/house',
    ])
      expect(await statusOf(token, path), path).toBe(403);
    const body = { resourceType: 'Practitioner', id: 'dr' };
    expect((await server.request('PUT', own, { token, body })).status).toBe(403);
    expect((await server.request('DELETE', own, { token })).status).toBe(403);
    const me = await server.token({ scope: both, user: 'Patient/pa' });
    expect(await statusOf(me, '/Patient/pa/$everything')).toBe(403);
  });

  test('it does not come along as an include', async () => {
    const token = await server.token({ scope: `${both} user/PractitionerRole.rs`, user: 'Practitioner/dr', roles: ['admin'] });
    const { json } = await get(token, '/PractitionerRole?_include=PractitionerRole:practitioner');
    expect(json.entry.map(({ resource }: { resource: { resourceType: string } }) => resource.resourceType)).toEqual(['PractitionerRole']);
    expect(await statusOf(token, '/Practitioner/dr')).toBe(200);
  });

  test('not with one of the two scopes', async () => {
    for (const scope of ['openid', 'fhirUser', 'openid profile', 'fhirUser patient/Observation.rs'])
      expect(await statusOf(await server.token({ scope, patient: 'pa', user: 'Practitioner/dr' }), '/Practitioner/dr'), scope).toBe(403);
  });

  test('not where it is of another server, of another type, or nobody', async () => {
    for (const user of ['https://elsewhere.example.org/fhir/Practitioner/dr', 'Organization/house', 'Practitioner/../Practitioner/dr'])
      expect(
        await statusOf(
          await server.token({ scope: both, user }),
          user === 'Organization/house' ? '/Organization/house' : '/Practitioner/dr',
        ),
        user,
      ).toBe(403);
    expect(await statusOf(await server.token({ scope: both }), '/Practitioner/dr')).toBe(403);
  });

  test('one that is not there is not there', async () => {
    expect(await statusOf(await server.token({ scope: both, user: 'Practitioner/none' }), '/Practitioner/none')).toBe(404);
  });
});

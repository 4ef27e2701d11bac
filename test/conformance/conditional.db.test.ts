import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { identified, identifierSystem, issueId, observation, patient } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #patch, #3.1.0.7.1 */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ CONDITIONAL_DELETE_MAX: '3' });
});
afterAll(() => server?.stop());

const create = (type: string, body: unknown, ifNoneExist?: string) =>
  server.request('POST', `/${type}`, { body, ...(ifNoneExist === undefined ? {} : { headers: { 'if-none-exist': ifNoneExist } }) });
const found = async (type: string, criteria: string): Promise<number> =>
  (await server.request('GET', `/${type}?${criteria}&_total=accurate`)).json.total;
const jsonPatch = (value: string) => ({
  body: [{ op: 'add', path: '/language', value }],
  headers: { 'content-type': 'application/json-patch+json' },
});

describe('conditional create', () => {
  test('no match › 201; one match › 200, the resource that is there, nothing written; two › 412', async () => {
    const { identifier, criteria } = identified();
    const first = await create('Patient', patient({ identifier }), criteria);
    expect(first.status).toBe(201);
    const second = await create('Patient', patient({ identifier, active: true }), criteria);
    expect(second.status).toBe(200);
    expect(second.json).toEqual(first.json);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect(second.headers.get('etag')).toBe('W/"1"');
    await create('Patient', patient({ identifier }));
    const third = await create('Patient', patient({ identifier }), criteria);
    expect(third.status).toBe(412);
    expect(third.json.issue[0].code).toBe('multiple-matches');
    expect(await found('Patient', criteria)).toBe(2);
  });

  test('fifty at once make one resource', async () => {
    const { identifier, criteria } = identified();
    const answers = await Promise.all(Array.from({ length: 50 }, () => create('Patient', patient({ identifier }), criteria)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
  });

  test('what was deleted no longer matches', async () => {
    const { identifier, criteria } = identified();
    const first = await create('Patient', patient({ identifier }), criteria);
    await server.request('DELETE', `/Patient/${first.json.id}`);
    const second = await create('Patient', patient({ identifier }), criteria);
    expect(second.status).toBe(201);
    expect(second.json.id).not.toBe(first.json.id);
  });

  test.each(['?', 'Patient?'])('criteria may begin with %s', async (prefix) => {
    const { identifier, criteria } = identified();
    await create('Patient', patient({ identifier }));
    expect((await create('Patient', patient({ identifier }), prefix + criteria)).status).toBe(200);
  });

  test.each([
    '',
    '?',
    '_count=1',
    '_sort=_id',
    'identifier=',
    'identifier=&active=true',
    'active=true,',
    'nonsense=1',
    'identifier:unknown=1',
    'Observation?status=final',
    '_page=abc',
  ])('criteria that select nothing of themselves are refused, not ignored: "%s"', async (criteria) => {
    const answer = await create('Patient', patient(), criteria);
    expect(answer.status).toBe(400);
    expect(answer.json.resourceType).toBe('OperationOutcome');
  });

  test('an invalid body is refused before a match is looked for', async () => {
    const { identifier, criteria } = identified();
    await create('Patient', patient({ identifier }));
    expect((await create('Patient', patient({ identifier, active: 'yes' }), criteria)).status).toBe(400);
  });
});

describe('conditional update', () => {
  const update = (criteria: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    server.request('PUT', `/Patient?${criteria}`, { body, headers });

  test('no match › creates under an id of ours; one › updates it; two › 412', async () => {
    const { identifier, criteria } = identified();
    const first = await update(criteria, patient({ identifier }));
    expect(first.status).toBe(201);
    const second = await update(criteria, patient({ identifier, active: true }));
    expect(second.status).toBe(200);
    expect(second.json).toMatchObject({ id: first.json.id, active: true, meta: { versionId: '2' } });
    await create('Patient', patient({ identifier }));
    expect((await update(criteria, patient({ identifier }))).status).toBe(412);
  });

  test('no match with an id › update as create', async () => {
    const { identifier, criteria, value } = identified();
    const answer = await update(criteria, patient({ id: value, identifier }));
    expect(answer.status).toBe(201);
    expect(answer.json.id).toBe(value);
  });

  test('one match with its id › updates; with another id › 400', async () => {
    const { identifier, criteria } = identified();
    const { json } = await create('Patient', patient({ identifier }));
    expect((await update(criteria, patient({ id: json.id, identifier, active: true }))).status).toBe(200);
    const answer = await update(criteria, patient({ id: 'another', identifier }));
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toBe('id-mismatch');
  });

  test('with the same content makes no version', async () => {
    const { identifier, criteria } = identified();
    await update(criteria, patient({ identifier }));
    const answer = await update(criteria, patient({ identifier }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('W/"1"');
  });

  test('If-Match counts: another version or no match at all is 412', async () => {
    const { identifier, criteria } = identified();
    expect((await update(criteria, patient({ identifier }), { 'if-match': 'W/"1"' })).status).toBe(412);
    await create('Patient', patient({ identifier }));
    expect((await update(criteria, patient({ identifier, active: true }), { 'if-match': 'W/"2"' })).status).toBe(412);
    expect((await update(criteria, patient({ identifier, active: true }), { 'if-match': 'W/"1"' })).status).toBe(200);
  });

  test('twenty at once make one resource with versions in sequence', async () => {
    const { identifier, criteria } = identified();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => update(criteria, patient({ identifier, language: `x-${n}` }))));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.map(({ json }) => Number(json.meta.versionId)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  test.each(['/Patient', '/Patient?', '/Patient?_count=2', '/Patient?identifier='])('PUT %s without criteria is refused', async (path) => {
    expect((await server.request('PUT', path, { body: patient() })).status).toBe(400);
  });
});

describe('conditional patch', () => {
  test('one match › patches it; none › 404; two › 412', async () => {
    const { identifier, criteria } = identified();
    expect((await server.request('PATCH', `/Patient?${criteria}`, jsonPatch('x-a'))).status).toBe(404);
    await create('Patient', patient({ identifier }));
    const answer = await server.request('PATCH', `/Patient?${criteria}`, jsonPatch('x-a'));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ language: 'x-a', meta: { versionId: '2' } });
    await create('Patient', patient({ identifier }));
    expect((await server.request('PATCH', `/Patient?${criteria}`, jsonPatch('x-b'))).status).toBe(412);
  });

  test('without criteria is refused', async () => {
    expect((await server.request('PATCH', '/Patient', jsonPatch('x-a'))).status).toBe(400);
  });
});

describe('conditional delete', () => {
  test('removes all that match, up to the limit, and nothing else', async () => {
    const { identifier, criteria } = identified();
    const other = identified();
    await create('Observation', observation({ identifier: other.identifier }));
    for (let n = 0; n < 3; n++) await create('Observation', observation({ identifier }));
    const answer = await server.request('DELETE', `/Observation?${criteria}`);
    expect([200, 204]).toContain(answer.status);
    expect(await found('Observation', criteria)).toBe(0);
    expect(await found('Observation', other.criteria)).toBe(1);
  });

  test('of more than the limit removes nothing and says so', async () => {
    const { identifier, criteria } = identified();
    for (let n = 0; n < 4; n++) await create('Observation', observation({ identifier }));
    const answer = await server.request('DELETE', `/Observation?${criteria}`);
    expect(answer.status).toBe(412);
    expect(issueId(answer.json)).toBe('conditional-delete-too-many');
    expect(await found('Observation', criteria)).toBe(4);
  });

  test('of nothing succeeds', async () => {
    const answer = await server.request('DELETE', `/Observation?identifier=${identifierSystem}|nothing`);
    expect([200, 204]).toContain(answer.status);
  });

  test.each(['', '?', '?_count=1', '?_lastUpdated=', '?identifier=', '?identifier=&status=final', '?nonsense=1', '?_total=none'])(
    'DELETE /Observation%s would reach everything, and is refused',
    async (query) => {
      const kept = await create('Observation', observation());
      const answer = await server.request('DELETE', `/Observation${query}`, { headers: { prefer: 'handling=lenient' } });
      expect(answer.status).toBe(400);
      expect((await server.request('GET', `/Observation/${kept.json.id}`)).status).toBe(200);
    },
  );

  test('removes only what the caller sees', async () => {
    const { identifier, criteria } = identified();
    await server.request('PUT', '/Patient/own', { body: patient({ id: 'own' }) });
    await server.request('PUT', '/Patient/alien', { body: patient({ id: 'alien' }) });
    const own = await create('Observation', observation({ identifier, subject: { reference: 'Patient/own' } }));
    const alien = await create('Observation', observation({ identifier, subject: { reference: 'Patient/alien' } }));
    const token = await server.token({ scope: 'patient/*.cruds', patient: 'own' });
    const answer = await server.request('DELETE', `/Observation?${criteria}`, { token });
    expect([200, 204]).toContain(answer.status);
    expect((await server.request('GET', `/Observation/${own.json.id}`)).status).toBe(410);
    expect((await server.request('GET', `/Observation/${alien.json.id}`)).status).toBe(200);
    const hidden = await server.request('DELETE', `/Observation/${alien.json.id}`, { token });
    const absent = await server.request('DELETE', '/Observation/absent', { token });
    expect([hidden.status, hidden.text]).toEqual([absent.status, absent.text]);
    expect((await server.request('GET', `/Observation/${alien.json.id}`)).status).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId, observation, patient } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#read … #delete */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const put = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => server.request('PUT', path, { body, headers });

describe('create', () => {
  test('answers 201 with the resource, its Location, ETag and Last-Modified, and an id of the server', async () => {
    const answer = await server.request('POST', '/Patient', { body: patient({ id: 'mine', meta: { versionId: '77' } }) });
    expect(answer.status).toBe(201);
    expect(answer.json.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.json.meta.versionId).toBe('1');
    expect(answer.headers.get('location')).toBe(`${server.base}/Patient/${answer.json.id}/_history/1`);
    expect(answer.headers.get('etag')).toBe('W/"1"');
    const told = Date.parse(answer.headers.get('last-modified') ?? '');
    expect(told).toBe(Math.floor(Date.parse(answer.json.meta.lastUpdated) / 1000) * 1000);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
  });

  test('keeps the digits of decimals, the order of members and the client’s meta', async () => {
    const text =
      '{"resourceType":"Observation","meta":{"tag":[{"system":"urn:s","code":"c"}]},"code":{"text":"x"},"status":"final","valueQuantity":{"unit":"g","value":0.00120e1}}';
    const { json } = await server.request('POST', '/Observation', { body: text });
    const read = await server.request('GET', `/Observation/${json.id}`);
    expect(read.text).toContain('"value":0.00120e1');
    expect(read.json.meta.tag).toEqual([{ system: 'urn:s', code: 'c' }]);
    expect(read.text.indexOf('"code":{"text"')).toBeLessThan(read.text.indexOf('"status"'));
  });

  test('refuses a resource of another type than the URL names', async () => {
    const answer = await server.request('POST', '/Patient', { body: observation() });
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toBe('resource-type-mismatch');
  });

  test('refuses what is not shaped as its definition says, naming the place', async () => {
    const answer = await server.request('POST', '/Patient', { body: patient({ birthDate: '2024-13-01', nmae: 1 }) });
    expect(answer.status).toBe(400);
    const places = answer.json.issue.flatMap((issue: { expression?: string[] }) => issue.expression ?? []);
    expect(places).toEqual(expect.arrayContaining(['Patient.birthDate']));
    expect(answer.json.issue.length).toBeGreaterThanOrEqual(2);
  });
});

describe('read and vread', () => {
  test('an unknown id is 404 with an outcome', async () => {
    const answer = await server.request('GET', '/Patient/nobody');
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] });
  });

  test('an id of another type is 404', async () => {
    await put('/Patient/only-patient', patient({ id: 'only-patient' }));
    expect((await server.request('GET', '/Observation/only-patient')).status).toBe(404);
  });

  test('ids differ by case', async () => {
    await put('/Patient/CaseD', patient({ id: 'CaseD' }));
    expect((await server.request('GET', '/Patient/cased')).status).toBe(404);
  });

  test('every version stays readable, current or not', async () => {
    for (const n of [1, 2, 3]) await put('/Patient/versions', patient({ id: 'versions', language: `x-${n}` }));
    for (const n of [1, 2, 3]) {
      const answer = await server.request('GET', `/Patient/versions/_history/${n}`);
      expect(answer.json).toMatchObject({ language: `x-${n}`, meta: { versionId: String(n) } });
      expect(answer.headers.get('etag')).toBe(`W/"${n}"`);
    }
  });

  test.each(['4', '0', '01', '-1', 'x', '99999999999', '1.0'])('version %s of a resource with three is 404', async (version) => {
    const answer = await server.request('GET', `/Patient/versions/_history/${version}`);
    expect(answer.status).toBe(404);
    expect(issueId(answer.json)).toBe('version-not-found');
  });
});

describe('update', () => {
  test('creates under the client’s id with 201, then makes versions with 200', async () => {
    const first = await put('/Patient/client-id.1', patient({ id: 'client-id.1' }));
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe(`${server.base}/Patient/client-id.1/_history/1`);
    const second = await put('/Patient/client-id.1', patient({ id: 'client-id.1', active: true }));
    expect(second.status).toBe(200);
    expect(second.headers.get('etag')).toBe('W/"2"');
    expect(Date.parse(second.json.meta.lastUpdated)).toBeGreaterThan(Date.parse(first.json.meta.lastUpdated));
  });

  test.each([
    ['the same text', '{"resourceType":"Observation","id":"same","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.0}}'],
    [
      'other white space',
      '{ "resourceType": "Observation", "id": "same",\n "status": "final", "code": {"text":"x"}, "valueQuantity": {"value": 1.0} }',
    ],
    ['another order', '{"id":"same","code":{"text":"x"},"valueQuantity":{"value":1.0},"status":"final","resourceType":"Observation"}'],
    ['escapes', '{"resourceType":"Observation","id":"same","status":"fin\\u0061l","code":{"text":"x"},"valueQuantity":{"value":1.0}}'],
    [
      'the server’s own meta',
      '{"resourceType":"Observation","id":"same","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z"},"status":"final","code":{"text":"x"},"valueQuantity":{"value":1.0}}',
    ],
  ])('with %s makes no version', async (_, body) => {
    const answer = await put('/Observation/same', body);
    expect([200, 201]).toContain(answer.status);
    expect(answer.json.meta.versionId).toBe('1');
    expect(answer.headers.get('etag')).toBe('W/"1"');
    expect((await server.request('GET', '/Observation/same/_history')).json.total).toBe(1);
  });

  test('with another precision makes a version: 1.0 is not 1.00', async () => {
    const body = (digits: string) =>
      `{"resourceType":"Observation","id":"digits","status":"final","code":{"text":"x"},"valueQuantity":{"value":${digits}}}`;
    await put('/Observation/digits', body('1.0'));
    const answer = await put('/Observation/digits', body('1.00'));
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expect(answer.text).toContain('"value":1.00');
  });

  test('what was read can be put back and changes nothing', async () => {
    await put('/Patient/roundtrip', patient({ id: 'roundtrip', meta: { security: [{ system: 'urn:s', code: 'R' }] } }));
    const { text } = await server.request('GET', '/Patient/roundtrip');
    const answer = await put('/Patient/roundtrip', text);
    expect(answer.headers.get('etag')).toBe('W/"1"');
    expect(answer.text).toBe(text);
  });

  test.each([
    ['without an id', patient()],
    ['with another id', patient({ id: 'else' })],
  ])('a body %s is refused', async (_, body) => {
    const answer = await put('/Patient/id-in-url', body);
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toBe('id-mismatch');
    expect(answer.json.issue[0].expression).toEqual(['Patient.id']);
  });

  test.each(['a_b', 'x'.repeat(65), 'a%20b', 'a%2Fb', '%00', 'ä'])('%s is no id', async (id) => {
    const answer = await put(`/Patient/${id}`, patient({ id: decodeURIComponent(id) }));
    expect(answer.status).toBe(400);
  });
});

describe('delete', () => {
  test('ends a resource: 410 from then on, its versions stay', async () => {
    await put('/Patient/ends', patient({ id: 'ends' }));
    const answer = await server.request('DELETE', '/Patient/ends');
    expect([200, 204]).toContain(answer.status);
    expect(answer.headers.get('etag')).toBe('W/"2"');
    const read = await server.request('GET', '/Patient/ends');
    expect(read.status).toBe(410);
    expect(read.json.issue[0].code).toBe('deleted');
    expect(read.headers.get('etag')).toBe('W/"2"');
    expect((await server.request('GET', '/Patient/ends/_history/1')).status).toBe(200);
    expect((await server.request('GET', '/Patient/ends/_history/2')).status).toBe(410);
    expect((await server.request('GET', '/Patient?_id=ends')).json.total).toBe(0);
  });

  test('again, or of what never was, succeeds and makes no version', async () => {
    await put('/Patient/twice', patient({ id: 'twice' }));
    await server.request('DELETE', '/Patient/twice');
    const again = await server.request('DELETE', '/Patient/twice');
    expect([200, 204]).toContain(again.status);
    expect(again.headers.get('etag')).toBe('W/"2"');
    expect([200, 204]).toContain((await server.request('DELETE', '/Patient/never-was')).status);
    expect((await server.request('GET', '/Patient/never-was')).status).toBe(404);
  });

  test('and put again: a new version with 201, found again', async () => {
    await put('/Patient/back', patient({ id: 'back' }));
    await server.request('DELETE', '/Patient/back');
    const answer = await put('/Patient/back', patient({ id: 'back' }));
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('W/"3"');
    expect((await server.request('GET', '/Patient/back')).status).toBe(200);
    expect((await server.request('GET', '/Patient?_id=back')).json.total).toBe(1);
    const versions = (await server.request('GET', '/Patient/back/_history')).json.entry;
    expect(versions.map((entry: { request: { method: string } }) => entry.request.method)).toEqual(['PUT', 'DELETE', 'PUT']);
  });

  test('a patch of what is deleted is 410', async () => {
    await put('/Patient/patched-late', patient({ id: 'patched-late' }));
    await server.request('DELETE', '/Patient/patched-late');
    const answer = await server.request('PATCH', '/Patient/patched-late', {
      body: [{ op: 'add', path: '/active', value: true }],
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(answer.status).toBe(410);
  });
});

describe('If-Match', () => {
  const path = '/Patient/guarded';
  beforeAll(async () => {
    await put(path, patient({ id: 'guarded' }));
    await put(path, patient({ id: 'guarded', active: true }));
  });

  test.each(['W/"1"', '"1"', 'W/"3"', 'W/"1", W/"7"'])('%s on version 2 is 412 for every write', async (ifMatch) => {
    const headers = { 'if-match': ifMatch };
    const patch = {
      body: [{ op: 'add', path: '/active', value: false }],
      headers: { ...headers, 'content-type': 'application/json-patch+json' },
    };
    for (const answer of [
      await put(path, patient({ id: 'guarded', active: false }), headers),
      await server.request('PATCH', path, patch),
      await server.request('DELETE', path, { headers }),
    ]) {
      expect(answer.status).toBe(412);
      expect(answer.json.issue[0].code).toBe('conflict');
    }
    expect((await server.request('GET', path)).headers.get('etag')).toBe('W/"2"');
  });

  test.each(['2', 'W/2', 'W/"x"', '""', 'W/"2" W/"3"', 'W/"99999999999"'])('%s is malformed: 400', async (ifMatch) => {
    const answer = await put(path, patient({ id: 'guarded', active: false }), { 'if-match': ifMatch });
    expect(answer.status).toBe(400);
    expect(issueId(answer.json)).toBe('if-match-invalid');
  });

  test.each(['W/"2"', '"2"', 'W/"1", W/"2"', '*'])('%s on version 2 permits', async (ifMatch) => {
    const answer = await put(path, patient({ id: 'guarded', active: true }), { 'if-match': ifMatch });
    expect(answer.status).toBe(200);
  });

  test.each(['W/"1"', '*'])('%s on what does not exist is 412, and nothing is made', async (ifMatch) => {
    expect((await put('/Patient/absent', patient({ id: 'absent' }), { 'if-match': ifMatch })).status).toBe(412);
    expect((await server.request('GET', '/Patient/absent')).status).toBe(404);
  });

  test('two updates of one version: one wins, the other is 412', async () => {
    await put('/Patient/raced', patient({ id: 'raced' }));
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => put('/Patient/raced', patient({ id: 'raced', language: `x-${n}` }), { 'if-match': 'W/"1"' })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412, 412, 412]);
  });
});

describe('If-None-Match: *', () => {
  test('creates what is absent and refuses what is there with 412', async () => {
    const headers = { 'if-none-match': '*' };
    expect((await put('/Patient/once', patient({ id: 'once' }), headers)).status).toBe(201);
    const second = await put('/Patient/once', patient({ id: 'once', active: true }), headers);
    expect(second.status).toBe(412);
    expect(issueId(second.json)).toBe('resource-exists');
    await server.request('DELETE', '/Patient/once');
    expect((await put('/Patient/once', patient({ id: 'once' }), headers)).status).toBe(201);
  });

  test('of many at once makes exactly one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => put('/Patient/first', patient({ id: 'first' }), { 'if-none-match': '*' })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(9);
  });
});

describe('conditional read', () => {
  let lastModified = '';
  beforeAll(async () => {
    const answer = await put('/Patient/cached', patient({ id: 'cached' }));
    lastModified = answer.headers.get('last-modified') ?? '';
  });
  const read = (headers: Readonly<Record<string, string>>) => server.request('GET', '/Patient/cached', { headers });

  test.each(['W/"1"', '"1"', '*', 'W/"7", W/"1"'])('If-None-Match %s is 304 without a body, with the ETag', async (tag) => {
    const answer = await read({ 'if-none-match': tag });
    expect(answer.status).toBe(304);
    expect(answer.text).toBe('');
    expect(answer.headers.get('etag')).toBe('W/"1"');
  });

  test.each(['W/"2"', '1', 'nonsense'])('If-None-Match %s is 200', async (tag) => {
    expect((await read({ 'if-none-match': tag })).status).toBe(200);
  });

  test('If-Modified-Since: 304 at and after the second of the change, 200 before it or if it is no date', async () => {
    expect((await read({ 'if-modified-since': lastModified })).status).toBe(304);
    expect((await read({ 'if-modified-since': new Date(Date.parse(lastModified) + 60_000).toUTCString() })).status).toBe(304);
    expect((await read({ 'if-modified-since': new Date(Date.parse(lastModified) - 1_000).toUTCString() })).status).toBe(200);
    expect((await read({ 'if-modified-since': 'yesterday' })).status).toBe(200);
  });

  test('If-None-Match counts before If-Modified-Since', async () => {
    expect((await read({ 'if-none-match': 'W/"2"', 'if-modified-since': lastModified })).status).toBe(200);
  });

  test('what the caller may not see is 404 whatever tag he sends', async () => {
    const token = await server.token({ scope: 'patient/Patient.r', patient: 'another' });
    const answer = await server.request('GET', '/Patient/cached', { token, headers: { 'if-none-match': 'W/"1"' } });
    expect(answer.status).toBe(404);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId, patient } from './samples.ts';

/** Paths and methods as nobody should send them. */
let server: TestServer;
let authorization = '';
beforeAll(async () => {
  server = await startTestServer();
  authorization = `Bearer ${await server.token()}`;
  await server.request('PUT', '/Patient/pb', { body: patient({ id: 'pb' }) });
});
afterAll(() => server?.stop());

describe('paths that lead around the door', () => {
  test.each([
    '//fhir/R4/Patient/pb',
    '/fhir//R4/Patient/pb',
    '/fhir/R4//Patient/pb',
    '/fhir/R4/Patient//pb',
    '/fhir/R4/Patient/pb/',
    '/fhir/R4/Patient/',
    '/fhir%2FR4/Patient/pb',
    '/fhir/R4/Patient%2Fpb',
    '/fhir/R4%2FPatient/pb',
    '/FHIR/R4/Patient/pb',
    '/fhir/r4/Patient/pb',
    '/fhir/R4/patient/pb',
    '/fhir/R4/PATIENT/pb',
    '/fhir/R4/metadata/../Patient/pb',
    '/fhir/R4/metadata/%2e%2e/Patient/pb',
    '/fhir/R4/metadata%2f..%2fPatient/pb',
    '/fhir/R4/Patient/pb;a=b',
    '/fhir/R4/Patient/pb%00',
    '/fhir/R4/Patient/pb%20',
    '/fhir/R4/Patient/pb%',
    '/fhir/R4/./Patient/pb',
    '/fhir/R4/Patient/pb#x',
    '/Patient/pb',
    '/fhir/Patient/pb',
    'http://127.0.0.1/fhir/R4/Patient/pb',
  ])('%s tells nothing without a token', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      const answer = await rawRequest(server.origin, method, path);
      expect([400, 401, 404]).toContain(answer.status);
      expect(answer.bytes.toString()).not.toContain('Sample');
    }
  });

  test('backslashes are no path', async () => {
    const answer = await rawRequest(server.origin, 'GET', '\\fhir\\R4\\Patient\\pb', { headers: { authorization } });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.bytes.toString()).resourceType).toBe('OperationOutcome');
  });

  test.each(['/fhir/R4/patient/pb', '/fhir/R4/Patientt/pb', '/fhir/R4/Patient/pb/x', '/fhir/R4/Patient/pb/_history/1/x', '/fhir/R4/$x/1'])(
    '%s is 404 with an outcome, with a token',
    async (path) => {
      const answer = await rawRequest(server.origin, 'GET', path, { headers: { authorization } });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.bytes.toString()).resourceType).toBe('OperationOutcome');
    },
  );

  test('a type nearly right is told', async () => {
    const answer = await server.request('GET', '/Patien/pb');
    expect(answer.status).toBe(404);
    expect(issueId(answer.json)).toBe('resource-type-unknown');
    expect(answer.json.issue[0].details.text).toContain('Did you mean "Patient"?');
    expect((await server.request('GET', '/observation')).json.issue[0].details.text).toContain('"Observation"');
  });

  test('a slash behind the base or a path changes nothing', async () => {
    const body = { resourceType: 'Bundle', type: 'batch' };
    expect((await server.request('POST', '/', { body })).status).toBe(200);
    expect((await server.request('GET', '/Patient/pb/')).status).toBe(200);
    expect((await server.request('GET', '/Patient/?_id=pb')).json.total).toBe(1);
  });
});

describe('methods', () => {
  test.each([
    ['POST', '/metadata'],
    ['DELETE', '/metadata'],
    ['PUT', ''],
    ['DELETE', ''],
    ['POST', '/_history'],
    ['DELETE', '/_history'],
    ['PUT', '/Patient/_search'],
    ['POST', '/Patient/pb'],
    ['DELETE', '/Patient/_history'],
    ['PUT', '/Patient/pb/_history'],
    ['DELETE', '/Patient/pb/_history'],
    ['DELETE', '/Patient/pb/_history/1'],
    ['PUT', '/Patient/pb/_history/1'],
    ['PROPFIND', '/Patient/pb'],
    ['TRACE', '/Patient/pb'],
    ['PUT', '/Patient/pb/Observation'],
    ['DELETE', '/Patient/pb/*'],
    ['GET', '/_search'],
    ['PURGE', '/Patient'],
    ['LINK', '/Patient'],
  ])('%s %s is 405, with what is allowed', async (method, path) => {
    const answer = await rawRequest(server.origin, method, `/fhir/R4${path}`, { headers: { authorization } });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toMatch(/OPTIONS/);
    expect(answer.headers.allow?.split(', ')).not.toContain(method);
    expect(JSON.parse(answer.bytes.toString()).issue[0].code).toBe('not-supported');
    expect((await server.request('GET', '/Patient/pb')).status).toBe(200);
  });

  test('without a token they are 401', async () => {
    for (const method of ['PROPFIND', 'TRACE', 'POST']) {
      expect((await rawRequest(server.origin, method, '/fhir/R4/Patient/pb')).status).toBe(401);
    }
  });

  test('what is no HTTP is 400', async () => {
    const answer = await rawRequest(server.origin, 'CONNECT', 'x:1').catch(() => ({ status: 0 }));
    expect([0, 400, 405, 501]).toContain(answer.status);
    expect((await server.request('GET', '/Patient/pb')).status).toBe(200);
  });
});

describe('odd requests', () => {
  test.each([
    ['_id=%00', '/Patient?_id=%00'],
    ['broken escapes', '/Patient?name=%E0%A4%A'],
    ['no name', '/Patient?=x'],
    ['an ampersand', '/Patient?&&&'],
    ['many parameters', `/Patient?${'_id=a&'.repeat(60)}`],
    ['surrogates', '/Patient?name=%ED%A0%80'],
    ['NUL in criteria', '/Patient?identifier=a%00b|c%00d'],
    ['dates at the edges', '/Patient?birthdate=ge0001&_lastUpdated=le9999-12-31T23:59:59-14:00'],
    ['dates beyond', '/Observation?date=ap0001&_lastUpdated=gt9999'],
  ])('%s in a search is no fault of the server', async (_, path) => {
    const answer = await server.request('GET', path);
    expect(answer.status).toBeLessThan(500);
    expect(['Bundle', 'OperationOutcome']).toContain(answer.json.resourceType);
  });

  test.each([
    ['If-None-Exist', { 'if-none-exist': 'identifier=%00' }],
    ['If-Modified-Since', { 'if-modified-since': 'x'.repeat(2_000) }],
    ['Prefer', { prefer: `return=${'minimal,'.repeat(500)}` }],
    ['Accept', { accept: `${';,'.repeat(1_000)}*/*` }],
  ])('%s as nobody should send it neither', async (_, headers) => {
    expect((await server.request('GET', '/Patient/pb', { headers })).status).toBeLessThan(500);
    expect((await server.request('POST', '/Patient', { headers, body: patient() })).status).toBeLessThan(500);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { bundle, issueId, patient } from './samples.ts';

/** Every refusal is an OperationOutcome that a program can tell apart and a person can act on. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.request('PUT', '/Patient/here', { body: patient({ id: 'here' }) });
});
afterAll(() => server?.stop());

const issueSystem = 'https://anamnesis.health/fhir/CodeSystem/issue';
/** https://hl7.org/fhir/R4/valueset-issue-type.html */
const issueTypes = new Set(
  `invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate
  multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store
  exception timeout incomplete throttled informational`.split(/\s+/),
);

type Options = { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };
type Case = [name: string, status: number, code: string, id: string, line: string, options?: Options];

const cases: Case[] = [
  ['unknown resource', 404, 'not-found', 'resource-not-found', 'GET /Patient/nobody'],
  ['unknown version', 404, 'not-found', 'version-not-found', 'GET /Patient/here/_history/9'],
  ['unknown type', 404, 'not-supported', 'resource-type-unknown', 'GET /Patientt/1'],
  ['unknown path', 404, 'not-found', 'path-unknown', 'GET /Patient/1/x/y'],
  ['wrong method', 405, 'not-supported', 'method-unsupported', 'DELETE /metadata'],
  ['bad id', 400, 'value', 'id-invalid', 'GET /Patient/a_b'],
  ['no JSON', 400, 'structure', 'json-syntax', 'POST /Patient', { body: '{"a" 1}' }],
  ['no resource', 400, 'structure', 'resource-not-object', 'POST /Patient', { body: '[]' }],
  ['no type', 400, 'structure', 'resource-without-type', 'POST /Patient', { body: '{}' }],
  ['another type', 400, 'invalid', 'resource-type-mismatch', 'POST /Patient', { body: { resourceType: 'Basic' } }],
  [
    'wrong version',
    412,
    'conflict',
    'version-conflict',
    'PUT /Patient/here',
    { body: patient({ id: 'here', active: true }), headers: { 'if-match': 'W/"9"' } },
  ],
  [
    'bad version',
    400,
    'value',
    'if-match-invalid',
    'PUT /Patient/here',
    { body: patient({ id: 'here', active: true }), headers: { 'if-match': '9' } },
  ],
  [
    'existing',
    412,
    'conflict',
    'resource-exists',
    'PUT /Patient/here',
    { body: patient({ id: 'here' }), headers: { 'if-none-match': '*' } },
  ],
  [
    'no body type',
    415,
    'not-supported',
    'content-type-unsupported',
    'POST /Patient',
    { body: patient(), headers: { 'content-type': 'text/plain' } },
  ],
  ['XML wanted', 406, 'not-supported', 'format-unsupported', 'GET /Patient/here', { headers: { accept: 'application/fhir+xml' } }],
  ['no Bundle', 400, 'invalid', 'bundle-expected', 'POST ', { body: patient() }],
];

test.each(cases)('%s › %i, %s, %s', async (_, status, code, id, line, options = {}) => {
  const [method = '', path = ''] = line.split(' ');
  const answer = await server.request(method, path, options);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
  const { resourceType, issue } = answer.json;
  expect(resourceType).toBe('OperationOutcome');
  expect(issue[0].code).toBe(code);
  expect(issue[0].details.coding).toEqual([{ system: issueSystem, code: id }]);
  for (const each of issue) {
    expect(issueTypes).toContain(each.code);
    expect(['fatal', 'error', 'warning', 'information']).toContain(each.severity);
    expect(each.details.text.length).toBeGreaterThan(10);
    expect(each.details.text).not.toMatch(/undefined|\[object|Error:|\n/);
  }
});

test.each([
  ['a missing colon', '{\n  "resourceType" "Patient"\n}', 2, 18],
  ['a trailing comma', '{"resourceType":"Patient",\n"active":true,\n}', 3, 1],
  ['an end too early', '{"resourceType":"Patient",\n "name":[', 2, 10],
  ['something behind the end', '{"resourceType":"Patient"}\n\n x', 3, 2],
  ['a member twice', '{"resourceType":"Patient",\n "active":true, "active":false}', 2, 17],
  ['a bad escape', '{"resourceType":"Patient","id":"\\x"}', 1, 32],
  ['a bad number', '{"resourceType":"Patient","x":01}', 1, 31],
  ['nothing at all', '', 1, 1],
  ['a lone surrogate', '{"resourceType":"Patient","id":"\\ud800"}', 1, 32],
])('malformed JSON is told by line and column: %s', async (_, body, line, column) => {
  for (const [method, path] of [
    ['POST', '/Patient'],
    ['PUT', '/Patient/here'],
    ['POST', ''],
  ] as const) {
    const answer = await server.request(method, path, { body });
    expect(answer.status).toBe(400);
    const { text } = answer.json.issue[0].details;
    expect(text).toMatch(new RegExp(`line ${line}\\b`));
    const [, told] = /column (\d+)/.exec(text) ?? [];
    expect(Math.abs(Number(told) - column)).toBeLessThanOrEqual(1);
  }
});

test('bytes that are not UTF-8 are refused', async () => {
  const body = Buffer.concat([Buffer.from('{"resourceType":"Patient","id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
  const answer = await server.request('POST', '/Patient', { body });
  expect(answer.status).toBe(400);
  expect(answer.json.resourceType).toBe('OperationOutcome');
});

describe('authentication', () => {
  test.each([
    ['no token', null, 'token-missing'],
    ['no JWT', 'abc', 'token-invalid'],
    ['three parts of nothing', 'a.b.c', 'token-invalid'],
    ['odd letters', 'a b', 'token-malformed'],
  ])('%s is 401 with a challenge', async (_, token, id) => {
    const answer = await server.request('GET', '/Patient/here', { token });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(answer.json.issue[0].code).toBe('login');
    expect(issueId(answer.json)).toBe(id);
  });

  test('the scope that lacks is named', async () => {
    const token = await server.token({ scope: 'system/Observation.rs' });
    const answer = await server.request('GET', '/Patient/here', { token });
    expect(answer.status).toBe(403);
    expect(answer.json.issue[0]).toMatchObject({ code: 'forbidden', details: { text: expect.stringContaining('Patient.r') } });
  });

  test('the door stands before everything but the capabilities and health', async () => {
    for (const path of ['/metadata', `${server.origin}/healthz`, `${server.origin}/readyz`]) {
      expect((await server.request('GET', path, { token: null })).status).toBe(200);
    }
    for (const [method, path] of [
      ['GET', '/Nonsense'],
      ['POST', ''],
      ['GET', '/_history'],
      ['PUT', '/Patient/a_b'],
      ['POST', '/Patient'],
      ['DELETE', '/Patient?identifier=x'],
      ['PATCH', '/Patient/1'],
      ['POST', '/Patient/_search'],
    ] as const) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{' };
      expect((await server.request(method, path, { token: null, ...body })).status).toBe(401);
    }
  });
});

test('many faults of one resource are told at once, each with its place, none with the value', async () => {
  const answer = await server.request('POST', '/Patient', {
    body: {
      resourceType: 'Patient',
      active: 'SECRETVALUE',
      birthDate: 'SECRETVALUE',
      gender: 7,
      name: { family: 'x' },
      contact: [{ name: { given: 'SECRETVALUE' } }],
    },
  });
  expect(answer.status).toBe(400);
  const places = answer.json.issue.flatMap((issue: { expression: string[] }) => issue.expression);
  expect(places).toEqual(
    expect.arrayContaining(['Patient.active', 'Patient.birthDate', 'Patient.gender', 'Patient.name', 'Patient.contact[0].name.given']),
  );
  expect(answer.text).not.toContain('SECRETVALUE');
});

test('an outcome of a batch entry says what the request alone would', async () => {
  const alone = await server.request('GET', '/Patient/nobody');
  const { json } = await server.request('POST', '', { body: bundle('batch', { request: { method: 'GET', url: 'Patient/nobody' } }) });
  const { outcome } = json.entry[0].response;
  expect(outcome.issue[0]).toMatchObject({ code: 'not-found', details: { coding: alone.json.issue[0].details.coding } });
});

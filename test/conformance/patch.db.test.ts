import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/fhirpatch.html */
let server: TestServer;
let next = 0;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

/** A new observation with a decimal; its path. */
async function target(): Promise<string> {
  const id = `patched-${next++}`;
  const body = `{"resourceType":"Observation","id":"${id}","status":"preliminary","code":{"text":"x"},"valueQuantity":{"value":1.50,"unit":"g"},"note":[{"text":"a"},{"text":"b"}]}`;
  expect((await server.request('PUT', `/Observation/${id}`, { body })).status).toBe(201);
  return `/Observation/${id}`;
}

const json = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  server.request('PATCH', path, { body, headers: { 'content-type': 'application/json-patch+json', ...headers } });
const fhirpath = (path: string, ...operations: readonly (readonly Record<string, unknown>[])[]) =>
  server.request('PATCH', path, {
    body: { resourceType: 'Parameters', parameter: operations.map((part) => ({ name: 'operation', part })) },
  });
const part = (name: string, value: Readonly<Record<string, unknown>>) => ({ name, ...value });

describe('JSON Patch', () => {
  test('makes a new version; what it leaves alone keeps its digits', async () => {
    const path = await target();
    const answer = await json(path, [
      { op: 'test', path: '/status', value: 'preliminary' },
      { op: 'replace', path: '/status', value: 'final' },
      { op: 'remove', path: '/note/0' },
      { op: 'add', path: '/note/-', value: { text: 'c' } },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expect(answer.json).toMatchObject({ status: 'final', note: [{ text: 'b' }, { text: 'c' }] });
    expect(answer.text).toContain('"value":1.50');
    expect((await server.request('GET', path)).text).toBe(answer.text);
    expect((await server.request('GET', `${path}/_history`)).json.entry[0].request.method).toBe('PATCH');
  });

  test('brings decimals with their digits', async () => {
    const path = await target();
    const answer = await json(path, '[{"op":"replace","path":"/valueQuantity/value","value":2.00}]');
    expect(answer.text).toContain('"value":2.00');
  });

  test('that changes nothing makes no version', async () => {
    const path = await target();
    const answer = await json(path, [{ op: 'replace', path: '/status', value: 'preliminary' }]);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('W/"1"');
  });

  test.each([
    ['a failing test', [{ op: 'test', path: '/status', value: 'final' }], 422],
    ['a path to nothing', [{ op: 'remove', path: '/component/3' }], 422],
    ['an unknown operation', [{ op: 'merge', path: '/status', value: 'final' }], 400],
    ['an operation without a path', [{ op: 'remove' }], 400],
    ['an invalid result', [{ op: 'replace', path: '/status', value: 7 }], 400],
    ['an unknown element', [{ op: 'add', path: '/statsu', value: 'final' }], 400],
    ['a missing mandatory element', [{ op: 'remove', path: '/code' }], 400],
    ['another id', [{ op: 'replace', path: '/id', value: 'else' }], 422],
    ['another type', [{ op: 'replace', path: '/resourceType', value: 'Patient' }], 422],
    ['the whole resource replaced', [{ op: 'replace', path: '', value: 'x' }], 422],
    ['no array', { op: 'remove', path: '/note' }, 400],
  ])('%s refuses the whole and leaves the resource', async (_, operations, status) => {
    const path = await target();
    const answer = await json(path, operations);
    expect(answer.status).toBe(status);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect((await server.request('GET', path)).headers.get('etag')).toBe('W/"1"');
  });

  test('of an unknown resource is 404, and malformed JSON is told by line and column', async () => {
    expect((await json('/Observation/nowhere', [])).status).toBe(404);
    const answer = await json(await target(), '[{"op":"remove",\n  "path" "/note"}]');
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/line 2/);
  });

  test('is held to If-Match', async () => {
    const path = await target();
    const body = [{ op: 'replace', path: '/status', value: 'final' }];
    expect((await json(path, body, { 'if-match': 'W/"2"' })).status).toBe(412);
    expect((await json(path, body, { 'if-match': 'W/"1"' })).status).toBe(200);
  });

  test('at once from many sides loses none of them', async () => {
    const path = await target();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => json(path, [{ op: 'add', path: '/note/-', value: { text: `n${n}` } }])),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    const read = await server.request('GET', path);
    expect(read.json.note).toHaveLength(14);
    expect(read.headers.get('etag')).toBe('W/"13"');
  });
});

describe('FHIRPath Patch', () => {
  test('adds, inserts, replaces, moves and deletes', async () => {
    const path = await target();
    const answer = await fhirpath(
      path,
      [part('type', { valueCode: 'replace' }), part('path', { valueString: 'Observation.status' }), part('value', { valueCode: 'final' })],
      [
        part('type', { valueCode: 'add' }),
        part('path', { valueString: 'Observation' }),
        part('name', { valueString: 'issued' }),
        part('value', { valueInstant: '2024-01-01T00:00:00Z' }),
      ],
      [
        part('type', { valueCode: 'insert' }),
        part('path', { valueString: 'Observation.note' }),
        part('index', { valueInteger: 0 }),
        part('value', { valueAnnotation: { text: 'first' } }),
      ],
      [
        part('type', { valueCode: 'move' }),
        part('path', { valueString: 'Observation.note' }),
        part('source', { valueInteger: 2 }),
        part('destination', { valueInteger: 1 }),
      ],
      [part('type', { valueCode: 'delete' }), part('path', { valueString: 'Observation.value.unit' })],
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      status: 'final',
      issued: '2024-01-01T00:00:00Z',
      note: [{ text: 'first' }, { text: 'b' }, { text: 'a' }],
    });
    expect(answer.json.valueQuantity).toEqual({ value: 1.5 });
    expect(answer.text).toContain('"value":1.50');
  });

  test.each([
    [
      'a path to nothing',
      [part('type', { valueCode: 'replace' }), part('path', { valueString: 'Observation.method' }), part('value', { valueString: 'x' })],
      422,
    ],
    ['a path that is none', [part('type', { valueCode: 'delete' }), part('path', { valueString: 'Observation.(' })], 400],
    ['an unknown operation', [part('type', { valueCode: 'merge' }), part('path', { valueString: 'Observation' })], 400],
  ])('%s is refused', async (_, operation, status) => {
    const path = await target();
    const answer = await fhirpath(path, operation);
    expect(answer.status).toBe(status);
    expect((await server.request('GET', path)).headers.get('etag')).toBe('W/"1"');
  });

  test('an array or a resource of another type is no patch', async () => {
    const path = await target();
    for (const body of [[], { resourceType: 'Observation' }, 'null', '"x"']) {
      const answer = await server.request('PATCH', path, { body });
      expect(answer.status).toBe(400);
      expect(issueId(answer.json)).toMatch(/^patch-/);
    }
  });
});

describe('patch in bundles', () => {
  const operations = [{ op: 'replace', path: '/status', value: 'final' }];
  const binary = (value: unknown) => ({
    resourceType: 'Binary',
    contentType: 'application/json-patch+json',
    data: Buffer.from(JSON.stringify(value)).toString('base64'),
  });
  const parameters = (status: string) => ({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          part('type', { valueCode: 'replace' }),
          part('path', { valueString: 'Observation.status' }),
          part('value', { valueCode: status }),
        ],
      },
    ],
  });

  test.each(['batch', 'transaction'] as const)('a %s takes JSON Patch as Binary and FHIRPath Patch as Parameters', async (type) => {
    const [one, two] = [await target(), await target()];
    const { status, json: answer } = await server.request('POST', '', {
      body: {
        resourceType: 'Bundle',
        type,
        entry: [
          { request: { method: 'PATCH', url: one.slice(1) }, resource: binary(operations) },
          { request: { method: 'PATCH', url: two.slice(1), ifMatch: 'W/"1"' }, resource: parameters('amended') },
          { request: { method: 'GET', url: two.slice(1) } },
        ],
      },
    });
    expect(status).toBe(200);
    expect(answer.entry.map((entry: { response: { status: string } }) => entry.response.status)).toEqual(['200 OK', '200 OK', '200 OK']);
    expect(answer.entry[2].resource.status).toBe('amended');
    expect((await server.request('GET', one)).json.status).toBe('final');
  });

  test('a FHIRPath Patch may refer to what the same transaction creates', async () => {
    const path = await target();
    const fullUrl = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a';
    const add = [
      part('type', { valueCode: 'add' }),
      part('path', { valueString: 'Observation' }),
      part('name', { valueString: 'subject' }),
      part('value', { valueReference: { reference: fullUrl } }),
    ];
    const { status, json: answer } = await server.request('POST', '', {
      body: {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          {
            request: { method: 'PATCH', url: path.slice(1) },
            resource: { resourceType: 'Parameters', parameter: [{ name: 'operation', part: add }] },
          },
          { fullUrl, request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } },
        ],
      },
    });
    expect(status).toBe(200);
    const id = answer.entry[1].response.location.split('/')[1];
    expect((await server.request('GET', path)).json.subject).toEqual({ reference: `Patient/${id}` });
  });

  test('a failing patch refuses the transaction and is one entry’s fault in a batch', async () => {
    const path = await target();
    const entry = [
      { request: { method: 'POST', url: 'Basic' }, resource: { resourceType: 'Basic', code: { text: 'x' } } },
      { request: { method: 'PATCH', url: path.slice(1) }, resource: binary([{ op: 'remove', path: '/nothing' }]) },
      { request: { method: 'PATCH', url: path.slice(1) }, resource: { resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' } },
    ];
    const refused = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry: entry.slice(0, 2) } });
    expect(refused.status).toBe(422);
    expect(refused.json.issue[0].expression[0]).toMatch(/^Bundle\.entry\[1\]/);
    const { json: answer } = await server.request('POST', '', { body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect(answer.entry.map((each: { response: { status: string } }) => Number.parseInt(each.response.status, 10))).toEqual([
      201, 422, 400,
    ]);
  });
});

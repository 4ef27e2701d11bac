import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bundle, issueId, statuses } from './samples.ts';

/** A patch makes nothing that could not have been sent as an update. */
const url = 'https://example.org/nested';
type Extension = { readonly url: string; readonly valueString?: string; readonly extension?: readonly Extension[] };

/** Extensions inside each other: each is two levels, and the list that holds the first one is one of them. */
const nested = (count: number): Extension => (count === 1 ? { url, valueString: 'x' } : { url, extension: [nested(count - 1)] });
const basic = (id: string, count: number) => ({ resourceType: 'Basic', id, code: { text: 'x' }, extension: [nested(count)] });

const jsonPatch = (path: string, value: unknown) => [{ op: 'add', path, value }];
const operation = (part: readonly object[]) => ({ name: 'operation', part });
const added = (path: string, name: string) => [
  { name: 'type', valueCode: 'add' },
  { name: 'path', valueString: path },
  { name: 'name', valueString: name },
];
/** The same extensions as the parts of a value. */
const partsOf = (count: number): readonly object[] =>
  count === 1
    ? [
        { name: 'url', valueUri: url },
        { name: 'valueString', valueString: 'x' },
      ]
    : [
        { name: 'url', valueUri: url },
        { name: 'extension', part: partsOf(count - 1) },
      ];

describe.each([13, 101])('with a depth of at most %i', (depthMax) => {
  /** As many nested extensions as fit into a resource. */
  const fitting = (depthMax - 1) / 2;
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ JSON_DEPTH_MAX: String(depthMax) });
  });
  afterAll(() => server?.stop());

  const put = (id: string, count: number) => server.request('PUT', `/Basic/${id}`, { body: basic(id, count) });
  const patch = (id: string, body: unknown) =>
    server.request('PATCH', `/Basic/${id}`, { body, headers: { 'content-type': 'application/json-patch+json' } });
  const innermost = (count: number): string => '/extension/0'.repeat(count);

  test('an update holds as many levels', async () => {
    expect((await put('fits', fitting)).status).toBe(201);
    expect((await put('deep', fitting + 1)).status).toBe(400);
  });

  test('a JSON Patch makes as many levels and no more', async () => {
    await put('json', fitting - 2);
    const path = `${innermost(fitting - 2)}/extension`;
    const without = { op: 'remove', path: `${innermost(fitting - 2)}/valueString` };
    expectTooDeep(await patch('json', [without, ...jsonPatch(path, [nested(3)])]), depthMax);
    expect((await patch('json', [without, ...jsonPatch(path, [nested(2)])])).status).toBe(200);
    expect((await server.request('GET', '/Basic/json')).json).toMatchObject(basic('json', fitting));
  });

  test('copies inside the resource make no more either', async () => {
    await put('copied', 3);
    const path = `${innermost(3)}/extension`;
    const emptied = [
      { op: 'remove', path: `${innermost(3)}/valueString` },
      { op: 'add', path, value: [] },
    ];
    const deepen = Array.from({ length: Math.ceil(depthMax / 6) }, () => ({
      op: 'copy',
      from: '/extension',
      path,
    }));
    expectTooDeep(await patch('copied', [...emptied, ...deepen]), depthMax);
    expect((await server.request('GET', '/Basic/copied')).headers.get('etag')).toBe('W/"1"');
  });

  test('a FHIRPath Patch makes as many levels and no more', async () => {
    await put('fhirpath', fitting - 1);
    const path = `Basic${'.extension'.repeat(fitting - 1)}`;
    const send = (...parameter: readonly object[]) =>
      server.request('PATCH', '/Basic/fhirpath', { body: { resourceType: 'Parameters', parameter } });
    const without = operation([
      { name: 'type', valueCode: 'delete' },
      { name: 'path', valueString: `${path}.value` },
    ]);
    const deepened = (count: number) => operation([...added(path, 'extension'), { name: 'value', part: partsOf(count) }]);
    expectTooDeep(await send(without, deepened(2)), depthMax);
    expect((await send(without, deepened(1))).status).toBe(200);
    expect((await server.request('GET', '/Basic/fhirpath')).json).toMatchObject(basic('fhirpath', fitting));
    // An object beside the primitive: `_valueString`.
    const id = operation([...added(`${path}.extension.value`, 'id'), { name: 'value', valueString: 'x' }]);
    expectTooDeep(await send(id), depthMax);
  });

  test('a patch in a transaction is held to it, and so is the patch itself', async () => {
    await put('entry', fitting - 1);
    const data = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
    const send = (value: unknown) =>
      server.request('POST', '', {
        body: bundle('transaction', {
          resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: data(value) },
          request: { method: 'PATCH', url: 'Basic/entry' },
        }),
      });
    expectTooDeep(await send(jsonPatch(`${innermost(fitting - 1)}/extension`, [nested(2)])), depthMax);
    const wide = await send(jsonPatch('/extension/-', nested(fitting + 1)));
    expect(wide.status).toBe(400);
    expect(issueId(wide.json)).toBe('json-depth');
    expect(statuses((await send(jsonPatch('/extension/-', nested(fitting - 2)))).json)).toEqual([200]);
  });
});

function expectTooDeep({ status, json }: Answered, depthMax: number): void {
  expect([status, issueId(json)]).toEqual([422, 'patch-depth']);
  expect(json.issue[0].details.text).toContain(String(depthMax));
}

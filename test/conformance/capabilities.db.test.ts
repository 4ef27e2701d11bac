import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { bundle, statuses } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#capabilities: what is listed works, what isn't listed is refused. */
type Param = { readonly name: string; readonly type: string; readonly definition: string };
type Resource = {
  readonly type: string;
  readonly interaction: readonly { readonly code: string }[];
  readonly searchParam: readonly Param[];
  readonly searchInclude?: readonly string[];
  readonly searchRevInclude?: readonly string[];
  readonly conditionalDelete: string;
  readonly conditionalUpdate: boolean;
};

let server: TestServer;
let resources: readonly Resource[] = [];
let statement: Answered['json'];
beforeAll(async () => {
  server = await startTestServer();
  statement = (await server.request('GET', '/metadata', { token: null })).json;
  resources = statement.rest[0].resource;
});
afterAll(() => server?.stop());

test('the statement describes this server', () => {
  expect(statement).toMatchObject({
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    fhirVersion: '4.0.1',
    implementation: { url: server.base },
    rest: [{ mode: 'server' }],
  });
  expect(resources).toHaveLength(146);
  expect(new Set(resources.map(({ type }) => type)).size).toBe(146);
});

test('it is a valid resource, which the server itself stores', async () => {
  const answer = await server.request('PUT', '/CapabilityStatement/own', { body: { ...statement, id: 'own' } });
  expect(answer.json.issue ?? answer.status).toBe(201);
});

test('every format and patch format listed is taken', async () => {
  for (const format of statement.format) {
    expect((await server.request('GET', `/metadata?_format=${encodeURIComponent(format)}`)).status).toBe(200);
  }
  await server.request('PUT', '/Basic/patched', { body: { resourceType: 'Basic', id: 'patched', code: { text: 'x' } } });
  for (const type of statement.patchFormat) {
    const body = type.includes('patch') ? [] : { resourceType: 'Parameters' };
    const answer = await server.request('PATCH', '/Basic/patched', { body, headers: { 'content-type': type } });
    expect([200, 400]).toContain(answer.status);
    expect(answer.status === 400 ? answer.json.issue[0].code : '').not.toBe('not-supported');
  }
});

test('every search parameter of every type is answered, and sorted out by type', async () => {
  const values: Readonly<Record<string, string>> = {
    token: 'a|b',
    string: 'abc',
    date: 'ge2020-01-01',
    number: '1.5',
    quantity: '5.4|http://unitsofmeasure.org|mg',
    reference: 'Patient/1',
    uri: 'http://example.org/x',
    special: '48.1|11.5|10|km',
  };
  const entries = resources.flatMap(({ type, searchParam }) =>
    searchParam
      .filter((param) => values[param.type] !== undefined)
      .map((param) => `${type}?${param.name}=${encodeURIComponent(param.name === '_id' ? 'x' : (values[param.type] ?? ''))}&_count=1`),
  );
  expect(entries.length).toBeGreaterThan(1_400);
  const faults: string[] = [];
  for (let at = 0; at < entries.length; at += 500) {
    const part = entries.slice(at, at + 500);
    const { json } = await server.request('POST', '', {
      body: bundle('batch', ...part.map((url) => ({ request: { method: 'GET', url } }))),
    });
    statuses(json).forEach((status, index) => {
      if (status !== 200) faults.push(`${part[index]}: ${status} ${json.entry[index].response.outcome?.issue[0].details.text}`);
    });
  }
  expect(faults).toEqual([]);
});

test('no parameter is listed twice, and each names its definition', () => {
  for (const { type, searchParam } of resources) {
    const names = searchParam.map(({ name }) => name);
    expect([type, new Set(names).size]).toEqual([type, names.length]);
    for (const { definition } of searchParam) expect(definition).toMatch(/^https?:\/\//);
  }
});

test('includes and reverse includes that are listed are answered', async () => {
  const some = <T>(list: readonly T[], count: number): T[] =>
    list.filter((_, at) => at % Math.max(1, Math.floor(list.length / count)) === 0);
  const entries = resources.flatMap(({ type, searchInclude = [], searchRevInclude = [] }) => [
    ...some(searchInclude, 2).map((value) => `${type}?_count=1&_include=${value}`),
    ...some(searchRevInclude, 2).map((value) => `${type}?_count=1&_revinclude=${value}`),
  ]);
  const { json } = await server.request('POST', '', {
    body: bundle('batch', ...entries.map((url) => ({ request: { method: 'GET', url } }))),
  });
  expect(entries.filter((_, at) => statuses(json)[at] !== 200)).toEqual([]);
});

test('system interactions listed are answered', async () => {
  const codes = statement.rest[0].interaction.map(({ code }: { code: string }) => code);
  expect(codes.sort()).toEqual(['batch', 'history-system', 'search-system', 'transaction']);
  for (const type of ['batch', 'transaction'] as const) expect((await server.request('POST', '', { body: bundle(type) })).status).toBe(200);
  expect((await server.request('GET', '/_history')).status).toBe(200);
  const params: { name: string }[] = statement.rest[0].searchParam;
  expect(params.map(({ name }) => name)).toEqual(['_id', '_lastUpdated', '_profile', '_security', '_source', '_tag', '_type']);
  for (const { name } of params.slice(0, -1)) {
    const { status, text } = await server.request('GET', `/?_count=1&${name}=${name === '_lastUpdated' ? 'gt2020' : 'x'}`);
    expect(status, text).toBe(200);
  }
});

test('every compartment listed is searched', async () => {
  const names: string[] = statement.rest[0].compartment.map((url: string) => url.split('/').at(-1));
  expect(names.sort()).toEqual(['device', 'encounter', 'patient', 'practitioner', 'relatedperson']);
  for (const type of resources.map((each) => each.type).filter((each) => names.includes(each.toLowerCase()))) {
    const { status, json } = await server.request('GET', `/${type}/nobody/*`);
    expect([status, json.issue[0].code]).toEqual([404, 'not-found']);
  }
});

describe('interactions', () => {
  const body = (type: string) => ({ resourceType: type, id: 'x' });
  /** A request of each interaction; nothing of it exists or is valid, so that whatever is permitted answers 4xx of another kind. */
  const requests: Readonly<Record<string, (type: string) => readonly [string, string, unknown?]>> = {
    read: (type) => ['GET', `/${type}/nobody`],
    vread: (type) => ['GET', `/${type}/nobody/_history/1`],
    'history-instance': (type) => ['GET', `/${type}/nobody/_history`],
    'history-type': (type) => ['GET', `/${type}/_history?_count=1`],
    'search-type': (type) => ['GET', `/${type}?_count=1`],
    create: (type) => ['POST', `/${type}`, body(type)],
    update: (type) => ['PUT', `/${type}/x`, body(type)],
    patch: (type) => ['PATCH', `/${type}/nobody`, { resourceType: 'Parameters' }],
    delete: (type) => ['DELETE', `/${type}/nobody`],
  };

  test('listed ones are not 405 and not 5xx, for every type', async () => {
    const refused: string[] = [];
    for (const { type, interaction } of resources) {
      const answers = await Promise.all(
        interaction.map(async ({ code }) => {
          const [method, path, sent] = requests[code]?.(type) ?? ['GET', `/unknown-${code}`];
          const answer = await server.request(method, path, sent === undefined ? {} : { body: sent });
          return { code, status: answer.status };
        }),
      );
      for (const { code, status } of answers) if (status === 405 || status >= 500) refused.push(`${type} ${code} ${status}`);
    }
    expect(refused).toEqual([]);
  });

  test('what an AuditEvent doesn’t list is 405', async () => {
    const audit = resources.find(({ type }) => type === 'AuditEvent');
    const codes = audit?.interaction.map(({ code }) => code) ?? [];
    expect(codes).not.toEqual(expect.arrayContaining(['delete']));
    expect(codes).not.toEqual(expect.arrayContaining(['patch']));
    expect(audit).toMatchObject({ conditionalUpdate: false, conditionalDelete: 'not-supported' });
    for (const code of ['patch', 'delete']) {
      const [method, path, sent] = requests[code]?.('AuditEvent') ?? ['', ''];
      expect((await server.request(method, path, sent === undefined ? {} : { body: sent })).status).toBe(405);
    }
  });
});

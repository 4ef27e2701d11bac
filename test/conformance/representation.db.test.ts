import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import { type Answered, startTestServer, type TestServer } from '../support/server.ts';
import { observation, patient } from './samples.ts';

/** https://hl7.org/fhir/R4/http.html#mime-type, #parameters, #ops, #head */
let server: TestServer;
let authorization = '';
const page = 'https://app.example.org';
beforeAll(async () => {
  server = await startTestServer({ CORS_ORIGINS: page, COMPRESSION_MIN_BYTES: '1000' });
  authorization = `Bearer ${await server.token()}`;
  await server.request('PUT', '/Observation/whole', {
    body: `{"resourceType":"Observation","id":"whole","meta":{"tag":[{"system":"urn:s","code":"t"}]},
      "text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>"},
      "implicitRules":"https://example.org/rules","status":"final","code":{"text":"x","coding":[{"code":"c"}]},
      "valueQuantity":{"value":1.50},"note":[{"text":"n"}],"method":{"text":"m"}}`,
  });
  await server.request('PUT', '/Patient/long', {
    body: patient({ id: 'long', name: Array.from({ length: 60 }, (_, n) => ({ family: `Name ${n}`, given: ['Ada'] })) }),
  });
});
afterAll(() => server?.stop());

const get = (path: string, headers: Readonly<Record<string, string>> = {}) => server.request('GET', path, { headers });
const raw = (method: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
  rawRequest(server.origin, method, `/fhir/R4${path}`, { headers: { authorization, ...headers } });

describe('Prefer', () => {
  const prefer = (value: string) => ({ headers: { prefer: value } });

  test.each([
    'return=representation',
    'Return="representation"',
    'handling=strict, return=representation',
    'respond-async; return=representation',
  ])('%s answers the resource', async (value) => {
    const answer = await server.request('POST', '/Patient', { body: patient(), ...prefer(value) });
    expect(answer.json.resourceType).toBe('Patient');
  });

  test('return=minimal answers no body but all headers, for every write', async () => {
    const created = await server.request('POST', '/Patient', { body: patient(), ...prefer('return=minimal') });
    expect([created.status, created.text]).toEqual([201, '']);
    const location = created.headers.get('location') ?? '';
    expect(location).toMatch(/\/Patient\/[^/]+\/_history\/1$/);
    expect(created.headers.get('etag')).toBe('W/"1"');
    expect(created.headers.get('last-modified')).not.toBeNull();
    const id = location.split('/').at(-3);
    const updated = await server.request('PUT', `/Patient/${id}`, { body: patient({ id, active: true }), ...prefer('return=minimal') });
    expect([updated.status, updated.text]).toEqual([200, '']);
  });

  test('return=OperationOutcome answers an outcome of severity information', async () => {
    const answer = await server.request('POST', '/Patient', { body: patient(), ...prefer('return=OperationOutcome') });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information' }, { severity: 'information' }],
    });
  });

  test('what is no preference is passed over', async () => {
    const answer = await server.request('POST', '/Patient', { body: patient(), ...prefer('return=everything, x=y') });
    expect(answer.json.resourceType).toBe('Patient');
  });

  test('a writer who may not read gets no body', async () => {
    const token = await server.token({ scope: 'system/Patient.c' });
    const answer = await server.request('POST', '/Patient', { token, body: patient(), ...prefer('return=representation') });
    expect([answer.status, answer.text]).toEqual([201, '']);
  });
});

describe('formats', () => {
  test.each([
    ['application/fhir+json', 'application/fhir+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['application/fhir+json; fhirVersion=4.0', 'application/fhir+json; charset=utf-8'],
    ['application/fhir+xml;q=0.9, application/fhir+json;q=0.8', 'application/fhir+json; charset=utf-8'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/fhir+json; charset=utf-8'],
    ['*/*', 'application/fhir+json; charset=utf-8'],
    ['', 'application/fhir+json; charset=utf-8'],
  ])('Accept: %s is answered as %s', async (accept, type) => {
    const answer = await get('/Patient/long', { accept });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
  });

  test.each(['application/fhir+xml', 'application/xml', 'text/xml', 'text/html', 'application/fhir+json;q=0', 'text/turtle'])(
    'Accept: %s is 406 with an outcome',
    async (accept) => {
      const answer = await get('/Patient/long', { accept });
      expect(answer.status).toBe(406);
      expect(answer.json).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'not-supported' }] });
    },
  );

  test.each(['json', 'application/json', 'application/fhir%2Bjson', 'application/fhir+json', 'text/json'])(
    '_format=%s comes before Accept',
    async (format) => {
      expect((await get(`/Patient/long?_format=${format}`, { accept: 'application/fhir+xml' })).status).toBe(200);
    },
  );

  test.each(['xml', 'application/fhir%2Bxml', 'ttl', 'html', 'constructor', '__proto__'])('_format=%s is 406', async (format) => {
    expect((await get(`/Patient/long?_format=${format}`)).status).toBe(406);
  });

  test.each([
    'application/fhir+xml',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/fhir+json; charset=iso-8859-1',
    'application/json-patch+json',
  ])('a body of %s is 415, and nothing is written', async (type) => {
    const answer = await server.request('PUT', '/Patient/typed', { body: patient({ id: 'typed' }), headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    expect(answer.json.resourceType).toBe('OperationOutcome');
    expect((await get('/Patient/typed')).status).toBe(404);
  });

  test.each(['application/json', 'application/fhir+json;charset="UTF-8"', 'APPLICATION/FHIR+JSON; fhirVersion=4.0'])(
    'a body of %s is taken',
    async (type) => {
      expect((await server.request('POST', '/Patient', { body: patient(), headers: { 'content-type': type } })).status).toBe(201);
    },
  );

  test('_pretty lays out lines and keeps the digits; the rest is the same', async () => {
    const plain = await get('/Observation/whole');
    const pretty = await get('/Observation/whole?_pretty=true');
    expect(pretty.text.split('\n').length).toBeGreaterThan(20);
    expect(pretty.text).toContain('"value": 1.50');
    expect(pretty.json).toEqual(plain.json);
    expect((await get('/Observation/whole?_pretty=false')).text).toBe(plain.text);
    expect((await get('/Observation?_pretty=true')).text).toContain('\n');
    expect((await get('/metadata?_pretty=true')).text).toContain('\n');
  });
});

describe('_summary and _elements', () => {
  const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  const parts = async (query: string): Promise<Answered['json'][]> => [
    (await get(`/Observation/whole?${query}`)).json,
    (await get(`/Observation/whole/_history/1?${query}`)).json,
    (await get(`/Observation?_id=whole&${query}`)).json.entry[0].resource,
    (await get(`/Observation/whole/_history?${query}`)).json.entry[0].resource,
    (
      await server.request('POST', '', {
        body: { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Observation/whole?${query}` } }] },
      })
    ).json.entry[0].resource,
  ];

  test('true keeps the summary’s elements, and modifiers', async () => {
    for (const part of await parts('_summary=true')) {
      expect(part).toMatchObject({
        id: 'whole',
        status: 'final',
        valueQuantity: { value: 1.5 },
        implicitRules: 'https://example.org/rules',
      });
      expect(part.note ?? part.text ?? part.method).toBeUndefined();
      expect(part.meta.tag).toEqual([{ system: 'urn:s', code: 't' }, expect.objectContaining(tag)]);
    }
    expect((await get('/Observation/whole?_summary=true')).text).toContain('"value":1.50');
  });

  test('text keeps the narrative and what is mandatory', async () => {
    for (const part of await parts('_summary=text')) {
      expect(Object.keys(part).sort()).toEqual(expect.arrayContaining(['code', 'id', 'meta', 'resourceType', 'status', 'text']));
      expect(part.valueQuantity ?? part.note).toBeUndefined();
    }
  });

  test('data keeps all but the narrative', async () => {
    for (const part of await parts('_summary=data')) {
      expect(part.text).toBeUndefined();
      expect(part).toMatchObject({ note: [{ text: 'n' }], method: { text: 'm' } });
    }
  });

  test('false keeps everything, byte for byte', async () => {
    expect((await get('/Observation/whole?_summary=false')).text).toBe((await get('/Observation/whole')).text);
    for (const part of await parts('_summary=false')) expect(part.meta.tag).toEqual([{ system: 'urn:s', code: 't' }]);
  });

  test('count gives a total alone, of searches and of history; a single resource has none', async () => {
    for (const path of ['/Observation?_id=whole&_summary=count', '/Observation/whole/_history?_summary=count']) {
      const { json } = await get(path);
      expect(json.total).toBe(1);
      expect(json.entry).toBeUndefined();
    }
    expect((await get('/Observation/whole?_summary=count')).status).toBe(400);
  });

  test('_elements keeps what is named, what is mandatory and what modifies', async () => {
    for (const part of await parts('_elements=note,method')) {
      expect(part).toMatchObject({ id: 'whole', status: 'final', note: [{ text: 'n' }], method: { text: 'm' } });
      expect(part.valueQuantity ?? part.text).toBeUndefined();
      expect(part.meta.tag).toContainEqual(expect.objectContaining(tag));
    }
  });

  test.each(['_summary=maybe', '_summary=TRUE'])('%s is refused', async (query) => {
    for (const path of ['/Observation/whole', '/Observation', '/Observation/whole/_history'])
      expect((await get(`${path}?${query}`)).status).toBe(400);
  });

  test('the capabilities can be summarised too', async () => {
    const { json } = await get('/metadata?_summary=true');
    expect(json.resourceType).toBe('CapabilityStatement');
    expect(json.meta.tag).toContainEqual(expect.objectContaining(tag));
  });
});

describe('HEAD', () => {
  test.each([
    '/Patient/long',
    '/Patient/long/_history/1',
    '/Patient/long/_history',
    '/Patient?_id=long',
    '/Patient/nobody',
    '/Patient/a_b',
    '/metadata',
    '/Patient/long?_format=xml',
    '/Patientt',
  ])('%s has the headers of GET, Content-Length too, and no body', async (path) => {
    for (const encoding of ['identity', 'gzip', 'br']) {
      const headers = { 'accept-encoding': encoding };
      const [got, head] = [await raw('GET', path, headers), await raw('HEAD', path, headers)];
      expect(head.bytes).toHaveLength(0);
      expect(head.status).toBe(got.status);
      const kept = (all: Readonly<Record<string, unknown>>) =>
        Object.fromEntries(Object.entries(all).filter(([name]) => !['date', 'x-request-id', 'keep-alive', 'connection'].includes(name)));
      // Bundles have an id and a time of their own each, which compress to other lengths.
      const isBundle = path.includes('_history') && !path.endsWith('/1') ? true : path.includes('?_id=');
      const lengthless = ({ 'content-length': length, ...rest }: Record<string, unknown>) => ({ ...rest, has: length !== undefined });
      if (isBundle && encoding !== 'identity') expect(lengthless(kept(head.headers))).toEqual(lengthless(kept(got.headers)));
      else expect(kept(head.headers)).toEqual(kept(got.headers));
      expect(Number(got.headers['content-length'])).toBe(got.bytes.length);
    }
  });

  test('asks for a token like GET', async () => {
    expect((await rawRequest(server.origin, 'HEAD', '/fhir/R4/Patient/long')).status).toBe(401);
  });
});

describe('headers of every answer', () => {
  test('X-Request-Id is ours, or the client’s where it is harmless', async () => {
    expect((await get('/Patient/long')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect((await get('/Patient/nobody', { 'x-request-id': 'abc-123' })).headers.get('x-request-id')).toBe('abc-123');
    for (const id of ['<script>', 'a b', 'x'.repeat(200)]) {
      expect((await get('/Patient/long', { 'x-request-id': id })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('nothing is cached, nothing is sniffed, errors included', async () => {
    for (const path of ['/Patient/long', '/Patient/nobody', '/Patientt']) {
      const { headers } = await get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('vary')).toMatch(/Authorization.*Origin/);
    }
  });
});

describe('CORS and OPTIONS', () => {
  test('a preflight of a permitted page names methods and headers, without a token', async () => {
    const answer = await rawRequest(server.origin, 'OPTIONS', '/fhir/R4/Patient/long', {
      headers: { origin: page, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization,if-match' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe(page);
    expect(answer.headers['access-control-allow-methods']).toMatch(/PATCH/);
    expect(answer.headers['access-control-allow-headers']).toMatch(/If-None-Exist/i);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  test('answers and errors of a permitted page can be read by it, with the headers it needs', async () => {
    for (const path of ['/Patient/long', '/Patient/nobody']) {
      const { headers } = await get(path, { origin: page });
      expect(headers.get('access-control-allow-origin')).toBe(page);
      expect(headers.get('access-control-expose-headers')).toMatch(/ETag.*Location/);
    }
  });

  test.each(['https://evil.example.org', 'null', `${page}.evil.org`, page.replace('https', 'http')])(
    '%s gets no such header',
    async (origin) => {
      const preflight = await rawRequest(server.origin, 'OPTIONS', '/fhir/R4/Patient', {
        headers: { origin, 'access-control-request-method': 'GET' },
      });
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
      expect((await get('/Patient/long', { origin })).headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('OPTIONS without an origin names the methods', async () => {
    expect((await raw('OPTIONS', '/Patient')).headers.allow).toMatch(/GET.*DELETE/);
  });
});

describe('compression', () => {
  test.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const)('answers in %s hold the same bytes, and say so', async (encoding, unpack) => {
    const plain = await raw('GET', '/Patient/long', { 'accept-encoding': 'identity' });
    const packed = await raw('GET', '/Patient/long', { 'accept-encoding': encoding });
    expect(packed.headers['content-encoding']).toBe(encoding);
    expect(packed.headers.vary).toMatch(/Accept-Encoding/);
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2);
    expect(unpack(packed.bytes).equals(plain.bytes)).toBe(true);
  });

  test.each(['identity', 'gzip;q=0', 'br;q=0.0, gzip;q=0', 'zstd'])('Accept-Encoding: %s answers uncompressed', async (encoding) => {
    expect((await raw('GET', '/Patient/long', { 'accept-encoding': encoding })).headers['content-encoding']).toBeUndefined();
  });

  test('a small answer goes as it is', async () => {
    const { json } = await server.request('POST', '/Observation', { body: observation() });
    expect((await raw('GET', `/Observation/${json.id}`, { 'accept-encoding': 'gzip, br' })).headers['content-encoding']).toBeUndefined();
  });
});

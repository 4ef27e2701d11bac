import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import { expectRefusal, type Fixture, observation, startFixture } from './attack-fixture.ts';

let server: Fixture;
beforeAll(async () => {
  server = await startFixture();
});
afterAll(() => server?.stop());

/** Bytes to the server's socket, and what comes back until it closes or half a second passes. */
function talk(text: string): Promise<string> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    const done = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .on('data', (chunk) => (answer += chunk.toString('latin1')))
      .on('error', done)
      .on('close', done);
    setTimeout(done, 500);
  });
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

test('C120 heads beyond all measure are refused', async () => {
  const head = `GET /fhir/R4/metadata HTTP/1.1\r\nHost: x\r\n`;
  expect([431, 400]).toContain(statusOf(await talk(`${head}${Array.from({ length: 5_000 }, (_, n) => `X-${n}: y\r\n`).join('')}\r\n`)));
  expect([431, 400]).toContain(statusOf(await talk(`${head}X: ${'y'.repeat(65_536)}\r\n\r\n`)));
  expect([414, 431]).toContain(statusOf(await talk(`GET /fhir/R4/Patient?name=${'y'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)));
  expect((await server.request('GET', '/metadata', { token: null })).status).toBe(200);
});

test('a request that two readers would cut differently is refused', async () => {
  const post = 'POST /fhir/R4/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n';
  for (const lengths of [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n',
    'Content-Length: +5\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding : chunked\r\n',
  ]) {
    const answer = await talk(`${post}${lengths}\r\n0\r\n\r\nGET /fhir/R4/metadata HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(answer).not.toContain('CapabilityStatement');
    expect([400, 401]).toContain(statusOf(answer));
  }
});

test('a request that says twice who calls is refused, for two readers would take it for two callers', async () => {
  const get = (...headers: string[]) =>
    talk(`GET /fhir/R4/Patient/pa HTTP/1.1\r\nHost: x\r\n${headers.map((each) => `${each}\r\n`).join('')}\r\n`);
  expect(statusOf(await get(`Authorization: Bearer ${server.TS}`))).toBe(200);
  for (const [first, second] of [
    [server.TS, server.TP],
    [server.TP, server.TS],
    [server.TS, server.TS],
  ]) {
    const answer = await get(`Authorization: Bearer ${first}`, `aUTHORIZATION: Bearer ${second}`);
    expect(statusOf(answer)).toBe(400);
    expect(answer).not.toContain('"Patient"');
  }
});

test('C123 what is asked for is not echoed as a page', async () => {
  const script = '<script>alert(1)</script>';
  const paths = [
    `/Patient?_format=text/html&name=${encodeURIComponent(script)}`,
    `/${encodeURIComponent(script)}`,
    `/Patient?${encodeURIComponent(script)}=1`,
    `/Patient/${encodeURIComponent(script)}`,
    `/Patient?_format=${encodeURIComponent(script)}`,
  ];
  for (const path of paths) {
    const answer = await server.request('GET', path, { headers: { accept: 'text/html' } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test('C124 no other origin is let in unless it is configured, and never with credentials', async () => {
  for (const origin of ['https://evil.example.org', 'null', server.origin.replace('http:', 'https:')]) {
    for (const method of ['GET', 'OPTIONS']) {
      const { headers } = await server.request(method, '/Patient/pa', { headers: { origin, 'access-control-request-method': 'GET' } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  }
});

test('C125 links keep the configured base, whoever says otherwise', async () => {
  const headers = {
    authorization: `Bearer ${await server.token()}`,
    host: 'evil.example.org',
    'x-forwarded-host': 'evil.example.org',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example.org',
    'x-original-url': '/fhir/R4/Patient/pb',
    'content-type': 'application/fhir+json',
  };
  const search = await rawRequest(server.origin, 'GET', '/fhir/R4/Observation?_count=1', { headers });
  const history = await rawRequest(server.origin, 'GET', '/fhir/R4/_history?_count=1', { headers });
  const capabilities = await rawRequest(server.origin, 'GET', '/fhir/R4/metadata', { headers });
  const created = await rawRequest(server.origin, 'POST', '/fhir/R4/Observation', {
    headers,
    body: Buffer.from(JSON.stringify(observation(undefined, 'pa'))),
  });
  expect(created.status).toBe(201);
  for (const { bytes, headers: told } of [search, history, capabilities, created])
    expect(`${bytes.toString()} ${JSON.stringify(told)}`).not.toContain('evil');
  expect(created.headers.location).toMatch(new RegExp(`^${server.base}/Observation/`));
  expect(search.bytes.toString()).toContain(`"url":"${server.base}/Observation?`);
});

test('C126 no way of writing a path leads past the token', async () => {
  const paths = [
    '//fhir/R4/Patient/pb',
    '/fhir/R4//Patient/pb',
    '/fhir%2FR4/Patient/pb',
    '/fhir/R4/Patient/pb/',
    '/FHIR/R4/Patient/pb',
    '/fhir/r4/Patient/pb',
  ]
    .concat(['/fhir/R4/Patient%2Fpb', '/fhir/R4/./Patient/pb', '/fhir/R4/metadata/../Patient/pb', '/fhir/R4/metadata/%2e%2e/Patient/pb'])
    .concat([
      '/fhir/R4/Patient/pb;x=1',
      '/fhir/R4/Patient/pb%00',
      '/fhir/R4/Patient/pb#x',
      '/fhir/R4/patient/pb',
      '/healthz/../fhir/R4/Patient/pb',
    ])
    .concat(['http://x/fhir/R4/Patient/pb', '/fhir/R4\\Patient\\pb', '/fhir/R4/metadata/Patient/pb', '/fhir/R4/.well-known/../Patient/pb']);
  for (const path of paths) {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const answer = await rawRequest(server.origin, method, path);
      expect([400, 401, 404], `${method} ${path}`).toContain(answer.status);
      expect(answer.bytes.toString()).not.toContain('Bergstrom');
    }
  }
});

test('C127 no shared cache may keep or answer data', async () => {
  const [read, search] = await Promise.all([server.request('GET', '/Patient/pa'), server.request('GET', '/Patient')]);
  for (const { headers } of [read, search]) {
    expect(headers.get('cache-control')).toMatch(/no-store|private/);
    expect(headers.get('vary')).toMatch(/\bAuthorization\b/i);
  }
  const headers = { 'if-none-match': read.headers.get('etag') ?? '' };
  expect((await server.request('GET', '/Patient/pa', { token: null, headers })).status).toBe(401);
});

test('C128 methods that are none of FHIR’s are refused', async () => {
  for (const method of ['TRACE', 'PROPFIND', 'LINK', 'PURGE', 'SEARCH', 'QUERY']) {
    for (const authorization of ['', `Bearer ${await server.token()}`]) {
      const answer = await rawRequest(server.origin, method, '/fhir/R4/Patient/pa', {
        headers: { ...(authorization === '' ? {} : { authorization }), cookie: 'secret' },
      });
      expect([400, 401, 405, 501], method).toContain(answer.status);
      expect(answer.bytes.toString()).not.toMatch(/secret|Ahlgren/);
    }
  }
  for (const line of ['CONNECT fhir.example.org:443', 'FOO /fhir/R4/Patient/pa', 'get /fhir/R4/Patient/pa']) {
    const answer = await talk(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
    if (answer !== '') expect([400, 405, 501]).toContain(statusOf(answer));
  }
});

test('C129 a request id that isn’t plain and short is replaced', async () => {
  expect((await server.request('GET', '/metadata', { headers: { 'x-request-id': 'mine-1.2_3' } })).headers.get('x-request-id')).toBe(
    'mine-1.2_3',
  );
  for (const id of ['x'.repeat(10_240), 'a b', '<b>', '\u00e9', 'a;b', '']) {
    const { headers } = await server.request('GET', '/metadata', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  }
  const split = await talk(`GET /fhir/R4/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: a\r\n injected: yes\r\n\r\n`);
  expect(split).not.toMatch(/^injected:/m);
});

test('C132 while the database is away, an answer tells nothing of it', async () => {
  const away = await startFixture({ DATABASE_POOL_SIZE: '2' });
  const { reader, searcher } = away.services.context as unknown as { reader: { close(): void }; searcher: { end(): Promise<void> } };
  try {
    reader.close();
    await searcher.end();
    for (const path of ['/Patient/pa', '/Patient?name=x', '/_history', '/Patient/pa/_history/1']) {
      const answer = await away.request('GET', path);
      expectRefusal(answer, 500, 503);
      expect(answer.text).not.toMatch(/pool|ECONN|127\.0\.0\.1:|socket|\bpg\b/);
    }
  } finally {
    await away.stop().catch(() => undefined);
  }
});

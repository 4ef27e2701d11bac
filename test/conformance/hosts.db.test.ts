import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawRequest } from '../support/raw-request.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const base = 'https://fhir.example.org/fhir/R4';
let server: TestServer;
let listening = '';
beforeAll(async () => {
  // As behind a proxy that speaks TLS: the server is called by another name than it listens on.
  server = await startTestServer({ BASE_URL: base, TRUSTED_PROXIES: '127.0.0.0/8' });
  listening = `http://127.0.0.1:${server.services.config.port}`;
});
afterAll(() => server?.stop());

const lies: readonly Readonly<Record<string, string>>[] = [
  { host: 'evil.example.org' },
  { host: 'evil.example.org:443' },
  { host: 'evil example' },
  { 'x-forwarded-host': 'evil.example.org', 'x-forwarded-proto': 'http', 'x-forwarded-port': '81', 'x-forwarded-prefix': '/evil' },
  { 'x-forwarded-host': 'evil.example.org, fhir.example.org', 'x-forwarded-for': 'evil' },
  { forwarded: 'for=evil;host=evil.example.org;proto=http' },
  { 'x-original-url': '/evil', 'x-rewrite-url': '/evil', 'x-host': 'evil.example.org', 'x-forwarded-server': 'evil' },
];

test.each([
  '/fhir/R4/metadata',
  '/fhir/R4/.well-known/smart-configuration',
  '/oauth/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server/oauth',
])('C125 %s says the configured addresses, whatever a request says of its own', async (path) => {
  const honest = await rawRequest(listening, 'GET', path);
  expect(honest.status).toBe(200);
  expect(honest.bytes.toString()).toContain('https://fhir.example.org/');
  for (const headers of lies) {
    const answer = await rawRequest(listening, 'GET', path, { headers });
    expect([answer.status, answer.bytes.toString()], JSON.stringify(headers)).toEqual([honest.status, honest.bytes.toString()]);
    expect(JSON.stringify(answer.headers)).not.toMatch(/evil|http:/);
  }
});

test('C125 the authorization server sends nobody elsewhere', async () => {
  for (const headers of lies) {
    const query = 'client_id=unknown&redirect_uri=https%3A%2F%2Fevil.example.org&response_type=code&scope=openid';
    for (const path of [`/oauth/authorize?${query}`, '/oauth/apps', '/oauth/logout']) {
      const answer = await rawRequest(listening, 'GET', path, { headers });
      expect(answer.headers.location ?? '').not.toContain('evil');
      expect(answer.headers.location ?? base).toMatch(/^(?:https:\/\/fhir\.example\.org)?\//);
    }
  }
});

test('behind TLS of a proxy, browsers are told to stay with it', async () => {
  for (const path of ['/fhir/R4/metadata', '/fhir/R4/Patient', '/oauth/.well-known/openid-configuration', '/oauth/apps']) {
    const { headers } = await rawRequest(listening, 'GET', path);
    expect(headers['strict-transport-security'], path).toMatch(/^max-age=\d{8,}/);
    expect(headers['x-content-type-options'], path).toBe('nosniff');
    expect(headers['content-security-policy'], path).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  }
});

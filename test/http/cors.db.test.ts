import { afterAll, beforeAll, expect, test } from 'vitest';
import { disableClient, putClient } from '../../src/storage/oauth-clients.ts';
import { type Fixture, startFixture } from '../conformance/attack-fixture.ts';

let server: Fixture;
beforeAll(async () => {
  server = await startFixture({ CORS_ORIGINS: 'https://console.example.org' });
});
afterAll(() => server?.stop());

const register = (id: string, ...redirectUris: string[]): Promise<void> =>
  putClient(server.services.context.pool, { id, metadata: { redirect_uris: redirectUris }, source: 'operator' });

async function allowed(origin: string, method = 'GET', path = '/Patient/pa'): Promise<string | null> {
  const headers = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const answer = await server.request(method, path, { headers });
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
  return answer.headers.get('access-control-allow-origin');
}

test('A46 pages of a registered app may call the API, from the moment it is registered', async () => {
  const origin = 'https://app.example.org';
  expect(await allowed(origin)).toBeNull();
  await register('app', `${origin}/callback`, 'https://other.example.org:8443/x/y');
  await expect.poll(() => allowed(origin), { timeout: 1_500 }).toBe(origin);
  for (const method of ['GET', 'OPTIONS', 'POST', 'DELETE']) expect(await allowed(origin, method)).toBe(origin);
  expect(await allowed('https://other.example.org:8443')).toBe('https://other.example.org:8443');
  expect(await allowed('https://console.example.org')).toBe('https://console.example.org');
});

test('A46 refusals too can be read by the page, without which it couldn’t tell why', async () => {
  await register('refused', 'https://refused.example.org/');
  await expect.poll(() => allowed('https://refused.example.org'), { timeout: 1_500 }).not.toBeNull();
  const answer = await server.request('GET', '/Patient/pa', { token: null, headers: { origin: 'https://refused.example.org' } });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://refused.example.org');
});

test.each([
  'https://app.example.org.evil.com',
  'https://app.example.org:444',
  'http://app.example.org',
  'https://APP.example.org',
  'https://sub.app.example.org',
  'https://evil.example.org',
  'null',
  'app://native',
])('A46, C124 %s, which is no registered page’s origin, may not', async (origin) => {
  await register('app', 'https://app.example.org/callback');
  await register('native', 'app://native/callback');
  await expect.poll(() => allowed('https://app.example.org'), { timeout: 1_500 }).not.toBeNull();
  for (const method of ['GET', 'OPTIONS']) expect(await allowed(origin, method)).toBeNull();
});

test('A46 pages of an app that was disabled may not for long', async () => {
  const origin = 'https://gone.example.org';
  await register('gone', `${origin}/`);
  await expect.poll(() => allowed(origin), { timeout: 1_500 }).toBe(origin);
  await disableClient(server.services.context.pool, 'gone');
  await expect.poll(() => allowed(origin), { timeout: 12_000, interval: 500 }).toBeNull();
}, 20_000);

test('what everyone may read may be read from every page', async () => {
  expect(await allowed('https://anywhere.example.org', 'GET', '/metadata')).toBe('*');
});

test('A46 on the token endpoint, the pages of the client that asks read the answer, and no others', async () => {
  await putClient(server.services.context.pool, {
    id: 'spa',
    metadata: { redirect_uris: ['https://spa.example.org/callback'], token_endpoint_auth_method: 'none', application_type: 'web' },
    source: 'operator',
  });
  const token = (origin: string) =>
    server.request('POST', `${server.origin}/oauth/token`, {
      token: null,
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'spa',
        code: 'x'.repeat(43),
        code_verifier: 'y'.repeat(43),
        redirect_uri: 'https://spa.example.org/callback',
      }).toString(),
    });
  const own = await token('https://spa.example.org');
  expect([own.status, own.json.error]).toEqual([400, 'invalid_grant']);
  expect(own.headers.get('access-control-allow-origin')).toBe('https://spa.example.org');
  for (const origin of ['https://evil.example.org', 'null', 'https://console.example.org.evil.com']) {
    const other = await token(origin);
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect(other.status).toBeGreaterThanOrEqual(400);
    expect(other.headers.get('access-control-allow-credentials')).toBeNull();
  }
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadBrands } from '../../src/http/oauth/brands.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

test('A1 › anybody finds out where to get tokens, whatever he accepts, from any page', async () => {
  for (const accept of ['application/json', 'text/html', 'application/fhir+xml', '*/*']) {
    const response = await fetch(`${server.base}/.well-known/smart-configuration`, { headers: { accept, origin: 'https://evil.example' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  }
  const metadata = await fetch(`${server.base}/metadata`, { headers: { origin: 'https://evil.example' } });
  expect(metadata.headers.get('access-control-allow-origin')).toBe('*');
});

test('A2, A3 › what is told is what is asked for, in absolute addresses', async () => {
  const told = (await (await fetch(`${server.base}/.well-known/smart-configuration`)).json()) as Record<string, string[] & string>;
  for (const name of [
    'issuer',
    'jwks_uri',
    'authorization_endpoint',
    'token_endpoint',
    'introspection_endpoint',
    'revocation_endpoint',
    'management_endpoint',
  ])
    expect(URL.canParse(told[name] ?? ''), name).toBe(true);
  expect(told['code_challenge_methods_supported']).toEqual(['S256']);
  expect(told['grant_types_supported']).toEqual(expect.arrayContaining(['authorization_code', 'client_credentials']));
  expect(told['token_endpoint_auth_methods_supported']).toEqual(['client_secret_basic', 'client_secret_post', 'private_key_jwt']);
  expect(told['capabilities']).toEqual(
    expect.arrayContaining(
      'launch-ehr launch-standalone authorize-post client-public client-confidential-symmetric client-confidential-asymmetric sso-openid-connect context-banner context-style context-ehr-patient context-ehr-encounter context-standalone-patient permission-offline permission-patient permission-user permission-v1 permission-v2'.split(
        ' ',
      ),
    ),
  );
});

test('A51 › who runs this server is told to any page, and told once', async () => {
  const told = (await (await fetch(`${server.base}/.well-known/smart-configuration`)).json()) as {
    user_access_brand_bundle: string;
    user_access_brand_identifier: object;
  };
  const from = { origin: 'https://evil.example' };
  const response = await fetch(told.user_access_brand_bundle, { headers: from });
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect(response.headers.get('content-type')).toMatch(/^application\/fhir\+json/);
  expect(response.headers.get('cache-control')).toContain('max-age=');
  const bundle = (await response.json()) as { entry: { resource: { resourceType: string; identifier?: object[]; address?: string } }[] };
  expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection', timestamp: expect.stringMatching(/Z$/) });
  const resources = bundle.entry.map(({ resource }) => resource);
  expect(resources.filter(({ identifier }) => identifier?.length === 1).map(({ identifier }) => identifier?.[0])).toEqual([
    told.user_access_brand_identifier,
  ]);
  expect(resources.find(({ resourceType }) => resourceType === 'Endpoint')?.address).toBe(server.base);
  const etag = response.headers.get('etag') ?? '';
  expect(etag).toMatch(/^W\//);
  const again = await fetch(told.user_access_brand_bundle, { headers: { ...from, 'if-none-match': `"other", ${etag}` } });
  expect([again.status, await again.text(), again.headers.get('access-control-allow-origin')]).toEqual([304, '', '*']);
  expect((await fetch(told.user_access_brand_bundle, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  for (const { resource } of bundle.entry as { resource: { resourceType: string } }[])
    expect(
      (await server.request('POST', `/${resource.resourceType}/$validate`, { body: resource })).json.issue.map(
        (each: { severity: string }) => each.severity,
      ),
    ).not.toContain('error');
});

test('A51 › a file says it better, and one that says nothing of this server is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brands-'));
  const brandsFile = join(folder, 'brands.json');
  const { text } = await loadBrands({ brandsFile: undefined, baseUrl: server.base });
  await writeFile(brandsFile, text.replaceAll('"name":"', '"name":"A better '));
  expect((await loadBrands({ brandsFile, baseUrl: server.base })).text).toContain('"name":"A better FHIR R4');
  await expect(loadBrands({ brandsFile, baseUrl: 'https://other.example.org/fhir/R4' })).rejects.toThrow('BRANDS_FILE');
  await expect(loadBrands({ brandsFile: join(folder, 'none.json'), baseUrl: server.base })).rejects.toThrow('BRANDS_FILE');
  await rm(folder, { recursive: true });
});

test('without an authorization server nothing of it is told', async () => {
  const off = await startTestServer({ AUTHORIZATION_SERVER: 'off' });
  for (const name of ['smart-configuration', 'user-access-brands'])
    expect((await fetch(`${off.base}/.well-known/${name}`)).status, name).not.toBe(200);
  await off.stop();
});

test('A4 › the issuer tells of itself as OpenID asks, and its keys are public ones only', async () => {
  const issuer = `${server.origin}/oauth`;
  const told = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<string, string>;
  expect(told['issuer']).toBe(issuer);
  expect(told['id_token_signing_alg_values_supported']).toEqual(['RS256']);
  expect(told['authorization_endpoint']).toBe(`${issuer}/authorize`);
  expect(told['token_endpoint']).toBe(`${issuer}/token`);
  const same = (await (await fetch(`${server.origin}/.well-known/oauth-authorization-server/oauth`)).json()) as Record<string, string>;
  expect(same).toEqual(told);
  const { keys } = (await (await fetch(told['jwks_uri'] ?? '')).json()) as { keys: Record<string, string>[] };
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
});

test('C125 › what a client says of our host leads nobody astray', async () => {
  const response = await fetch(`${server.origin}/oauth/.well-known/openid-configuration`, {
    headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
  });
  expect(await response.text()).not.toContain('evil.example');
});

test('the capability statement names the same endpoints', async () => {
  const { json } = await server.request('GET', '/metadata', { token: null });
  const [uris] = json.rest[0].security.extension;
  expect(uris.extension).toContainEqual({ url: 'token', valueUri: `${server.origin}/oauth/token` });
  expect(uris.extension).toContainEqual({ url: 'authorize', valueUri: `${server.origin}/oauth/authorize` });
});

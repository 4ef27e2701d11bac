import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, startTestServer, type TestServer } from '../support/server.ts';

/** Two providers that publish their keys over HTTP; what they publish, and whether they answer, is the test's to say. */
type Provider = { readonly issuer: string; readonly published: JWK[]; answer: 'keys' | 'error' | 'elsewhere' | 'too much'; asked: number };
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let http: Server;
let server: TestServer;
let folder: string;
const keycloak: Provider = { issuer: 'https://login.example.org/realms/clinic', published: [], answer: 'keys', asked: 0 };
const cognito: Provider = { issuer: 'https://cognito.example.org/pool', published: [], answer: 'keys', asked: 0 };
let rsa: Pair;
let ec: Pair;

async function publish(provider: Provider, { publicKey }: Pair, kid: string, alg: string): Promise<void> {
  provider.published.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
}

beforeAll(async () => {
  [rsa, ec] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('ES384')]);
  await publish(keycloak, rsa, 'k1', 'RS256');
  await publish(cognito, ec, 'c1', 'ES384');
  http = createServer((request, response) => {
    const provider = request.url === '/keycloak' ? keycloak : cognito;
    provider.asked++;
    if (provider.answer === 'error') response.statusCode = 500;
    if (provider.answer === 'elsewhere') response.writeHead(302, { location: '/keycloak' });
    // JSON, but a megabyte of it.
    if (provider.answer === 'too much') response.write(' '.repeat(1_000_000));
    response.end(JSON.stringify({ keys: provider.published }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  const keysAt = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-issuers-'));
  const file = join(folder, 'issuers.json');
  await writeFile(
    file,
    JSON.stringify({
      issuers: [
        { issuer: keycloak.issuer, product: 'keycloak', audience: 'fhir', jwksUri: `${keysAt}/keycloak` },
        { issuer: cognito.issuer, product: 'cognito', audience: ['app-1'], jwksUri: `${keysAt}/cognito`, algorithms: ['ES384'] },
      ],
    }),
  );
  server = await startTestServer({ TRUSTED_ISSUERS: file });
  await server.request('PUT', '/Patient/ann', { body: { resourceType: 'Patient', id: 'ann' } });
}, 60_000);
afterAll(async () => {
  http?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const signed = ({ privateKey }: Pair, header: { alg: string; kid?: string }, claims: object): Promise<string> =>
  new SignJWT({ sub: 'ann', ...claims }).setProtectedHeader(header).setIssuedAt().setExpirationTime('5m').sign(privateKey);

const byKeycloak = (claims: object = {}, header: object = {}) =>
  signed(
    rsa,
    { alg: 'RS256', kid: 'k1', ...header },
    { iss: keycloak.issuer, aud: 'fhir', typ: 'Bearer', scope: 'system/*.rs', ...claims },
  );
const byCognito = (claims: object = {}) =>
  signed(
    ec,
    { alg: 'ES384', kid: 'c1' },
    { iss: cognito.issuer, client_id: 'app-1', token_use: 'access', scope: 'system/*.rs', ...claims },
  );

const statusOf = async (token: string) => (await server.request('GET', '/Patient/ann', { token })).status;

describe('A token of an outside issuer', () => {
  test('is taken, and its keys are fetched once for many', async () => {
    const statuses = await Promise.all([1, 2, 3].map(async (n) => statusOf(await byKeycloak({ jti: `t${n}` }))));
    expect(statuses).toEqual([200, 200, 200]);
    expect(keycloak.asked).toBe(1);
    expect(await statusOf(await byCognito())).toBe(200);
  });

  test('gives no more than its scopes', async () => {
    const token = await byKeycloak({ scope: 'system/Observation.rs' });
    expect(await statusOf(token)).toBe(403);
    expect((await server.request('GET', '/Observation', { token })).status).toBe(200);
  });

  test.each([
    ['for another audience', () => byKeycloak({ aud: 'account' })],
    ['for nobody', () => byKeycloak({ aud: undefined })],
    ['that is an id token', () => byKeycloak({ typ: 'ID' })],
    ['of an issuer that nobody trusts', () => byKeycloak({ iss: 'https://login.example.org/realms/other' })],
    ['in the name of another trusted issuer', () => byKeycloak({ iss: cognito.issuer, client_id: 'app-1', token_use: 'access' })],
    ['with a key that is not published', () => byKeycloak({}, { kid: 'k9' })],
    ['for another client of Cognito', () => byCognito({ client_id: 'app-2' })],
    ['that is an id token of Cognito', () => byCognito({ token_use: 'id' })],
    [
      'without an end',
      async () =>
        new SignJWT({ sub: 'a', iss: keycloak.issuer, aud: 'fhir', typ: 'Bearer' })
          .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
          .sign(rsa.privateKey),
    ],
    [
      'that has ended',
      () =>
        new SignJWT({ sub: 'a', iss: keycloak.issuer, aud: 'fhir', typ: 'Bearer' })
          .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
          .setExpirationTime('-1m')
          .sign(rsa.privateKey),
    ],
    ['that begins later', () => byKeycloak({ nbf: Math.floor(Date.now() / 1000) + 3600 })],
  ])('%s is refused with 401', async (_, token) => {
    expect(await statusOf(await token())).toBe(401);
  });

  test("signed by an algorithm that is not the issuer's is refused, though the key is", async () => {
    const other = await generateKeyPair('PS256');
    await publish(keycloak, other, 'k2', 'PS256');
    const token = await signed(
      other,
      { alg: 'PS256', kid: 'k2' },
      { iss: keycloak.issuer, aud: 'fhir', typ: 'Bearer', scope: 'system/*.rs' },
    );
    expect(await statusOf(token)).toBe(401);
  });
});

describe('The keys of an outside issuer', () => {
  test('are not asked for again and again by tokens with made-up key ids', async () => {
    const before = keycloak.asked;
    for (let n = 0; n < 10; n++) expect(await statusOf(await byKeycloak({ jti: `m${n}` }, { kid: `made-up-${n}` }))).toBe(401);
    expect(keycloak.asked - before).toBeLessThanOrEqual(1);
  });
});

describe('An issuer that does not answer', () => {
  test.each(['error', 'elsewhere', 'too much'] as const)(
    'with its keys (%s) is no fault of the caller: 503',
    async (answer) => {
      const provider = { ...cognito };
      cognito.answer = answer;
      const fresh = await startTestServer({ TRUSTED_ISSUERS: join(folder, 'issuers.json') });
      try {
        const refused = await fresh.request('GET', '/Patient/ann', { token: await byCognito() });
        expect(refused.status).toBe(503);
        expect(refused.headers.get('retry-after')).toBe('5');
        cognito.answer = provider.answer;
        expect((await fresh.request('GET', '/Patient/ann', { token: await byCognito() })).status).toBe(404);
      } finally {
        cognito.answer = provider.answer;
        await fresh.stop();
      }
    },
    60_000,
  );

  test('that bears the name of this server itself is refused at the start', async () => {
    const port = await freePort();
    const file = join(folder, 'own.json');
    const issuer = `http://127.0.0.1:${port}/oauth`;
    await writeFile(file, JSON.stringify({ issuers: [{ issuer, jwksUri: 'https://evil.example/keys' }] }));
    await expect(startTestServer({ TRUSTED_ISSUERS: file, PORT: String(port) })).rejects.toThrow('TRUSTED_ISSUERS');
  }, 60_000);

  test('stops nothing at the start, but a file that cannot be read does', async () => {
    await expect(startTestServer({ TRUSTED_ISSUERS: join(folder, 'missing.json') })).rejects.toThrow('TRUSTED_ISSUERS');
  }, 60_000);
});

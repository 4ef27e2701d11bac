import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Asked, postForm } from './browser.ts';
import { addApp, addUser, exchange, launch } from './launching.ts';

type Pair = { readonly alg: string; readonly kid: string; readonly privateKey: CryptoKey; readonly jwk: JWK };

let server: TestServer;
let keys: Record<'rs384' | 'es384' | 'other', Pair>;
let published: { keys: JWK[]; cacheControl: string | undefined; asked: number; down: boolean; redirect: boolean; padding: number };
let host: Server;
let jwksUri: string;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const backend = {
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'private_key_jwt',
};

beforeAll(async () => {
  keys = { rs384: await pair('RS384', 'rs'), es384: await pair('ES384', 'es'), other: await pair('ES384', 'other') };
  published = { keys: [keys.es384.jwk], cacheControl: undefined, asked: 0, down: false, redirect: false, padding: 0 };
  host = createServer((incoming, outgoing) => {
    published.asked++;
    if (published.down) return; // never answers
    if (published.redirect && incoming.url === '/jwks') {
      outgoing.writeHead(302, { location: '/elsewhere' }).end();
      return;
    }
    const headers = {
      'content-type': 'application/json',
      ...(published.cacheControl === undefined ? {} : { 'cache-control': published.cacheControl }),
    };
    outgoing.writeHead(200, headers).end(JSON.stringify({ keys: published.keys, padding: ' '.repeat(published.padding) }));
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const { port } = host.address() as AddressInfo;
  jwksUri = `http://127.0.0.1:${port}/jwks`;
  server = await startTestServer({ OAUTH_KEY_HOSTS: `127.0.0.1:${port}`, CARE_RELATIONSHIPS: 'all' });
  const jwks = { keys: [keys.rs384.jwk, keys.es384.jwk] };
  await addApp(server, 'backend', { ...backend, jwks, scope: 'system/*.rs system/Patient.cruds' });
  await addApp(server, 'url', { ...backend, jwks_uri: jwksUri, scope: 'system/Patient.rs' });
  await addApp(server, 'inside', { ...backend, jwks_uri: 'http://127.0.0.1:9/jwks', scope: 'system/Patient.rs' });
  await addApp(server, 'twins', {
    ...backend,
    jwks: { keys: [keys.es384.jwk, { ...keys.other.jwk, kid: 'es' }] },
    scope: 'system/Patient.rs',
  });
  await addApp(server, 'asymmetric', { token_endpoint_auth_method: 'private_key_jwt', jwks });
  await addApp(server, 'public', { grant_types: ['authorization_code', 'client_credentials'], scope: 'system/Patient.rs openid' });
  await server.request('PUT', '/Patient/pa', { body: { resourceType: 'Patient', id: 'pa' } });
  await addUser(server, 'anna', ['patient'], 'Patient/pa');
});
afterAll(async () => {
  await server?.stop();
  host?.closeAllConnections();
  host?.close();
});

async function pair(alg: string, kid: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

type Changed = { readonly claims?: JWTPayload; readonly header?: Record<string, unknown>; readonly key?: Pair; readonly lifetime?: number };

async function assertion(client: string, { claims = {}, header = {}, key = keys.es384, lifetime = 240 }: Changed = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = { iss: client, sub: client, aud: `${server.origin}/oauth/token`, exp: now + lifetime, jti: randomUUID(), ...claims };
  return new SignJWT(Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined)))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey);
}

const ask = (client_assertion: string, more: Asked = {}) =>
  postForm(`${server.origin}/oauth/token`, {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: assertionType,
    client_assertion,
    ...more,
  });

describe('a client that acts for itself', () => {
  test.each(['rs384', 'es384'] as const)('A36 › gets a short token by %s, and reads', async (name) => {
    const { status, json } = await ask(await assertion('backend', { key: keys[name] }), { scope: 'system/*.rs' });
    expect([status, json.error]).toEqual([200, undefined]);
    expect(json.expires_in).toBeLessThanOrEqual(300);
    expect(json.refresh_token).toBeUndefined();
    expect(json.scope).toBe('system/*.rs');
    expect((await server.request('GET', '/Patient/pa', { token: json.access_token })).status).toBe(200);
    expect((await server.request('DELETE', '/Patient/none', { token: json.access_token })).status).toBe(403);
  });

  test('A36 › as oauth4webapi speaks it', async () => {
    // oxlint-disable-next-line typescript/no-deprecated -- marked so to be noticed: the test server speaks http
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth
      .discoveryRequest(new URL(`${server.origin}/oauth`), insecure)
      .then((response) => oauth.processDiscoveryResponse(new URL(`${server.origin}/oauth`), response));
    const client = { client_id: 'backend' };
    const auth = oauth.PrivateKeyJwt(
      { key: keys.rs384.privateKey, kid: 'rs' },
      { [oauth.modifyAssertion]: (_header, payload) => Object.assign(payload, { aud: as.token_endpoint }) },
    );
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'system/Patient.rs' }, insecure);
    expect(await oauth.processClientCredentialsResponse(as, client, response)).toMatchObject({
      token_type: 'bearer',
      scope: 'system/Patient.rs',
    });
  });

  test('A36, C23 › gets no more than it is registered for, and nothing of a user', async () => {
    const narrowed = await ask(await assertion('backend'), { scope: 'system/*.cruds' });
    expect(narrowed.json.scope.split(' ').toSorted()).toEqual(['system/*.rs', 'system/Patient.cruds']);
    for (const scope of ['user/*.cruds', 'openid', 'patient/*.rs', 'system/Patient.rs openid', 'nonsense', 'system/Patient.sr'])
      expect((await ask(await assertion('url'), { scope })).json.error, scope).toBe('invalid_scope');
    const { scope: _scope, ...none } = {
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: await assertion('backend'),
      scope: '',
    };
    expect((await postForm(`${server.origin}/oauth/token`, none)).json.error).toBe('invalid_scope');
  });

  test('C24 › is never a public one', async () => {
    const { json } = await postForm(`${server.origin}/oauth/token`, {
      grant_type: 'client_credentials',
      client_id: 'public',
      scope: 'system/Patient.rs',
    });
    expect(json.error).toBe('unauthorized_client');
  });

  test('C25 › is refused scopes by the thousand at once', async () => {
    const { status } = await ask(await assertion('backend'));
    expect(status).toBe(200);
    for (const scope of ['x'.repeat(65_536), Array.from({ length: 5_000 }, (_, at) => `s${at}`).join(' '), 'system/Patient.rs\u0000']) {
      const client_assertion = await assertion('backend');
      const begun = performance.now();
      const refused = await ask(client_assertion, { scope });
      expect([refused.status, refused.json.error]).toEqual([400, 'invalid_scope']);
      expect(performance.now() - begun).toBeLessThan(500);
    }
  });
});

const now = (): number => Math.floor(Date.now() / 1000);

describe('A37 › an assertion is refused', () => {
  test.each<[string, () => Changed]>([
    ['with iss other than sub', () => ({ claims: { iss: 'url' } })],
    ['of an unknown client', () => ({ claims: { iss: 'nobody', sub: 'nobody' } })],
    ['for another audience', () => ({ claims: { aud: 'https://evil.example/token' } })],
    ['for the issuer in place of its token endpoint', () => ({ claims: { aud: `${server.origin}/oauth` } })],
    ['C14 for two audiences', () => ({ claims: { aud: [`${server.origin}/oauth/token`, 'https://evil.example'] } })],
    ['C14 for a list of one', () => ({ claims: { aud: [`${server.origin}/oauth/token`] } })],
    ['C13 that lives a year', () => ({ claims: { exp: now() + 31_536_000 } })],
    ['that lives more than five minutes', () => ({ claims: { exp: now() + 330 } })],
    ['that is over', () => ({ claims: { exp: now() - 60 } })],
    ['without exp', () => ({ claims: { exp: undefined as never } })],
    ['without jti', () => ({ claims: { jti: undefined as never } })],
    ['without kid', () => ({ header: { kid: undefined } })],
    ['with an unknown kid', () => ({ header: { kid: 'unknown' } })],
    ['signed by another key', () => ({ key: { ...keys.other, kid: 'es' } })],
    ['with the key of another algorithm', () => ({ header: { kid: 'rs' } })],
    ['with a jku of its own', () => ({ header: { jku: 'https://evil.example/jwks' } })],
    ['of another type', () => ({ header: { typ: 'at+jwt' } })],
  ])('%s', async (_name, changed) => {
    const { status, json } = await ask(await assertion('backend', changed()));
    expect([400, 401]).toContain(status);
    expect(json.error).toBe('invalid_client');
  });

  test.each([
    ['alg none', (): string => `${encoded({ alg: 'none', kid: 'es' })}.${encoded({ iss: 'backend', sub: 'backend' })}.`],
    ['no JWT', (): string => 'nonsense'],
    [
      'alg HS256',
      (): string =>
        `${encoded({ alg: 'HS256', kid: 'es' })}.${encoded({ iss: 'backend', sub: 'backend', jti: 'j', exp: now() + 60, aud: `${server.origin}/oauth/token` })}.AAAA`,
    ],
  ])('%s', async (_name, made) => {
    const { status, json } = await ask(made());
    expect([400, 401]).toContain(status);
    expect(json.error).toBe('invalid_client');
  });

  test('with another client_assertion_type', async () => {
    const { status, json } = await ask(await assertion('backend'), {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    });
    expect([status, json.error]).toEqual([401, 'invalid_client']);
  });

  test('C15 where two keys have its kid', async () => {
    expect((await ask(await assertion('twins'))).json.error).toBe('invalid_client');
  });

  test('C12 the second time, also of twenty at once', async () => {
    const once = await assertion('backend');
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(once)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ json }) => json.error === 'invalid_client')).toHaveLength(19);
    const jti = randomUUID();
    expect((await ask(await assertion('backend', { claims: { jti } }))).status).toBe(200);
    expect((await ask(await assertion('backend', { claims: { jti } }))).json.error).toBe('invalid_client');
    expect((await ask(await assertion('url', { claims: { jti } }))).status).toBe(200);
  });

  test('after which the same client gets a token by a right one', async () => {
    expect((await ask(await assertion('backend'))).status).toBe(200);
  });
});

describe('A39 › keys by address', () => {
  test('are kept as long as their server says', async () => {
    published.cacheControl = 'max-age=1';
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.services.context.pool.query(`update oauth_client set metadata = metadata || '{"client_name":"again"}' where id = 'url'`);
    expect((await ask(await assertion('url'))).status).toBe(200);
    const asked = published.asked;
    expect((await ask(await assertion('url'))).status).toBe(200);
    expect(published.asked).toBe(asked);
    published.keys = [keys.other.jwk];
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await ask(await assertion('url', { key: keys.other }))).status).toBe(200);
    expect((await ask(await assertion('url'))).json.error).toBe('invalid_client');
  });

  test('are fetched each time where they may not be kept', async () => {
    published.cacheControl = 'no-store';
    published.keys = [keys.es384.jwk];
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await ask(await assertion('url'))).status).toBe(200);
    const asked = published.asked;
    expect((await ask(await assertion('url'))).status).toBe(200);
    expect((await ask(await assertion('url'))).status).toBe(200);
    expect(published.asked).toBe(asked + 2);
    published.keys = [keys.other.jwk];
    expect((await ask(await assertion('url'))).json.error).toBe('invalid_client');
  });

  test('that redirect are not followed; those of a host that hangs hold nobody up', async () => {
    published.redirect = true;
    expect((await ask(await assertion('url', { key: keys.other }))).json.error).toBe('invalid_client');
    published.redirect = false;
    published.down = true;
    const begun = performance.now();
    expect((await ask(await assertion('url', { key: keys.other }))).json.error).toBe('invalid_client');
    expect(performance.now() - begun).toBeLessThan(3_500);
    published.down = false;
    expect((await ask(await assertion('url', { key: keys.other }))).status).toBe(200);
  });

  test('that are too many are none', async () => {
    published.padding = 300_000;
    expect((await ask(await assertion('url', { key: keys.other }))).json.error).toBe('invalid_client');
    published.padding = 0;
    expect((await ask(await assertion('url', { key: keys.other }))).status).toBe(200);
  });

  test('are not fetched from inside, but from hosts that are named', async () => {
    expect((await ask(await assertion('inside'))).json.error).toBe('invalid_client');
    // Nor is a connection made, to whatever a name of the own network leads.
    let connections = 0;
    const inside = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    });
    const port = await new Promise<number>((resolve) => {
      inside.listen(0, 'localhost', () => resolve((inside.address() as AddressInfo).port));
    });
    await addApp(server, 'local', { ...backend, jwks_uri: `https://localhost:${port}/jwks`, scope: 'system/Patient.rs' });
    expect((await ask(await assertion('local'))).json.error).toBe('invalid_client');
    expect(connections).toBe(0);
    inside.close();
  });
});

test('A40 › an app proves by its key who it is, for its code and for its refresh token', async () => {
  const launched = await launch(server, {
    client: 'asymmetric',
    scope: 'openid launch/patient patient/*.rs offline_access',
    login: 'anna',
  });
  const proof = async (): Promise<Asked> => ({ client_assertion_type: assertionType, client_assertion: await assertion('asymmetric') });
  expect((await exchange(server, 'asymmetric', launched)).json.error).toBe('invalid_client');
  const { status, json } = await exchange(server, 'asymmetric', launched, await proof());
  expect(status).toBe(200);
  const refresh = { grant_type: 'refresh_token', refresh_token: json.refresh_token, client_id: 'asymmetric' };
  expect((await postForm(`${server.origin}/oauth/token`, refresh)).json.error).toBe('invalid_client');
  expect((await postForm(`${server.origin}/oauth/token`, { ...refresh, ...(await proof()) })).status).toBe(200);
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

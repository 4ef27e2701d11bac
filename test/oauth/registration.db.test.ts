import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ OAUTH_REGISTRATION: 'open' });
});
afterAll(() => server?.stop());

const register = async (metadata: object): Promise<{ status: number; json: Readonly<Record<string, unknown>> }> => {
  const body = JSON.stringify({ token_endpoint_auth_method: 'none', scope: 'openid patient/*.rs', ...metadata });
  const answer = await fetch(`${server.origin}/oauth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return { status: answer.status, json: (await answer.json()) as Readonly<Record<string, unknown>> };
};

test.each([
  ['C19', ['javascript:alert(1)']],
  ['C19', ['JavaScript:alert(1)//https://app.example.org/back']],
  ['C19', ['data:text/html,<script>alert(1)</script>']],
  ['C19', ['https://app.example.org/back', 'vbscript:x']],
  ['A5', []],
  ['A5', undefined],
  ['A5', ['/back']],
  ['A5', ['app.example.org/back']],
  ['A5', ['https://*.example.org/back']],
  ['A5', ['http://app.example.org/back']],
  ['A5', ['https://app.example.org/back#there']],
  ['A5', ['https://user:secret@app.example.org/back']],
  ['A5', ['file:///etc/passwd']],
])('%s › an app is not registered with the addresses %j', async (_, uris) => {
  const { status, json } = await register(uris === undefined ? {} : { redirect_uris: uris });
  expect([status, json['error']]).toEqual([400, 'invalid_redirect_uri']);
  expect(json['client_id']).toBeUndefined();
});

test('A5 › it is with one of its own, over https, on this machine or by a scheme of its own', async () => {
  for (const uri of ['https://app.example.org/back', 'http://127.0.0.1:8765/back', 'http://localhost/back', 'org.example.app:/back']) {
    const { status, json } = await register({ redirect_uris: [uri] });
    expect([status, json['redirect_uris']], JSON.stringify(json)).toEqual([201, [uri]]);
  }
});

test('A5 › its keys may come by value and by address, and no access of its own by itself', async () => {
  const app = { redirect_uris: ['https://app.example.org/back'], token_endpoint_auth_method: 'private_key_jwt' };
  const byAddress = await register({ ...app, jwks_uri: 'https://app.example.org/keys' });
  expect([byAddress.status, byAddress.json['jwks_uri']], JSON.stringify(byAddress.json)).toEqual([201, 'https://app.example.org/keys']);
  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify']);
  const key = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'k', alg: 'ES384', use: 'sig' };
  const { ext: _ext, key_ops: _ops, ...jwk } = key as Record<string, unknown>;
  const byValue = await register({ ...app, jwks: { keys: [jwk] } });
  expect(byValue.status, JSON.stringify(byValue.json)).toBe(201);
  for (const more of [{ scope: 'system/*.cruds' }, { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }])
    expect((await register({ ...app, jwks: { keys: [jwk] }, ...more })).status).toBe(400);
});

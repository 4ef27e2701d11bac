import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetUnusedClients } from '../../src/storage/oauth-clients.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { addUser, exchange, launch } from './launching.ts';

const token = 'registration-token-0123456789-abcdefgh';
let open: TestServer;
let guarded: TestServer;
let closed: TestServer;
beforeAll(async () => {
  [open, guarded, closed] = await Promise.all([
    startTestServer({ OAUTH_REGISTRATION: 'open' }),
    startTestServer({ OAUTH_REGISTRATION: 'token', OAUTH_REGISTRATION_TOKEN: token }),
    startTestServer(),
  ]);
  await addUser(open, 'anna', ['patient'], 'Patient/pa');
});
afterAll(() => Promise.all([open?.stop(), guarded?.stop(), closed?.stop()]));

const app = {
  client_name: 'An app',
  redirect_uris: ['https://app.example.org/back'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
};

async function register(server: TestServer, metadata: unknown, bearer?: string) {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  };
  const response = await fetch(`${server.origin}/oauth/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
  const text = await response.text();
  return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}

describe('an app registers itself', () => {
  test('where that is open, and is used', async () => {
    const { status, json } = await register(open, { ...app, scope: 'openid launch/patient patient/*.rs' });
    expect(status).toBe(201);
    expect(json).toMatchObject({ client_name: 'An app', scope: 'openid launch/patient patient/*.rs', token_endpoint_auth_method: 'none' });
    expect([json.client_secret, json.registration_access_token]).toEqual([undefined, undefined]);
    const launched = await launch(open, { client: json.client_id, scope: 'openid user/*.rs', login: 'anna' });
    expect((await exchange(open, json.client_id, launched)).json.scope).toBe('openid');
  });

  test('and gets a secret that is kept as a hash only', async () => {
    const { json } = await register(open, { ...app, token_endpoint_auth_method: 'client_secret_basic' });
    expect(json.client_secret).toHaveLength(43);
    const launched = await launch(open, { client: json.client_id, scope: 'openid', login: 'anna' });
    const headers = { authorization: `Basic ${Buffer.from(`${json.client_id}:${json.client_secret}`).toString('base64')}` };
    expect((await exchange(open, json.client_id, launched, {}, headers)).status).toBe(200);
    const { rows } = await open.services.context.pool.query<{ row: string }>('select c::text as row from oauth_client c');
    expect(rows.map(({ row }) => row).join()).not.toContain(json.client_secret);
  });

  test('with keys by value and by address', async () => {
    const key = {
      kty: 'EC',
      crv: 'P-256',
      kid: 'k',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    };
    const method = { token_endpoint_auth_method: 'private_key_jwt' };
    expect((await register(open, { ...app, ...method, jwks: { keys: [key] } })).status).toBe(201);
    expect((await register(open, { ...app, ...method, jwks_uri: 'https://app.example.org/jwks' })).status).toBe(201);
    expect((await register(open, { ...app, ...method })).json.error).toBe('invalid_client_metadata');
  });

  test.each<[string, object]>([
    [
      'a client of its own right',
      { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], token_endpoint_auth_method: 'client_secret_basic' },
    ],
    ['one with system scopes', { scope: 'system/*.rs' }],
    ['one that begins launches', { scope: 'openid ehr-launch' }],
    ['one that asks about tokens', { scope: 'introspect' }],
    ['one of the implicit grant', { grant_types: ['implicit'], response_types: ['token'] }],
    ['one whose secret signs', { id_token_signed_response_alg: 'HS256' }],
  ])('openly never as %s', async (_name, more) => {
    const { status, json } = await register(open, { ...app, ...more });
    expect([status, json.error]).toEqual([400, 'invalid_client_metadata']);
  });

  test.each<[string, object]>([
    ['more addresses than anybody needs', { redirect_uris: Array.from({ length: 21 }, (_, at) => `https://app.example.org/${at}`) }],
    ['an address that is a book', { redirect_uris: [`https://app.example.org/${'x'.repeat(2_000)}`] }],
    ['a name that is a book', { client_name: 'x'.repeat(2_001) }],
    ['lists of lists', { contacts: [Array.from({ length: 21 }, () => 'x')] }],
    ['keys that come in clear', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://app.example.org/jwks' }],
    [
      'more keys than anybody needs',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: Array.from({ length: 21 }, () => ({})) } },
    ],
    ['a way out that is a script', { post_logout_redirect_uris: ['javascript:alert(1)'] }],
  ])('never with %s', async (_name, more) => {
    const { status, json } = await register(open, { ...app, ...more });
    expect([status, json.error]).toEqual([400, expect.stringMatching(/^invalid_(client_metadata|redirect_uri)$/)]);
  });

  test('with 32 KiB at most', async () => {
    expect((await register(open, { ...app, scope: 'x'.repeat(33_000) })).status).toBe(413);
  });

  test('no more where a thousand others wait for their first use; those that had a month are forgotten', async () => {
    const { pool } = open.services.context;
    await pool.query(
      `insert into oauth_client (id, metadata, origins, source, created_at)
       select 'waiting-' || n, '{}', '{}', 'registration', clock_timestamp() - interval '29 days' from generate_series(1, 1000) n`,
    );
    const { status, json } = await register(open, app);
    expect([status, json.error]).toEqual([503, 'temporarily_unavailable']);
    await forgetUnusedClients(pool);
    expect((await register(open, app)).status).toBe(503);
    await pool.query(`update oauth_client set created_at = created_at - interval '2 days' where id like 'waiting-%'`);
    await forgetUnusedClients(pool);
    expect((await register(open, app)).status).toBe(201);
    const { rows } = await pool.query<{ used: number }>('select count(used_at)::int4 as used from oauth_client');
    expect(rows[0]?.used).toBeGreaterThan(0);
  });

  test('only with the token where that is asked for, and else not at all', async () => {
    expect((await register(guarded, app)).status).not.toBe(201);
    expect((await register(guarded, app, 'x'.repeat(38))).status).toBe(401);
    expect((await register(guarded, app, token)).status).toBe(201);
    expect((await register(closed, app)).status).toBe(404);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disableClient, enableClient, removeClient } from '../../src/storage/oauth-clients.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Asked, hiddenFields, follow, postForm } from './browser.ts';
import { addApp, addUser, exchange, launch, tokensOf } from './launching.ts';

let server: TestServer;
let anna: string;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  for (const id of ['pa', 'pb']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  anna = await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addUser(server, 'boris', ['patient'], 'Patient/pb');
  await addApp(server, 'app');
  await addApp(server, 'other');
  await addApp(server, 'site', {}, 's'.repeat(43));
  await addApp(server, 'phone', { redirect_uris: ['https://app.example.org/back', 'org.example.phone:/back'], application_type: 'native' });
  await addApp(
    server,
    'hospital',
    { scope: 'introspect', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
    's'.repeat(43),
  );
  await addApp(
    server,
    'stranger',
    { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'system/Patient.rs' },
    's'.repeat(43),
  );
});
afterAll(() => server?.stop());

const scope = 'openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs offline_access';
const tokens = (client = 'app', login = 'anna', asked = scope) => tokensOf(server, { client, login, scope: asked });
const refresh = (token: string, fields: Asked = {}) =>
  postForm(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: 'app', ...fields });
const secretTokens = async () => {
  const launched = await launch(server, { client: 'site', login: 'anna', scope });
  return exchange(server, 'site', launched, { client_id: '-' }, basic('site'));
};
const reads = async (token: string): Promise<number> => (await server.request('GET', '/Patient/pa', { token })).status;
const basic = (id: string): Asked => ({ authorization: `Basic ${Buffer.from(`${id}:${'s'.repeat(43)}`).toString('base64')}` });
const introspect = (token: string, headers: Asked) => postForm(`${server.origin}/oauth/introspect`, { token }, headers);

describe('refresh', () => {
  test('A28 › a new token has the same scope and context, or less where less is asked', async () => {
    const first = (await tokens()).tokens;
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.json).toMatchObject({ scope: first.scope, patient: 'pa', token_type: 'Bearer' });
    expect(second.json.refresh_token).not.toBe(first.refresh_token);
    expect(await reads(second.json.access_token)).toBe(200);
    const third = await refresh(second.json.refresh_token, { scope: 'patient/Patient.rs' });
    expect(third.json.scope).toBe('patient/Patient.rs');
    expect((await server.request('GET', '/Observation', { token: third.json.access_token })).status).toBe(403);
    expect((await server.request('GET', '/Observation', { token: second.json.access_token })).status).toBe(200);
  });

  describe('without a word of who asks', () => {
    const mute = (token: string, fields: Asked = {}, headers: Asked = {}) =>
      postForm(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token, ...fields }, headers);

    test('the token of a public app tells it; it is rotated, and a second use ends the family', async () => {
      const first = (await tokens()).tokens;
      const second = await mute(first.refresh_token);
      expect(second.status).toBe(200);
      expect(await reads(second.json.access_token)).toBe(200);
      expect((await mute(second.json.refresh_token, { scope: 'patient/Patient.rs patient/Observation.cruds' })).json.error).toBe(
        'invalid_scope',
      );
      expect((await mute(first.refresh_token)).json.error).toBe('invalid_grant');
      expect(await reads(second.json.access_token)).toBe(401);
      expect((await mute(second.json.refresh_token)).json.error).toBe('invalid_request');
    });

    test('A22 › that of a client with a secret or a key tells nothing, and stays as it was', async () => {
      const { refresh_token: token } = (await secretTokens()).json;
      const { status, json } = await mute(token);
      expect([status, json.error]).toEqual([401, 'invalid_client']);
      expect((await mute(token, {}, basic('site'))).status).toBe(200);
    });

    test('an unknown one is nobody’s, and so is one that is given twice, or beside anything that names a client', async () => {
      const { refresh_token: token } = (await tokens()).tokens;
      const unknown = await mute('none-such');
      expect([unknown.status, unknown.json.error]).toEqual([400, 'invalid_request']);
      const twice = new URLSearchParams([
        ['grant_type', 'refresh_token'],
        ['refresh_token', token],
        ['refresh_token', token],
      ]);
      expect((await fetch(`${server.origin}/oauth/token`, { method: 'POST', body: twice })).status).toBe(400);
      for (const fields of [{ client_id: 'other' }, { client_id: '' }, { client_secret: 'x' }, { client_assertion: 'x' }])
        expect((await mute(token, fields)).status, JSON.stringify(fields)).toBeGreaterThanOrEqual(400);
      expect((await mute(token, {}, { authorization: 'Bearer x' })).status).toBe(400);
      expect((await mute(token)).status).toBe(200);
    });

    test('a code is not taken so', async () => {
      const launched = await launch(server, { client: 'app', login: 'anna', scope });
      expect((await exchange(server, 'app', launched, { client_id: '-' })).json.error).toBe('invalid_request');
    });

    test('nor is the token of an app that was disabled', async () => {
      const { refresh_token: token } = (await tokens('other')).tokens;
      await disableClient(server.services.context.pool, 'other');
      expect((await mute(token)).json.error).toBe('invalid_request');
      await enableClient(server.services.context.pool, 'other');
    });
  });

  test('A28, C22 › nothing wider', async () => {
    const granular =
      'launch/patient offline_access patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
    const first = (await tokens('app', 'anna', granular)).tokens;
    expect(first.scope).toContain('category=');
    for (const wider of ['patient/*.cruds', 'patient/Observation.rs', 'patient/Observation.cruds', 'openid', 'system/*.rs'])
      expect((await refresh(first.refresh_token, { scope: wider })).json.error, wider).toBe('invalid_scope');
    expect((await refresh(first.refresh_token)).status).toBe(200);
  });

  test('A29 › a token that is none, or of another client', async () => {
    const first = (await tokens()).tokens;
    expect((await refresh('x'.repeat(43))).json.error).toBe('invalid_grant');
    expect((await refresh(first.refresh_token, { client_id: 'other' })).json.error).toBe('invalid_grant');
    expect((await refresh(first.refresh_token)).status).toBe(200);
  });

  test('A30 › a token that was used before ends its family', async () => {
    const first = (await tokens()).tokens;
    const second = (await refresh(first.refresh_token)).json;
    expect(await reads(second.access_token)).toBe(200);
    expect((await refresh(first.refresh_token)).json.error).toBe('invalid_grant');
    expect((await refresh(second.refresh_token)).json.error).toBe('invalid_grant');
    expect(await reads(second.access_token)).toBe(401);
    expect(await reads(first.access_token)).toBe(401);
  });

  test('A30 › of twenty uses at once at most one gives a token, and it is over', async () => {
    const first = (await tokens()).tokens;
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(first.refresh_token)));
    const given = answers.filter(({ status }) => status === 200);
    expect(given.length).toBeLessThanOrEqual(1);
    for (const { json } of given) {
      expect(await reads(json.access_token)).toBe(401);
      expect((await refresh(json.refresh_token)).json.error).toBe('invalid_grant');
    }
  });

  test('A31 › it is good for 90 days, and for 90 more after each use, on phones too', async () => {
    const days = async (): Promise<number[]> => {
      const { rows } = await server.services.context.pool.query<{ days: number }>(
        `select (extract(epoch from expires_at - clock_timestamp()) / 86400)::float8 as days from oauth_item
         where kind in ('RefreshToken', 'Grant') and client = 'phone' and consumed_at is null`,
      );
      return rows.map((row) => row.days);
    };
    const first = (await tokens('phone')).tokens;
    expect(Math.min(...(await days()))).toBeGreaterThan(90);
    await server.services.context.pool.query("update oauth_item set expires_at = expires_at - interval '80 days' where client = 'phone'");
    expect((await refresh(first.refresh_token, { client_id: 'phone' })).status).toBe(200);
    expect(Math.min(...(await days()))).toBeGreaterThan(90);
  });

  test('A27 › online_access is good while the session is', async () => {
    const { tokens: first, browser } = await tokens('app', 'anna', 'openid launch/patient patient/Patient.rs online_access');
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    const page = await browser.get(`${server.origin}/oauth/logout`);
    await browser.post(`${server.origin}/oauth/logout/confirm`, { ...hiddenFields(page.text), logout: 'yes' });
    expect((await refresh(second.json.refresh_token)).json.error).toBe('invalid_grant');
  });

  test('a grant is kept as long as what it gave, and no longer', async () => {
    const { pool } = server.services.context;
    const hours = async (asked: string): Promise<{ token: string; hours: number }> => {
      const { tokens: given } = await tokens('app', 'anna', asked);
      const { rows } = await pool.query<{ hours: number }>(
        `select (extract(epoch from expires_at - clock_timestamp()) / 3600)::float8 as hours from oauth_item where kind = 'Grant'
         order by created_at desc limit 1`,
      );
      return { token: given.refresh_token, hours: rows[0]?.hours ?? 0 };
    };
    const plain = await hours('launch/patient patient/Patient.rs');
    expect(plain.token).toBeUndefined();
    expect(plain.hours).toBeGreaterThan(1);
    expect(plain.hours).toBeLessThan(1.1);
    const online = await hours('launch/patient patient/Patient.rs online_access');
    expect(online.hours).toBeGreaterThan(13);
    expect(online.hours).toBeLessThan(13.1);
    expect((await refresh(online.token)).status).toBe(200);
    expect((await hours(scope)).hours / 24).toBeGreaterThan(95.9);
  });

  test('two launches of an app side by side have a patient each', async () => {
    const { browser, tokens: first } = await tokens();
    const { tokens: second } = await tokensOf(server, { client: 'app', login: 'anna', scope, browser });
    expect((await refresh(first.refresh_token)).status).toBe(200);
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });
});

describe('revocation', () => {
  test('A33 › a token is revoked by its client alone, with its family, and whatever is unknown is fine', async () => {
    const revoke = (token: string, client = 'app') => postForm(`${server.origin}/oauth/revoke`, { token, client_id: client });
    const { tokens: first } = await tokens();
    expect((await revoke('unknown')).status).toBe(200);
    await revoke(first.access_token, 'other');
    await revoke(first.refresh_token, 'other');
    expect(await reads(first.access_token)).toBe(200);
    expect((await revoke(first.access_token)).status).toBe(200);
    expect(await reads(first.access_token)).toBe(401);
    expect((await refresh(first.refresh_token)).json.error).toBe('invalid_grant');
    const second = await refresh((await tokens()).tokens.refresh_token);
    expect(second.status).toBe(200);
    expect((await revoke(second.json.refresh_token)).status).toBe(200);
    expect((await refresh(second.json.refresh_token)).json.error).toBe('invalid_grant');
    expect(await reads(second.json.access_token)).toBe(401);
  });

  test('A32 › what a user takes back on his page is over at once', async () => {
    const { tokens: first, browser } = await tokens();
    const page = await follow(browser, await browser.get(`${server.origin}/oauth/apps`), server.origin);
    expect(page.text).toContain('App app');
    const forms = page.text.split('<form').filter((form) => form.includes('/apps/remove'));
    for (const form of forms) await browser.post(`${server.origin}/oauth/apps/remove`, { ...hiddenFields(form), ...buttonOf(form) });
    expect(await reads(first.access_token)).toBe(401);
    expect((await refresh(first.refresh_token)).json.error).toBe('invalid_grant');
  });

  test('C11 › tokens of a disabled client, a removed one and a disabled user are over at once', async () => {
    await addApp(server, 'brief');
    const { tokens: first } = await tokens('brief');
    const { pool } = server.services.context;
    await disableClient(pool, 'brief');
    await expect.poll(() => reads(first.access_token), { timeout: 1_000, interval: 20 }).toBe(401);
    expect((await refresh(first.refresh_token, { client_id: 'brief' })).json.error).toBe('invalid_client');
    await enableClient(pool, 'brief');
    const { tokens: second } = await waited(() => tokens('brief'));
    expect(await reads(second.access_token)).toBe(200);
    await removeClient(pool, 'brief');
    await expect.poll(() => reads(second.access_token), { timeout: 1_000, interval: 20 }).toBe(401);
    const { tokens: third } = await tokens('app', 'boris', scope);
    const { users } = server.services;
    const boris = await users.findByLogin('boris');
    if (boris === undefined) throw new Error('boris is gone');
    expect((await server.request('GET', '/Patient/pb', { token: third.access_token })).status).toBe(200);
    await users.setEnabled(boris, false);
    await expect
      .poll(async () => (await server.request('GET', '/Patient/pb', { token: third.access_token })).status, {
        timeout: 1_000,
        interval: 20,
      })
      .toBe(401);
    expect((await refresh(third.refresh_token)).json.error).toBe('invalid_grant');
  });
});

describe('introspection', () => {
  test('A34 › of a token in force all is told, of others nothing', async () => {
    const { tokens: first } = await tokens();
    const { status, json } = await introspect(first.access_token, basic('hospital'));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      active: true,
      scope: first.scope,
      client_id: 'app',
      patient: 'pa',
      sub: anna,
      iss: `${server.origin}/oauth`,
      fhirUser: 'Patient/pa',
    });
    expect(json.exp).toBeGreaterThan(Date.now() / 1000);
    expect(json.gid).toBeUndefined();
    await postForm(`${server.origin}/oauth/revoke`, { token: first.access_token, client_id: 'app' });
    const { tokens: second } = await tokens();
    for (const token of ['unknown', first.access_token, await server.token(), `${second.access_token.slice(0, -4)}AAAA`, second.id_token])
      expect((await introspect(token, basic('hospital'))).json).toEqual({ active: false });
    expect((await introspect(second.access_token, basic('stranger'))).json).toEqual({ active: false });
  });

  test('A35 › without permission nothing is told; a bearer may ask about tokens of its own client', async () => {
    const { tokens: first } = await tokens();
    expect((await introspect(first.access_token, {})).status).toBe(401);
    expect(
      (await postForm(`${server.origin}/oauth/introspect`, { token: first.access_token }, { authorization: 'Bearer nonsense' })).status,
    ).toBe(401);
    const own = await introspect(first.access_token, { authorization: `Bearer ${first.access_token}` });
    expect(own.json).toMatchObject({ active: true, patient: 'pa', client_id: 'app' });
    const { tokens: others } = await tokens('other');
    expect((await introspect(first.access_token, { authorization: `Bearer ${others.access_token}` })).json).toEqual({ active: false });
    const given = await postForm(
      `${server.origin}/oauth/token`,
      { grant_type: 'client_credentials', scope: 'introspect' },
      basic('hospital'),
    );
    expect(given.json).toMatchObject({ scope: 'introspect' });
    expect((await introspect(first.access_token, { authorization: `Bearer ${given.json.access_token}` })).json).toMatchObject({
      active: true,
    });
    const wrong = await introspect(first.access_token, { authorization: `Basic ${Buffer.from('hospital:no').toString('base64')}` });
    expect(wrong.status).toBe(401);
  });
});

function buttonOf(form: string): Record<string, string> {
  const button = /<button[^>]*name="([^"]*)"[^>]*value="([^"]*)"/.exec(form);
  return button === null ? {} : { [button[1] ?? '']: button[2] ?? '' };
}

/** Tokens given in the very second in which others were ended count among them. */
async function waited<T>(work: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  return work();
}

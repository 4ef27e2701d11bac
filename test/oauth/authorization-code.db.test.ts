import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { authorizeUrl, follow, openBrowser, pkce, postForm } from './browser.ts';
import { addApp, addUser, exchange, launch, redirectUri, tokensOf } from './launching.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  for (const [id, name] of [
    ['pa', 'Adams'],
    ['pb', 'Baker'],
  ]) {
    await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id, name: [{ family: name }] } });
  }
  await server.request('PUT', '/Practitioner/dr', { body: { resourceType: 'Practitioner', id: 'dr' } });
  await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addUser(server, 'doctor', ['provider'], 'Practitioner/dr');
  await addUser(server, 'viewer', ['viewer'], 'Practitioner/dr');
  await addApp(server, 'app');
  await addApp(server, 'other');
  await addApp(server, 'narrow', { scope: 'openid patient/Observation.rs patient/Patient.rs' });
  await addApp(server, 'secret', {}, 'a:b c+d/é%'.padEnd(43, 'x'));
});
afterAll(() => server?.stop());

const base = () => ({ response_type: 'code', client_id: 'app', redirect_uri: redirectUri, scope: 'openid', aud: server.base, state: 's' });
const withPkce = () => ({ ...base(), code_challenge: pkce().challenge, code_challenge_method: 'S256' });
const answerTo = async (asked: Record<string, string>) => {
  const seen = await openBrowser(server.origin).get(authorizeUrl(server, asked));
  const location = seen.location === null ? undefined : new URL(seen.location, server.origin);
  return { seen, location, error: location?.searchParams.get('error') };
};

describe('authorize', () => {
  test('A7 › without PKCE, or with plain, there is no code', async () => {
    expect((await answerTo(base())).error).toBe('invalid_request');
    const { challenge } = pkce();
    expect((await answerTo({ ...base(), code_challenge: challenge })).error).toBe('invalid_request');
    expect((await answerTo({ ...base(), code_challenge: challenge, code_challenge_method: 'plain' })).error).toBe('invalid_request');
    expect((await answerTo(withPkce())).location?.pathname).toMatch(/^\/oauth\/interaction\//);
  });

  test.each(['token', 'code token', 'id_token', 'code id_token'])('A8 › response_type %s is refused', async (type) => {
    const { location } = await answerTo({ ...withPkce(), response_type: type });
    const params = new URLSearchParams(location?.hash === '' ? location.search : location?.hash.slice(1));
    expect(params.get('error')).toBe('unsupported_response_type');
    expect(params.get('code')).toBeNull();
  });

  test.each([
    ['A9', { client_id: 'nobody' }],
    ['A9', { redirect_uri: `${redirectUri}/` }],
    ['C18', { redirect_uri: `${redirectUri}.evil.com` }],
    ['C18', { redirect_uri: `${redirectUri}/more` }],
    ['C18', { redirect_uri: `${redirectUri}?a=b` }],
    ['C18', { redirect_uri: 'https://app.example.org:8443/back' }],
    ['C18', { redirect_uri: 'https://app.example.org.evil.com/back' }],
    ['C18', { redirect_uri: 'http://app.example.org/back' }],
  ])('%s › %j is answered by a page, never by a redirect', async (_line, more) => {
    const { seen } = await answerTo({ ...withPkce(), ...more });
    expect([seen.status, seen.location]).toEqual([400, null]);
    expect(seen.headers.get('content-type')).toMatch(/^text\/html/);
    expect(seen.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(seen.text).not.toContain('evil');
  });

  test('A10, C20 › other errors go back to the app, with its state to the letter and our name', async () => {
    const state = 'ä +/?&=%0d%0a\r\nSet-Cookie: x';
    const { location, seen } = await answerTo({ ...base(), state });
    expect(`${location?.origin}${location?.pathname}`).toBe(redirectUri);
    expect(location?.searchParams.get('state')).toBe(state);
    expect(location?.searchParams.get('iss')).toBe(`${server.origin}/oauth`);
    expect(seen.headers.getSetCookie().join()).not.toContain('Set-Cookie: x');
    expect(seen.location).not.toMatch(/[\r\n]/);
  });

  test('A11 › aud has to be the FHIR base, with or without a slash at its end; resource means the same', async () => {
    const { aud: _aud, ...without } = withPkce();
    expect((await answerTo(without)).error).toBe('invalid_request');
    for (const aud of ['https://evil.example/fhir', `${server.base}/x`, server.origin, `${server.base}//`])
      expect((await answerTo({ ...without, aud })).error, aud).toBe('invalid_target');
    expect((await answerTo({ ...without, aud: server.base, resource: 'https://evil.example' })).error).toBe('invalid_target');
    for (const more of [
      { aud: server.base },
      { aud: `${server.base}/` },
      { resource: server.base },
      { aud: server.base, resource: server.base },
    ])
      expect((await answerTo({ ...without, ...more })).location?.pathname, JSON.stringify(more)).toMatch(/interaction/);
  });

  test('C25 › a request is not kept where it is longer than any app’s', async () => {
    const seen = await openBrowser(server.origin).post('/oauth/authorize', { client_id: 'app', state: 'x'.repeat(66_000) });
    expect([seen.status, seen.location]).toEqual([413, null]);
  });

  test('C25 › what is no list of scopes, or one too long, is refused at once', async () => {
    for (const scope of [
      'openid "x"',
      'openid \u0007',
      Array.from({ length: 600 }, (_, at) => `patient/Observation.rs?code=${at}`).join(' '),
    ]) {
      const begun = performance.now();
      expect((await answerTo({ ...withPkce(), scope })).error).toBe('invalid_scope');
      expect(performance.now() - begun).toBeLessThan(1_000);
    }
  });

  test('A44, C27 › a mixture with system/ is refused', async () => {
    expect((await answerTo({ ...withPkce(), scope: 'patient/*.rs system/*.rs' })).error).toBe('invalid_scope');
    expect((await answerTo({ ...withPkce(), scope: 'system/Patient.rs' })).error).toBe('invalid_scope');
  });

  test('A6 › a form does the same as a query', async () => {
    const { verifier, challenge } = pkce();
    const browser = openBrowser(server.origin);
    const seen = await browser.post(`${server.origin}/oauth/authorize`, {
      ...base(),
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const page = await follow(browser, seen, server.origin);
    expect(page.text).toContain('name="password"');
    expect(verifier).toHaveLength(43);
    const refused = await browser.post(`${server.origin}/oauth/authorize`, base());
    expect(new URL(refused.location ?? '').searchParams.get('error')).toBe('invalid_request');
  });

  test('A17 › what the user refuses is denied', async () => {
    const { back } = await launch(server, { client: 'app', scope: 'openid patient/*.rs', login: 'anna', decide: { decision: 'refuse' } });
    expect([back.get('error'), back.get('code'), back.get('state')]).toEqual(['access_denied', null, 'the state']);
  });
});

describe('token', () => {
  test('A13, A19, A26 › a patient signs in, allows, and the app reads with what it gets', async () => {
    const launched = await launch(server, {
      client: 'app',
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      login: 'anna',
      more: { nonce: 'n-1' },
    });
    expect(launched.back.get('iss')).toBe(`${server.origin}/oauth`);
    const { status, json, headers } = await exchange(server, 'app', launched);
    expect(status).toBe(200);
    expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
    expect(json).toMatchObject({ token_type: 'Bearer', patient: 'pa', need_patient_banner: true });
    expect(json.expires_in).toBeLessThanOrEqual(3600);
    expect(json.scope.split(' ').toSorted()).toEqual(['fhirUser', 'launch/patient', 'offline_access', 'openid', 'patient/*.rs']);
    expect(json.refresh_token).toHaveLength(43);
    const jwks = (await (await fetch(`${server.origin}/oauth/jwks`)).json()) as Parameters<typeof createLocalJWKSet>[0];
    const { payload, protectedHeader } = await jwtVerify(json.id_token, createLocalJWKSet(jwks), {
      issuer: `${server.origin}/oauth`,
      audience: 'app',
    });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ nonce: 'n-1', fhirUser: `${server.base}/Patient/pa` });
    expect(decodeJwt(json.access_token)).toMatchObject({ aud: server.base, patient: 'pa', client_id: 'app', roles: ['patient'] });
    expect((await server.request('GET', '/Patient/pa', { token: json.access_token })).status).toBe(200);
    expect((await server.request('GET', payload['fhirUser'] as string, { token: json.access_token })).status).toBe(200);
    expect((await server.request('GET', '/Patient/pb', { token: json.access_token })).status).toBe(404);
  });

  test('A13 › a clinician picks the patient', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', scope: 'launch/patient patient/*.rs', login: 'doctor', patient: 'pb' });
    expect(tokens.patient).toBe('pb');
    expect(tokens.id_token).toBeUndefined();
    expect(tokens.refresh_token).toBeUndefined();
    expect((await server.request('GET', '/Patient/pb', { token: tokens.access_token })).status).toBe(200);
    expect((await server.request('GET', '/Patient/pa', { token: tokens.access_token })).status).toBe(404);
  });

  test('A20, C17 › another verifier is no verifier', async () => {
    for (const wrong of ['x'.repeat(43), '-', '', 'x'.repeat(42), 'x'.repeat(129), 'the challenge']) {
      const launched = await launch(server, { client: 'app', scope: 'openid', login: 'anna' });
      const verifier = wrong === 'the challenge' ? (new URL(launched.seen.location ?? '').searchParams.get('code') ?? '') : wrong;
      const { status, json } = await exchange(server, 'app', launched, { code_verifier: verifier });
      expect([status, json.error], wrong).toEqual([400, 'invalid_grant']);
      // Who guessed wrong hasn't used the code up.
      expect((await exchange(server, 'app', launched)).status).toBe(200);
    }
  });

  test('A21 › a code is for its client and its address', async () => {
    const launched = await launch(server, { client: 'app', scope: 'openid', login: 'anna' });
    expect((await exchange(server, 'other', launched)).json.error).toBe('invalid_grant');
    expect((await exchange(server, 'app', launched, { redirect_uri: `${redirectUri}/` })).json.error).toBe('invalid_grant');
    expect((await exchange(server, 'app', launched)).status).toBe(200);
  });

  test('A18, C16 › a code used twenty times at once gives at most one token, and that one is over', async () => {
    const launched = await launch(server, { client: 'app', scope: 'openid patient/*.rs offline_access', login: 'anna' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(server, 'app', launched)));
    const given = answers.filter(({ status }) => status === 200);
    expect(given.length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status, json }) => status === 400 && json.error === 'invalid_grant')).toHaveLength(20 - given.length);
    for (const { json } of given) {
      expect((await server.request('GET', '/Patient/pa', { token: json.access_token })).status).toBe(401);
      const refreshed = await postForm(`${server.origin}/oauth/token`, {
        grant_type: 'refresh_token',
        refresh_token: json.refresh_token,
        client_id: 'app',
      });
      expect(refreshed.json.error).toBe('invalid_grant');
    }
  });

  test('A18 › a second use ends the tokens of the first', async () => {
    const launched = await launch(server, { client: 'app', scope: 'openid patient/*.rs offline_access', login: 'anna' });
    const first = await exchange(server, 'app', launched);
    expect((await server.request('GET', '/Patient/pa', { token: first.json.access_token })).status).toBe(200);
    expect((await exchange(server, 'app', launched)).json.error).toBe('invalid_grant');
    expect((await server.request('GET', '/Patient/pa', { token: first.json.access_token })).status).toBe(401);
  });

  test('A22, A23 › a confidential client proves who it is, whatever characters its secret has', async () => {
    const secret = 'a:b c+d/é%'.padEnd(43, 'x');
    const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
    const basic = (given: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`secret:${encode(given)}`).toString('base64')}`,
    });
    const launched = await launch(server, { client: 'secret', scope: 'openid', login: 'anna' });
    const none = await exchange(server, 'secret', launched);
    expect([none.status, none.json.error]).toEqual([401, 'invalid_client']);
    const wrong = await exchange(server, 'secret', launched, {}, basic('no'));
    expect([wrong.status, wrong.json.error]).toEqual([401, 'invalid_client']);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic/);
    const ascii = 'a:b c+d/%'.padEnd(43, 'x');
    await addApp(server, 'secret', {}, ascii);
    expect((await exchange(server, 'secret', launched, {}, basic(ascii))).status).toBe(200);
    expect(secret).not.toBe(ascii);
    const again = await launch(server, { client: 'secret', scope: 'openid', login: 'anna' });
    expect((await exchange(server, 'secret', again, { client_secret: ascii })).status).toBe(200);
  });

  test('A24 › scopes of version 1 come back as they were asked; what is no scope is not granted', async () => {
    const { tokens } = await tokensOf(server, {
      client: 'app',
      scope: 'launch/patient patient/Patient.read patient/Observation.dus patient/Condition.rr patient/Encounter.x nonsense',
      login: 'anna',
    });
    expect(tokens.scope.split(' ').toSorted()).toEqual(['launch/patient', 'patient/Patient.read']);
  });

  test('A25 › no more is granted than the client is registered for', async () => {
    const { tokens } = await tokensOf(server, { client: 'narrow', scope: 'openid patient/*.rs user/*.cruds', login: 'anna' });
    expect(tokens.scope.split(' ').toSorted()).toEqual(['openid', 'patient/Observation.rs', 'patient/Patient.rs']);
  });

  test('A25 › who may only view grants no writing', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', scope: 'user/Patient.cruds user/Observation.write', login: 'viewer' });
    expect(tokens.scope).toBe('user/Patient.rs');
  });

  test('A38 › other grant types are refused', async () => {
    for (const grant_type of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code'])
      expect((await postForm(`${server.origin}/oauth/token`, { grant_type, client_id: 'app' })).json.error).toBe('unsupported_grant_type');
  });

  test('A41, C8, C9 › only an access token is one', async () => {
    const launched = await launch(server, { client: 'app', scope: 'openid patient/*.rs offline_access', login: 'anna' });
    const code = launched.back.get('code') ?? '';
    const { json } = await exchange(server, 'app', launched);
    for (const token of [code, json.refresh_token, json.id_token])
      expect((await server.request('GET', '/Patient/pa', { token })).status).toBe(401);
    for (const scheme of ['Basic', 'Token', 'DPoP']) {
      const { status } = await server.request('GET', '/Patient/pa', {
        token: null,
        headers: { authorization: `${scheme} ${json.access_token}` },
      });
      expect(status, scheme).toBe(401);
    }
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hiddenFields, openBrowser, postForm } from './browser.ts';
import { addApp, addUser, exchange, launch, password, redirectUri, tokensOf } from './launching.ts';

type Line = { readonly kind?: string; readonly outcome?: number; readonly client?: string; readonly detail?: string };

let server: TestServer;
let written: string[] = [];
beforeAll(async () => {
  const output = { write: (line: string): void => void written.push(line) };
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all', LOG_LEVEL: 'info' }, output);
  for (const id of ['canary-pa', 'canary-pb']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  await addUser(server, 'canary-anna', ['patient'], 'Patient/canary-pa');
  await addApp(server, 'app');
});
afterAll(() => server?.stop());
beforeEach(() => {
  written = [];
});

const scope = 'openid fhirUser launch/patient patient/Patient.rs offline_access';
const lines = (): Line[] => written.map((line) => JSON.parse(line) as Line).filter(({ kind }) => kind !== undefined);
const told = (): string[] => lines().map(({ kind, outcome, client, detail }) => [kind, outcome, client ?? '-', detail ?? '-'].join(' '));

describe('what happens around access is noted', () => {
  test('from signing in to the token, its renewal and its end', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', login: 'canary-anna', scope });
    const token = (fields: Readonly<Record<string, string>>) => postForm(`${server.origin}/oauth/token`, fields);
    const again = await token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'app' });
    await token({ grant_type: 'refresh_token', refresh_token: 'none-such', client_id: 'app' });
    await token({ grant_type: 'refresh_token', refresh_token: 'none-such', client_id: 'nobody' });
    await postForm(`${server.origin}/oauth/revoke`, { token: again.json.refresh_token, client_id: 'app' });
    expect(told()).toEqual([
      'login 0 - pwd',
      'consent 0 app -',
      'token-issued 0 app authorization_code',
      'token-issued 0 app refresh_token',
      'token-refused 4 app invalid_grant',
      'token-refused 4 - invalid_client',
      'token-revoked 0 app -',
    ]);
  });

  test('a refresh token that is used twice ends its family', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', login: 'canary-anna', scope });
    const use = () =>
      postForm(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'app' });
    await use();
    written = [];
    expect((await use()).json.error).toBe('invalid_grant');
    expect(told()).toEqual(['token-revoked 0 app used-twice', 'token-refused 4 app invalid_grant']);
  });

  test('so does a code', async () => {
    const launched = await launch(server, { client: 'app', login: 'canary-anna', scope });
    await exchange(server, 'app', launched);
    written = [];
    expect((await exchange(server, 'app', launched)).json.error).toBe('invalid_grant');
    expect(told()).toEqual(['token-revoked 0 app used-twice', 'token-refused 4 app invalid_grant']);
  });

  test('who is refused, at the door and by the user', async () => {
    const browser = openBrowser(server.origin);
    const page = await browser.get('/oauth/sign-in');
    const fields = { ...hiddenFields(page.text), password: 'not the password' };
    await browser.post('/oauth/sign-in/password', { ...fields, login: 'canary-anna' });
    await browser.post('/oauth/sign-in/password', { ...fields, login: 'canary-nobody' });
    const { back } = await launch(server, { client: 'app', login: 'canary-anna', scope, decide: { decision: 'refuse' } });
    expect(back.get('error')).toBe('access_denied');
    expect(told()).toEqual(['login-failed 4 - password', 'login-failed 4 - unknown', 'login 0 - pwd', 'consent 4 app refused']);
  });

  test('no token without credentials, no launch without the right, no look at tokens of others', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', login: 'canary-anna', scope });
    written = [];
    await postForm(`${server.origin}/oauth/introspect`, { token: tokens.access_token });
    await postForm(`${server.origin}/oauth/introspect`, { token: tokens.access_token }, { authorization: 'Bearer a.b.c' });
    await postForm(`${server.origin}/oauth/launch`, {}, { authorization: `Bearer ${tokens.access_token}` });
    await postForm(`${server.origin}/oauth/token`, { grant_type: 'client_credentials', client_assertion: 'x' });
    expect(told()).toEqual([
      'introspection-refused 4 - invalid_client',
      'introspection-refused 4 - invalid_token',
      'launch-created 4 app insufficient_scope',
      'token-refused 4 - invalid_client',
    ]);
  });

  test('an app that is taken back, and signing out', async () => {
    const browser = openBrowser(server.origin);
    await tokensOf(server, { client: 'app', login: 'canary-anna', scope, browser });
    const page = await browser.get('/oauth/apps');
    written = [];
    const grant = /name="grant" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    await browser.post('/oauth/apps/remove', { ...hiddenFields(page.text), grant });
    await browser.post('/oauth/apps/sign-out', hiddenFields(page.text));
    expect(told()).toEqual(['consent-revoked 0 app -', 'logout 0 - -']);
  });

  test('signing out at the address of OpenID Connect', async () => {
    const browser = openBrowser(server.origin);
    await tokensOf(server, { client: 'app', login: 'canary-anna', scope, browser });
    const page = await browser.get('/oauth/logout');
    written = [];
    await browser.post(/action="([^"]+)"/.exec(page.text)?.[1] ?? '', { ...hiddenFields(page.text), logout: 'yes' });
    expect(told()).toEqual(['logout 0 - -']);
  });

  test('accounts, and what is changed of them', async () => {
    const { users } = server.services;
    await addUser(server, 'canary-new', ['viewer']);
    const user = await users.findByLogin('canary-new');
    if (user === undefined) throw new Error('there is no such user');
    await users.setRights(user, { roles: ['provider'] });
    await users.setPassword(user, 'another canary password');
    await users.resetSecondFactor(user);
    await users.setEnabled(user, false);
    await users.setEnabled(user, true);
    await server.services.oauth?.rotateKeys();
    expect(told()).toEqual([
      'user-created 0 - viewer',
      'roles-changed 0 - provider',
      'password-changed 0 - operator',
      'second-factor-removed 0 - -',
      'user-disabled 0 - -',
      'user-enabled 0 - -',
      'keys-rotated 0 - -',
    ]);
  });

  test('the log tells of no person: no name, no id, no secret', async () => {
    const { tokens } = await tokensOf(server, { client: 'app', login: 'canary-anna', scope });
    const text = written.join('');
    expect(text).toContain('token-issued');
    for (const secret of ['canary', password, redirectUri, tokens.access_token, tokens.refresh_token]) expect(text).not.toContain(secret);
  });
});

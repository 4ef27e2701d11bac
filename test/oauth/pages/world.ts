import { createHash, randomBytes } from 'node:crypto';
import { TOTP } from 'otpauth';
import type { User } from '../../../src/authorization/users.ts';
import type { Role } from '../../../src/authorization/roles.ts';
import { putClient } from '../../../src/storage/oauth-clients.ts';
import { type Browser, makeBrowser, type Shown } from '../../support/browser.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

export const password = 'a password of some length';
export const redirectUri = 'https://app.example.org/callback';

export type World = TestServer & {
  readonly user: (login: string, roles: readonly Role[], fhirUser?: string) => Promise<User>;
  /** Opens the authorization page of the app; `verifier` is for `token`. */
  readonly authorize: (browser: Browser, scope: string, more?: Readonly<Record<string, string>>) => Promise<Shown>;
  readonly signIn: (browser: Browser, page: Shown, login: string) => Promise<Shown>;
  /** What the token endpoint says to the code that the browser left with. */
  readonly exchange: (left: URL | undefined) => Promise<Readonly<Record<string, unknown>>>;
  readonly browser: () => Browser;
};

const verifier = randomBytes(32).toString('base64url');

/** Two patients; a practitioner who cares for one of them; an app. */
export async function openWorld(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const server = await startTestServer(env);
  const put = async (type: string, id: string, resource: object): Promise<void> => {
    const { status, text } = await server.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id, ...resource } });
    if (status !== 201) throw new Error(text);
  };
  await put('Patient', 'pa', { name: [{ family: 'Alder', given: ['Ada'] }], birthDate: '1970-05-17', gender: 'female' });
  await put('Patient', 'pb', { name: [{ family: 'Canarybirch', given: ['Bob'] }], birthDate: '1980-01-01' });
  await put('Practitioner', 'dr', { name: [{ family: 'House' }] });
  const encounter = (patient: string, more: object): object => ({
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    subject: { reference: `Patient/${patient}` },
    period: { start: new Date(Date.now() - 86_400_000).toISOString(), end: new Date(Date.now() - 80_000_000).toISOString() },
    ...more,
  });
  await put('Encounter', 'ea', encounter('pa', { participant: [{ individual: { reference: 'Practitioner/dr' } }] }));
  await put('Encounter', 'eb', encounter('pb', {}));
  await putClient(server.services.context.pool, {
    id: 'app',
    metadata: {
      client_name: 'Growth <b>Chart</b>',
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    source: 'operator',
  });
  return {
    ...server,
    browser: () => makeBrowser(server.origin),
    async user(login, roles, fhirUser) {
      const user = await server.services.users.add({
        login,
        name: `Name of ${login}`,
        roles,
        password,
        ...(fhirUser === undefined ? {} : { fhirUser }),
      });
      if (typeof user === 'string') throw new Error(user);
      return user;
    },
    authorize(browser, scope, more = {}) {
      const asked = new URLSearchParams({
        response_type: 'code',
        client_id: 'app',
        redirect_uri: redirectUri,
        scope,
        state: 'state-of-app',
        aud: server.base,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...more,
      });
      return browser.open(`/oauth/authorize?${asked.toString()}`);
    },
    signIn: (browser, page, login) => browser.submit(page, { form: '/password', fields: { login, password } }),
    async exchange(left) {
      const response = await fetch(`${server.origin}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'app',
          redirect_uri: redirectUri,
          code: left?.searchParams.get('code') ?? '',
          code_verifier: verifier,
        }),
      });
      return (await response.json()) as Readonly<Record<string, unknown>>;
    },
  };
}

/** Gives a user a second factor. @returns its secret */
export async function withSecondFactor({ services: { users } }: World, user: User): Promise<{ secret: string; codes: readonly string[] }> {
  const { secret } = users.beginEnrolment(user);
  // The code of the step before: the one of now is still good.
  const codes = await users.enrol(user, secret, new TOTP({ secret }).generate({ timestamp: Date.now() - 30_000 }));
  if (codes === undefined) throw new Error('not enrolled');
  return { secret, codes };
}

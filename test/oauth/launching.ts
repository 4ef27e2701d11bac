import { expect } from 'vitest';
import { type ClientMetadata, putClient } from '../../src/storage/oauth-clients.ts';
import type { Role } from '../../src/authorization/roles.ts';
import type { TestServer } from '../support/server.ts';
import {
  type Asked,
  authorizeUrl,
  type Browser,
  type Fields,
  follow,
  hiddenFields,
  openBrowser,
  pkce,
  postForm,
  type Seen,
} from './browser.ts';

export const password = 'correct horse battery staple 7';
export const redirectUri = 'https://app.example.org/back';

export async function addUser(server: TestServer, login: string, roles: readonly Role[], fhirUser?: string): Promise<string> {
  const added = await server.services.users.add({
    login,
    name: `User ${login}`,
    password,
    roles,
    ...(fhirUser === undefined ? {} : { fhirUser }),
  });
  if (typeof added === 'string') throw new Error(added);
  return added.id;
}

/** A public app, unless `metadata` says otherwise. */
export async function addApp(server: TestServer, id: string, metadata: ClientMetadata = {}, secret?: string): Promise<void> {
  await putClient(server.services.context.pool, {
    id,
    source: 'operator',
    metadata: {
      client_name: `App ${id}`,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: secret === undefined ? 'none' : 'client_secret_basic',
      ...metadata,
    },
    ...(secret === undefined ? {} : { secret }),
  });
}

export type LaunchAsked = {
  readonly client: string;
  readonly scope: string;
  readonly login: string;
  /** More parameters of the request, or others. */
  readonly more?: Asked;
  readonly patient?: string;
  /** What of the consent form differs from its defaults. */
  readonly decide?: Fields;
  readonly browser?: Browser;
};

export type Launched = {
  /** The parameters that the app got back. */
  readonly back: URLSearchParams;
  readonly verifier: string;
  readonly browser: Browser;
  /** What was seen last, where it isn't the app. */
  readonly seen: Seen;
};

/** An app's request, through all pages, to what the app gets. */
export async function launch(server: TestServer, asked: LaunchAsked): Promise<Launched> {
  const { verifier, challenge } = pkce();
  const browser = asked.browser ?? openBrowser(server.origin);
  const request = {
    response_type: 'code',
    client_id: asked.client,
    redirect_uri: redirectUri,
    scope: asked.scope,
    state: 'the state',
    aud: server.base,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...asked.more,
  };
  let seen = await follow(browser, await browser.get(authorizeUrl(server, request)), server.origin);
  if (seen.text.includes('name="password"')) {
    seen = await browser.post(`${seen.url}/password`, { ...hiddenFields(seen.text), login: asked.login, password });
    seen = await follow(browser, seen, server.origin);
  }
  if (seen.text.includes('/patients"')) {
    expect(seen.text).toContain(asked.patient);
    seen = await browser.post(`${placeOf(seen)}/patient`, { ...hiddenFields(seen.text), patient: asked.patient ?? '' });
  }
  if (seen.text.includes('value="allow"')) {
    const fields = { ...hiddenFields(seen.text), ...checkedFields(seen.text), decision: 'allow', ...asked.decide };
    seen = await follow(browser, await browser.post(`${placeOf(seen)}/decision`, fields), server.origin);
  }
  const back = seen.location === null ? new URLSearchParams() : new URL(seen.location).searchParams;
  return { back, verifier, browser, seen };
}

function placeOf({ url }: Seen): string {
  return /^.*\/interaction\/[^/?]+/.exec(url)?.[0] ?? url;
}

function checkedFields(text: string): Record<string, string> {
  const tags = [...text.matchAll(/<input[^>]*\bchecked[^>]*>/g)].map(([tag]) => tag);
  return Object.fromEntries(tags.map((tag) => [/name="([^"]*)"/.exec(tag)?.[1] ?? '', /value="([^"]*)"/.exec(tag)?.[1] ?? '']));
}

/** Exchanges the code. `fields` differ from what a public app sends. */
export function exchange(server: TestServer, client: string, { back, verifier }: Launched, fields: Asked = {}, headers: Asked = {}) {
  const sent = {
    grant_type: 'authorization_code',
    code: back.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_id: client,
    ...fields,
  };
  return postForm(`${server.origin}/oauth/token`, Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '-')), headers);
}

/** Launches and gets tokens. */
export async function tokensOf(server: TestServer, asked: LaunchAsked) {
  const launched = await launch(server, asked);
  expect(launched.back.get('error')).toBeNull();
  const { status, json } = await exchange(server, asked.client, launched);
  expect([status, json.error]).toEqual([200, undefined]);
  return { ...launched, tokens: json };
}

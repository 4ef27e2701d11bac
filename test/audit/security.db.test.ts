import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cli, cliBeside } from '../support/cli.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { hiddenFields, openBrowser, postForm } from '../oauth/browser.ts';
import { addApp, addUser, password, tokensOf } from '../oauth/launching.ts';
import { tellOf } from './trail-of.ts';

/* What isn't an interaction of FHIR: signing in, tokens, commands, the server itself. */

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary resources
type Json = any;

let server: TestServer;
let cli: Cli;
let account: string;
const began = new Date().toISOString();
const canary = 'qzxvcanaryword';

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  cli = cliBeside(server);
  for (const id of ['ann', 'bob'])
    await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id, name: [{ family: canary }] } });
  await addUser(server, 'anna', ['patient'], 'Patient/ann');
  await addUser(server, 'doe', ['provider'], 'Practitioner/doe');
  await addApp(server, 'app');
  account = (await server.services.users.findByLogin('anna'))?.id ?? '';
}, 60_000);
afterAll(() => server?.stop());

/** What was recorded since that is no interaction, oldest first: kind and outcome, who, whose, and what it says beside. */
async function recorded(since: string): Promise<readonly object[]> {
  const { json, text } = await server.request('GET', `/AuditEvent?_lastUpdated=ge${since}&_sort=_lastUpdated&_count=200`);
  const events: Json[] = (json.entry ?? []).map(({ resource }: Json) => resource);
  expect(text).not.toMatch(new RegExp(`${canary}|${password}`));
  return events
    .filter(({ type }) => type.code !== 'rest')
    .map((event) => {
      const { kind, outcome, by, patient, data } = tellOf(event);
      const details = Object.fromEntries(
        (event.entity ?? []).flatMap(({ detail = [] }: Json) => detail.map(({ type, valueString }: Json) => [type, valueString])),
      );
      const { 'X-Request-Id': _, ...rest } = details;
      return { kind, outcome, by, ...(patient === undefined ? {} : { patient }), ...(data === undefined ? {} : { data }), ...rest };
    });
}

const now = async (): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return new Date().toISOString();
};

test('the start and the migrations it applied', async () => {
  const who = { outcome: '0', by: userInfo().username };
  expect((await recorded(began)).slice(0, 2)).toMatchObject([
    { kind: 'maintenance', ...who, migrations: expect.stringContaining('0001-store') },
    { kind: '110120', ...who },
  ]);
});

test('from signing in to the token, and what is refused on the way', async () => {
  const since = await now();
  const scope = 'openid fhirUser launch/patient patient/Patient.rs offline_access';
  const { tokens } = await tokensOf(server, { client: 'app', login: 'anna', scope });
  await postForm(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: 'none-such', client_id: 'app' });
  await postForm(`${server.origin}/oauth/revoke`, { token: tokens.refresh_token, client_id: 'app' });
  await postForm(`${server.origin}/oauth/introspect`, { token: tokens.access_token });
  const browser = openBrowser(server.origin);
  const fields = { ...hiddenFields((await browser.get('/oauth/sign-in')).text), password: `not ${canary}` };
  await browser.post('/oauth/sign-in/password', { ...fields, login: 'anna' });
  await browser.post('/oauth/sign-in/password', { ...fields, login: `nobody-${canary}` });
  const events = await recorded(since);
  const patient = 'Patient/ann';
  expect(events).toMatchObject([
    { kind: '110122', outcome: '0', by: patient, event: 'login', detail: 'pwd' },
    { kind: 'AuthZ-Role', outcome: '0', by: patient, patient, event: 'consent' },
    { kind: 'ITI-71', outcome: '0', by: account },
    { kind: 'ITI-71', outcome: '4', by: 'app' },
    { kind: 'token-revoked', outcome: '0', event: 'token-revoked' },
    { kind: 'ITI-102', outcome: '4', by: '127.0.0.1', detail: 'invalid_client' },
    { kind: '110122', outcome: '4', by: account, event: 'login-failed', detail: 'password' },
    { kind: '110122', outcome: '4', by: '127.0.0.1', event: 'login-failed', detail: 'unknown' },
  ]);
  for (const secret of [tokens.access_token, tokens.refresh_token]) expect(JSON.stringify(events)).not.toContain(secret);
});

test('whom the pages show to a user is recorded as what he asked for', async () => {
  const since = await now();
  await tokensOf(server, { client: 'app', login: 'doe', patient: 'ann', scope: 'openid fhirUser launch/patient patient/Patient.rs' });
  const { json } = await server.request('GET', `/AuditEvent?_lastUpdated=ge${since}&agent=Practitioner/doe&type=rest&_count=50`);
  const seen = (json.entry ?? []).map(({ resource }: Json) => tellOf(resource));
  const who = { outcome: '0', by: 'Practitioner/doe' };
  for (const of of ['ann', 'bob'])
    expect(seen).toContainEqual(expect.objectContaining({ kind: 'search', ...who, patient: `Patient/${of}` }));
  expect(seen).toContainEqual(expect.objectContaining({ kind: 'read', ...who, data: 'Patient/ann', patient: 'Patient/ann' }));
});

test('commands are recorded by who ran them, and an erasure before it begins and when it is done', async () => {
  const since = await now();
  const by = userInfo().username;
  expect(await cli(['erase', '--patient', 'bob', '--reason', `order ${canary}`])).toMatchObject({ code: 0 });
  expect(await cli(['reindex', '--type', 'Group'])).toMatchObject({ code: 0 });
  expect(await cli(['terminology', 'list'])).toMatchObject({ code: 0 });
  const made = await cli(['keys', 'create', 'feed', '--scope', 'system/Observation.rs']);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(await cli(['audit', 'verify'])).toMatchObject({ code: 0 });
  const events = await recorded(since);
  expect(events).toMatchObject([
    { kind: 'erasure', outcome: '0', by, step: 'ordered' },
    { kind: 'erasure', outcome: '0', by, step: 'done', erased: '1' },
    { kind: 'maintenance', outcome: '0', by, command: 'reindex' },
    { kind: '110129', outcome: '0', by, command: 'terminology list' },
    { kind: 'api-key', outcome: '0', by, event: 'api-key-created' },
    { kind: 'audit-log-used', outcome: '0', by, action: 'verify' },
  ]);
  expect(JSON.stringify(events)).not.toContain('Patient/bob');
  expect(JSON.stringify(events)).not.toContain(made.stdout.trim().slice(21));
});

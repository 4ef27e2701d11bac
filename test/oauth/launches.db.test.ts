import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { authorizeUrl, openBrowser, pkce, postForm } from './browser.ts';
import { addApp, addUser, exchange, launch, redirectUri, tokensOf } from './launching.ts';

let server: TestServer;
let ehr: string;
let doctor: string;
const secret = 's'.repeat(43);

beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  for (const id of ['pa', 'pb']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  for (const [id, patient] of [
    ['ea', 'pa'],
    ['eb', 'pb'],
  ]) {
    const body = {
      resourceType: 'Encounter',
      id,
      status: 'in-progress',
      class: { code: 'AMB' },
      subject: { reference: `Patient/${patient}` },
    };
    await server.request('PUT', `/Encounter/${id}`, { body });
  }
  doctor = await addUser(server, 'doctor', ['provider'], 'Practitioner/dr');
  await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addUser(server, 'nurse', ['provider'], 'Practitioner/rn');
  await addApp(server, 'app');
  await addApp(server, 'other');
  await addApp(server, 'ehr', { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'ehr-launch' }, secret);
  await addApp(
    server,
    'backend',
    { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'system/*.cruds' },
    secret,
  );
  ehr = await tokenOf('ehr', 'ehr-launch');
});
afterAll(() => server?.stop());

async function tokenOf(client: string, scope: string): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
  const { json } = await postForm(`${server.origin}/oauth/token`, { grant_type: 'client_credentials', scope }, { authorization });
  return json.access_token;
}

async function begin(
  context: object,
  token: string | undefined = ehr,
): Promise<{ status: number; json: { launch: string; error?: string; expires_in: number } }> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(`${server.origin}/oauth/launch`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ client_id: 'app', user: doctor, ...context }),
  });
  return { status: response.status, json: (await response.json()) as { launch: string; expires_in: number } };
}

const launched = async (context: object): Promise<string> => (await begin(context)).json.launch;
const asked = { client: 'app', login: 'doctor', scope: 'openid fhirUser launch patient/*.rs' };

describe('a launch from an EHR', () => {
  test('A12 › tells the app its patient, its encounter and what else it was given', async () => {
    const fhirContext = [{ reference: 'ImagingStudy/1' }, { reference: 'Patient/pb', role: 'https://example.org/roles|sibling' }];
    const id = await launched({
      patient: 'pa',
      encounter: 'ea',
      fhirContext,
      need_patient_banner: false,
      smart_style_url: 'https://ehr.example.org/style.json',
      intent: 'reconcile',
    });
    const { tokens } = await tokensOf(server, { ...asked, more: { launch: id } });
    expect(tokens).toMatchObject({
      patient: 'pa',
      encounter: 'ea',
      fhirContext,
      need_patient_banner: false,
      smart_style_url: 'https://ehr.example.org/style.json',
      intent: 'reconcile',
    });
    expect(tokens.scope.split(' ')).toContain('launch');
    expect(decodeJwt(tokens.access_token)).toMatchObject({ patient: 'pa', encounter: 'ea', fhirUser: 'Practitioner/dr' });
    expect((await server.request('GET', '/Encounter/ea', { token: tokens.access_token })).status).toBe(200);
    expect((await server.request('GET', '/Encounter/eb', { token: tokens.access_token })).status).toBe(404);
  });

  test('A15 › a list comes with the launch, and is nothing that is chosen or granted', async () => {
    const scope = `${asked.scope} launch/list?role=https://example.org/roles|medications launch/imagingstudy`;
    const fhirContext = [{ reference: 'List/1', role: 'https://example.org/roles|medications' }];
    const { tokens } = await tokensOf(server, { ...asked, scope, more: { launch: await launched({ patient: 'pa', fhirContext }) } });
    expect(tokens).toMatchObject({ patient: 'pa', fhirContext });
    expect(tokens.scope).not.toMatch(/launch\/(?:list|imagingstudy)/);
    const without = await tokensOf(server, { ...asked, scope, more: { launch: await launched({ patient: 'pa' }) } });
    expect(without.tokens.fhirContext).toBeUndefined();
  });

  test.each(['http://ehr.example.org/style.json', 'javascript:alert(1)'])('does not send apps to %s for their style', async (style) => {
    expect((await begin({ patient: 'pa', smart_style_url: style })).status).toBe(400);
  });

  test('A12 › is good once', async () => {
    const id = await launched({ patient: 'pa' });
    await tokensOf(server, { ...asked, more: { launch: id } });
    const { back } = await launch(server, { ...asked, more: { launch: id } });
    expect([back.get('error'), back.get('code')]).toEqual(['invalid_request', null]);
  });

  test('A12 › is good for its app, its user and five minutes', async () => {
    const id = await launched({ patient: 'pa' });
    for (const more of [{ launch: 'unknown' }, { launch: id, client_id: 'other' }]) {
      const { challenge } = pkce();
      const request = {
        response_type: 'code',
        client_id: 'app',
        redirect_uri: redirectUri,
        scope: asked.scope,
        aud: server.base,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...more,
      };
      const seen = await openBrowser(server.origin).get(authorizeUrl(server, request));
      expect(new URL(seen.location ?? '').searchParams.get('error')).toBe('invalid_request');
    }
    const foreign = await launch(server, { ...asked, login: 'nurse', more: { launch: id } });
    expect([foreign.back.get('error'), foreign.back.get('code')]).toEqual(['invalid_request', null]);
    await server.services.context.pool.query(
      "update oauth_item set expires_at = clock_timestamp() where kind = 'Launch' and consumed_at is null",
    );
    const late = await launch(server, { ...asked, more: { launch: id } });
    expect([late.back.get('error'), late.back.get('code')]).toEqual(['invalid_request', null]);
  });

  test('can name the user by his fhirUser', async () => {
    const id = await launched({ patient: 'pb', user: 'Practitioner/dr' });
    expect((await tokensOf(server, { ...asked, more: { launch: id } })).tokens.patient).toBe('pb');
  });

  test('gives nobody a patient whom he may not see', async () => {
    for (const [user, login, patient] of [
      ['Patient/pa', 'anna', 'pb'],
      ['Practitioner/dr', 'doctor', 'nobody'],
    ] as const) {
      const id = await launched({ patient, user });
      const { back } = await launch(server, { ...asked, login, more: { launch: id } });
      expect([back.get('error'), back.get('code')]).toEqual(['access_denied', null]);
    }
  });

  test('of an encounter of another patient is refused', async () => {
    const id = await launched({ patient: 'pa', encounter: 'eb' });
    const { back } = await launch(server, { ...asked, more: { launch: id } });
    expect(back.get('error')).toBe('access_denied');
  });

  test('is begun by whom the operator lets, and with a context that makes sense', async () => {
    expect((await begin({ patient: 'pa' })).status).toBe(201);
    expect((await begin({ patient: 'pa' }, '')).status).toBe(401);
    expect((await begin({ patient: 'pa' }, await tokenOf('backend', 'system/*.cruds'))).status).toBe(403);
    expect((await begin({ patient: 'pa' }, await server.token())).status).toBe(401);
    for (const wrong of [
      { patient: 'Patient/pa' },
      { patient: 'p a' },
      { encounter: 'ea' },
      { client_id: 'nobody', patient: 'pa' },
      { patient: 'pa', fhirContext: [{ reference: 'Patient/pb' }] },
      { patient: 'pa', fhirContext: [{ reference: 'Encounter/eb', role: 'launch' }] },
      { patient: 'pa', fhirContext: 'x' },
      { patient: 'pa', smart_style_url: 'no address' },
    ])
      expect((await begin(wrong)).status, JSON.stringify(wrong)).toBe(400);
  });
});

describe('a launch by itself', () => {
  test('A14 › with launch/encounter has an encounter of its patient', async () => {
    const scope = 'launch/patient launch/encounter patient/*.rs';
    const first = await launch(server, { client: 'app', login: 'doctor', scope, patient: 'pa', decide: {} });
    expect(first.seen.text).toContain('ea');
    expect(first.seen.text).not.toContain('value="eb"');
  });

  test('A13 › nobody is given a patient whom he may not see, though he posts his id', async () => {
    const { back, seen } = await launch(server, { client: 'app', login: 'anna', scope: 'patient/*.rs', decide: { patient: 'pb' } });
    const { json } = await exchange(
      server,
      'app',
      await launch(server, { client: 'app', login: 'anna', scope: 'patient/*.rs', decide: { patient: 'pb' } }),
    );
    expect([json.patient, seen.status]).toEqual(['pa', 303]);
    expect(back.get('code')).not.toBeNull();
  });
});

test('A16 › what is dropped on the way is not granted; a part of a scope is that part', async () => {
  const lab = 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory';
  const all = { client: 'app', login: 'anna', scope: 'launch/patient patient/Patient.rs patient/Observation.rs patient/Condition.rs' };
  const page = await launch(server, { ...all, decide: { decision: 'none' } });
  expect(page.back.get('code')).toBeNull();
  const { tokens } = await tokensOf(server, { ...all, decide: { s2: 'some', s2n: '0', s3: 'no' } });
  const granted: string[] = tokens.scope.split(' ');
  expect(granted).toContain('patient/Patient.rs');
  expect(granted).not.toContain('patient/Observation.rs');
  expect(granted.some((scope) => scope.startsWith('patient/Condition'))).toBe(false);
  expect(granted.filter((scope) => scope.startsWith('patient/Observation.rs?category='))).toHaveLength(1);
  expect(lab).toContain('laboratory');
  expect((await server.request('GET', '/Condition', { token: tokens.access_token })).status).toBe(403);
  expect((await server.request('GET', '/Observation', { token: tokens.access_token })).status).toBe(200);
});

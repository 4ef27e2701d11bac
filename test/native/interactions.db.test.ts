import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { outcomeParameter, prepareOutcomes } from '../../src/native/interactions/prepare-outcomes.ts';
import { nativeClient, openHospital } from '../support/native.ts';
import { startTestServer } from '../support/server.ts';

const { server, house, v1 } = await openHospital('provider');

const system = 'https://anamnesis.health/fhir/CodeSystem/interaction-outcome';
const visit = (more: object = {}) => ({
  patient_id: house.patient,
  provider_id: house.doctor,
  type: 'Telephone call',
  setting: 'virtual',
  started_at: '2026-03-04T09:30:00Z',
  ended_at: '2026-03-04T09:42:00Z',
  ...more,
});
const asAdmin = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  v1(method, path, { token: house.tokens.admin, body, ...(headers === undefined ? {} : { headers }) });
const faults = ({ status, json }: { status: number; json: { details?: { field: string; code: string }[] } }) => [
  status,
  json.details?.map(({ field, code }) => `${field} ${code}`),
];

describe('where no list was ever made', () => {
  test('the first outcome begins one', async () => {
    const fresh = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
    try {
      const own = nativeClient(fresh, await fresh.token());
      const list = async () => (await own('GET', '/outcomes')).json.data;
      expect(await list()).toEqual([]);
      expect((await own('PUT', '/outcomes/first', { body: { label: 'First' } })).status).toBe(404);
      const headers = { 'idempotency-key': 'the-first' };
      const made = await own('POST', '/outcomes', { body: { code: 'first', label: 'First', severity: 'low' }, headers });
      const first = { code: 'first', label: 'First', severity: 'low', is_active: true };
      expect([made.status, made.json, made.headers.get('etag')]).toEqual([201, first, 'W/"1"']);
      const again = await own('POST', '/outcomes', { body: { code: 'first', label: 'First', severity: 'low' }, headers });
      expect([again.status, again.json, again.headers.get('idempotency-replayed')]).toEqual([201, first, 'true']);
      expect((await own('POST', '/outcomes', { body: { code: 'first', label: 'Other' } })).json.code).toBe('duplicate');
      // A start makes none where there is one.
      await prepareOutcomes(fresh.services.context);
      expect(await list()).toEqual([first]);
    } finally {
      await fresh.stop();
    }
  });

  test('of many at once, by several processes, one of which starts, none is lost and one list is made', async () => {
    const fresh = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
    const second = await startTestServer({
      CARE_RELATIONSHIPS: 'all',
      DATABASE_URL: fresh.databaseUrl,
      KEY_DATABASE_URL: fresh.keyDatabaseUrl,
      KEY_FILE: fresh.services.config.keyFile,
      DATABASE_POOL_SIZE: '2',
    });
    try {
      const [one, other] = [nativeClient(fresh, await fresh.token()), nativeClient(second, await second.token())];
      const codes = Array.from({ length: 30 }, (_, n) => `code-${n}`);
      const [answers] = await Promise.all([
        Promise.all(codes.map((code, n) => (n % 2 === 0 ? one : other)('POST', '/outcomes', { body: { code, label: code } }))),
        prepareOutcomes(second.services.context),
      ]);
      expect(answers.map(({ status, json }) => [status, json.code])).toEqual(codes.map((code) => [201, code]));
      for (const client of [one, other]) {
        const listed = ((await client('GET', '/outcomes?limit=100')).json.data as { code: string }[]).map(({ code }) => code);
        expect(listed.filter((code) => codes.includes(code)).toSorted()).toEqual(codes.toSorted());
      }
      const stored = (await fresh.request('GET', `/CodeSystem?url=${system}`)).json.entry;
      expect(stored.map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual(['interaction-outcome']);
    } finally {
      await second.stop();
      await fresh.stop();
    }
  });
});

test('without a list there are no outcomes; the first start makes one once, and what finds interactions by them', async () => {
  expect((await v1('GET', '/outcomes')).json.data).toEqual([]);
  expect(faults(await v1('POST', '/interactions', { body: visit({ outcome: 'healthy' }) }))).toEqual([422, ['outcome unknown']]);
  for (let start = 0; start < 2; start++) await prepareOutcomes(server.services.context);
  const { json, headers } = await v1('GET', '/outcomes');
  expect(json.data).toEqual([
    { code: 'healthy', label: 'Healthy', severity: 'none', is_active: true },
    { code: 'monitor', label: 'Monitor', severity: 'moderate', is_active: true },
    { code: 'critical', label: 'Critical', severity: 'critical', is_active: true },
  ]);
  expect([json.next_cursor, headers.get('etag')]).toEqual([null, null]);
  const stored = (await server.request('GET', `/CodeSystem?url=${system}`)).json;
  expect(stored.entry.map(({ resource }: { resource: { meta: { versionId: string } } }) => resource.meta.versionId)).toEqual(['1']);
  const status = async () => (await server.request('GET', `/SearchParameter/${outcomeParameter.id}/$status`)).text;
  for (let tries = 0; tries < 100 && !(await status()).includes('"ready"'); tries++) await wait(100);
  expect(await status()).toContain('"ready"');
});

describe('interactions', () => {
  test('one written by v1 is an Encounter for FHIR, by our profile, and found by its outcome', async () => {
    const body = visit({ note: 'Asked for a **call** next week.', outcome: 'monitor' });
    const made = await v1('POST', '/interactions', { body });
    const { interaction_id: id } = made.json;
    expect([made.status, made.json]).toMatchObject([
      201,
      {
        ...body,
        started_at: '2026-03-04T09:30:00.000Z',
        ended_at: '2026-03-04T09:42:00.000Z',
        outcome_label: 'Monitor',
        status: 'finished',
      },
    ]);
    expect((await v1('GET', `/interactions/${id}`)).json).toEqual(made.json);
    const resource = (await server.request('GET', `/Encounter/${id}`)).json;
    expect(resource).toMatchObject({ status: 'finished', class: { code: 'VR' }, type: [{ text: 'Telephone call' }] });
    const profile = 'https://anamnesis.health/fhir/StructureDefinition/anamnesis-encounter';
    const checked = await server.request('POST', `/Encounter/$validate?profile=${profile}`, { body: resource });
    expect(checked.json.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
    const found = await v1(
      'GET',
      `/interactions?patient_id=${house.patient}&outcome=monitor&from=2026-03-04T00:00:00Z&to=2026-03-05T00:00:00Z`,
    );
    expect(found.json.data).toEqual([made.json]);
    expect((await v1('GET', `/interactions?patient_id=${house.patient}&outcome=critical`)).json.data).toEqual([]);
  });

  test('an Encounter written by FHIR is read by v1, and found by its outcome too', async () => {
    const made = await server.request('POST', '/Encounter', {
      body: {
        resourceType: 'Encounter',
        extension: [
          { url: 'https://anamnesis.health/fhir/StructureDefinition/interaction-outcome', valueCoding: { system, code: 'critical' } },
        ],
        status: 'in-progress',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'SS' },
        subject: { reference: `Patient/${house.other}` },
        period: { start: '2026-02-01T09:00:00+01:00' },
      },
    });
    const shown = {
      interaction_id: made.json.id,
      setting: 'SS',
      started_at: '2026-02-01T08:00:00.000Z',
      outcome: 'critical',
      status: 'in_progress',
    };
    expect((await v1('GET', `/interactions/${made.json.id}`)).json).toMatchObject(shown);
    expect((await v1('GET', '/interactions?outcome=critical')).json.data).toMatchObject([shown]);
  });

  test('one is refused that lies in the future, ends before it began, is of nobody, or whose outcome is unknown', async () => {
    const post = async (more: object) => faults(await v1('POST', '/interactions', { body: visit(more) }));
    expect(await post({ started_at: '2999-01-01T00:00:00Z', ended_at: null })).toEqual([422, ['started_at in_future']]);
    expect(await post({ ended_at: '2026-03-04T09:00:00Z' })).toEqual([422, ['ended_at too_early']]);
    expect(await post({ provider_id: 'nobody' })).toEqual([422, ['provider_id not_found']]);
    expect(await post({ patient_id: 'nobody' })).toEqual([422, ['patient_id not_found']]);
    expect(await post({ outcome: 'Healthy' })).toEqual([422, ['outcome unknown']]);
    expect(await post({ outcome: 'no such' })).toMatchObject([422, expect.arrayContaining(['outcome format'])]);
  });

  test('who has the short scope of interactions alone records them with outcomes', async () => {
    const token = await server.token({ scope: 'interaction:*' });
    expect((await v1('POST', '/interactions', { token, body: visit({ outcome: 'healthy' }) })).status).toBe(201);
    expect((await v1('GET', '/outcomes', { token })).status).toBe(403);
  });

  test('a patient sees his own, another one none, a viewer writes none, and without a token nothing is told', async () => {
    const { tokens, patient } = house;
    const id = (await v1('POST', '/interactions', { body: visit({ note: 'For one alone.' }) })).json.interaction_id as string;
    expect((await v1('GET', `/interactions/${id}`, { token: tokens.patient })).status).toBe(200);
    expect((await v1('GET', `/interactions/${id}`, { token: tokens.viewer })).status).toBe(200);
    const [hidden, absent] = await Promise.all([id, 'absent'].map((each) => v1('GET', `/interactions/${each}`, { token: tokens.other })));
    expect([hidden?.status, { ...hidden?.json, request_id: '' }]).toEqual([404, { ...absent?.json, request_id: '' }]);
    expect((await v1('GET', `/interactions?patient_id=${patient}`, { token: tokens.other })).json.data).toEqual([]);
    expect((await v1('GET', '/interactions?outcome=critical', { token: tokens.patient })).json.data).toEqual([]);
    expect((await v1('POST', '/interactions', { token: tokens.viewer, body: visit() })).status).toBe(403);
    expect((await v1('POST', '/interactions', { token: tokens.other, body: visit() })).status).toBe(403);
    expect((await v1('GET', '/interactions', { token: null })).status).toBe(401);
  });
});

describe('outcomes', () => {
  test('an administrator adds one and takes it out of use: new interactions can not have it, older ones keep it', async () => {
    const added = await asAdmin('POST', '/outcomes', { code: 'transferred', label: ' Transferred ', severity: 'high' });
    expect([added.status, added.json]).toEqual([201, { code: 'transferred', label: 'Transferred', severity: 'high', is_active: true }]);
    const made = await v1('POST', '/interactions', { body: visit({ outcome: 'transferred' }) });
    expect(made.json).toMatchObject({ outcome: 'transferred', outcome_label: 'Transferred' });
    const ended = await asAdmin('PUT', '/outcomes/transferred', { label: 'Transferred', severity: 'high', is_active: false });
    expect([ended.status, ended.json.is_active]).toEqual([200, false]);
    expect(faults(await v1('POST', '/interactions', { body: visit({ outcome: 'transferred' }) }))).toEqual([422, ['outcome inactive']]);
    expect((await v1('GET', `/interactions/${made.json.interaction_id}`)).json.outcome).toBe('transferred');
    const codes = async (query: string) => (await v1('GET', `/outcomes${query}`)).json.data.map(({ code }: { code: string }) => code);
    expect(await codes('?is_active=false')).toEqual(['transferred']);
    expect(await codes('?is_active=true')).not.toContain('transferred');
    const resource = (await server.request('GET', '/CodeSystem/interaction-outcome')).json;
    expect(resource.concept.at(-1)).toMatchObject({
      code: 'transferred',
      property: expect.arrayContaining([{ code: 'inactive', valueBoolean: true }]),
    });
    expect(resource.version).toBe(resource.meta.versionId);
  });

  test('what an administrator writes by FHIR counts at once', async () => {
    const resource = (await server.request('GET', '/CodeSystem/interaction-outcome')).json;
    resource.concept.push({ code: 'by-fhir', display: 'By FHIR' });
    expect((await server.request('PUT', '/CodeSystem/interaction-outcome', { body: resource })).status).toBe(200);
    expect((await v1('POST', '/interactions', { body: visit({ outcome: 'by-fhir' }) })).json.outcome_label).toBe('By FHIR');
  });

  test('a code is given once, and of several changes at once none is lost', async () => {
    const twice = await asAdmin('POST', '/outcomes', { code: 'healthy', label: 'Again' });
    expect([twice.status, twice.json.code]).toEqual([409, 'duplicate']);
    expect((await asAdmin('PUT', '/outcomes/absent', { label: 'x' })).status).toBe(404);
    expect((await asAdmin('PUT', '/outcomes/healthy', { label: 'x' }, { 'if-match': 'W/"999"' })).status).toBe(412);
    const codes = ['p', 'q', 'r'];
    const answers = await Promise.all(codes.map((code) => asAdmin('POST', '/outcomes', { code, label: code })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const listed = (await v1('GET', '/outcomes')).json.data.map(({ code }: { code: string }) => code);
    expect(listed).toEqual(expect.arrayContaining(codes));
    const headers = { 'idempotency-key': 'an-outcome' };
    const repeated = await Promise.all([1, 2, 3].map(() => asAdmin('POST', '/outcomes', { code: 'once', label: 'Once' }, headers)));
    expect(repeated.map(({ status, json }) => [status, json.code])).toEqual([1, 2, 3].map(() => [201, 'once']));
  });

  test.each(['provider', 'viewer', 'patient'] as const)('a %s reads them and writes none', async (role) => {
    const token = house.tokens[role];
    expect((await v1('GET', '/outcomes', { token })).status).toBe(200);
    expect((await v1('POST', '/outcomes', { token, body: { code: role, label: 'x' } })).status).toBe(403);
    expect((await v1('PUT', '/outcomes/healthy', { token, body: { label: 'x', is_active: false } })).status).toBe(403);
    expect((await v1('GET', '/outcomes', { token: null })).status).toBe(401);
  });

  test('a list that was deleted is begun anew, by one of several at once', async () => {
    expect((await server.request('DELETE', '/CodeSystem/interaction-outcome')).status).toBe(200);
    expect((await v1('GET', '/outcomes')).json.data).toEqual([]);
    expect(faults(await v1('POST', '/interactions', { body: visit({ outcome: 'healthy' }) }))).toEqual([422, ['outcome unknown']]);
    const codes = ['a', 'b', 'c'];
    const answers = await Promise.all(codes.map((code) => asAdmin('POST', '/outcomes', { code, label: code })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await v1('GET', '/outcomes')).json.data.map(({ code }: { code: string }) => code).sort()).toEqual(codes);
  });
});

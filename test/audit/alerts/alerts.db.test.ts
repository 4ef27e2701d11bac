import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withOrigin } from '../../../src/authorization/security-events.ts';
import { patient } from '../../conformance/samples.ts';
import { type Cli, cliBeside } from '../../support/cli.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

const secret = 'Zyxwvutsrqp';
const label = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|V';
let server: TestServer;
let cli: Cli;
beforeAll(async () => {
  server = await startTestServer({ ALERT_MANY_PATIENTS: '3', ALERT_REFUSALS: '3', ALERT_FAILED_LOGINS: '3', ALERT_LABELS: label });
  cli = cliBeside(server);
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await server.request('PUT', `/Patient/${id}`, { body: patient({ id, name: [{ family: secret }] }) });
  }
  const [system, code] = label.split('|');
  await server.request('PUT', '/Patient/vip', { body: patient({ id: 'vip', meta: { security: [{ system, code }] } }) });
}, 60_000);
afterAll(() => server?.stop());

const { request, user } = {
  request: (method: string, path: string, token: string, headers = {}) => server.request(method, path, { token, headers }),
  user: (name: string, scope = 'user/*.cruds') => server.token({ scope, user: `Practitioner/${name}`, roles: ['admin'] }),
};

type Found = Awaited<ReturnType<TestServer['services']['alerts']['list']>>;
/** Those of a rule about a user, waited for: they come within seconds. */
async function alertsOf(rule: string, name: string, awaited = 1): Promise<Found> {
  for (let tries = 0; ; tries++) {
    const found = (await server.services.alerts.list({ all: true, limit: 100 })).filter(
      (alert) => alert.rule === rule && alert.agent.user?.fhirUser === `Practitioner/${name}`,
    );
    if (found.length >= awaited || tries > 80) return found;
    await setTimeout(100);
  }
}
/** Long enough for a turn. */
const aTurn = () => setTimeout(2_500);

describe('what is asked over HTTP', () => {
  test('of few patients is no alert, of many it is one: with an audit event that tells who', async () => {
    const token = await user('many');
    for (const id of ['a', 'b', 'a', 'b', 'a']) expect((await request('GET', `/Patient/${id}`, token)).status).toBe(200);
    await aTurn();
    expect(await alertsOf('many-patients', 'many', 0)).toEqual([]);
    await request('GET', '/Patient/c', token);
    const [alert] = await alertsOf('many-patients', 'many');
    expect(alert).toMatchObject({ count: 3, threshold: 3 });
    const { json } = await server.request('GET', '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM|110113&_count=50');
    const events = (json.entry ?? []).map(({ resource }: { resource: unknown }) => resource);
    expect(JSON.stringify(events)).toContain(`alert-${alert?.id}`);
    expect(JSON.stringify(events)).toContain('Practitioner/many');
  }, 20_000);

  test('by one search page that shows many is one too', async () => {
    expect((await request('GET', '/Patient?_count=5', await user('search'))).status).toBe(200);
    expect((await alertsOf('many-patients', 'search')).length).toBe(1);
  }, 20_000);

  test('and refused again and again is one', async () => {
    const token = await user('refused', 'user/Observation.rs');
    for (const id of ['a', 'b']) expect((await request('GET', `/Patient/${id}`, token)).status).toBe(403);
    await aTurn();
    expect(await alertsOf('refusals', 'refused', 0)).toEqual([]);
    expect((await request('GET', '/Patient/a', token)).status).toBe(403);
    const [alert] = await alertsOf('refusals', 'refused');
    expect(alert).toMatchObject({ count: 3, threshold: 3 });
    // None of a record was shown.
    expect(await alertsOf('many-patients', 'refused', 0)).toEqual([]);
  }, 20_000);

  test('of a patient with a label that is watched is one, and of another none', async () => {
    const token = await user('label');
    await request('GET', '/Patient/a', token);
    await request('GET', '/Patient/vip', token);
    const [alert, ...others] = await alertsOf('labelled', 'label');
    expect(others).toEqual([]);
    expect(alert?.patient?.owner).toBe(server.services.context.refKeyOf('Patient', 'vip'));
  }, 20_000);
});

describe('around access', () => {
  const signIn = (login: string, address: string) =>
    withOrigin({ address, requestId: randomUUID() }, () =>
      server.services.users.provePassword({ login, password: 'not the right one', network: address }),
    );
  const failedAt = async (address: string, awaited: number) => {
    for (let tries = 0; ; tries++) {
      const found = (await server.services.alerts.list({ all: true, limit: 100 })).filter(
        ({ rule, agent }) => rule === 'failed-logins' && agent.address === address,
      );
      if (found.length >= awaited || tries > 80) return found;
      await setTimeout(100);
    }
  };

  test('accounts that fail to sign in from one address are an alert; one account that does is none', async () => {
    for (const login of ['one', 'two', 'three'])
      expect(await server.services.users.add({ login, name: login, roles: ['viewer'], password: 'long enough, and good' })).toHaveProperty(
        'id',
      );
    for (let n = 0; n < 4; n++) await signIn('one', '192.0.2.1');
    for (const login of ['one', 'two']) await signIn(login, '192.0.2.2');
    await aTurn();
    expect([await failedAt('192.0.2.1', 0), await failedAt('192.0.2.2', 0)]).toEqual([[], []]);
    await signIn('three', '192.0.2.2');
    expect(await failedAt('192.0.2.2', 1)).toMatchObject([{ count: 3, threshold: 3 }]);
  }, 30_000);

  test('the glass broken is one, which tells of whom', async () => {
    const token = await server.token({ scope: 'user/*.rs', user: 'Practitioner/glass', roles: ['provider'] });
    const glass = { 'x-break-glass': 'unconscious in the emergency room', 'x-break-glass-patient': 'a', 'x-purpose-of-use': 'BTG' };
    expect((await request('GET', '/Patient/a', token, glass)).status).toBe(200);
    const [alert, ...others] = await alertsOf('break-glass', 'glass');
    expect(others).toEqual([]);
    expect(alert?.patient?.owner).toBe(server.services.context.refKeyOf('Patient', 'a'));
    // That may tell of the patient, and an alert outlives the erasure of his record: the event of the emergency tells it.
    expect(JSON.stringify(alert?.agent)).not.toContain('unconscious');
  }, 30_000);
});

describe('an alert holds nothing in clear', () => {
  test('neither who it is about, nor whom it concerns', async () => {
    await alertsOf('labelled', 'label');
    const { rows } = await server.services.context.pool.query<{ text: string }>(
      `select encode(details, 'escape') || rule || actor as text from audit_alert
       union all select rule || actor || item from alert_sighting`,
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const { text } of rows) expect(text).not.toMatch(/Practitioner|Patient\/|192\.|127\.|Zyxw|unconscious/);
  }, 20_000);
});

describe('npm run audit -- alerts', () => {
  test('lists the open ones, and acknowledges each once', async () => {
    const [alert] = await alertsOf('many-patients', 'many');
    const listed = await cli(['audit', 'alerts']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(new RegExp(`^${alert?.id}  \\S+Z  many-patients  3 of 3: Practitioner/many `, 'm'));
    expect(listed.stdout).not.toContain(secret);
    expect(await cli(['audit', 'alerts', 'acknowledge', alert?.id ?? ''])).toMatchObject({
      code: 0,
      stdout: `Alert ${alert?.id} is acknowledged.\n`,
    });
    expect(await cli(['audit', 'alerts', 'acknowledge', alert?.id ?? ''])).toMatchObject({ code: 1, stdout: '' });
    expect((await cli(['audit', 'alerts'])).stdout).not.toContain('Practitioner/many ');
    const all = JSON.parse((await cli(['audit', 'alerts', 'list', '--all', '--json'])).stdout) as {
      id: string;
      acknowledgedBy: string | null;
    }[];
    expect(all.find(({ id }) => id === alert?.id)?.acknowledgedBy).toMatch(/./);
    // Who looked is recorded as well.
    const used = await server.request('GET', '/AuditEvent?type=http://dicom.nema.org/resources/ontology/DCM|110101');
    expect(used.text).toContain('alert-acknowledged');
  }, 60_000);

  test.each([[['acknowledge']], [['acknowledge', '0']], [['acknowledge', 'x']], [['close', '1']], [['list', '1']]])(
    '%j is no use of it',
    async (args) => {
      expect((await cli(['audit', 'alerts', ...args])).code).toBe(2);
    },
  );
});

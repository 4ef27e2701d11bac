import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareDemo } from '../../src/cli/demo.ts';
import { findClient } from '../../src/storage/oauth-clients.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Cli, cliBeside } from '../support/cli.ts';

let server: TestServer;
let cli: Cli;

beforeAll(async () => {
  server = await startTestServer();
  cli = cliBeside(server);
}, 60_000);
afterAll(() => server?.stop());

let calls = 0;
const prove = (login: string, password: string) => server.services.users.provePassword({ login, password, network: `192.0.2.${++calls}` });

describe('npm run user', () => {
  test('adds a user with a password that is printed, and no other', async () => {
    const added = await cli(['user', 'add', 'Grace', '--role', 'provider', '--name', 'Grace H.', '--fhir-user', 'Practitioner/1']);
    expect(added).toMatchObject({ code: 0, stderr: 'grace is added.\n' });
    expect(await prove('grace', added.stdout.trim())).toMatchObject({ user: { roles: ['provider'], fhirUser: 'Practitioner/1' } });
    expect(await prove('grace', 'another password')).toBe('refused');
    const again = await cli(['user', 'add', 'grace', '--role', 'viewer']);
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: 'This login name is taken.\n' });
  }, 30_000);

  test('takes a password from standard input, and no weak one', async () => {
    const added = await cli(['user', 'add', 'ada', '--role', 'viewer', '--password-stdin'], 'a long and good one\n');
    expect(added).toMatchObject({ code: 0, stdout: '' });
    expect(await prove('ada', 'a long and good one')).toHaveProperty('user');
    const weak = await cli(['user', 'password', 'ada', '--password-stdin'], 'password1234\n');
    expect(weak.code).toBe(1);
    expect(weak.stderr).not.toContain('password1234');
    const proved = await prove('ada', 'a long and good one');
    if (proved === 'refused' || !('user' in proved)) throw new Error('the password was to be taken');
    await server.services.users.signedIn(proved.user, ['pwd']);
    expect((await cli(['user', 'list'])).stdout).toMatch(/^ada\tviewer\t-\tenabled\t-\t\d{4}-\d\d-\d\dT[\d:.]+Z\t/m);
  }, 30_000);

  test('disables and enables, and lists without secrets', async () => {
    expect((await cli(['user', 'disable', 'ada'])).code).toBe(0);
    expect(await prove('ada', 'a long and good one')).toBe('refused');
    const { stdout } = await cli(['user', 'list']);
    expect(stdout).toMatch(/^ada\tviewer\t-\tdisabled\t-\t/m);
    expect(stdout).not.toMatch(/argon2|\$/);
    expect((await cli(['user', 'enable', 'ada'])).code).toBe(0);
    expect(await prove('ada', 'a long and good one')).toHaveProperty('user');
  }, 30_000);

  test.each([
    [['user', 'disable', 'nobody'], 1, 'There is no such user.'],
    [['user', 'add', 'x y', '--role', 'viewer'], 1, 'A login name has'],
    [['user', 'add', 'eve', '--role', 'root'], 2, 'Roles are'],
    [['user', 'add', 'eve'], 2, 'add needs --role'],
    [['user', 'frob'], 2, '"frob" is no command'],
    [['client', 'add', 'x', '--name', 'X', '--redirect', 'http://app.example.org/cb'], 2, 'over http'],
    [['client', 'add', 'x', '--name', 'X', '--backend', '--scope', 'system/*.rs'], 2, '--backend needs'],
    [['client', 'remove', 'nobody'], 1, 'There is no such client.'],
  ])(
    '%j is refused',
    async (args, code, said) => {
      const ran = await cli(args);
      expect(ran.code).toBe(code);
      expect(ran.stderr).toContain(said);
    },
    30_000,
  );
});

describe('npm run client', () => {
  test('adds an app with a secret, which is printed once and gives way to another', async () => {
    const { pool } = server.services.context;
    const added = await cli(['client', 'add', 'web', '--name', 'Web', '--redirect', 'https://web.example.org/cb', '--confidential']);
    const [id, secret = ''] = added.stdout.trim().split('\n');
    expect(id).toBe('web');
    const first = await findClient(pool, 'web');
    expect(first?.client.metadata).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: ['https://web.example.org/cb'],
    });
    const rotated = await cli(['client', 'rotate-secret', 'web']);
    expect(rotated.stdout.trim()).not.toBe(secret);
    expect((await findClient(pool, 'web'))?.secretHash).not.toBe(first?.secretHash);
    expect((await cli(['client', 'list'])).stdout).not.toContain(secret);
    expect((await cli(['client', 'remove', 'web'])).code).toBe(0);
    expect(await findClient(pool, 'web')).toBeUndefined();
  }, 30_000);
});

describe('the demo', () => {
  test('makes users only where there are none, and says their passwords once', async () => {
    const fresh = await startTestServer();
    try {
      const { services } = fresh;
      const first = await prepareDemo(services);
      const passwords = [...first.told.matchAll(/(patient|clinician|admin) with (\S+)/g)].map(([, login = '', password = '']) => ({
        login,
        password,
      }));
      expect(passwords.map(({ login }) => login)).toEqual(['patient', 'clinician', 'admin']);
      for (const each of passwords) expect(await services.users.provePassword({ ...each, network: '192.0.2.1' })).toHaveProperty('user');
      const second = await prepareDemo(services);
      expect(second.told).not.toContain(' with ');
      expect(second.told).toContain(`${fresh.origin}/demo`);
      await Promise.all([first.stop(), second.stop()]);
    } finally {
      await fresh.stop();
    }
  }, 60_000);

  test('makes them the patient and the practitioner of the newest encounter', async () => {
    const fresh = await startTestServer();
    try {
      for (const [type, id] of [
        ['Patient', 'p'],
        ['Practitioner', 'q'],
      ] as const)
        await fresh.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id, name: [{ family: 'X' }] } });
      const encounter = {
        resourceType: 'Encounter',
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject: { reference: 'Patient/p' },
        participant: [{ individual: { reference: 'Practitioner/q' } }],
        period: { start: '2026-01-01' },
      };
      expect((await fresh.request('POST', '/Encounter', { body: encounter })).status).toBe(201);
      await prepareDemo(fresh.services);
      const { stop } = await prepareDemo(fresh.services);
      await stop();
      const { users } = fresh.services;
      expect((await users.findByLogin('patient'))?.fhirUser).toBe('Patient/p');
      expect((await users.findByLogin('clinician'))?.fhirUser).toBe('Practitioner/q');
      expect((await users.findByLogin('admin'))?.fhirUser).toBeUndefined();
    } finally {
      await fresh.stop();
    }
  }, 60_000);
});

import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectRefusal, type Fixture, idsIn, startFixture } from '../conformance/attack-fixture.ts';
import { type Cli, cliBeside } from '../support/cli.ts';

let server: Fixture;
let cli: Cli;

beforeAll(async () => {
  server = await startFixture();
  cli = cliBeside(server);
}, 60_000);
afterAll(() => server?.stop());

const keys = (...args: string[]) => cli(['keys', ...args]);

const get = (path: string, key: string, headers: Readonly<Record<string, string>> = {}) =>
  server.request('GET', path, { token: null, headers: { 'x-api-key': key, ...headers } });
const idOf = (key: string): string => key.slice(4, 20);

async function rowsOf(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a key is made, used within its scopes, rotated with an overlap, and revoked', async () => {
  const made = await keys('create', 'lab feed', '--scope', 'system/Observation.rs', '--expires', '2');
  expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Key [\da-f]{16} is good until 20/) });
  const first = made.stdout.trim();
  const id = idOf(first);

  expect((await get('/Observation/ob', first)).status).toBe(200);
  expectRefusal(await get('/Patient/pa', first), 403);
  expectRefusal(await get('/Observation/ob', `${first.slice(0, -1)}${first.endsWith('A') ? 'Q' : 'A'}`), 401);
  expectRefusal(await get('/Observation/ob', first, { authorization: `Bearer ${server.TS}` }), 400);
  expectRefusal(await get('/Observation/ob', 'ana_none', { authorization: `Bearer ${server.TS}` }), 400);
  const { headers } = await get('/Observation/ob', first);
  expect(headers.get('vary')).toMatch(/\bX-Api-Key\b/);

  const rotated = await keys('rotate', id, '--overlap', '1');
  const second = rotated.stdout.trim();
  expect(second).not.toBe(first);
  expect(idOf(second)).toBe(id);
  for (const key of [first, second]) await expect.poll(async () => (await get('/Observation/ob', key)).status).toBe(200);
  const third = (await keys('rotate', id, '--overlap', '0')).stdout.trim();
  await expect.poll(async () => (await get('/Observation/ob', third)).status).toBe(200);
  for (const key of [first, second]) expectRefusal(await get('/Observation/ob', key), 401);

  const listed = await keys('list');
  expect(listed.stdout).toMatch(new RegExp(`^${id}  good until .*  last used .*h  system/Observation.rs  lab feed$`, 'm'));
  for (const key of [first, second, third]) expect(`${listed.stdout}${listed.stderr}`).not.toContain(key.slice(21));

  expect(await keys('revoke', id)).toMatchObject({ code: 0 });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expectRefusal(await get('/Observation/ob', third), 401);
  expect((await keys('list')).stdout).toMatch(new RegExp(`^${id}  revoked `, 'm'));
  expect(await keys('revoke', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('no key') });
  expect(await keys('rotate', id)).toMatchObject({ code: 1, stdout: '' });
}, 120_000);

test('a key for one patient sees that patient alone, and the database holds no secret', async () => {
  const made = await keys('create', 'portal', '--scope', 'patient/*.rs', '--patient', 'pa');
  const key = made.stdout.trim();
  const found = idsIn(await get('/Observation', key));
  expect(found.length).toBeGreaterThan(0);
  expect(found).not.toContain('Observation/ob');
  const [hidden, never] = [await get('/Observation/ob', key), await get('/Observation/none', key)];
  expect([hidden.status, hidden.text]).toEqual([never.status, never.text]);
  expect(hidden.status).toBe(404);
  expect(JSON.stringify(await rowsOf('select k::text from api_key k'))).not.toContain(key.slice(21));
}, 60_000);

test('user/ scopes of a key go by its roles, and by no role not at all', async () => {
  const [viewer, nobody] = await Promise.all([
    keys('create', 'viewer', '--scope', 'user/*.cruds', '--role', 'viewer', '--user', 'Practitioner/d1'),
    keys('create', 'nobody', '--scope', 'user/*.cruds'),
  ]);
  const [viewing, none] = [viewer.stdout.trim(), nobody.stdout.trim()];
  expect((await get('/Organization', viewing)).status).toBe(200);
  const body = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
  for (const key of [viewing, none])
    expectRefusal(await server.request('POST', '/Observation', { token: null, headers: { 'x-api-key': key }, body }), 403);
  expectRefusal(await get('/Patient/pa', none), 403, 404);
  expectRefusal(await get('/Organization', none), 403);
}, 60_000);

test.each([
  [['create', 'x'], '--scope is needed'],
  [['create', '--scope', 'system/*.rs'], 'needs a name'],
  [['create', 'x', '--scope', 'system/*.rs openid'], 'openid is no scope'],
  [['create', 'x', '--scope', 'system/Patient.sr'], 'is no scope'],
  [['create', 'x', '--scope', 'patient/*.rs'], 'no meaning'],
  [['create', 'x', '--scope', 'patient/*.rs system/*.rs', '--patient', 'p'], 'no meaning'],
  [['create', 'x', '--scope', 'user/*.rs', '--role', 'god'], 'god'],
  [['create', 'x', '--scope', 'system/*.rs', '--expires', '0'], '--expires'],
  [['create', 'x', '--scope', 'system/*.rs', '--patient', 'Patient/1'], '--patient'],
  [['create', 'x', '--scope', 'system/*.rs', '--user', 'Device/1'], '--user'],
  [['rotate', 'x'], 'which key'],
  [['revoke'], 'which key'],
  [['forget', 'x'], 'none of'],
])('%j is refused', async (args, text) => {
  expect(await keys(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(text) });
});

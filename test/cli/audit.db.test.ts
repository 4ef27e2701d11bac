import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cli, cliBeside } from '../support/cli.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let cli: Cli;
let database: Client;
beforeAll(async () => {
  server = await startTestServer({ AUDIT_ANCHOR_SECONDS: '1' });
  cli = cliBeside(server);
  database = new Client({ connectionString: server.databaseUrl });
  await database.connect();
  await server.request('PUT', '/Patient/p', { body: { resourceType: 'Patient', id: 'p' } });
  for (const path of ['/Patient/p', '/Patient?_id=p', '/Patient/none']) await server.request('GET', path);
  while ((await count('select count(*)::int as n from audit_block where count > 0')) === 0) await delay(50);
});
afterAll(async () => {
  await database.end();
  await server.stop();
});

async function count(text: string): Promise<number> {
  const { rows } = await database.query<{ n: number }>(text);
  return rows[0]?.n ?? 0;
}

test('verify finds nothing in a trail that nobody touched, and says how far that goes', async () => {
  const { code, stdout, stderr } = await cli(['audit', 'verify']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toMatch(/\d+ events in \d+ blocks were read in .* s: all fit\./);
  expect(stderr).toContain('whether one of those was removed is not known');
});

test('verify prints what it found as JSON', async () => {
  const { code, stdout } = await cli(['audit', 'verify', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ findings: [], cut: false });
  expect(JSON.parse(stdout).rows + JSON.parse(stdout).unsealed.rows).toBeGreaterThanOrEqual(4);
});

test('verify of a time looks at its blocks alone', async () => {
  expect((await cli(['audit', 'verify', '--from', '2020-01-01', '--to', '2020-02-01'])).stderr).toContain('0 events in 0 blocks');
  const today = await cli(['audit', 'verify', '--from', new Date(Date.now() - 86_400_000).toISOString()]);
  expect(today.stderr).toContain('all fit');
  expect(today.stderr).not.toMatch(/^0 events/);
});

test.each([
  [['audit'], 'say what to do'],
  [['audit', 'forge'], 'forge is none of'],
  [['audit', 'verify', '--from', 'yesterday'], '--from must be a date'],
  [['audit', 'verify', '--from', '2026-02-01', '--to', '2026-01-01'], '--from must not be later than --to'],
  [['audit', 'verify', 'all'], 'unexpected argument all'],
  [['audit', 'retain', '2020'], 'unexpected argument 2020'],
])('%j is refused', async (args, text) => {
  const { code, stderr } = await cli(args);
  expect(code).toBe(2);
  expect(stderr).toContain(text);
});

test('retain drops nothing that has to be kept', async () => {
  const { code, stderr } = await cli(['audit', 'retain']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'No month of the audit trail is old enough to be dropped.\n' });
});

test('verify names an event that was altered, and ends with 1', async () => {
  await database.query('alter table audit_event disable trigger audit_event_unchanged');
  const { rows } = await database.query<{ id: string }>(
    'update audit_event set ref_key = ref_key + 1 where rid = (select min(rid) from audit_event) returning id',
  );
  const { code, stdout } = await cli(['audit', 'verify']);
  expect(code).toBe(1);
  expect(stdout).toContain(`The event ${rows[0]?.id} of 20`);
});

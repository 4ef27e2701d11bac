import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditedAgent, AuditedEvent } from '../../src/audit/event.ts';
import { erasePatient } from '../../src/interactions/erasure.ts';
import { type Cli, cliBeside } from '../support/cli.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let cli: Cli;

const careful: AuditedAgent = {
  user: { issuer: 'https://login', subject: 'u-1', fhirUser: 'Practitioner/adam', name: '=HYPERLINK("http://x")', roles: ['provider'] },
  client: 'growth-chart',
  address: '10.1.2.31',
  purposes: ['TREAT'],
};
const machine: AuditedAgent = { client: 'night\u001b[2J\u202e\u2028job', address: '10.1.2.40', purposes: [] };

beforeAll(async () => {
  server = await startTestServer();
  cli = cliBeside(server);
  for (const id of ['p1', 'p2']) await server.request('PUT', `/Patient/${id}`, { body: { resourceType: 'Patient', id } });
  const { audit, refKeyOf } = server.services.context;
  const [p1, p2] = await Promise.all(['p1', 'p2'].map((id) => audit.concerned.ofOwner(refKeyOf('Patient', id))));
  const event = (n: number, more: Partial<AuditedEvent>): AuditedEvent => ({
    kind: 'read',
    at: Date.parse('2025-06-01T08:00:00Z') + n * 60_000,
    requestId: `r${n}`,
    agent: careful,
    outcome: 0,
    data: { type: 'Observation', id: `o${n}`, version: 1 },
    ...(p1 === undefined ? {} : { patient: p1 }),
    ...more,
  });
  await audit.record([
    event(0, {}),
    event(1, { agent: machine, kind: 'update' }),
    event(2, { outcome: 4, reason: 'scope-insufficient' }),
    event(3, p2 === undefined ? {} : { patient: p2 }),
  ]);
});
afterAll(() => server?.stop());

const report = (...args: string[]) => cli(['audit', 'report', ...args]);
const until = ['--to', '2025-12-31'];

describe('audit report', () => {
  test('--patient as JSON: who did what to which data, why, and what came of it, the oldest first', async () => {
    const { code, stdout } = await report('--patient', 'p1', ...until, '--format', 'json');
    const lines = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({
      when: '2025-06-01T08:00:00.000Z',
      outcome: 'done',
      who: '=HYPERLINK("http://x")',
      role: 'provider',
      app: 'growth-chart',
      address: '10.1.2.31',
      what: 'read observation',
      data: 'Observation/o0/_history/1',
      why: 'treatment',
      request: 'r0',
    });
    expect(lines.map(({ outcome, reason }: Record<string, string>) => [outcome, reason])).toEqual([
      ['done', ''],
      ['done', ''],
      ['refused or failed', 'scope-insufficient'],
    ]);
  });

  test('--actor by a reference, an account and a client', async () => {
    for (const [actor, count] of [
      ['Practitioner/adam', 3],
      ['u-1', 3],
      ['growth-chart', 3],
      ['night\u001b[2J\u202e\u2028job', 1],
      ['nobody', 0],
    ] as const) {
      const { code, stdout } = await report('--actor', actor, ...until, '--format', 'json');
      expect([actor, code, JSON.parse(stdout).length]).toEqual([actor, 0, count]);
    }
  });

  test('--from and --to bound it', async () => {
    const { stdout } = await report(
      '--patient',
      'p1',
      '--from',
      '2025-06-01T08:01:00Z',
      '--to',
      '2025-06-01T08:01:30Z',
      '--format',
      'json',
    );
    expect(JSON.parse(stdout).map(({ request }: Record<string, string>) => request)).toEqual(['r1']);
  });

  test('CSV holds no formula, whatever somebody is called', async () => {
    const { stdout } = await report('--patient', 'p1', ...until, '--format', 'csv');
    const rows = parse<Record<string, string>>(stdout, { columns: true });
    expect(rows).toHaveLength(3);
    expect(rows[0]?.who).toBe(`'=HYPERLINK("http://x")`);
  });

  test('a table tells the terminal nothing', async () => {
    const { stdout } = await report('--patient', 'p1', ...until);
    for (const sign of ['\u001b', '\u202e', '\u2028']) expect(stdout).not.toContain(sign);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stdout).toMatch(/REFUSED .*read observation/);
  });

  test('each is an event of the trail itself', async () => {
    await report('--patient', 'p2', ...until);
    const { json } = await server.request('GET', '/AuditEvent?type=110101&patient=p2&_total=accurate');
    expect(json.total).toBe(1);
    expect(
      json.entry[0].resource.agent.some(
        ({ requestor, who }: Record<string, unknown>) => requestor === true && JSON.stringify(who).includes('urn:anamnesis:os'),
      ),
    ).toBe(true);
  });

  test.each([
    [[]],
    [['--patient', 'p1', '--actor', 'u-1']],
    [['--patient', 'a/b']],
    [['--patient', 'p1', '--format', 'xml']],
    [['--patient', 'p1', '--from', 'yesterday']],
  ])('%j is a wrong use', async (args) => {
    const { code, stdout } = await report(...args);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('of an erased patient nothing is found', async () => {
    await erasePatient(server.services.erasing, { id: 'p2', reason: 'order', at: new Date() });
    const { code, stdout, stderr } = await report('--patient', 'p2', '--format', 'json');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/pseudonym/);
  });
});

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endServer, freePort, type OwnServer, spawnServer } from '../../faults/own-server.ts';

const count = 1_500;

describe.runIf(process.platform === 'linux')('a server killed while it builds a search parameter', () => {
  let dir: string;
  let server: OwnServer;
  let token: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'anamnesis-build-'));
    // PostgreSQL passes through as another user when the tests run as root.
    await chmod(dir, 0o711);
    server = spawnServer(dir, await freePort());
    await server.ready();
    token = await server.token();
  }, 60_000);
  afterAll(async () => {
    if (server !== undefined) await endServer(server, 'SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  const request = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${server.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // oxlint-disable-next-line typescript/no-explicit-any -- looks into arbitrary resources
    return { status: answer.status, json: (await answer.json()) as any };
  };
  const partsOf = async (): Promise<Record<string, unknown>> => {
    const { json } = await request('GET', '/SearchParameter/marker/$status');
    return Object.fromEntries(json.parameter.map(({ name, ...value }: { name: string }) => [name, Object.values(value)[0]]));
  };

  test('goes on where it was when it starts again, and finds everything in the end', { timeout: 120_000 }, async () => {
    const entry = Array.from({ length: count }, (_, n) => ({
      resource: { resourceType: 'Basic', id: `b${n}`, code: { text: `marker ${n % 10}` } },
      request: { method: 'PUT', url: `Basic/b${n}` },
    }));
    expect((await request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(200);
    const parameter = {
      resourceType: 'SearchParameter',
      id: 'marker',
      url: 'http://example.org/fhir/SearchParameter/marker',
      name: 'Marker',
      status: 'active',
      description: 'The text of the code',
      code: 'marker',
      base: ['Basic'],
      type: 'string',
      expression: 'Basic.code.text',
    };
    expect((await request('PUT', '/SearchParameter/marker', parameter)).status).toBe(201);
    let done = 0;
    while (done < 100) done = Number((await partsOf())['done'] ?? 0);
    await endServer(server, 'SIGKILL');

    server = spawnServer(dir, Number(new URL(server.base).port));
    await server.ready();
    const again = await partsOf();
    expect(again).toMatchObject({ status: 'building', total: count });
    expect(Number(again['done'])).toBeGreaterThanOrEqual(done);
    expect((await request('GET', '/Basic?marker=marker')).json.issue[0].details.coding[0].code).toBe('search-parameter-building');
    await expect.poll(async () => (await partsOf())['status'], { timeout: 60_000, interval: 50 }).toBe('ready');
    expect((await request('GET', '/Basic?marker=marker&_summary=count')).json.total).toBe(count);
    expect((await request('GET', '/Basic?marker=marker%203&_summary=count')).json.total).toBe(count / 10);
  });
});

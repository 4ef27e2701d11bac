import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { driveKills } from './kill-driver.ts';
import { endServer, freePort, hasEnded, type OwnServer, postmasterOf, spawnServer } from './own-server.ts';

/** FAULT_KILLS=20 makes a longer run of it; FAULT_SEED repeats one. */
const kills = Number(process.env['FAULT_KILLS'] || 3);
const seed = Number(process.env['FAULT_SEED'] || Date.now());

describe.runIf(process.platform === 'linux')(`a server killed ${kills} times under load (seed ${seed})`, () => {
  test('keeps every word: acknowledged writes stay, bundles are whole or absent, versions have no gap, and every answer has its event', {
    timeout: 120_000 + kills * 45_000,
  }, async () => {
    const report = await driveKills({ of: 'fhir', kills, seed });
    expect(report.broken).toEqual([]);
    expect(report.failures).toEqual([]);
    expect(report.acknowledged.bundles).toBeGreaterThan(0);
    expect(report.acknowledged.writes).toBeGreaterThan(0);
    expect(report.answered).toBeGreaterThan(report.acknowledged['writes'] ?? 0);
    expect(report.unanswered).toEqual([]);
    expect(
      Object.keys(report.statuses).filter((status) => !['200', '201', '401', '404', '409', '410', '503', 'lost'].includes(status)),
    ).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('a server of its own', () => {
  let dir: string;
  let server: OwnServer;
  let headers: Record<string, string>;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'anamnesis-stop-'));
    await chmod(dir, 0o711);
    server = spawnServer(dir, await freePort());
    await server.ready();
    headers = { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/fhir+json' };
  });
  afterAll(async () => {
    if (server !== undefined) await endServer(server, 'SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  const transactionOf = (marker: string, count: number): string => {
    const entry = Array.from({ length: count }, (_, n) => ({
      resource: { resourceType: 'Basic', id: `${marker}-${n}`, code: { text: marker } },
      request: { method: 'PUT', url: `Basic/${marker}-${n}` },
    }));
    return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
  };
  const post = (marker: string, count: number): Promise<Response> =>
    fetch(server.base, { method: 'POST', headers, body: transactionOf(marker, count) });
  /** The same, once the server has taken the request, of which the body is still to come. @returns what sends that */
  const begin = (marker: string, count: number): Promise<() => Promise<{ readonly status: number | undefined; readonly text: string }>> => {
    const sent = request(server.base, { method: 'POST', headers: { ...headers, expect: '100-continue' } });
    const answered = once(sent, 'response').then(async ([answer]: IncomingMessage[]) => {
      if (answer === undefined) throw new Error('no answer');
      return { status: answer.statusCode, text: Buffer.concat(await answer.toArray()).toString() };
    });
    sent.flushHeaders();
    return once(sent, 'continue').then(() => () => {
      sent.end(transactionOf(marker, count));
      return answered;
    });
  };
  const read = (id: string) => fetch(`${server.base}/Basic/${id}`, { headers });

  test('refuses a second start on its folder, in words, and goes on', async () => {
    const second = spawnServer(dir, await freePort());
    while (!hasEnded(second.child)) await delay(20);
    expect(second.child.exitCode).toBeGreaterThan(0);
    expect(second.output()).toContain(`Another server (process ${server.child.pid}) is using "${server.dataDir}"`);
    expect((await post('beside', 1)).status).toBe(200);
  });

  test.each(['main', 'keys'] as const)('answers 503 and lives while PostgreSQL (%s) is down, and serves again by itself', async (kind) => {
    expect((await post(`before-${kind}`, 3)).status).toBe(200);
    const postmaster = await postmasterOf(server, kind);
    process.kill(postmaster, 'SIGKILL');
    const seen = new Set<number>();
    const deadline = performance.now() + 30_000;
    for (let good = 0; good < 20 && performance.now() < deadline; ) {
      // A patient nobody knows yet makes the key database work, too.
      const { status } = await fetch(`${server.base}/Patient`, { method: 'POST', headers, body: '{"resourceType":"Patient"}' });
      seen.add(status);
      good = status === 201 ? good + 1 : 0;
      await delay(10);
    }
    await server.ready();
    expect(seen).toEqual(new Set([201, 503]));
    expect(await postmasterOf(server, kind)).not.toBe(postmaster);
    expect((await read(`before-${kind}-2`)).status).toBe(200);
    expect(hasEnded(server.child)).toBe(false);
  });

  test('told to stop, answers every request it has taken, and ends with 0', async () => {
    const markers = ['one', 'two', 'three', 'four'];
    const begun = await Promise.all(markers.map((marker) => begin(marker, 1500)));
    const ended = endServer(server, 'SIGTERM');
    await delay(50);
    // Nothing new is taken, nothing taken is cut.
    const late = await read('one-0').then(
      ({ status }) => status,
      () => 'refused',
    );
    expect([200, 404, 'refused']).toContain(late);
    const told = await Promise.all(begun.map((finish) => finish()));
    expect(told.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const { text } of told) expect(JSON.parse(text).entry).toHaveLength(1500);
    expect(await ended).toEqual({ code: 0, signal: null });
    server = spawnServer(dir, Number(new URL(server.base).port));
    await server.ready();
    for (const marker of markers) expect((await read(`${marker}-1499`)).status).toBe(200);
  });
});

test.runIf(process.platform === 'linux')(
  'a server whose database goes while it makes its first users is told to stop, and ends',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'anamnesis-first-'));
    await chmod(dir, 0o711);
    const server = spawnServer(dir, await freePort());
    try {
      await server.ready();
      process.kill(await postmasterOf(server, 'main'), 'SIGKILL');
      await delay(1_000);
      await server.ready();
      expect(await endServer(server, 'SIGTERM')).toEqual({ code: 0, signal: null });
    } finally {
      if (!hasEnded(server.child)) await endServer(server, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    }
  },
);

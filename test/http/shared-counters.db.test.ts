import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countersInValkey } from '../../src/http/shared-counters.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { startServer } from '../../src/server.ts';
import type { Services } from '../../src/services.ts';
import { startTestServer } from '../support/server.ts';
import { type RunningValkey, startValkey, valkeyProgram } from '../support/valkey.ts';

const secret = randomBytes(32);
let valkey: RunningValkey;

function listeningLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (_: unknown, message: string): void => void lines.push(message);
  const log: Log = { fatal: write, error: write, warn: write, info: write, debug: write, trace: write, child: () => log };
  return { log, lines };
}

async function open(url = valkey.url) {
  const { log, lines } = listeningLog();
  const counters = await countersInValkey({ url, secret, log });
  return { ...counters, lines };
}

/** Counts until it counts in Valkey. */
async function together(counters: Awaited<ReturnType<typeof open>>): Promise<void> {
  const probe = counters.makeCounter('public', 1_000_000);
  await expect
    .poll(
      async () => {
        const before = counters.missed();
        await probe.take('probe', 1);
        return counters.missed() - before;
      },
      { timeout: 10_000 },
    )
    .toBe(0);
}

describe.skipIf(valkeyProgram === undefined)('counters in Valkey, where a server of it is installed', () => {
  beforeAll(async () => {
    valkey = await startValkey();
  });
  afterAll(() => valkey?.stop());

  test('are those of all processes together, each budget for itself', async () => {
    const [one, other] = [await open(), await open()];
    await Promise.all([together(one), together(other)]);
    const [first, second] = [one.makeCounter('reads', 5), other.makeCounter('reads', 5)];
    for (let n = 0; n < 5; n++) expect(await (n % 2 === 0 ? first : second).take('somebody', 1)).toBeUndefined();
    expect(await second.look('somebody')).toBeGreaterThan(0);
    const wait = await first.take('somebody', 1);
    expect(wait).toBeGreaterThan(50_000);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await second.take('somebody', 1)).toBeGreaterThan(0);
    expect(await first.take('somebody else', 1)).toBeUndefined();
    expect(await one.makeCounter('writes', 5).take('somebody', 1)).toBeUndefined();
    for (const each of [one, other]) each.close();
  });

  test('hold nobody by name, and nothing for longer than a minute', async () => {
    const { Redis: Valkey } = await import('iovalkey');
    const counters = await open();
    await together(counters);
    await counters.makeCounter('searches', 5).take('["https://issuer","app","Practitioner/canary"]', 3);
    const client = new Valkey(valkey.url);
    const keys = await client.keys('*');
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatch(/^anamnesis:[a-z-]+:[\w-]{22}$/);
      const left = await client.pttl(key);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(60_000);
    }
    client.disconnect();
    counters.close();
  });

  test('go on in the process while Valkey is away, are told of once, and come together again', async () => {
    const counters = await open();
    await together(counters);
    counters.lines.length = 0;
    const limited = counters.makeCounter('token', 3);
    expect(await limited.take('caller', 1)).toBeUndefined();
    await valkey.kill();
    for (let n = 0; n < 3; n++) expect(await limited.take('caller', 1)).toBeUndefined();
    expect(await limited.take('caller', 1)).toBeGreaterThan(0);
    expect(await limited.look('caller')).toBeGreaterThan(0);
    expect(counters.missed()).toBeGreaterThanOrEqual(4);
    expect(counters.lines).toHaveLength(1);
    await valkey.start();
    await together(counters);
    expect(counters.lines).toHaveLength(2);
    counters.close();
  }, 20_000);

  test('hold nobody up while Valkey hangs', async () => {
    const counters = await open();
    await together(counters);
    const limited = counters.makeCounter('sign-in', 100);
    valkey.pause(true);
    const begun = Date.now();
    for (let n = 0; n < 50; n++) await limited.take('caller', 1);
    const took = Date.now() - begun;
    valkey.pause(false);
    expect(took).toBeLessThan(2_000);
    await together(counters);
    counters.close();
  }, 20_000);

  test('with a wrong password, or nobody there, are those of the process', async () => {
    for (const url of [valkey.url.replace(':open@', ':wrong@'), 'valkey://127.0.0.1:1']) {
      const counters = await open(url);
      const limited = counters.makeCounter('reads', 2);
      expect([await limited.take('x', 1), await limited.take('x', 1)]).toEqual([undefined, undefined]);
      expect(await limited.take('x', 1)).toBeGreaterThan(0);
      expect(counters.lines).toHaveLength(1);
      expect(counters.lines.join()).not.toContain('wrong');
      counters.close();
    }
  });

  test('bound two servers as if they were one', async () => {
    const env = { VALKEY_URL: valkey.url, RATE_LIMIT_PUBLIC: '6' };
    const server = await startTestServer(env);
    const [{ port }, twin] = [new URL(server.base), await startTwin(server.services)];
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const answer = await fetch(`http://127.0.0.1:${n % 2 === 0 ? port : twin.port}/fhir/R4/metadata`);
      statuses.push(answer.status);
      await answer.body?.cancel();
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
    await twin.stop();
    await server.stop();
  }, 30_000);
});

/** A second one over the same databases, which stays when it stops. */
function startTwin(services: Services) {
  const config = Object.freeze({ ...services.config, port: 0 });
  return startServer({ ...services, config, close: () => Promise.resolve() });
}

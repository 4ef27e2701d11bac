import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { endServer, freePort, type OwnServer, spawnServer } from './own-server.ts';

const kills = 3;
const workers = 6;

type Resource = {
  readonly id: string;
  readonly meta: { readonly versionId: string };
  readonly target: readonly { readonly reference: string }[];
};

describe.runIf(process.platform === 'linux')(`a server killed ${kills} times while it writes what comes with a Provenance`, () => {
  test('has each version with its Provenance, and none of what was not written', { timeout: 240_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'anamnesis-provenance-'));
    // PostgreSQL passes through as another user when the tests run as root.
    await chmod(dir, 0o711);
    const port = await freePort();
    let server: OwnServer = spawnServer(dir, port);
    try {
      await server.ready();
      const headers = {
        authorization: `Bearer ${await server.token()}`,
        'content-type': 'application/fhir+json',
        'x-provenance': JSON.stringify({
          resourceType: 'Provenance',
          recorded: '2024-03-01T10:00:00Z',
          agent: [{ who: { display: 'x' } }],
        }),
      };
      let answered = 0;
      const send = async (method: string, path: string, body: object): Promise<void> => {
        const answer = await fetch(`${server.base}${path}`, { method, headers, body: JSON.stringify(body) }).catch(() => undefined);
        if (answer?.ok === true) answered++;
        await answer?.arrayBuffer().catch(() => undefined);
      };
      for (let kill = 0; kill < kills; kill++) {
        let stopped = false;
        const load = Array.from({ length: workers }, async (_, worker) => {
          for (let n = 0; !stopped; n++) {
            const basic = (id: string) => ({ resourceType: 'Basic', id, code: { text: `${kill} ${n}` } });
            const [one, other] = [basic(`w${worker}`), basic(`t${worker}`)];
            await send('PUT', `/Basic/${one.id}`, one);
            await send('POST', '/Basic', { ...one, id: undefined });
            const entry = [{ resource: other, request: { method: 'PUT', url: `Basic/${other.id}` } }];
            await send('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
          }
        });
        await delay(500 + Math.random() * 700);
        await endServer(server, 'SIGKILL');
        stopped = true;
        await Promise.all(load);
        server = spawnServer(dir, port);
        await server.ready();
      }
      const all = async (url: string): Promise<Resource[]> => {
        const found: Resource[] = [];
        for (let next: string | undefined = `${server.base}${url}`; next !== undefined; ) {
          const page = (await (await fetch(next, { headers })).json()) as {
            entry?: { resource: Resource }[];
            link: { relation: string; url: string }[];
          };
          found.push(...(page.entry ?? []).map(({ resource }) => resource));
          next = page.link.find(({ relation }) => relation === 'next')?.url;
        }
        return found;
      };
      const versions = (await all('/Basic/_history?_count=500')).map(({ id, meta }) => `Basic/${id}/_history/${meta.versionId}`);
      const told = (await all('/Provenance?_count=500')).flatMap(({ target }) => target.map(({ reference }) => reference));
      expect(answered).toBeGreaterThan(50);
      expect(versions.length).toBeGreaterThanOrEqual(answered);
      expect(told.toSorted()).toEqual(versions.toSorted());
    } finally {
      await endServer(server, 'SIGTERM');
      await rm(dir, { recursive: true, force: true });
    }
  });
});

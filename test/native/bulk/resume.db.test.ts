import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OwnServer, spawnServer } from '../../faults/own-server.ts';
import { createDatabase } from '../../support/cluster.ts';
import { bulkClient, type ImportAnswer } from './bulk-client.ts';

let folder: string;
let port: number;
let env: Record<string, string>;
let server: OwnServer;
const drops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anamnesis-resume-'));
  const [main, keys] = await Promise.all([createDatabase('main'), createDatabase('keys')]);
  drops.push(main.drop, keys.drop);
  env = { DATABASE_URL: main.url, KEY_DATABASE_URL: keys.url, NODE_ENV: 'test' };
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  port = (probe.address() as { port: number }).port;
  probe.close();
  server = spawnServer(folder, port, env);
  await server.ready();
});

afterAll(async () => {
  await kill('SIGTERM');
  for (const drop of drops) await drop();
  await rm(folder, { recursive: true, force: true });
});

async function kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (server.child.exitCode !== null || server.child.signalCode !== null) return;
  const gone = once(server.child, 'exit');
  server.child.kill(signal);
  await gone;
}

const letters = (n: number): string => [...n.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');

test.each([
  ['SIGKILL', 'best_effort', 'Best'],
  ['SIGKILL', 'all_or_nothing', 'Whole'],
  ['SIGTERM', 'best_effort', 'Ended'],
] as const)(
  'a server that ends by %s goes on with its import (%s) and writes each line once',
  async (signal, mode, family) => {
    const count = 4_000;
    const lines = Array.from({ length: count }, (_, n) =>
      n % 100 === 7
        ? '{"given_name":"R2"}'
        : JSON.stringify({
            given_name: 'Ada',
            family_name: `${family} ${letters(n)}`,
            date_of_birth: '1985-12-10',
            email: `${family}${n}@example.org`,
            allergies: n % 10 === 0 ? ['Penicillin'] : [],
          }),
    );
    const whole = mode === 'all_or_nothing' ? lines.filter((line) => !line.includes('R2')) : lines;
    let client = await bulkClient({ origin: server.origin, token: server.token });
    const { json } = await client.post(`/import?mode=${mode}`, 'application/x-ndjson', whole.join('\n'));
    const id = json.job_id as string;
    for (let kills = 0; kills < 2; kills++) {
      const before = await written(client, id);
      if (before === Number.POSITIVE_INFINITY) break;
      while ((await written(client, id)) <= before) await wait(20);
      await kill(signal);
      server = spawnServer(folder, port, env);
      await server.ready();
      client = await bulkClient({ origin: server.origin, token: server.token });
    }
    const job: ImportAnswer = await client.ended(id);
    const wrong = lines.length - lines.filter((line) => !line.includes('R2')).length;
    const right = count - wrong;
    expect(job).toMatchObject({ state: 'done', accepted: right, refused: mode === 'all_or_nothing' ? 0 : wrong });
    const found = await fhir(`/Patient?family=${family}&_summary=count`);
    expect(found.total).toBe(right);
    const allergies = await fhir(`/AllergyIntolerance?patient.family=${family}&_summary=count`);
    expect(allergies.total).toBe(lines.filter((line) => line.includes('Penicillin')).length);
    if (mode === 'all_or_nothing') return;
    const quarantine = await client.get(`/import/${id}/quarantine`);
    expect(quarantine.text.trim().split('\n')).toEqual(Array.from({ length: wrong }, () => '{"given_name":"R2"}'));
  },
  180_000,
);

async function written(client: Awaited<ReturnType<typeof bulkClient>>, id: string): Promise<number> {
  const { state, percent } = (await client.get(`/import/${id}`)).json as ImportAnswer;
  return state === 'done' ? Number.POSITIVE_INFINITY : percent;
}

async function fhir(path: string): Promise<{ total: number }> {
  const response = await fetch(`${server.base}${path}`, { headers: { authorization: `Bearer ${await server.token()}` } });
  return (await response.json()) as { total: number };
}

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from './answers.ts';
import { brokenAudit } from './audit-ledger.ts';
import { fhirLoad } from './ledger.ts';
import { nativeLoad } from './native-load.ts';
import {
  childrenOf,
  commandBeside,
  connectionsOf,
  endServer,
  freePort,
  hasEnded,
  type OwnServer,
  postmasterOf,
  spawnServer,
} from './own-server.ts';

/** What dies at once, as in a power failure: processes of the server, of PostgreSQL, or of both. */
export const faults = [
  'node',
  'main',
  'main and its children',
  'a child of main',
  'keys',
  'node and main',
  'everything',
  'connections to main',
] as const;
export type Fault = (typeof faults)[number];

export type KillReport = {
  readonly kills: Readonly<Record<string, number>>;
  /** Answers whose events were looked for. */
  readonly answered: number;
  readonly acknowledged: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  /** What the servers logged of requests they answered with 500. */
  readonly failures: readonly string[];
  /** Requests that got no answer though the server's own process lived, in words. */
  readonly unanswered: readonly string[];
  /** Longest time from a kill to the first answer, ms. */
  readonly backMs: number;
  readonly broken: readonly string[];
};

/** What is asked of the server meanwhile, by the API that it is asked of. */
const loads = { fhir: fhirLoad, native: nativeLoad } satisfies Readonly<Record<string, (server: OwnServer) => Promise<Load>>>;

export type KillOptions = {
  readonly of: keyof typeof loads;
  readonly kills: number;
  readonly workers?: number;
  readonly seed?: number;
  /** This fault alone. */
  readonly only?: Fault;
  readonly onKill?: (fault: Fault) => void;
};

/**
 * Kills a server under load again and again, starting it anew or waiting until PostgreSQL is back by itself, and then holds
 * it to what it had acknowledged.
 */
export async function driveKills({ of, kills, workers = 4, seed = Date.now(), only, onKill }: KillOptions): Promise<KillReport> {
  const random = randomFrom(seed);
  const dir = await mkdtemp(join(tmpdir(), 'anamnesis-kill-'));
  // PostgreSQL passes through as another user when the tests run as root.
  await chmod(dir, 0o711);
  const port = await freePort();
  const counts: Record<string, number> = {};
  const broken: string[] = [];
  const failures: string[] = [];
  const keepFailures = ({ output }: OwnServer): void => {
    failures.push(
      ...output()
        .split('\n')
        .filter((line) => line.includes('a request failed')),
    );
  };
  let backMs = 0;
  const unanswered: string[] = [];
  let server = spawnServer(dir, port);
  try {
    await server.ready();
    const load = await loads[of](server);
    const { answers } = load;
    for (let kill = 0; kill < kills; kill++) {
      const fault = only ?? faults[(kill + Math.floor(seed)) % faults.length] ?? 'node';
      onKill?.(fault);
      let stopped = false;
      const working = Promise.all(Array.from({ length: workers }, (_, worker) => load.work(worker, () => stopped)));
      await delay(200 + random() * 800);
      const at = performance.now();
      const struck = await strike(server, fault, random);
      const lost = answers.lost.length;
      const restarted = hasEnded(server.child);
      if (restarted) {
        keepFailures(server);
        server = spawnServer(dir, port);
      }
      // Backends outlive their postmaster for a moment and would still answer.
      await otherPostmaster(server, 'main', struck);
      await otherPostmaster(server, 'keys', struck);
      await server.ready();
      backMs = Math.max(backMs, performance.now() - at);
      await delay(200);
      stopped = true;
      await working;
      if (!restarted) unanswered.push(...answers.lost.slice(lost).map((each) => `${fault}: ${each}`));
      counts[fault] = (counts[fault] ?? 0) + 1;
      // A word that was kept once is looked at again at the end.
      if (kill % 5 === 4) broken.push(...(await load.broken()));
    }
    broken.push(...(await load.broken()));
    broken.push(...(await brokenAudit({ base: server.base, token: await server.token() }, answers)), ...(await brokenTrail(server)));
    keepFailures(server);
    return {
      kills: counts,
      acknowledged: load.acknowledged(),
      statuses: Object.fromEntries(answers.statuses),
      answered: answers.answered.length,
      failures,
      unanswered,
      backMs: Math.round(backMs),
      broken,
    };
  } finally {
    await endServer(server, 'SIGTERM');
    await rm(dir, { recursive: true, force: true });
  }
}

/** Whether the chain over the audit events came through whole. */
async function brokenTrail(server: OwnServer): Promise<string[]> {
  const { code, output } = await commandBeside(server, ['audit', 'verify']);
  return code === 0 ? [] : [`audit verify: ${output}`];
}

/** @returns  the processes killed */
async function strike(server: OwnServer, fault: Fault, random: () => number): Promise<readonly number[]> {
  const main = await postmasterOf(server, 'main');
  if (fault === 'connections to main') {
    await endConnections(main, random);
    return [];
  }
  const children = await childrenOf(main);
  const pids: number[] = [];
  if (fault === 'keys' || fault === 'everything') pids.push(await postmasterOf(server, 'keys'));
  if (fault === 'main' || fault === 'main and its children' || fault === 'node and main' || fault === 'everything') pids.push(main);
  if (fault === 'main and its children' || fault === 'everything') pids.push(...children);
  if (fault === 'a child of main') pids.push(...children.slice(-1));
  const node = fault === 'node' || fault === 'node and main' || fault === 'everything';
  const gone = node ? endServer(server, 'SIGKILL') : undefined;
  for (const pid of pids) kill(pid);
  await gone;
  return pids;
}

/** One after the other, whatever it is doing, as an administrator would end it: PostgreSQL itself goes on. */
async function endConnections(postmaster: number, random: () => number): Promise<void> {
  for (let ended = 0; ended < 60; ended++) {
    const connections = await connectionsOf(postmaster);
    const one = connections[Math.floor(random() * connections.length)];
    if (one !== undefined) kill(one, 'SIGTERM');
    await delay(20);
  }
}

async function otherPostmaster(server: OwnServer, kind: 'main' | 'keys', than: readonly number[]): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const pid = await postmasterOf(server, kind).catch(() => undefined);
    if (pid !== undefined && !than.includes(pid)) return;
    if (performance.now() > deadline) throw new Error(`PostgreSQL (${kind}) did not come back: ${server.output().slice(-2000)}`);
    await delay(20);
  }
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already: children follow their postmaster.
  }
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// `node test/faults/kill-driver.ts fhir|native 20 [seed [fault]]`
if (process.argv[1] === import.meta.filename) {
  const [of = 'fhir', kills = '20', seed, only] = process.argv.slice(2);
  const report = await driveKills({
    of: of === 'native' ? of : 'fhir',
    kills: Number(kills),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(faults.some((fault) => fault === only) ? { only: only as Fault } : {}),
    onKill: (fault) => process.stderr.write(`killing ${fault}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (report.broken.length > 0) process.exitCode = 1;
}

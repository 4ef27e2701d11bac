import { setTimeout as wait } from 'node:timers/promises';
import { WrongAnswer } from './client.ts';
import { type CpuShares, sampleCpu, sharesBetween } from './processes.ts';

/** One request, checked. Returns how many resources, and bytes of answer, it moved. @throws when the answer is wrong */
export type Step = (worker: number, index: number) => Promise<Moved>;
export type Moved = { readonly resources: number; readonly bytes: number };

export type DriveOptions = {
  readonly workers: number;
  /** Ends after that time, or after that many steps. */
  readonly until: { readonly seconds: number } | { readonly steps: number };
  /** Time before the count begins. */
  readonly leadSeconds?: number;
  readonly serverPid?: number | undefined;
};

/** What a window of a closed loop gave. Latencies in ms. */
export type Measured = {
  readonly seconds: number;
  readonly requests: number;
  readonly resources: number;
  readonly errors: number;
  readonly requestsPerSecond: number;
  readonly resourcesPerSecond: number;
  readonly bytesPerAnswer: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly cpu?: CpuShares;
  /** The most frequent errors with their number. */
  readonly errorKinds: Readonly<Record<string, number>>;
};

/** Closed loop: each worker sends its next request when the last was answered in full and checked. All are answered when it returns. */
export async function drive(step: Step, options: DriveOptions): Promise<Measured> {
  const { until, leadSeconds = 0 } = options;
  const stepsMax = 'steps' in until ? until.steps : Number.POSITIVE_INFINITY;
  const latencies: number[] = [];
  const errors = new Map<string, number>();
  let [next, resources, bytes] = [0, 0, 0];
  let phase: 'lead' | 'count' | 'over' = leadSeconds > 0 ? 'lead' : 'count';

  const loop = async (worker: number): Promise<void> => {
    while (phase !== 'over' && next < stepsMax) {
      const index = next++;
      const begun = phase;
      const start = performance.now();
      try {
        const moved = await step(worker, index);
        if (begun !== 'count' || hasEnded()) continue;
        latencies.push(performance.now() - start);
        resources += moved.resources;
        bytes += moved.bytes;
      } catch (error) {
        const kind = error instanceof Error ? error.message.slice(0, 200) : String(error);
        errors.set(kind, (errors.get(kind) ?? 0) + 1);
        // A server that is down must not be asked a million times.
        if (!(error instanceof WrongAnswer)) await wait(20);
      }
    }
  };
  const hasEnded = (): boolean => phase === 'over';
  const running = Promise.all(Array.from({ length: options.workers }, (_, worker) => loop(worker)));
  if (leadSeconds > 0) await wait(leadSeconds * 1000);
  phase = 'count';
  const before = sampleCpu(options.serverPid);
  const start = performance.now();
  if ('seconds' in until) {
    await wait(until.seconds * 1000);
    phase = 'over';
  } else await running;
  const seconds = (performance.now() - start) / 1000;
  const cpu = sharesBetween(before, sampleCpu(options.serverPid));
  await running;

  latencies.sort((a, b) => a - b);
  const worst = [...errors].sort(([, a], [, b]) => b - a).slice(0, 4);
  return {
    seconds,
    requests: latencies.length,
    resources,
    errors: [...errors.values()].reduce((sum, n) => sum + n, 0),
    requestsPerSecond: latencies.length / seconds,
    resourcesPerSecond: resources / seconds,
    bytesPerAnswer: latencies.length === 0 ? 0 : bytes / latencies.length,
    p50: percentile(latencies, 50),
    p95: percentile(latencies, 95),
    p99: percentile(latencies, 99),
    ...(cpu === undefined ? {} : { cpu }),
    errorKinds: Object.fromEntries(worst),
  };
}

/** Nearest rank; NaN of nothing. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

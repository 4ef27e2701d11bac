import { STATUS_CODES } from 'node:http';
import type { Output } from '../io.ts';
import type { Failure, Posted } from './post.ts';

/** What has been loaded so far; the failures told are bounded, those counted aren't. */
export type Tally = {
  bundles: number;
  readonly statuses: Map<number, number>;
  failures: number;
  readonly told: Failure[];
  readonly startedAt: number;
};

const TOLD_MAX = 50;
const count = (n: number): string => n.toLocaleString('en-US');

export function startTally(now: number): Tally {
  return { bundles: 0, statuses: new Map(), failures: 0, told: [], startedAt: now };
}

export function addPosted(tally: Tally, posted: Posted): void {
  tally.bundles++;
  for (const status of posted.statuses) tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  addFailures(tally, posted.failures);
}

export function addFailures(tally: Tally, failures: readonly Failure[]): void {
  tally.failures += failures.length;
  tally.told.push(...failures.slice(0, TOLD_MAX - tally.told.length));
}

/** Entries that were carried out. */
function loaded(tally: Tally): number {
  let sum = 0;
  for (const [status, n] of tally.statuses) if (status >= 200 && status < 300) sum += n;
  return sum;
}

/** Shows how far it is, on a terminal only; the function returned takes the line away. */
export function showProgress(tally: Tally, output: Output): () => void {
  if (output.isTTY !== true) return () => {};
  const timer = setInterval(() => {
    const rate = loaded(tally) / Math.max(0.001, (Date.now() - tally.startedAt) / 1000);
    const line = `${count(tally.bundles)} Bundles, ${count(loaded(tally))} resources, ${count(Math.round(rate))}/s${tally.failures === 0 ? '' : `, ${count(tally.failures)} failures`}`;
    output.write(`\r\u001b[K${line.slice(0, (output.columns ?? 80) - 1)}`);
  }, 250);
  return () => {
    clearInterval(timer);
    output.write('\r\u001b[K');
  };
}

/** The summary: what was loaded how fast, the answers by status, and what failed and why. */
export function summary(tally: Tally, retried: ReadonlyMap<number, number>, now: number): string {
  const seconds = Math.max(0.001, (now - tally.startedAt) / 1000);
  const resources = loaded(tally);
  const entries = [...tally.statuses.values()].reduce((sum, n) => sum + n, 0);
  const lines = [
    `${count(tally.bundles)} Bundles, ${count(entries)} entries in ${seconds.toFixed(1)} s: ${count(Math.round(resources / seconds))} resources/s`,
    ...byStatus(tally.statuses),
    ...(retried.size === 0 ? [] : [`asked again after ${[...retried].map(([status, n]) => `${status} (${count(n)})`).join(', ')}`]),
  ];
  if (tally.failures > 0) {
    lines.push(`${count(tally.failures)} ${tally.failures === 1 ? 'failure' : 'failures'}:`, ...tally.told.map(failureLine));
    if (tally.failures > tally.told.length) lines.push(`  and ${count(tally.failures - tally.told.length)} more`);
  }
  return `${lines.join('\n')}\n`;
}

function byStatus(statuses: ReadonlyMap<number, number>): string[] {
  return [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, n]) => `  ${status === 0 ? 'no status' : `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()}: ${count(n)}`);
}

function failureLine({ source, entry, status, text }: Failure): string {
  return `  ${source}${entry === undefined ? '' : ` entry ${entry}`}: ${status === undefined || status === 0 ? '' : `${status} `}${text}`;
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** CPU seconds used so far, by part of the system. */
export type CpuSample = {
  readonly node: number;
  readonly postgres: number;
  readonly driver: number;
  readonly machine: number;
  readonly at: number;
};

/** Use of one core in percent, by part; `elsewhere` is what else the machine did (the kernel's own work, other programs). */
export type CpuShares = { readonly node: number; readonly postgres: number; readonly driver: number; readonly elsewhere: number };

const TICKS_PER_SECOND = 100;

/** Takes a sample of a server's processes; undefined where there is no /proc. */
export function sampleCpu(serverPid: number | undefined): CpuSample | undefined {
  if (serverPid === undefined || !existsSync('/proc/self/stat')) return undefined;
  const own = process.cpuUsage();
  const used = { node: 0, postgres: 0 };
  for (const process of descendants(serverPid)) used[process.name.startsWith('postgres') ? 'postgres' : 'node'] += process.cpuSeconds;
  return { ...used, driver: (own.user + own.system) / 1e6, machine: machineSeconds(), at: performance.now() };
}

export function sharesBetween(a: CpuSample | undefined, b: CpuSample | undefined): CpuShares | undefined {
  if (a === undefined || b === undefined) return undefined;
  const seconds = (b.at - a.at) / 1000;
  const percent = (from: number, to: number): number => Math.round(((to - from) / seconds) * 100);
  const shares = { node: percent(a.node, b.node), postgres: percent(a.postgres, b.postgres), driver: percent(a.driver, b.driver) };
  return { ...shares, elsewhere: Math.max(0, percent(a.machine, b.machine) - shares.node - shares.postgres - shares.driver) };
}

type Process = { readonly pid: number; readonly parent: number; readonly name: string; readonly cpuSeconds: number };

/** The process and all that descend from it. Time of those that have ended is in their parent's. */
function descendants(pid: number): Process[] {
  const all = readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? (readProcess(Number(entry)) ?? []) : []));
  const family = all.filter((process) => process.pid === pid);
  for (const process of family) family.push(...all.filter((candidate) => candidate.parent === process.pid));
  return family;
}

function readProcess(pid: number): Process | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    // It ended between the listing and now.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  // proc_pid_stat(5): ppid is field 4, utime stime cutime cstime are 14 to 17; here counted from the state, field 3.
  const [parent = 0, times] = [fields[1], fields.slice(11, 15)];
  return { pid, parent, name, cpuSeconds: times.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND };
}

/** Busy seconds of all cores: user, nice, system, irq, softirq, steal. */
function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const ticks = line.trim().split(/\s+/).slice(1).map(Number);
  return [0, 1, 2, 5, 6, 7].reduce((sum, i) => sum + (ticks[i] ?? 0), 0) / TICKS_PER_SECOND;
}

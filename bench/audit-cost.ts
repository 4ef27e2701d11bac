/** What the audit trail costs: `node bench/audit-cost.ts --help`. */
import { parseArgs } from 'node:util';
import { openClient } from './client.ts';
import { makeCorpus } from './corpus.ts';
import { load, RESOURCES_PER_PATIENT } from './dataset.ts';
import { drive, type Measured } from './drive.ts';
import { spreadOf } from './report.ts';
import { type Server, startServer } from './server.ts';
import { makeWorkloads, WORKLOAD_NAMES } from './workloads.ts';

const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '16' },
    workloads: { type: 'string', default: 'read,search-1,search-2,search-4,create' },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `Usage: node bench/audit-cost.ts [--patients N] [--rounds N] [--seconds S] [--clients N] [--workloads A,B]

Starts two servers with the same data, one with AUDIT=off, and measures each workload on both in turn. Told are medians over the
rounds: requests a second, the share that is left with the audit, the median latency, and the CPU time of a request (Node and
PostgreSQL), which says more than the rates where other programs use the machine.
`;

if (values.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const [patients, rounds, seconds, clients] = [values.patients, values.rounds, values.seconds, values.clients].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const names = WORKLOAD_NAMES.filter((name) => values.workloads.split(',').includes(name));
  const servers = { off: await startServer(undefined, { AUDIT: 'off' }), on: await startServer(undefined, { AUDIT: 'on' }) };
  try {
    const workloads = { off: await prepare(servers.off, patients, clients), on: await prepare(servers.on, patients, clients) };
    process.stdout.write(`${clients} clients, ${rounds} rounds of ${seconds} s\n`);
    for (const name of names) {
      const found: Record<'off' | 'on', Measured[]> = { off: [], on: [] };
      for (let round = 0; round <= rounds; round++) {
        for (const which of round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
          const measured = await window(servers[which], workloads[which][name], clients, round === 0 ? 2 : seconds);
          if (round > 0) found[which].push(measured);
        }
      }
      tell(name, found);
    }
  } finally {
    await Promise.all([servers.off.stop(), servers.on.stop()]);
  }
}

async function prepare(server: Server, patients: number, clients: number) {
  const client = openClient(server.base, server.token, 4);
  const dataset = { seed: 1, patients, size: patients * RESOURCES_PER_PATIENT };
  const ids = await load(client, dataset, { loaders: 4, serverPid: server.pid, kept: undefined, told: () => {} });
  client.close();
  return makeWorkloads({ corpus: makeCorpus(1, ids), seed: 1, clients, loaders: 4 });
}

async function window(
  server: Server,
  workload: ReturnType<typeof makeWorkloads>[keyof ReturnType<typeof makeWorkloads>],
  clients: number,
  seconds: number,
): Promise<Measured> {
  const client = openClient(server.base, server.token, clients);
  try {
    const step = await workload.prepare(client);
    const measured = await drive(step, { workers: clients, until: { seconds }, leadSeconds: 0.2, serverPid: server.pid });
    if (measured.errors > 0) throw new Error(`${workload.name} failed: ${JSON.stringify(measured.errorKinds)}`);
    return measured;
  } finally {
    client.close();
  }
}

function tell(name: string, { off, on }: Record<'off' | 'on', readonly Measured[]>): void {
  const median = (list: readonly Measured[], of: (measured: Measured) => number): number => spreadOf(list.map(of)).median;
  const rate = (measured: Measured): number => measured.requestsPerSecond;
  const cpuOf =
    (part: 'node' | 'postgres') =>
    ({ cpu, requestsPerSecond }: Measured): number =>
      ((cpu?.[part] ?? Number.NaN) * 10_000) / requestsPerSecond;
  const share = spreadOf(on.map((measured, at) => rate(measured) / rate(off[at] ?? measured)));
  const told = (['off', 'on'] as const).map((which) => {
    const list = which === 'off' ? off : on;
    const [node, postgres] = [median(list, cpuOf('node')), median(list, cpuOf('postgres'))];
    return `${which} ${Math.round(median(list, rate))}/s p50 ${median(list, ({ p50 }) => p50).toFixed(1)} ms cpu ${Math.round(node)}+${Math.round(postgres)} us`;
  });
  const ratio = `${share.median.toFixed(2)} (${share.min.toFixed(2)}-${share.max.toFixed(2)})`;
  process.stdout.write(`${name.padEnd(9)} ${told.join('   ')}   share ${ratio}\n`);
}

/** Measures the server beside its ceilings: `npm run bench -- --help`. */
import { appendFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Ceilings, ceilingStep, startCeilings } from './ceiling-process.ts';
import { openClient } from './client.ts';
import { type Corpus, makeCorpus } from './corpus.ts';
import { type Ids, knownIds, load, RESOURCES_PER_PATIENT } from './dataset.ts';
import { drive, type Measured, type Step } from './drive.ts';
import { errorLines, type Series, spreadOf, table, type Window } from './report.ts';
import { type Server, startServer } from './server.ts';
import { makeWorkloads, WORKLOAD_NAMES, type WorkloadName, WRITING } from './workloads.ts';

const USAGE = `Usage: npm run -s bench -- [options]

Starts the server on an empty embedded database, loads it, and measures each workload beside three ceilings in the same Node:
an http server with a fixed answer, one with one prepared SELECT, and a bare INSERT of 50 rows a statement. In each round every
workload comes right after a window of the SELECT ceiling, with which it is compared; told are medians and the spread over the
rounds. The driver shares the machine. load and create make the database larger as they run: the table says how large it was.

  --patients N      patients loaded first, 50 resources each (200)
  --size N          a database of N resources, made once and kept under DATA_DIR (.data): those patients, and a crowd that
                    the searches don't find. Reads only, unless --workloads says otherwise
  --workloads A,B   of ${WORKLOAD_NAMES.join(', ')} (all)
  --rounds N        rounds (5)
  --seconds S       seconds a window (10)
  --quick           3 rounds of 2 seconds
  --clients N       requests under way at once (16); Bundles: --loaders N (4)
  --seed S          (1)
  --restricted      asks of one patient only, in turn with a system token and with one of that patient's whose scopes name
                    categories: told is what the second makes of the rate of the first
  --out FILE        appends each window and the summary as JSON lines
  --base URL        drives this running server instead, with --token T; --server-pid N tells its CPU, --database URL
                    is where the ceilings may make tables (else only the fixed answer is measured)
`;

const { values: options } = parseArgs({
  options: {
    patients: { type: 'string', default: '200' },
    size: { type: 'string' },
    workloads: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    clients: { type: 'string', default: '16' },
    loaders: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    restricted: { type: 'boolean', default: false },
    out: { type: 'string' },
    base: { type: 'string' },
    token: { type: 'string' },
    database: { type: 'string' },
    'server-pid': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 2 : 10));
const [clients, loaders, seed, patients] = [options.clients, options.loaders, options.seed, options.patients].map(Number) as [
  number,
  number,
  number,
  number,
];
const size = options.size === undefined ? undefined : Number(options.size);
const dataset = { seed, patients, size: size ?? patients * RESOURCES_PER_PATIENT };
const LEAD_SECONDS = Math.min(0.3, seconds / 5);
/** Each workload runs that long before anything is counted: compiled code, filled caches, planned statements. */
const WARM_SECONDS = Math.min(seconds, options.quick ? 1 : 3);

process.exitCode = options.help ? usage() : await main();

function usage(): number {
  process.stdout.write(USAGE);
  return 0;
}

async function main(): Promise<number> {
  const wanted = options.workloads?.split(',') ?? WORKLOAD_NAMES.filter((name) => size === undefined || !WRITING.has(name));
  const unknown = wanted.find((name) => !WORKLOAD_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`no workload ${unknown}`);
  const names = WORKLOAD_NAMES.filter((name) => wanted.includes(name));
  const kept = size === undefined ? undefined : resolve(process.env.DATA_DIR ?? '.data', `bench-${size}-${seed}`);
  const server = options.base === undefined ? await startServer(kept) : runningServer(options.base);
  const ended = new AbortController();
  process.once('SIGINT', () => ended.abort());
  let ceilings: Ceilings | undefined;
  try {
    ceilings = await startCeilings(server.databaseUrl);
    say(
      `node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; ${clients} clients, ${loaders} loaders`,
    );
    const ids = (kept === undefined ? undefined : await knownIds(kept, dataset)) ?? (await loadFirst(server, kept));
    const all = makeCorpus(seed, ids, size);
    const corpus = options.restricted ? { ...all, readers: all.readers.slice(0, 1) } : all;
    const restricted = options.restricted ? await restrictedTo(server, corpus.readers[0]?.id ?? '') : undefined;
    const series = await measure(server, ceilings, corpus, names, ended.signal, restricted);
    process.stdout.write(`\n${table(series)}`);
    for (const name of names) if (restricted !== undefined) sayShare(name, series);
    for (const line of errorLines(series)) say(line);
    return series.some((one) => one.windows.some((window) => window.errors > 0)) ? 1 : 0;
  } finally {
    await ceilings?.stop();
    await server.stop();
  }
}

/** The same server for an app of one patient, whose every resource it may read by some scope. */
async function restrictedTo(server: Server, patient: string): Promise<Server> {
  if (server.mint === undefined) throw new Error('--restricted needs a server that is started here');
  const category = 'http://terminology.hl7.org/CodeSystem/observation-category';
  const scopes = ['laboratory', 'vital-signs', 'survey', 'social-history'].map(
    (code) => `patient/Observation.rs?category=${category}|${code}`,
  );
  return { ...server, token: await server.mint(['patient/Patient.rs', 'patient/Encounter.rs', ...scopes].join(' '), patient) };
}

function restrictedName(name: string): string {
  return `${name}, restricted`;
}

/** Both windows of a round came one after the other, so they are compared round by round: in rate, and in CPU time a request. */
function sayShare(name: string, series: readonly Series[]): void {
  const of = (wanted: string): readonly Window[] => series.find((one) => one.name === wanted)?.windows ?? [];
  const shareOf = (value: (window: Window) => number) =>
    spreadOf(of(restrictedName(name)).map((window, at) => value(window) / value(of(name)[at] ?? window)));
  const rate = shareOf((window) => window.rate);
  const cpu = shareOf(({ cpu: used, rate: done }) => (used === undefined ? Number.NaN : (used.node + used.postgres) / done));
  const told = ({ median, min, max }: typeof rate): string => `${median.toFixed(3)} (${min.toFixed(3)}-${max.toFixed(3)})`;
  process.stdout.write(`${name}, restricted: ${told(rate)} of the unrestricted rate, ${told(cpu)} of its CPU time a request\n`);
  record({ restricted: name, rate, cpu });
}

function runningServer(base: string): Server {
  const pid = options['server-pid'] === undefined ? undefined : Number(options['server-pid']);
  return { base, token: options.token, pid, databaseUrl: options.database, stop: () => Promise.resolve() };
}

/** Loads the data that the workloads then read. Gives the ids of the patients that they find. */
async function loadFirst(server: Server, kept: string | undefined): Promise<Ids> {
  const client = openClient(server.base, server.token, loaders);
  try {
    return await load(client, dataset, {
      loaders,
      serverPid: server.pid,
      kept,
      told: (measured) => {
        say(`loaded ${measured.resources} resources, from cold and empty, at ${Math.round(measured.resourcesPerSecond)} resources/s`);
        record({ name: 'first load', ...measured });
      },
    });
  } finally {
    client.close();
  }
}

async function measure(
  server: Server,
  ceilings: Ceilings,
  corpus: Corpus,
  names: readonly WorkloadName[],
  ended: AbortSignal,
  restricted: Server | undefined,
): Promise<Series[]> {
  const workloads = makeWorkloads({ corpus, seed, clients, loaders });
  const windows = new Map<string, Window[]>();
  const ratios = new Map<string, number[]>();
  const window = async (
    name: string,
    round: number,
    rate: (measured: Measured) => number,
    run: () => Promise<Measured>,
  ): Promise<Window> => {
    const resourcesStored = corpus.resources;
    const measured = await run();
    const found = { name, round, resourcesStored, ...measured, rate: rate(measured) };
    if (round === 0) return found;
    append(windows, name, found);
    record(found);
    return found;
  };
  const ceiling = (name: string, url: string, round: number): Promise<Window> =>
    window(
      name,
      round,
      (m) => m.requestsPerSecond,
      () => driven({ base: url, token: undefined }, clients, (client) => ceilingStep(client), round, server.pid),
    );

  // Round 0 warms everything up and is not counted.
  for (let round = 0; round <= rounds && !ended.aborted; round++) {
    await ceiling('http', ceilings.fixed, round);
    const inserted = await ceilings.insert(round === 0 ? WARM_SECONDS : seconds, loaders);
    if (inserted !== undefined)
      await window(
        'INSERT',
        round,
        () => inserted,
        () => Promise.resolve(bare(inserted)),
      );
    for (const name of names) {
      if (ended.aborted) break;
      const select = ceilings.select === undefined ? undefined : await ceiling('SELECT', ceilings.select, round);
      const workload = workloads[name];
      const rate = (m: Measured): number => (workload.unit === 'requests' ? m.requestsPerSecond : m.resourcesPerSecond);
      const run = (target: Server): Promise<Measured> =>
        driven(target, workload.workers, (client) => workload.prepare(client), round, server.pid);
      const runRestricted = async (): Promise<void> => {
        if (restricted !== undefined) await window(restrictedName(name), round, rate, () => run(restricted));
      };
      // Turn by turn, so that what grows or ends beside the measurement favours neither.
      if (round % 2 === 1) await runRestricted();
      const found = await window(name, round, rate, () => run(server));
      if (round % 2 === 0) await runRestricted();
      if (select !== undefined && round > 0) append(ratios, name, found.rate / select.rate);
    }
    if (round > 0) say(`round ${round} of ${rounds} done`);
  }
  const units = new Map<string, string>([
    ['INSERT', 'rows'],
    ['load', 'resources'],
  ]);
  return [...windows].map(([name, list]) => {
    const one = { name, unit: units.get(name) ?? 'requests', windows: list, ratios: ratios.get(name) ?? [] };
    record({
      summary: name,
      rate: spreadOf(list.map((w) => w.rate)),
      ...(one.ratios.length > 0 ? { ofSelect: spreadOf(one.ratios) } : {}),
    });
    return one;
  });
}

/** One window against one server, with connections of its own. */
async function driven(
  target: { readonly base: string; readonly token: string | undefined },
  workers: number,
  prepare: (client: ReturnType<typeof openClient>) => Step | Promise<Step>,
  round: number,
  serverPid: number | undefined,
): Promise<Measured> {
  const client = openClient(target.base, target.token, workers);
  try {
    const step = await prepare(client);
    return await drive(step, { workers, until: { seconds: round === 0 ? WARM_SECONDS : seconds }, leadSeconds: LEAD_SECONDS, serverPid });
  } finally {
    client.close();
  }
}

function bare(rowsPerSecond: number): Measured {
  const nothing = {
    requests: 0,
    resources: 0,
    errors: 0,
    requestsPerSecond: 0,
    bytesPerAnswer: 0,
    p50: Number.NaN,
    p95: Number.NaN,
    p99: Number.NaN,
    errorKinds: {},
  };
  return { ...nothing, seconds, resourcesPerSecond: rowsPerSecond };
}

function append<V>(lists: Map<string, V[]>, name: string, value: V): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function record(line: unknown): void {
  if (options.out !== undefined) appendFileSync(options.out, `${JSON.stringify(line)}\n`);
}

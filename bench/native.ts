/** Measures the native API against its promises, beside the same over FHIR: `node bench/native.ts --help`. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Answer, type Client, must, openClient } from './client.ts';
import { percentile } from './drive.ts';
import { startServer } from './server.ts';

const USAGE = `Usage: node bench/native.ts [options]

Starts the server on an empty embedded database, registers patients, and sends a mix (half reads of one patient, a fifth lists, the rest
registrations and replacements) at a fixed rate, by the native API and by FHIR in turn. Requests begin when they are due, whether or not
those before them have been answered, and their time counts from then. Then the rate is raised until a promise is broken: 95 of 100 GETs
within 50 ms, 95 of 100 POSTs and PUTs within 200 ms, no error.

  --patients N   registered first (300)
  --rate N       requests a second (50)
  --seconds S    a window (10)
  --no-ladder    only that rate
`;

const { values: options } = parseArgs({
  options: {
    patients: { type: 'string', default: '300' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
    ladder: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const [patients, rate, seconds] = [options.patients, options.rate, options.seconds].map(Number) as [number, number, number];

const getLimitMs = 50;
const writeLimitMs = 200;
const step = 1.4;
const sockets = 64;

type Kind = 'one' | 'list' | 'post' | 'put';
type Ask = (kind: Kind, index: number) => Promise<Answer>;
type Times = { readonly reads: number[]; readonly writes: number[]; errors: number };

/** Ten requests of the mix. */
const mix: readonly Kind[] = ['one', 'list', 'one', 'post', 'one', 'put', 'one', 'list', 'one', 'put'];

function usage(): number {
  process.stdout.write(USAGE);
  return 0;
}

async function main(): Promise<number> {
  const server = await startServer(undefined, { CARE_RELATIONSHIPS: 'all' });
  const { origin } = new URL(server.base);
  const native = openClient(`${origin}/api/v1`, server.token, sockets);
  const fhir = openClient(server.base, server.token, sockets);
  try {
    const ids = await register(native);
    const apis: readonly (readonly [string, Ask])[] = [
      ['v1', nativeAsk(native, ids)],
      ['FHIR', fhirAsk(fhir, ids)],
    ];
    process.stdout.write(
      `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} before\n`,
    );
    for (const [, ask] of apis) await window(ask, rate, Math.min(3, seconds));
    const first = new Map<string, Times>();
    for (const [name, ask] of apis) first.set(name, told(name, rate, await window(ask, rate, seconds)));
    const [v1, same] = [first.get('v1'), first.get('FHIR')];
    if (v1 !== undefined && same !== undefined) {
      const ratio = (of: (times: Times) => number[]): string => (p95(of(v1)) / p95(of(same))).toFixed(2);
      process.stdout.write(`p95 of v1 by that of FHIR: GET ${ratio(({ reads }) => reads)}, writes ${ratio(({ writes }) => writes)}\n`);
    }
    if (options.ladder) for (const [name, ask] of apis) await climb(name, ask);
    process.stdout.write(`load ${loadavg()[0]?.toFixed(1)} after\n`);
    return v1 !== undefined && keeps(v1) ? 0 : 1;
  } finally {
    native.close();
    fhir.close();
    await server.stop();
  }
}

async function climb(name: string, ask: Ask): Promise<void> {
  let highest = 0;
  for (let next = rate; ; next = Math.round(next * step)) {
    if (!keeps(told(name, next, await window(ask, next, seconds)))) break;
    highest = next;
  }
  process.stdout.write(`${name} holds at ${highest} requests/s\n`);
}

/** Begins `perSecond` requests a second, each when it is due; its time counts from then. */
async function window(ask: Ask, perSecond: number, forSeconds: number): Promise<Times> {
  const times: Times = { reads: [], writes: [], errors: 0 };
  const pending: Promise<void>[] = [];
  const begun = performance.now();
  for (let index = 0; index < perSecond * forSeconds; index++) {
    const due = begun + (index * 1000) / perSecond;
    const ahead = due - performance.now();
    if (ahead > 1) await wait(ahead);
    const kind = mix[index % mix.length] ?? 'one';
    const measured = ask(kind, index).then(
      () => {
        (kind === 'one' || kind === 'list' ? times.reads : times.writes).push(performance.now() - due);
      },
      () => {
        times.errors++;
      },
    );
    pending.push(measured);
  }
  await Promise.all(pending);
  return times;
}

const p95 = (times: readonly number[]): number =>
  percentile(
    [...times].sort((a, b) => a - b),
    95,
  );
const keeps = ({ reads, writes, errors }: Times): boolean => errors === 0 && p95(reads) <= getLimitMs && p95(writes) <= writeLimitMs;

function told(name: string, perSecond: number, times: Times): Times {
  const of = (list: readonly number[]): string => {
    const sorted = [...list].sort((a, b) => a - b);
    return [50, 95, 99].map((percent) => percentile(sorted, percent).toFixed(1)).join(' / ');
  };
  process.stdout.write(
    `${name} at ${perSecond}/s: GET ${of(times.reads)} ms, POST and PUT ${of(times.writes)} ms (p50 / p95 / p99), ${times.errors} errors\n`,
  );
  return times;
}

const json = { 'content-type': 'application/json', accept: 'application/json' };
let made = 0;
/** Letters for a number: names hold no digits. */
const lettersOf = (number: number): string => [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
const personOf = (number: number) => ({
  given_name: 'Ada',
  family_name: `Fam${lettersOf(number)}`,
  date_of_birth: '1985-12-10',
  sex_at_birth: 'female',
});

async function register(client: Client): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let at = 0; at < patients; at++) {
    const answer = await client.request('POST', '/patients', JSON.stringify(personOf(made++)), json);
    must(answer.status === 201, 'registered');
    ids.push((JSON.parse(answer.text) as { patient_id: string }).patient_id);
  }
  return ids;
}

/** Those that are replaced are made by the API itself, and each replaced once at a time. */
function nativeAsk(client: Client, ids: readonly string[]): Ask {
  const own: { id: string; version: string }[] = [];
  const checked = async (
    method: string,
    path: string,
    status: number,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await client.request(method, path, body === undefined ? undefined : JSON.stringify(body), { ...json, ...headers });
    must(answer.status === status, `${method} ${answer.status}`);
    return answer;
  };
  return async (kind, index) => {
    const id = ids[(index * 7919) % ids.length] ?? '';
    if (kind === 'one') return checked('GET', `/patients/${id}`, 200);
    if (kind === 'list') return checked('GET', `/patients?family_name=Fam${lettersOf((index * 31) % patients)}`, 200);
    const replaced = kind === 'put' ? own.shift() : undefined;
    const answer =
      replaced === undefined
        ? await checked('POST', '/patients', 201, personOf(made++))
        : await checked('PUT', `/patients/${replaced.id}`, 200, personOf(made++), { 'if-match': replaced.version });
    own.push({ id: (JSON.parse(answer.text) as { patient_id: string }).patient_id, version: String(answer.headers.etag) });
    return answer;
  };
}

function fhirAsk(client: Client, ids: readonly string[]): Ask {
  const own: { id: string; version: string }[] = [];
  const resourceOf = (id?: string): object => ({
    resourceType: 'Patient',
    ...(id === undefined ? {} : { id }),
    name: [{ use: 'official', family: `Fam${lettersOf(made++)}`, given: ['Ada'] }],
    birthDate: '1985-12-10',
    gender: 'female',
  });
  const checked = async (
    method: string,
    path: string,
    status: number,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await client.request(method, path, body === undefined ? undefined : JSON.stringify(body), headers);
    must(answer.status === status, `${method} ${answer.status}`);
    return answer;
  };
  return async (kind, index) => {
    const id = ids[(index * 7919) % ids.length] ?? '';
    if (kind === 'one') return checked('GET', `/Patient/${id}`, 200);
    if (kind === 'list') return checked('GET', `/Patient?family=Fam${lettersOf((index * 31) % patients)}&_count=20`, 200);
    const replaced = kind === 'put' ? own.shift() : undefined;
    const answer =
      replaced === undefined
        ? await checked('POST', '/Patient', 201, resourceOf())
        : await checked('PUT', `/Patient/${replaced.id}`, 200, resourceOf(replaced.id), { 'if-match': replaced.version });
    own.push({ id: (JSON.parse(answer.text) as { id: string }).id, version: String(answer.headers.etag) });
    return answer;
  };
}

process.exitCode = options.help ? usage() : await main();

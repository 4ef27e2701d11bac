/** How fast a file of patients is imported, and in how much memory: `node bench/import.ts --help`. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { sampleCpu } from './processes.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '20000' },
    format: { type: 'string', default: 'csv' },
    query: { type: 'string', default: '' },
    refused: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `Usage: node bench/import.ts [--patients N] [--format csv|ndjson] [--query mode=all_or_nothing] [--refused MIB]

Starts a server with an empty database anew, sends it a made file of N patients (each with an email and a phone number of his own, which
have to be unique) and waits until they are imported. Told are the patients a second, the CPU time a patient takes (Node and PostgreSQL),
and the largest resident memory of the server meanwhile. --refused puts so many MiB before them of lines that are refused, each of 60 kB.
`;

type Format = { readonly type: string; readonly head: string; readonly line: (n: number) => string };

const letters = (n: number): string => [...n.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');

const formats: Readonly<Record<string, Format>> = {
  csv: {
    type: 'text/csv',
    head: 'given_name,family_name,date_of_birth,sex_at_birth,email,phone_e164,address.line1,address.city,address.postal_code,address.country,preferred_language,consent_to_contact\n',
    line: (n) =>
      `Ada,Family ${letters(n)},1985-12-10,female,p${n}@example.org,+4479${String(n).padStart(8, '0')},${n % 300} High Street,London,SW1Y 4JH,GB,en-GB,true\n`,
  },
  ndjson: {
    type: 'application/x-ndjson',
    head: '',
    line: (n) =>
      `${JSON.stringify({ given_name: 'Ada', family_name: `Family ${letters(n)}`, date_of_birth: '1985-12-10', sex_at_birth: 'female', email: `p${n}@example.org`, phone_e164: `+4479${String(n).padStart(8, '0')}`, address: { line1: `${n % 300} High Street`, city: 'London', postal_code: 'SW1Y 4JH', country: 'GB' }, preferred_language: 'en-GB', consent_to_contact: true })}\n`,
  },
};

if (values.help) process.stdout.write(USAGE);
else await main(Number(values.patients), values.format, Number(values.refused));

async function main(patients: number, name: string, refused: number): Promise<void> {
  const format = formats[name];
  if (format === undefined) throw new Error(USAGE);
  const folder = await mkdtemp(join(tmpdir(), 'anamnesis-bench-'));
  // The first start makes the databases and compiles definitions and code: memory is told of a later one.
  await (await startServer(folder)).stop();
  const server = await startServer(folder);
  const pid = server.pid ?? 0;
  try {
    const root = new URL(server.base).origin;
    const headers = { authorization: `Bearer ${server.token ?? ''}` };
    let bytes = 0;
    function* file({ head, line }: Format): Generator<Buffer> {
      const long = line(0).replace('Ada', 'x'.repeat(60_000));
      for (let n = 0; n < (refused * 2 ** 20) / long.length; n++) {
        const text = n === 0 ? head + long : long;
        bytes += text.length;
        yield Buffer.from(text);
      }
      for (let n = 0, text = refused === 0 ? head : ''; n < patients; text = '') {
        for (const end = Math.min(n + 1_000, patients); n < end; n++) text += line(n);
        bytes += text.length;
        yield Buffer.from(text);
      }
    }
    let peak = 0;
    const memory = setInterval(() => void rssOf(pid).then((rss) => (peak = Math.max(peak, rss))), 200);
    const before = { rss: await rssOf(pid), cpu: sampleCpu(pid), at: performance.now() };
    const init = {
      method: 'POST',
      headers: { ...headers, 'content-type': format.type },
      body: Readable.from(file(format)),
      duplex: 'half',
    };
    const sent = await fetch(`${root}/api/v1/import?${values.query}`, init as unknown as RequestInit);
    const { location } = (await sent.json()) as { location: string };
    const taken = performance.now();
    let job: Readonly<Record<string, unknown>>;
    do {
      await wait(500);
      job = (await (await fetch(root + location, { headers })).json()) as typeof job;
    } while (job.state === 'queued' || job.state === 'running');
    clearInterval(memory);
    const seconds = (performance.now() - taken) / 1000;
    const cpu = sampleCpu(pid);
    const each = (part: 'node' | 'postgres'): string => ((1000 * ((cpu?.[part] ?? 0) - (before.cpu?.[part] ?? 0))) / patients).toFixed(3);
    process.stdout.write(
      `${name}, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${JSON.stringify({ state: job.state, accepted: job.accepted, refused: job.refused })}\n` +
        `taken in ${((taken - before.at) / 1000).toFixed(1)} s, imported in ${seconds.toFixed(1)} s: ${Math.round(patients / seconds)} a second, ` +
        `CPU each ${each('node')} ms Node, ${each('postgres')} ms PostgreSQL\nresident ${before.rss.toFixed(0)} MiB before, at most ${peak.toFixed(0)} MiB\n`,
    );
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

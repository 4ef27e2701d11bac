/** How fast files are taken and given, and in how much memory: `node bench/files.ts --help`. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { sampleCpu } from './processes.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' }, help: { type: 'boolean', default: false } },
});

const USAGE = `Usage: node bench/files.ts [--mib N] [--rounds N]

Starts a server with an empty database anew, sends the file of a document of N MiB to it and downloads it, some times over. Told are MiB a
second, the CPU time (Node and PostgreSQL), and how much the resident memory of the server grew meanwhile at most.
`;

if (values.help) process.stdout.write(USAGE);
else await main(Number(values.mib), Number(values.rounds));

async function main(mib: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'anamnesis-bench-'));
  const more = { ATTACHMENT_MIB: '256' };
  // The first start makes the databases and compiles definitions: memory is told of a later one.
  await (await startServer(folder, more)).stop();
  const server = await startServer(folder, more);
  const pid = server.pid ?? 0;
  try {
    const root = `${new URL(server.base).origin}/api/v1`;
    const headers = { authorization: `Bearer ${server.token ?? ''}` };
    const asJson = { ...headers, 'content-type': 'application/json' };
    const patient = await idOf(
      fetch(`${server.base}/Patient`, { method: 'POST', headers: asJson, body: '{"resourceType":"Patient"}' }),
      'id',
    );
    const records = `${root}/patients/${patient}/records`;
    const document = JSON.stringify({ kind: 'document', attachment: { title: 'file' } });
    const record = await idOf(fetch(records, { method: 'POST', headers: asJson, body: document }), 'record_id');
    const url = `${records}/${record}/attachment`;
    // A small one first: what is loaded and compiled once isn't what a large one takes.
    await send(url, headers, 1);
    await take(url, headers);
    for (let round = 1; round <= rounds; round++) {
      const sent = await measured(pid, () => send(url, headers, mib));
      const taken = await measured(pid, () => take(url, headers));
      process.stdout.write(`${round}: ${mib} MiB sent ${told(sent, mib)}; taken ${told(taken, mib)}\n`);
    }
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function idOf(sending: Promise<Response>, name: string): Promise<string> {
  const answer = await sending;
  const body = (await answer.json()) as Readonly<Record<string, string>>;
  if (!answer.ok) throw new Error(JSON.stringify(body));
  return body[name] ?? '';
}

async function send(url: string, headers: Readonly<Record<string, string>>, mib: number): Promise<void> {
  const piece = randomBytes(1_048_576);
  const body = Readable.from(Array.from({ length: mib }, () => piece));
  const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream' }, body, duplex: 'half' };
  const answer = await fetch(url, init as unknown as RequestInit);
  if (!answer.ok) throw new Error(await answer.text());
  await answer.arrayBuffer();
}

async function take(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(url, { headers });
  if (!answer.ok || answer.body === null) throw new Error(await answer.text());
  let bytes = 0;
  for await (const part of answer.body) bytes += (part as Uint8Array).length;
  if (bytes !== Number(answer.headers.get('content-length'))) throw new Error('a download is not whole');
}

type Measured = { readonly seconds: number; readonly node: number; readonly postgres: number; readonly grown: number };

async function measured(pid: number, work: () => Promise<void>): Promise<Measured> {
  const before = { rss: await rssOf(pid), cpu: sampleCpu(pid), at: performance.now() };
  let peak = before.rss;
  const memory = setInterval(() => void rssOf(pid).then((rss) => (peak = Math.max(peak, rss))), 50);
  await work();
  clearInterval(memory);
  const cpu = sampleCpu(pid);
  return {
    seconds: (performance.now() - before.at) / 1000,
    node: (cpu?.node ?? 0) - (before.cpu?.node ?? 0),
    postgres: (cpu?.postgres ?? 0) - (before.cpu?.postgres ?? 0),
    grown: peak - before.rss,
  };
}

function told({ seconds, node, postgres, grown }: Measured, mib: number): string {
  const cpu = `CPU ${node.toFixed(1)} s Node, ${postgres.toFixed(1)} s PostgreSQL`;
  return `at ${Math.round(mib / seconds)} MiB/s, ${cpu}, resident memory grew by ${Math.round(grown)} MiB`;
}

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

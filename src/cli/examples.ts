import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readArguments, UsageError, wholeNumber, withUsage } from './arguments.ts';
import { differences, isWrittenObject, parseWritten, withoutServerMeta, type Written } from './examples/compare.ts';
import { EXCEPTIONS, type Exception } from './examples/exceptions.ts';
import type { CommandIo } from './io.ts';
import { outcomeText, parsed } from './load/answers.ts';
import { type FhirClient, makeClient, ServerUnusable } from './load/client.ts';
import { inParallel } from './load/parallel.ts';

const USAGE = `Usage: npm run -s examples -- [options]

Stores every official R4 example (package hl7.fhir.r4.examples) under its own id, reads it back and compares: all must be as it
was sent, each digit of a number too, but for meta.versionId and meta.lastUpdated.

  --base URL        the server (http://127.0.0.1:8080/fhir/R4)
  --token T         bearer token; without it one is made for our own development server
  --types A,B       only examples of these types
  --concurrency N   resources under way at once (4)
  --help            show this

Ends with 1 if an example is refused or comes back changed, or if one that is known to fail no longer does.
`;

/** What became of one example. `same`: as it should be. */
type Outcome = {
  readonly key: string;
  readonly type: string;
  readonly result: 'same' | 'changed' | 'refused' | 'excepted';
  readonly notes: readonly string[];
};

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(USAGE, args, io, () => examples(args, io));
}

async function examples(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(args, {
    base: { type: 'string', default: 'http://127.0.0.1:8080/fhir/R4' },
    token: { type: 'string' },
    types: { type: 'string' },
    concurrency: { type: 'string', default: '4' },
  });
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  if (!URL.canParse(values.base)) throw new UsageError('--base must be a URL');
  const workers = wholeNumber('--concurrency', values.concurrency, 1, 64);
  const { mintToken } = io;
  const client = makeClient({ base: values.base, token: values.token, mintToken: mintToken && (() => mintToken('system/*.cruds')) });
  const folder = exampleFolder();
  const outcomes: Outcome[] = [];
  let unusable: ServerUnusable | undefined;
  try {
    await inParallel(await exampleFiles(folder, values.types?.split(',')), { workers }, async (file) => {
      outcomes.push(await tryExample(client, folder, file));
      if (io.stderr.isTTY === true) io.stderr.write(`\r${outcomes.length} examples`);
    });
  } catch (error) {
    if (!(error instanceof ServerUnusable)) throw error;
    unusable = error;
  }
  if (io.stderr.isTTY === true) io.stderr.write('\r\u001b[K');
  io.stdout.write(reportOf(outcomes));
  if (unusable !== undefined) io.stderr.write(`stopped: ${unusable.message}\n`);
  const isGood = outcomes.every((outcome) => outcome.result === 'same' || outcome.result === 'excepted');
  return unusable === undefined && outcomes.length > 0 && isGood ? 0 : 1;
}

function exampleFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
}

async function exampleFiles(folder: string, types: readonly string[] | undefined): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json') && file !== 'package.json').sort();
  return types === undefined ? files : files.filter((file) => types.includes(file.split('-', 1)[0] ?? ''));
}

/** Stores one example and reads it back. */
async function tryExample(client: FhirClient, folder: string, file: string): Promise<Outcome> {
  const exception = EXCEPTIONS.find((known) => known.file === file);
  const body = await readFile(join(folder, file));
  const sent = parseWritten(body.toString('utf8'));
  if (!isWrittenObject(sent)) throw new Error(`${file} holds no resource`);
  const { resourceType: type, id } = sent;
  if (typeof type !== 'string' || typeof id !== 'string') throw new Error(`${file} has no type or no id`);
  const key = `${type}/${id}`;
  if (exception?.expect === 'not sent') return { key: file, type, result: 'excepted', notes: [exception.reason] };
  try {
    return await storeAndRead(client, { key, type, body, sent }, exception);
  } catch (error) {
    if (error instanceof ServerUnusable || !(error instanceof Error)) throw error;
    return { key, type, result: 'refused', notes: [error.message] };
  }
}

type Example = { readonly key: string; readonly type: string; readonly body: Buffer; readonly sent: Written };

async function storeAndRead(client: FhirClient, { key, type, body, sent }: Example, exception: Exception | undefined): Promise<Outcome> {
  const put = await client.send('PUT', `/${key}`, { body });
  if (put.status !== 200 && put.status !== 201) {
    const reason = `${put.status} ${outcomeText(parsed(put.text)) ?? put.text.slice(0, 200)}`;
    return exception?.expect === 'refused'
      ? { key, type, result: 'excepted', notes: [reason, exception.reason] }
      : { key, type, result: 'refused', notes: [reason] };
  }
  if (exception?.expect === 'refused') return { key, type, result: 'changed', notes: [`stored, though ${exception.reason}`] };
  const got = await client.send('GET', `/${key}`);
  if (got.status !== 200) return { key, type, result: 'changed', notes: [`stored, but read back as ${got.status}`] };
  const notes = differences(withoutServerMeta(sent), withoutServerMeta(parseWritten(got.text)), type);
  return { key, type, result: notes.length === 0 ? 'same' : 'changed', notes };
}

/** Counts by type, then all that is not as it should be. */
function reportOf(outcomes: readonly Outcome[]): string {
  const lines = [`${'type'.padEnd(34)}${'same'.padStart(7)}${'changed'.padStart(9)}${'refused'.padStart(9)}${'excepted'.padStart(10)}`];
  const row = (name: string, of: readonly Outcome[]): string => {
    const count = (result: Outcome['result'], width: number) =>
      String(of.filter((outcome) => outcome.result === result).length).padStart(width);
    return `${name.padEnd(34)}${count('same', 7)}${count('changed', 9)}${count('refused', 9)}${count('excepted', 10)}`;
  };
  const byType = Map.groupBy(outcomes, (outcome) => outcome.type);
  for (const type of [...byType.keys()].sort()) lines.push(row(type, byType.get(type) ?? []));
  lines.push(row('all', outcomes));
  for (const result of ['changed', 'refused', 'excepted'] as const) {
    for (const outcome of outcomes.filter((candidate) => candidate.result === result)) {
      lines.push('', `${outcome.key} (${result})`, ...outcome.notes.map((note) => `  ${note}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

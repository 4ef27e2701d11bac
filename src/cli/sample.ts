import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { readArguments, UsageError, wholeNumber, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';
import { directoryEntries, makeDirectory } from './sample/directory.ts';
import { patientRecord } from './sample/patient-record.ts';
import { writeTransaction } from './sample/transaction.ts';

const USAGE = `Usage: npm run -s sample -- [options]

Writes made-up patients as transaction Bundles, one a line (NDJSON). The first line holds the hospitals and their staff, each
created only if the server doesn't have it; every other line one patient. Load it with: npm run load -- FILE

  --patients N      how many patients (100)
  --seed S          another seed, other patients (1); the same options give the same bytes
  --first I         number of the first patient (0): patient I is the same in every run of a seed
  --years Y         years that the records cover (5, at most 20)
  --as-of DATE      the day that the data is as of (2026-11-01): appointments after it are to come
  --out FILE        write there instead of to stdout; compressed if it ends in .gz
  --help            show this
`;

/** Streams the sample; memory doesn't grow with the number of patients. */
export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(USAGE, args, io, () => sample(args, io));
}

async function sample(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(args, {
    patients: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    years: { type: 'string', default: '5' },
    'as-of': { type: 'string', default: '2026-11-01' },
    out: { type: 'string' },
  });
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const options = {
    patients: wholeNumber('--patients', values.patients, 0, 100_000_000),
    seed: wholeNumber('--seed', values.seed, 0, 0x7fff_ffff),
    first: wholeNumber('--first', values.first, 0, 0x7fff_ffff),
    years: wholeNumber('--years', values.years, 1, 20),
    asOf: dayOf(values['as-of']),
  };
  const lines = Readable.from(chunks(options), { objectMode: false, highWaterMark: 1 << 20 });
  try {
    await write(lines, values.out, io.stdout);
  } catch (error) {
    // Whoever read the output has seen enough.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0;
    throw error;
  }
  if (values.out !== undefined) io.stderr.write(`${options.patients} patients written to ${values.out}\n`);
  return 0;
}

type Options = { readonly patients: number; readonly seed: number; readonly first: number; readonly years: number; readonly asOf: number };

/** The output: the directory, then patient after patient. */
export function* chunks(options: Options): Generator<string> {
  const directory = makeDirectory();
  yield `${writeTransaction(directoryEntries())}\n`;
  for (let index = options.first; index < options.first + options.patients; index++) {
    yield `${patientRecord({ seed: options.seed, index, asOf: options.asOf, years: options.years }, directory)}\n`;
  }
}

async function write(lines: Readable, file: string | undefined, stdout: Writable): Promise<void> {
  if (file === undefined) return pipeline(lines, stdout, { end: false });
  if (file.endsWith('.gz')) return pipeline(lines, createGzip(), createWriteStream(file));
  return pipeline(lines, createWriteStream(file));
}

function dayOf(text: string): number {
  const time = Date.parse(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) {
    throw new UsageError('--as-of must be a date such as 2026-11-01');
  }
  return time;
}

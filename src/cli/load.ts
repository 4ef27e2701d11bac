import { access } from 'node:fs/promises';
import { readArguments, UsageError, wholeNumber, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';
import { makeClient, ServerUnusable } from './load/client.ts';
import { inParallel } from './load/parallel.ts';
import { postBundle } from './load/post.ts';
import { bundlesOf, FILE_NAME, type Source } from './load/sources.ts';
import { addFailures, addPosted, showProgress, startTally, summary, type Tally } from './load/tally.ts';

const USAGE = `Usage: npm run -s load -- [options] FILE...

Posts the transaction and batch Bundles of the files to a FHIR server: .json holds one Bundle, .ndjson one a line; both may be
compressed (.gz, .bz2). Files are loaded in the order given. A Bundle that creates conditionally (ifNoneExist) what others
refer to conditionally is posted alone; the others side by side.

  --base URL        the server (http://127.0.0.1:8080/fhir/R4)
  --token T         bearer token; without it one is made for our own development server
  --concurrency N   Bundles under way at once (4)
  --help            show this

Ends with 1 if anything failed.
`;

/** Memory holds the Bundles under way and no more, however long the file. */
export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(USAGE, args, io, () => load(args, io));
}

async function load(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals: files } = readArguments(args, {
    base: { type: 'string', default: 'http://127.0.0.1:8080/fhir/R4' },
    token: { type: 'string' },
    concurrency: { type: 'string', default: '4' },
  });
  const workers = wholeNumber('--concurrency', values.concurrency, 1, 64);
  if (!URL.canParse(values.base)) throw new UsageError('--base must be a URL');
  await assertReadable(files);
  const { mintToken } = io;
  const client = makeClient({ base: values.base, token: values.token, mintToken: mintToken && (() => mintToken('system/*.cruds')) });
  const tally = startTally(Date.now());
  const hideProgress = showProgress(tally, io.stderr);
  let unusable: ServerUnusable | undefined;
  try {
    await inParallel(sources(files, tally), { workers, isBarrier: isDirectory }, async (source) =>
      addPosted(tally, await postBundle(client, source)),
    );
  } catch (error) {
    if (!(error instanceof ServerUnusable)) throw error;
    unusable = error;
  } finally {
    hideProgress();
  }
  io.stdout.write(summary(tally, client.retried, Date.now()));
  if (unusable !== undefined) io.stderr.write(`stopped: ${unusable.message}\n`);
  return unusable !== undefined || tally.failures > 0 ? 1 : 0;
}

async function assertReadable(files: readonly string[]): Promise<void> {
  if (files.length === 0) throw new UsageError('no file given');
  for (const file of files) {
    if (!FILE_NAME.test(file)) throw new UsageError(`${file}: a name must end in .json or .ndjson, with or without .gz or .bz2`);
    await access(file).catch((error: unknown) => {
      throw new UsageError(`${file} can't be read`, { cause: error });
    });
  }
}

/** The Bundles of all files; a file that breaks off counts as a failure, and the next one is read. */
async function* sources(files: readonly string[], tally: Tally): AsyncGenerator<Source> {
  for (const file of files) {
    let found = 0;
    try {
      for await (const source of bundlesOf(file)) {
        found++;
        yield source;
      }
      if (found === 0) addFailures(tally, [{ source: file, entry: undefined, status: undefined, text: 'holds no Bundle' }]);
    } catch (error) {
      const reason =
        error instanceof Error
          ? [error.message, error.cause instanceof Error ? error.cause.message : ''].filter(Boolean).join(': ')
          : String(error);
      addFailures(tally, [
        { source: file, entry: undefined, status: undefined, text: `reading it broke off after ${found} Bundles: ${reason}` },
      ]);
    }
  }
}

/**
 * Whether others may depend on this Bundle: it creates conditionally, but refers to nothing conditionally itself. Posted beside
 * it, a Bundle that names its practitioners by identifier would find none.
 */
function isDirectory({ bytes }: Source): boolean {
  return bytes.includes('"ifNoneExist"') && !/"reference"\s*:\s*"[A-Z][A-Za-z]+\?/.test(bytes.toString('utf8'));
}

import { createReadStream } from 'node:fs';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { UnusablePackage } from './manifest.ts';

/** A file at the top of a package, where its resources are; folders such as `example` are left out. */
export type PackageFile = { readonly name: string; readonly text: string };

export type PackageLimits = {
  readonly filesMax: number;
  /** Of one file. */
  readonly fileBytesMax: number;
  /** Of all that a package unpacks to. */
  readonly bytesMax: number;
};

/** The largest published packages, of value sets, have 30,000 files and unpack to 2 GB. */
export const packageLimits: PackageLimits = { filesMax: 100_000, fileBytesMax: 256 * 2 ** 20, bytesMax: 8 * 2 ** 30 };

/**
 * The JSON files at the top of a package, one after the other: of a folder, or of a `.tgz`, which is never unpacked to disk and of which
 * no more is held than what one read brings.
 *
 * @throws UnusablePackage if it is neither, or breaks the limits, or would write outside of its folder if it were unpacked
 */
export async function* packageFiles(path: string, limits: PackageLimits = packageLimits): AsyncGenerator<PackageFile> {
  const found = await stat(path).catch((error: unknown) => {
    throw new UnusablePackage(`there is no ${path}`, { cause: error });
  });
  yield* found.isDirectory() ? filesOfFolder(path, limits) : filesOfArchive(path, limits);
}

async function* filesOfFolder(path: string, limits: PackageLimits): AsyncGenerator<PackageFile> {
  const inner = join(path, 'package');
  const folder = await stat(join(inner, 'package.json')).then(
    () => inner,
    () => path,
  );
  const count = counter(limits);
  for await (const entry of await opendir(folder)) {
    // What is linked from elsewhere is no part of the package.
    if (!entry.isFile() || !isWanted(entry.name)) continue;
    const file = join(folder, entry.name);
    count((await stat(file)).size);
    yield { name: entry.name, text: await readFile(file, 'utf8') };
  }
}

async function* filesOfArchive(path: string, limits: PackageLimits): AsyncGenerator<PackageFile> {
  const count = counter(limits);
  const done: PackageFile[] = [];
  const state: { fault?: Error } = {};
  // What is inside is read as it is: nothing that is compressed once more is unpacked.
  const parser = new Parser({ strict: true, gzip: false, brotli: false, zstd: false, maxMetaEntrySize: 2 ** 16, onReadEntry: take });
  parser.on('error', (error: unknown) => {
    state.fault ??= new UnusablePackage(`${path} is damaged, or no .tgz`, { cause: error });
  });

  function take(entry: ReadEntry): void {
    try {
      count(entry.size);
      const name = nameAtTop(entry);
      if (name === undefined) {
        entry.resume();
        return;
      }
      const chunks: Buffer[] = [];
      entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      entry.on('end', () => done.push({ name, text: Buffer.concat(chunks).toString('utf8') }));
    } catch (error) {
      state.fault ??= error instanceof Error ? error : new Error(String(error));
      entry.resume();
    }
  }

  let bytes = 0;
  const unpacked = createReadStream(path).pipe(createGunzip());
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Headers and padding count too: an archive of nothing but these is as bad.
      if (bytes > limits.bytesMax) throw tooLarge(limits);
      parser.write(chunk);
      if (state.fault !== undefined) throw state.fault;
      yield* done.splice(0);
    }
    parser.end();
    if (state.fault !== undefined) throw state.fault;
    yield* done.splice(0);
  } catch (error) {
    if (error instanceof UnusablePackage) throw error;
    throw new UnusablePackage(`${path} is damaged, or no .tgz`, { cause: error });
  } finally {
    unpacked.destroy();
  }
}

const isWanted = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

/** `package/A.json` is A.json; undefined for what lies elsewhere. */
function nameAtTop({ path, type }: ReadEntry): string | undefined {
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0') || path.split('/').includes('..'))
    throw new UnusablePackage('it has a file whose name leads out of it');
  if (type === 'SymbolicLink' || type === 'Link') throw new UnusablePackage('it has a link instead of a file');
  const [folder, name, ...deeper] = path.split('/');
  return folder === 'package' && name !== undefined && deeper.length === 0 && isWanted(name) ? name : undefined;
}

function counter(limits: PackageLimits): (size: number) => void {
  let files = 0;
  let bytes = 0;
  return (size) => {
    files++;
    bytes += size;
    if (files > limits.filesMax) throw new UnusablePackage(`it has more than ${limits.filesMax} files`);
    if (size > limits.fileBytesMax) throw new UnusablePackage(`it has a file of more than ${limits.fileBytesMax} bytes`);
    if (bytes > limits.bytesMax) throw tooLarge(limits);
  };
}

const tooLarge = ({ bytesMax }: PackageLimits): UnusablePackage => new UnusablePackage(`it unpacks to more than ${bytesMax} bytes`);

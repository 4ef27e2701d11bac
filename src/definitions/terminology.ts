import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readCacheFile } from './cache-file.ts';
import { type DocumentReader, documentReader } from './documents.ts';

/** HL7's terminology as it is published today, beside the copies that R4 carries. */
export type PublishedTerminology = {
  /**
   * A CodeSystem or ValueSet as a resource, without its narrative, read from the cache each time. The first of all, of an
   * installation, waits some seconds until the cache is made.
   */
  readonly resource: DocumentReader;
  /** Makes the cache unless it is there. */
  readonly prepare: () => Promise<void>;
};

/** To be raised whenever the compiler's output changes. */
const COMPILER_VERSION = 1;

/**
 * Opens nothing and reads nothing until it is asked: a server whose data name no code of `terminology.hl7.org` pays nothing for it.
 *
 * @param options.cacheDir  folder for `terminology-<package version>-<compiler version>.bin` (about 5 MB); made if missing
 */
export function publishedTerminology({ cacheDir }: { readonly cacheDir: string }): PublishedTerminology {
  let opening: Promise<DocumentReader> | undefined;
  const opened = async (): Promise<DocumentReader> => {
    // What failed is tried again by the next who asks.
    opening ??= open(cacheDir).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    async resource(type, url) {
      const read = await opened();
      return read(type, url);
    },
    async prepare() {
      await opened();
    },
  };
}

async function open(cacheDir: string): Promise<DocumentReader> {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('hl7.terminology.r4/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const path = join(cacheDir, `terminology-${version}-${COMPILER_VERSION}.bin`);
  const compile = (): Promise<void> => compileApart(dirname(manifest), path);
  let cached = await readCacheFile(path);
  if (cached === undefined) {
    await compile();
    cached = await readCacheFile(path);
    if (cached === undefined) throw new Error(`the terminology cache ${path} can't be read back`);
  }
  return documentReader(path, cached.header, compile);
}

async function compileApart(folder: string, path: string): Promise<void> {
  const compiler = fileURLToPath(new URL('terminology-compiler.ts', import.meta.url));
  try {
    await promisify(execFile)(process.execPath, ['--max-old-space-size=256', compiler, folder, path], { timeout: 300_000 });
  } catch (error) {
    throw new Error("HL7's terminology could not be compiled", { cause: error });
  }
}

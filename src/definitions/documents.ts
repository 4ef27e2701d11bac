import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { type CacheHeader, readCacheFile, readFromCache } from './cache-file.ts';
import type { Catalogue } from './compiler.ts';

/** A resource of a cache file, by its type and its canonical url, with or without `|version`, or its id. */
export type DocumentReader = (type: string, urlOrId: string) => Promise<unknown>;

/** Documents are rarely read, so their catalogue isn't kept unless one is; a damaged file is compiled anew, once. */
export function documentReader(path: string, opened: CacheHeader, compile: () => Promise<void>): DocumentReader {
  const expand = promisify(zstdDecompress);
  let header = opened;
  let catalogue: Promise<ReadonlyMap<string, readonly [number, number]>> | undefined;

  const readCatalogue = async (): Promise<ReadonlyMap<string, readonly [number, number]>> => {
    const text = await expand(await readFromCache(path, header.spans.catalogue));
    return new Map(Object.entries(JSON.parse(text.toString('utf8')) as Catalogue));
  };
  const read = async (type: string, urlOrId: string): Promise<unknown> => {
    catalogue ??= readCatalogue();
    const known = await catalogue;
    const [url, version] = urlOrId.split('|');
    const span = known.get(`${type} ${url}`) ?? known.get(`${type}/${urlOrId}`);
    if (span === undefined) return undefined;
    const packed = await readFromCache(path, header.spans.documents, { offset: span[0], length: span[1] });
    const document = JSON.parse((await expand(packed)).toString('utf8')) as { version?: string };
    return version === undefined || version === document.version ? document : undefined;
  };
  const rebuild = async (): Promise<void> => {
    await rm(path, { force: true });
    await compile();
    const again = await readCacheFile(path);
    if (again === undefined) throw new Error(`the definitions cache ${path} can't be read back`);
    header = again.header;
    catalogue = undefined;
  };
  return async (type, urlOrId) => {
    try {
      return await read(type, urlOrId);
    } catch {
      // The file is gone or a checksum failed: both are mended by compiling, and a second failure is the caller's to see.
      await rebuild();
      return read(type, urlOrId);
    }
  };
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheSections, writeCacheFile } from './cache-file.ts';
import type { Catalogue } from './compiler.ts';
import { compress, Pieces } from './pieces.ts';

type Document = { readonly resourceType: string; readonly id: string; readonly url?: string; text?: unknown };

/**
 * Packs a package's code systems and value sets, without their narratives. As `hl7.terminology.r4` is 65 MB of JSON, this runs in a
 * process of its own, whose memory goes with it: `node terminology-compiler.ts FOLDER FILE`.
 */
async function compileTerminology(folder: string): Promise<CacheSections> {
  const documents = new Pieces();
  const catalogue: Record<string, readonly [number, number]> = {};
  for (const name of (await readdir(folder)).filter(isTerminology).sort()) {
    const document = JSON.parse(await readFile(join(folder, name), 'utf8')) as Document;
    delete document.text;
    const { offset, length } = documents.add(compress(JSON.stringify(document)));
    if (document.url !== undefined) catalogue[`${document.resourceType} ${document.url}`] = [offset, length];
  }
  return {
    summary: Buffer.from('{}'),
    types: Buffer.alloc(0),
    catalogue: compress(JSON.stringify(catalogue satisfies Catalogue)),
    documents: documents.whole(),
  };
}

const isTerminology = (name: string): boolean => /^(?:CodeSystem|ValueSet)-.*\.json$/.test(name);

if (import.meta.main) {
  const [folder = '', path = ''] = process.argv.slice(2);
  await writeCacheFile(path, await compileTerminology(folder));
}

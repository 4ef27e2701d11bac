import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The contract as it is written, and what it says. */
export type ContractDocument = { readonly text: string; readonly value: unknown };

/**
 * Reads a YAML document. What it says is kept as JSON beside the compiled definitions, under the text's digest: parsing YAML takes two
 * hundred times as long, which every start would wait for.
 *
 * @param cacheDir  where; undefined: nowhere
 */
export async function readContractDocument(file: URL, cacheDir: string | undefined): Promise<ContractDocument> {
  const text = await readFile(file, 'utf8');
  if (cacheDir === undefined) return { text, value: parse(text) };
  const path = join(cacheDir, `contract-${createHash('sha256').update(text).digest('hex').slice(0, 32)}.json`);
  const known = await readFile(path, 'utf8').then(parsedOrUndefined, () => undefined);
  if (known !== undefined) return { text, value: known };
  const value: unknown = parse(text);
  // A cache that can't be written costs the next start its time and nothing else.
  await keep(cacheDir, path, JSON.stringify(value)).catch(() => {});
  return { text, value };
}

/** A reader sees all of it or none. */
async function keep(folder: string, path: string, json: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, json);
  await rename(draft, path);
}

function parsedOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined; // made anew
  }
}

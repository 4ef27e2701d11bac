import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { compareVersions } from '../../fhir/version.ts';
import { isRecord } from '../../search/sink.ts';

/** Why a package can't be had from the registry, as the end of a sentence. */
export class NotHad extends Error {
  override readonly name = 'NotHad';
}

/** The FHIR package registry. @see https://confluence.hl7.org/display/FHIR/FHIR+Package+Registry+User+Documentation */
export const fhirRegistry = 'https://packages.fhir.org';

export type Registry = {
  /**
   * Downloads a package.
   *
   * @param version  exact, with `x` in the last place for the newest of these, or undefined for the newest
   * @param folder   where the file goes
   * @returns        its path
   * @throws         NotHad
   */
  readonly download: (name: string, version: string | undefined, folder: string) => Promise<string>;
};

const metadataBytesMax = 32 * 2 ** 20;
const archiveBytesMax = 1024 * 2 ** 20;
const metadataTimeoutMs = 20_000;
const archiveTimeoutMs = 600_000;

/** Once it can't be reached it isn't asked again: a package may depend on many others. */
export function openRegistry(base: string): Registry {
  let unreachable: string | undefined;

  async function get(url: string, timeoutMs: number): Promise<Response> {
    if (unreachable !== undefined) throw new NotHad(unreachable);
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
      unreachable = `the registry ${new URL(base).host} can't be reached`;
      throw new NotHad(unreachable, { cause: error });
    });
    if (response.status === 404) throw new NotHad(`the registry ${new URL(base).host} does not have it`);
    if (!response.ok || response.body === null) throw new NotHad(`the registry ${new URL(base).host} answers ${response.status}`);
    return response;
  }

  return {
    async download(name, version, folder) {
      const metadata = await readMetadata(await get(`${base}/${name}`, metadataTimeoutMs));
      const wanted = pick(metadata, version);
      if (wanted === undefined) throw new NotHad(`the registry ${new URL(base).host} has no such version`);
      const response = await get(wanted.tarball, archiveTimeoutMs);
      const file = join(folder, `${name}-${wanted.version}.tgz`);
      const sum = createHash('sha1');
      await pipeline(response.body ?? [], bounded(archiveBytesMax, sum), createWriteStream(file)).catch((error: unknown) => {
        throw error instanceof NotHad ? error : new NotHad('the download broke off', { cause: error });
      });
      if (wanted.shasum !== undefined && sum.digest('hex') !== wanted.shasum.toLowerCase()) {
        throw new NotHad('what the registry sent is not what it announced: its checksum differs');
      }
      return file;
    },
  };
}

type Offer = { readonly version: string; readonly tarball: string; readonly shasum: string | undefined };

async function readMetadata(response: Response): Promise<readonly Offer[]> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of bounded(metadataBytesMax)(response.body ?? [])) chunks.push(chunk);
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return offersOf(value, response.url);
  } catch (error) {
    if (error instanceof NotHad) throw error;
    throw new NotHad('the registry sent no list of versions', { cause: error });
  }
}

function offersOf(value: unknown, url: string): Offer[] {
  if (!isRecord(value) || !isRecord(value.versions)) throw new NotHad('the registry sent no list of versions');
  return Object.entries(value.versions).flatMap(([version, described]) => {
    const dist = isRecord(described) && isRecord(described.dist) ? described.dist : {};
    const tarball = typeof dist.tarball === 'string' && URL.canParse(dist.tarball, url) ? new URL(dist.tarball, url) : undefined;
    if (tarball === undefined) return [];
    // Where the registry is asked in a secure way, all comes in a secure way.
    if (url.startsWith('https:')) tarball.protocol = 'https:';
    if (!/^https?:$/.test(tarball.protocol)) return [];
    return [{ version, tarball: tarball.href, shasum: typeof dist.shasum === 'string' ? dist.shasum : undefined }];
  });
}

function pick(offers: readonly Offer[], asked: string | undefined): Offer | undefined {
  const exact = offers.find(({ version }) => version === asked);
  if (exact !== undefined) return exact;
  if (asked !== undefined && !/\.x$/i.test(asked) && asked !== 'latest') return undefined;
  const start = asked === undefined || asked === 'latest' ? '' : asked.slice(0, -1);
  // A ballot is taken only by its name.
  const fitting = offers.filter(({ version }) => version.startsWith(start) && !version.includes('-'));
  return fitting.toSorted((a, b) => compareVersions(b.version, a.version))[0];
}

/** Passes on what comes, up to a limit, and sums it up on the way. */
function bounded(bytesMax: number, sum?: ReturnType<typeof createHash>) {
  return async function* (source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new NotHad(`what the registry sends is larger than ${bytesMax} bytes`);
      sum?.update(chunk);
      yield chunk;
    }
  };
}

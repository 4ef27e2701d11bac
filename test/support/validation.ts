import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list } from 'tar';
import { loadConfig } from '../../src/config.ts';
import { type Definitions, loadDefinitions } from '../../src/definitions/load.ts';
import type { Conformance } from '../../src/fhir/conformance.ts';
import { FhirError, type Issue } from '../../src/fhir/error.ts';
import { type JsonObject, parseJson } from '../../src/fhir/json.ts';
import { isVersion, splitCanonical } from '../../src/fhir/version.ts';
import { openValidation } from '../../src/interactions/validation.ts';
import type { Asked } from '../../src/validation/validate.ts';

/** The product's validator without a database: R4, the product's own profiles, and what a test brings. */
export type TestValidator = {
  readonly definitions: Definitions;
  readonly conformance: Conformance;
  /** What a body that can't be read is told of are issues too, as over HTTP. */
  readonly validate: (text: string | Buffer, asked?: Asked) => Promise<readonly Issue[]>;
  /** Without reading: what is timed. */
  readonly validator: ReturnType<typeof openValidation>['validator'];
};

export type ConformanceResource = JsonObject & { readonly resourceType: string; readonly url: string };

/** Compiled once for all validators of a process. */
let definitionsOfProcess: Promise<Definitions> | undefined;

async function loadOnce(): Promise<Definitions> {
  const cacheDir = mkdtempSync(join(tmpdir(), 'definitions-'));
  process.once('exit', () => rmSync(cacheDir, { recursive: true, force: true }));
  return loadDefinitions({ cacheDir });
}

const limits = { depthMax: 100, containerMax: 1_000_000, stringBytesMax: 100_000_000 };

export async function openTestValidator(
  brought: readonly ConformanceResource[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<TestValidator> {
  definitionsOfProcess ??= loadOnce();
  const definitions = await definitionsOfProcess;
  const byUrl = new Map<string, ConformanceResource[]>();
  for (const resource of brought) {
    const key = `${resource.resourceType} ${resource.url}`;
    byUrl.set(key, [resource, ...(byUrl.get(key) ?? [])]);
  }
  // The same places in the same order as the product's own, with what a test brings in place of packages.
  const conformance: Conformance = {
    async find(type, canonical) {
      const { url, version } = splitCanonical(canonical);
      const isVersioned = (found: unknown): found is JsonObject =>
        typeof found === 'object' &&
        found !== null &&
        (version === undefined || ('version' in found && isVersion(found.version as string, version)));
      const here = (byUrl.get(`${type} ${url}`) ?? []).find(isVersioned);
      if ((type === 'CodeSystem' || type === 'ValueSet') && url.startsWith('http://terminology.hl7.org/')) {
        const published = await definitions.published.resource(type, url);
        if (isVersioned(published)) return published;
        if (here !== undefined) return here;
      }
      const defined = (await definitions.resource(type, url)) ?? (await definitions.own.find(type, url));
      return isVersioned(defined) ? defined : here;
    },
    onChange: () => {},
  };
  const config = loadConfig(settings);
  const { validator } = openValidation({ config, schema: definitions.schema, conformance });
  return {
    definitions,
    conformance,
    validator,
    async validate(text, asked = {}) {
      try {
        const { value, decimals } = parseJson(text, limits);
        return await validator.validate({ value: value as JsonObject, decimals }, asked);
      } catch (error) {
        if (error instanceof FhirError) return error.issues;
        throw error;
      }
    },
  };
}

export type PackageContent = { readonly definitions: readonly ConformanceResource[]; readonly examples: ReadonlyMap<string, Buffer> };

/** A FHIR package: its conformance resources, and its examples' texts by file name. */
export async function readPackage(path: string): Promise<PackageContent> {
  return path.endsWith('.tgz') ? readArchive(path) : readFolder(path);
}

async function readFolder(folder: string): Promise<PackageContent> {
  const read = async (place: string): Promise<Map<string, Buffer>> => {
    const names = (await readdir(place)).filter(isResourceFile);
    return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(place, name))] as const)));
  };
  return { definitions: conformanceOf(await read(folder)), examples: await read(join(folder, 'example')) };
}

async function readArchive(file: string): Promise<PackageContent> {
  const definitions = new Map<string, Buffer>();
  const examples = new Map<string, Buffer>();
  await list({
    file,
    onReadEntry(entry) {
      const [, folder, name] = /^package\/(?:(example)\/)?([^/]+)$/.exec(entry.path) ?? [];
      if (name === undefined || !isResourceFile(name)) return;
      const parts: Buffer[] = [];
      entry.on('data', (part: Buffer) => parts.push(part));
      entry.on('end', () => (folder === undefined ? definitions : examples).set(name, Buffer.concat(parts)));
    },
  });
  return { definitions: conformanceOf(definitions), examples };
}

function isResourceFile(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.') && name !== 'package.json' && name !== 'ig-r4.json';
}

const conformanceTypes = new Set(['StructureDefinition', 'ValueSet', 'CodeSystem', 'ConceptMap', 'NamingSystem']);

function conformanceOf(files: ReadonlyMap<string, Buffer>): ConformanceResource[] {
  return [...files]
    .filter(([name]) => conformanceTypes.has(name.split('-', 1)[0] ?? ''))
    .map(([, text]) => JSON.parse(text.toString('utf8')) as ConformanceResource)
    .filter(({ url }) => typeof url === 'string');
}

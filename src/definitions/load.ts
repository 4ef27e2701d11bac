import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Schema, SearchParameterDef } from '../fhir/schema.ts';
import { readCacheFile, writeCacheFile } from './cache-file.ts';
import type { OperationDef, Summary } from './compiler.ts';
import { documentReader } from './documents.ts';
import { type OwnDefinitions, ownDefinitions } from './own.ts';
import type { CompartmentType } from './r4-source.ts';
import { openSchema } from './schema-reader.ts';
import { type PublishedTerminology, publishedTerminology } from './terminology.ts';

/** R4's definitions, frozen; one record for the life of the process. */
export type Definitions = {
  /** `4.0.1` */
  readonly version: string;
  /** The 146 concrete ones, sorted. */
  readonly resourceTypes: readonly string[];
  /** Types are materialised when first asked for, and then shared. */
  readonly schema: Schema;
  readonly searchParameters: readonly SearchParameterDef[];
  /** By the type of the compartment, then by member type: the parameters that make it a member. The focus itself isn't listed. */
  readonly compartments: Readonly<Record<CompartmentType, Readonly<Record<string, readonly string[]>>>>;
  /** The one code system all codes of a value set come from: the implied system of a `code` bound to it. */
  readonly codeSystemOf: (valueSet: string) => string | undefined;
  readonly operations: readonly OperationDef[];
  /**
   * A definition as a resource, without its narrative, read from the cache each time.
   *
   * @param type     StructureDefinition, SearchParameter, ValueSet, CodeSystem, ConceptMap, OperationDefinition, CompartmentDefinition
   * @param urlOrId  a canonical url, with or without `|version`, or the id
   * @returns        the parsed JSON, or undefined if R4 has no such definition
   */
  readonly resource: (type: string, urlOrId: string) => Promise<unknown>;
  /** What we define ourselves. */
  readonly own: OwnDefinitions;
  /** HL7's terminology as it is published today. */
  readonly published: PublishedTerminology;
};

/**
 * Loads R4's definitions from the cache, compiling them into it first if it has none of this version or a damaged one.
 *
 * Only the summary is read at start (about 1 MB); types are parsed one by one from a buffer, documents read one by one
 * from the file. Several processes may do this at the same time: each writes the same bytes and renames them into place.
 *
 * @param options.cacheDir  folder for `definitions-<package version>-<compiler version>.bin` (about 8 MB); made if missing
 * @throws                  if the folder can't be written or the package `hl7.fhir.r4.examples` isn't installed
 */
export async function loadDefinitions(options: { readonly cacheDir: string }): Promise<Definitions> {
  const source = await findPackage();
  const path = join(options.cacheDir, `definitions-${source.version}-${COMPILER_VERSION}.bin`);
  const compile = async (): Promise<void> => {
    const { compileDefinitions } = await import('./compiler.ts'); // Only a first start pays for the compiler.
    await writeCacheFile(path, await compileDefinitions(source.folder));
  };

  let cached = await readCacheFile(path);
  if (cached === undefined) {
    await compile();
    cached = await readCacheFile(path);
    if (cached === undefined) throw new Error(`the definitions cache ${path} can't be read back`);
  }
  const { resourceTypes, searchParameters, compartments, operations, impliedSystems, types } = parseSummary(cached.summary);
  const systems = new Map(Object.entries(impliedSystems));
  return Object.freeze({
    version: source.version,
    resourceTypes,
    schema: openSchema(cached.types, new Map(Object.entries(types))),
    searchParameters,
    compartments,
    codeSystemOf: (valueSet: string) => systems.get(withoutVersion(valueSet)),
    operations,
    resource: documentReader(path, cached.header, compile),
    own: ownDefinitions(),
    published: publishedTerminology(options),
  });
}

/** To be raised whenever the compiler's output changes: the name of the cache file has it, so that older files aren't taken. */
export const COMPILER_VERSION = 6;

const PACKAGE = 'hl7.fhir.r4.examples';

async function findPackage(): Promise<{ folder: string; version: string }> {
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return { folder: dirname(manifest), version };
}

function parseSummary(summary: Buffer): Summary {
  const parsed = JSON.parse(summary.toString('utf8')) as Summary;
  return deepFreeze(parsed);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

function withoutVersion(canonical: string): string {
  const bar = canonical.indexOf('|');
  return bar < 0 ? canonical : canonical.slice(0, bar);
}

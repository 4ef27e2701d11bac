import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Pool } from 'pg';
import { compareVersions } from '../../fhir/version.ts';
import { addPackage, listPackages, type PackageHead } from '../../storage/packages.ts';
import { UnusablePackage } from './manifest.ts';
import { type ReadPackage, readPackage } from './read-package.ts';
import { NotHad, type Registry } from './registry.ts';

export type AddOptions = {
  /** undefined: nothing is downloaded. */
  readonly registry: Registry | undefined;
  readonly withDependencies: boolean;
  /** Says what was done, a line each. */
  readonly done: (line: string) => void;
  /** Says what could not be done. */
  readonly note: (line: string) => void;
};

/** What to add: a place on disk, or a package by its name. */
export type Wanted = { readonly path: string } | { readonly name: string; readonly version: string | undefined };

/** What a package brings along isn't without end. */
const packagesMax = 200;

/** R4's own packages. */
const builtIn = /^hl7\.fhir\.r4\.(?:core|examples)$/;
/** HL7's terminology is built in too; a newer one may be added, but not for being depended on. */
const builtInTerminology = /^hl7\.terminology(?:\.r4)?$/;
/** Packages that are made anew for each version of FHIR: by the plain name only that for the newest is had. */
const forR4: ReadonlyMap<string, string> = new Map([['hl7.fhir.uv.extensions', 'hl7.fhir.uv.extensions.r4']]);
const otherVersions = /^hl7\.fhir\.r(?:2|2b|3|4b|5|6)\./;

/**
 * Adds a package, and then what it depends on; a dependency that can't be had is said and keeps nothing else from being added.
 *
 * @throws UnusablePackage, NotHad if the package that was asked for can't be added
 */
export async function addWithDependencies(pool: Pool, wanted: Wanted, options: AddOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'anamnesis-ig-'));
  try {
    const first = 'path' in wanted ? await readPackage(wanted.path) : await read(wanted.name, wanted.version, { ...options, folder });
    if (first === undefined) return;
    await put(pool, first, options);
    if (!options.withDependencies) return;
    const here = new Map<string, string[]>();
    for (const { name, version } of await listPackages(pool)) here.set(name, [...(here.get(name) ?? []), version]);
    const queue = dependenciesOf(first.head);
    for (let next = queue.shift(), n = 0; next !== undefined && n < packagesMax; next = queue.shift(), n++) {
      const added = await addDependency(pool, next, here, { ...options, folder });
      if (added === undefined) continue;
      here.set(added.name, [...(here.get(added.name) ?? []), added.version]);
      queue.push(...dependenciesOf(added));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Dependency = { readonly name: string; readonly version: string; readonly of: string };

function dependenciesOf({ name, version, dependencies }: PackageHead): Dependency[] {
  return Object.entries(dependencies)
    .map(([needed, asked]): [string, string] => [forR4.get(needed) ?? needed, asked])
    .filter(([needed]) => ![builtIn, builtInTerminology, otherVersions].some((kind) => kind.test(needed)))
    .map(([needed, asked]) => ({ name: needed, version: asked, of: `${name}@${version}` }));
}

type Sources = AddOptions & { readonly folder: string };

/** The head of what was added now, if anything. */
async function addDependency(
  pool: Pool,
  { name, version, of }: Dependency,
  here: ReadonlyMap<string, readonly string[]>,
  options: Sources,
): Promise<PackageHead | undefined> {
  const versions = here.get(name) ?? [];
  if (versions.includes(version)) return undefined;
  let why: string;
  try {
    const found = await read(name, version, options);
    if (found === undefined || versions.includes(found.head.version)) return undefined;
    await put(pool, found, options);
    return found.head;
  } catch (error) {
    if (!(error instanceof UnusablePackage) && !(error instanceof NotHad)) throw error;
    why = error.message;
  }
  const [newest] = versions.toSorted((a, b) => compareVersions(b, a));
  if (newest !== undefined) {
    options.note(`${of} depends on ${name}@${version}, which can't be had (${why}); ${newest} is here and stands in for it.`);
    return undefined;
  }
  const other = await installedBeside(name);
  if (other !== undefined) {
    options.note(`${of} depends on ${name}@${version}, which can't be had (${why}); ${other.version} is taken instead.`);
    const found = await readPackage(other.folder);
    await put(pool, found, options);
    return found.head;
  }
  options.note(`${of} depends on ${name}@${version}, which can't be had (${why}). What only it defines isn't checked.`);
  return undefined;
}

/** From beside this program if it has exactly what is asked for, else from the registry. Undefined if it is built in. */
async function read(name: string, version: string | undefined, { registry, folder, note }: Sources): Promise<ReadPackage | undefined> {
  if (builtIn.test(name)) {
    note(`${name} is built in.`);
    return undefined;
  }
  const beside = await installedBeside(name);
  if (beside !== undefined && (version === undefined ? registry === undefined : beside.version === version)) {
    return readPackage(beside.folder);
  }
  if (registry === undefined) throw new NotHad('nothing is downloaded with --offline');
  const found = await readPackage(await registry.download(name, version, folder));
  if (found.head.name !== name) throw new UnusablePackage(`the registry sent ${found.head.name} instead of ${name}`);
  return found;
}

/** A package that npm installed with this program. An alias leads to a package of another name, which is not the one. */
async function installedBeside(name: string): Promise<{ readonly folder: string; readonly version: string } | undefined> {
  try {
    const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { name?: unknown; version?: unknown };
    if (manifest.name !== name || typeof manifest.version !== 'string') return undefined;
    return { folder: dirname(file), version: manifest.version };
  } catch {
    // Not installed, or not by npm's rules: it isn't beside us then.
    return undefined;
  }
}

async function put(pool: Pool, { head, resources }: ReadPackage, { done }: AddOptions): Promise<void> {
  const isNew = await addPackage(pool, head, resources);
  const what = `${head.name}@${head.version}`;
  done(isNew ? `${what} is added: ${resources.length} resources.` : `${what} is here already.`);
}

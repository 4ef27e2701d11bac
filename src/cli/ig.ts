import { stat } from 'node:fs/promises';
import { recordOwn } from '../audit/operator.ts';
import { loadConfig } from '../config.ts';
import { openServices, type Services } from '../services.ts';
import { listPackages, removePackage } from '../storage/packages.ts';
import { createLog } from '../telemetry/log.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import { addWithDependencies, type Wanted } from './ig/add.ts';
import { packageName, packageVersion, UnusablePackage } from './ig/manifest.ts';
import { fhirRegistry, NotHad, openRegistry } from './ig/registry.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run ig -- add NAME[@VERSION] | FILE.tgz | FOLDER
npm run ig -- list
npm run ig -- remove NAME@VERSION

Adds implementation guides and other FHIR packages, beside the running server or without it: their profiles, value sets and code
systems are in force at once. What a package depends on is added with it; several versions of one package may be there.

  --offline          download nothing: only files, folders, and packages that were installed with this program
  --no-dependencies  only this package, not what it depends on
  --registry URL     where packages come from (${fhirRegistry})
`;

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values, positionals } = readArguments(args, {
      offline: { type: 'boolean', default: false },
      'no-dependencies': { type: 'boolean', default: false },
      registry: { type: 'string', default: fhirRegistry },
    });
    const [action, subject, ...more] = positionals;
    if (!/^https?:\/\//.test(values.registry) || !URL.canParse(values.registry)) throw new UsageError('--registry must be a URL');
    if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
    const registry = values.offline ? undefined : openRegistry(values.registry.replace(/\/+$/, ''));
    switch (action) {
      case 'add': {
        if (subject === undefined) throw new UsageError('add needs a package, a file or a folder');
        const wanted = await wantedOf(subject);
        return withServices('ig add', (services) => add(services, wanted, { registry, withDependencies: !values['no-dependencies'] }, io));
      }
      case 'list':
        if (subject !== undefined) throw new UsageError(`unexpected argument ${subject}`);
        return withServices('ig list', (services) => list(services, io));
      case 'remove': {
        const { name, version } = nameOf(subject ?? '');
        if (version === undefined) throw new UsageError('remove needs NAME@VERSION');
        return withServices('ig remove', (services) => remove(services, { name, version }, io));
      }
      default:
        throw new UsageError(action === undefined ? 'say what to do: add, list or remove' : `${action} is none of add, list, remove`);
    }
  });
}

async function withServices(command: string, work: (services: Services) => Promise<number>): Promise<number> {
  const config = loadConfig();
  const log = createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
  const services = await openServices(config, log, 'attach');
  try {
    await recordOwn(services.context.audit, 'cli', 'configuration', { command });
    return await work(services);
  } finally {
    await services.close();
  }
}

/** What lies on disk under this name, else the package of this name. */
async function wantedOf(subject: string): Promise<Wanted> {
  const isThere = await stat(subject).then(
    () => true,
    () => false,
  );
  if (isThere) return { path: subject };
  if (/[/\\]|\.tgz$/.test(subject)) throw new UsageError(`there is no file or folder ${subject}`);
  return nameOf(subject);
}

function nameOf(subject: string): { readonly name: string; readonly version: string | undefined } {
  const [name = '', version, ...more] = subject.split(/[@#]/);
  if (!packageName.test(name) || more.length > 0 || (version !== undefined && !packageVersion.test(version))) {
    throw new UsageError(`${subject || 'nothing'} is no NAME@VERSION of a package`);
  }
  return { name, version };
}

type AddParts = Pick<Parameters<typeof addWithDependencies>[2], 'registry' | 'withDependencies'>;

async function add({ context }: Services, wanted: Wanted, parts: AddParts, io: CommandIo): Promise<number> {
  const done = (line: string): unknown => io.stdout.write(`${line}\n`);
  const note = (line: string): unknown => io.stderr.write(`${line}\n`);
  try {
    await addWithDependencies(context.pool, wanted, { ...parts, done, note });
    return 0;
  } catch (error) {
    if (!(error instanceof UnusablePackage) && !(error instanceof NotHad)) throw error;
    const subject = 'path' in wanted ? wanted.path : `${wanted.name}${wanted.version === undefined ? '' : `@${wanted.version}`}`;
    io.stderr.write(`${subject} can't be added: ${error.message}.\n`);
    return 1;
  }
}

async function list({ context }: Services, io: CommandIo): Promise<number> {
  const packages = await listPackages(context.pool);
  for (const { name, version, resources, title } of packages) {
    io.stdout.write(`${name}@${version}  ${resources} resources${title === undefined ? '' : `  ${title}`}\n`);
  }
  if (packages.length === 0) io.stderr.write('No packages were added. FHIR R4 itself is built in.\n');
  return 0;
}

async function remove({ context }: Services, wanted: { readonly name: string; readonly version: string }, io: CommandIo): Promise<number> {
  if (await removePackage(context.pool, wanted)) {
    io.stdout.write(`${wanted.name}@${wanted.version} is removed.\n`);
    return 0;
  }
  io.stderr.write(`There is no ${wanted.name}@${wanted.version} here.\n`);
  return 1;
}

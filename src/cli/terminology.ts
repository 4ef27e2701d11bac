import { access } from 'node:fs/promises';
import { recordOwn } from '../audit/operator.ts';
import { loadConfig } from '../config.ts';
import { openServices, type Services } from '../services.ts';
import { listSystems, LoadUnderWay, loadSystem, removeSystem } from '../storage/terminology-load.ts';
import { createLog } from '../telemetry/log.ts';
import { codeSystemJson } from '../terminology/load/code-system-json.ts';
import { csv } from '../terminology/load/csv.ts';
import type { Said } from '../terminology/load/format.ts';
import { loinc } from '../terminology/load/loinc.ts';
import { snomed } from '../terminology/load/snomed.ts';
import { openRelease } from '../terminology/load/sources.ts';
import { UnreadableFile } from '../terminology/load/tables.ts';
import { readArguments, UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run terminology -- load FILE | FOLDER [--url URL] [--version V] [--name NAME]
npm run terminology -- list
npm run terminology -- remove URL[|VERSION]

Loads code systems that are too large for a CodeSystem resource, beside the running server or without it. A version is in force when
all of it is there, and then takes the place of the same version.

  FILE, FOLDER  LOINC (the zip, its folder or Loinc.csv), SNOMED CT (a release in RF2, zip or folder), a CodeSystem (.json), or a
                table (.csv, with --url) with the columns code, display, definition, parent, active, abstract, display:LANGUAGE, and
                properties by their names; see docs/terminology.md
  --url         the code system's url, where the files don't tell it
  --version     its version, where the files don't tell it
  --name        what it is called
`;

/** The first that recognises a release reads it. */
const formats = [loinc, snomed, codeSystemJson, csv];

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const { values, positionals } = readArguments(args, { url: { type: 'string' }, version: { type: 'string' }, name: { type: 'string' } });
    const [action, subject, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
    if (values.url !== undefined && !/^[a-z][a-z\d+.-]*:\S+$/i.test(values.url)) throw new UsageError('--url must be a URL');
    switch (action) {
      case 'load':
        if (subject === undefined) throw new UsageError('load needs a file or a folder');
        await access(subject).catch((error: unknown) => {
          throw new UsageError(`${subject} can't be read`, { cause: error });
        });
        return withServices('terminology load', (services) => load(services, subject, values, io));
      case 'list':
        if (subject !== undefined) throw new UsageError(`unexpected argument ${subject}`);
        return withServices('terminology list', (services) => list(services, io));
      case 'remove':
        if (subject === undefined) throw new UsageError('remove needs a URL, with |VERSION where it has one');
        return withServices('terminology remove', (services) => remove(services, subject, io));
      default:
        throw new UsageError(action === undefined ? 'say what to do: load, list or remove' : `${action} is none of load, list, remove`);
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

async function load({ context: { pool } }: Services, path: string, said: Said, io: CommandIo): Promise<number> {
  const release = await openRelease(path);
  const began = performance.now();
  try {
    const format = formats.find((each) => each.recognises(release));
    if (format === undefined) throw new UnreadableFile(`${path} is no release of LOINC or SNOMED CT, no CodeSystem and no CSV file.`);
    const { head, rows } = await format.read(release, said);
    const concepts = await loadSystem(pool, head, rows, (count) => io.stderr.write(`${format.name}: ${count} rows\n`));
    const version = head.version === undefined ? '' : `|${head.version}`;
    io.stdout.write(`${head.url}${version}: ${concepts} concepts in ${((performance.now() - began) / 1000).toFixed(1)} s.\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UnreadableFile) && !(error instanceof LoadUnderWay)) throw error;
    io.stderr.write(`${error.message}\nNothing has changed.\n`);
    return 1;
  } finally {
    release.close();
  }
}

async function list({ context: { pool } }: Services, io: CommandIo): Promise<number> {
  const systems = await listSystems(pool);
  for (const { url, version, name, concepts, loadedAt } of systems)
    io.stdout.write(`${url}${version === '' ? '' : `|${version}`}  ${name ?? ''}  ${concepts} concepts  ${loadedAt}\n`);
  if (systems.length === 0) io.stderr.write('No code systems are loaded.\n');
  return 0;
}

async function remove({ context: { pool } }: Services, subject: string, io: CommandIo): Promise<number> {
  const bar = subject.indexOf('|');
  const [url, version] = bar < 0 ? [subject, undefined] : [subject.slice(0, bar), subject.slice(bar + 1)];
  const wanted = (await listSystems(pool)).filter((each) => each.url === url && (version === undefined || each.version === version));
  if (wanted.length !== 1) {
    const text =
      wanted.length === 0
        ? `${subject} is not loaded.`
        : `Several versions are loaded: name one of ${wanted.map((each) => `${url}|${each.version}`).join(', ')}.`;
    io.stderr.write(`${text}\n`);
    return 1;
  }
  try {
    await removeSystem(pool, { url, version: wanted[0]?.version });
  } catch (error) {
    if (!(error instanceof LoadUnderWay)) throw error;
    io.stderr.write(`${error.message}\n`);
    return 1;
  }
  io.stdout.write(`${url} is removed.\n`);
  return 0;
}

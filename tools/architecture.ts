import { posix } from 'node:path';
import type { Source } from './source-scan.ts';

/** The parts of src/ and their ranks: a file imports its own part, or one of a strictly lower rank. */
const ranks: Readonly<Record<string, number>> = {
  fhir: 0,
  config: 0,
  telemetry: 1,
  definitions: 1,
  fhirpath: 1,
  encryption: 1,
  storage: 2,
  terminology: 3,
  search: 4,
  validation: 5,
  authorization: 5,
  audit: 5,
  interactions: 6,
  bulk: 7,
  events: 7,
  operations: 8,
  native: 8,
  http: 9,
  start: 10,
  cli: 11,
};

/** The files that lie in src/ itself, and the part each belongs to. */
const rootFiles: Readonly<Record<string, string>> = {
  'config.ts': 'config',
  'config-alerts.ts': 'config',
  'config-audit.ts': 'config',
  'config-kinds.ts': 'config',
  'config-models.ts': 'config',
  'config-replication.ts': 'config',
  'config-rules.ts': 'config',
  'config-variables.ts': 'config',
  'services.ts': 'start',
  'server.ts': 'start',
  'worker.ts': 'start',
};

const linesMax = 300;

/** @returns one line per import of src/ that goes up, sideways, or out of src/ */
export function importsAgainstRank(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => isIn('src', path))
    .flatMap((source) =>
      source.imports.flatMap((found) => {
        if (!found.isRelative) return [];
        const place = `${source.path}:${found.line}`;
        if (!isIn('src', found.target)) return `${place} imports ${found.target}, which is no part of src`;
        const [from, to] = [partOf(source.path), partOf(found.target)];
        if (from === to) return [];
        const [own, other] = [ranks[from], ranks[to]];
        if (own === undefined || other === undefined)
          return `${place}: ${own === undefined ? from : to} has no rank in tools/architecture.ts`;
        return other < own ? [] : `${place} imports ${found.target}: ${from} has rank ${own}, ${to} has rank ${other}`;
      }),
    );
}

/** @returns each circle of imports once, as the path around it */
export function circularImports(sources: readonly Source[]): string[] {
  const imports = new Map(
    sources.map(({ path, imports: found }) => [path, new Set(found.filter(({ isUrl }) => !isUrl).map(({ target }) => target))]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) circles.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    for (const target of imports.get(path) ?? []) walk(target);
    trail.pop();
    done.add(path);
  };
  for (const path of imports.keys()) walk(path);
  return circles;
}

/** @returns files of src/ that are longer than they should be, and entries of the list of exceptions that are not needed */
export function longFiles(sources: readonly Source[], exceptions: Readonly<Record<string, string>>): string[] {
  const long = sources.filter(({ path, lines }) => isIn('src', path) && lines > linesMax);
  const unneeded = Object.keys(exceptions).filter((path) => !long.some((source) => source.path === path));
  return [
    ...long
      .filter(({ path }) => exceptions[path] === undefined)
      .map(({ path, lines }) => `${path} has ${lines} lines, more than ${linesMax}`),
    ...unneeded.map((path) => `${path} is not too long: take it off the list of exceptions`),
  ];
}

/** @returns folders and files whose names say nothing, or aren't kebab-case */
export function badNames(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path }) => {
    const names = path.split('/').map((name) => name.replace(/(\.d|(\.db|\.browser|\.last)?\.test)?\.ts$/, ''));
    const vague = names.filter((name) => /^(utils?|helpers?|common|misc)$|-(utils?|helpers?)$/.test(name));
    const odd = names.filter((name) => !/^[a-z\d]+(-[a-z\d]+)*$/.test(name));
    return [...vague.map((name) => `${path}: "${name}" says nothing`), ...odd.map((name) => `${path}: "${name}" is not kebab-case`)];
  });
}

/**
 * Declarations of packages without types (`.d.ts`) say what is there, and are not asked to follow our rules.
 *
 * @returns what src/ must not hold: default exports, console output, reads of the environment outside config.ts, computed imports
 */
export function forbiddenCode(sources: readonly Source[]): string[] {
  const reasons = {
    'default-export': 'exports by name only',
    environment: 'leaves the environment to src/config.ts',
    console: 'writes to the log, or to the streams a command was given',
    'computed-import': 'imports only what is written out, so that ranks can be checked',
  } as const;
  return sources
    .filter(({ path }) => isIn('src', path) && !path.endsWith('.d.ts'))
    .flatMap(({ path, sightings }) =>
      sightings
        .filter(({ kind }) => !(kind === 'environment' && path === 'src/config.ts'))
        .map(({ kind, line }) => `${path}:${line}: src ${reasons[kind]}`),
    );
}

/** @returns relative imports without their suffix, which Node doesn't find */
export function importsWithoutSuffix(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ isRelative, target }) => isRelative && !/\.(ts|json)$/.test(target))
      .map(({ line, target }) => `${path}:${line} imports ${target} without .ts`),
  );
}

/** @returns imports of src/ by the suites that know the server only over HTTP */
export function insideKnowledge(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => isIn('test/conformance', path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => isIn('src', target))
        .map(({ line, target }) => `${path}:${line} imports ${target}: test/conformance knows the server over HTTP only`),
    );
}

function partOf(path: string): string {
  const [, first = '', ...rest] = path.split('/');
  return rest.length > 0 ? first : (rootFiles[first] ?? path);
}

function isIn(folder: string, path: string): boolean {
  return posix.normalize(path).startsWith(`${folder}/`);
}

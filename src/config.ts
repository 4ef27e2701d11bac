import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Variable } from './config-kinds.ts';
import { contradictions } from './config-rules.ts';
import { sections } from './config-variables.ts';

const variables = {
  ...sections.Server,
  ...sections.Storage,
  ...sections.Encryption,
  ...sections.Access,
  ...sections.Audit,
  ...sections.Replication,
  ...sections.Alerts,
  ...sections['Language model'],
  ...sections.Requests,
  ...sections.Bulk,
  ...sections.Rates,
  ...sections.Validation,
  ...sections.Search,
} as const;

type CamelCase<N extends string> = N extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<N>;
type Values = {
  readonly [N in keyof typeof variables as CamelCase<N>]: (typeof variables)[N] extends Variable<infer T> ? T : never;
};
/** Variables whose default follows from others. */
type Derived =
  | 'baseUrl'
  | 'cacheDir'
  | 'keyFile'
  | 'erasureLedger'
  | 'auditAnchorFile'
  | 'auditSpoolDir'
  | 'devTokenIssuer'
  | 'rateLimitReads'
  | 'rateLimitSearches'
  | 'rateLimitWrites'
  | 'rateLimitPublic';

/** `BODY_LIMIT_BYTES` is `bodyLimitBytes`; on and off are booleans, paths are absolute, what is not set is undefined. Frozen. */
export type Config = Omit<Values, Derived> & { readonly [N in Derived]: NonNullable<Values[N]> };

/** Names and texts, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration. An empty variable counts as not set.
 *
 * @param env        by default the environment of the process, over a file `.env` in `directory`
 * @param directory  where relative paths start
 * @throws           Error that lists every fault with the variable's name and what it accepts; never a value, for that may be a secret
 */
export function loadConfig(env?: Environment, directory: string = process.cwd()): Config {
  const given = env ?? readEnvironment(directory);
  const refused = new Map<string, string>();
  const entries = Object.entries<Variable<unknown>>(variables).map(([name, variable]) => {
    const written = (variable.isSecret === true ? secretOf(name, given, directory, refused) : given[name])?.trim() ?? '';
    const value = written === '' ? undefined : variable.read(written, directory);
    if (written !== '' && value === undefined) refused.set(name, variable.accepts);
    return [camelCase(name), value ?? defaultOf(variable, directory)] as const;
  });
  // `Values` takes its names and types from the same table by the same rule, and the default stands in for a value that was refused.
  const config = complete(Object.fromEntries(entries) as Values);
  const contradicted = contradictions(config).filter((rule) => !refused.keys().some((name) => rule.includes(name)));
  const faults = [...refused.entries().map(([name, accepts]) => `${name} accepts ${accepts}`), ...contradicted];
  if (faults.length > 0) throw new Error(['The configuration has faults:', ...faults].join('\n- '));
  return Object.freeze(config);
}

/** The configuration once the port is known: after `PORT=0`, a base URL that wasn't given follows the port that was bound. */
export function atPort(config: Config, port: number): Config {
  const isDefault = config.baseUrl === defaultBaseUrl(config);
  return Object.freeze({ ...config, port, baseUrl: isDefault ? defaultBaseUrl({ ...config, port }) : config.baseUrl });
}

function readEnvironment(directory: string): Environment {
  const file = join(directory, '.env');
  return { ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}), ...process.env };
}

/** A secret itself, or what the file says that is named in its place: `DATABASE_URL_FILE` for `DATABASE_URL`. */
function secretOf(name: string, given: Environment, directory: string, refused: Map<string, string>): string | undefined {
  const file = given[`${name}_FILE`]?.trim() ?? '';
  if (file === '') return given[name];
  if ((given[name]?.trim() ?? '') !== '') refused.set(`${name}_FILE`, `no path where ${name} is set as well`);
  try {
    const written = readFileSync(resolve(directory, file), 'utf8');
    if (written.trim() === '') refused.set(`${name}_FILE`, 'the path of a file that is not empty');
    return written;
  } catch {
    refused.set(`${name}_FILE`, 'the path of a file that can be read');
    return undefined;
  }
}

function defaultOf(variable: Variable<unknown>, directory: string): unknown {
  return variable.fallback === '' ? variable.empty : variable.read(variable.fallback, directory);
}

function complete(values: Values): Config {
  const beside = dirname(values.dataDir);
  const isProduction = values.nodeEnv === 'production';
  const keyFile = values.keyFile ?? join(beside, '.keys', 'root.json');
  return {
    ...values,
    baseUrl: values.baseUrl ?? defaultBaseUrl(values),
    cacheDir: values.cacheDir ?? join(beside, '.cache'),
    keyFile,
    erasureLedger: values.erasureLedger ?? join(dirname(keyFile), 'erasures.ndjson'),
    auditAnchorFile: values.auditAnchorFile ?? join(dirname(keyFile), 'audit-anchors.ndjson'),
    auditSpoolDir: values.auditSpoolDir ?? join(dirname(keyFile), 'audit-spool'),
    devTokenIssuer: values.devTokenIssuer ?? !isProduction,
    rateLimitReads: values.rateLimitReads ?? (isProduction ? 600_000 : 0),
    rateLimitSearches: values.rateLimitSearches ?? (isProduction ? 120_000 : 0),
    rateLimitWrites: values.rateLimitWrites ?? (isProduction ? 120_000 : 0),
    rateLimitPublic: values.rateLimitPublic ?? (isProduction ? 6_000 : 0),
  };
}

/** One listens on a wildcard address but can't call it, so the default names the loopback address instead. */
function defaultBaseUrl({ host, port, tlsCertFile }: Pick<Values, 'host' | 'port' | 'tlsCertFile'>): string {
  const callable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${tlsCertFile === undefined ? 'http' : 'https'}://${isIPv6(callable) ? `[${callable}]` : callable}:${port}/fhir/R4`;
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

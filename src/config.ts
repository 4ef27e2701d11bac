import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { parseEnv } from 'node:util';
import {
  choice,
  databaseUrl,
  hostName,
  networks,
  onOff,
  optional,
  origins,
  path,
  profilesByType,
  type Variable,
  webAddress,
  whole,
} from './config-kinds.ts';

/**
 * Every variable the server reads, by section. This is the only place that names them: docs/configuration.md and
 * .env.example are written from it (`npm run config`), and the type `Config` follows from it.
 */
export const sections = {
  Server: {
    NODE_ENV: choice('development', ['development', 'test', 'production'], 'Production refuses what only developers need.'),
    HOST: hostName('127.0.0.1', 'Address to listen on.'),
    PORT: whole(8_080, [0, 65_535], '', 'TCP port to listen on; 0 takes any free one.'),
    BASE_URL: optional(
      'http://HOST:PORT/fhir/R4',
      webAddress('', 'Public address of the FHIR API, as clients write it: absolute references that begin with it are local.'),
    ),
    TRUSTED_PROXIES: networks('Proxies whose word on the address of a client is believed.'),
    CORS_ORIGINS: origins('Web pages of other origins that may call the API.'),
    HEADERS_TIMEOUT_MS: whole(20_000, [1_000, 600_000], 'ms', 'Longest time to receive the head of a request.'),
    REQUEST_TIMEOUT_MS: whole(120_000, [1_000, 3_600_000], 'ms', 'Longest time to receive a whole request.'),
    SHUTDOWN_TIMEOUT_MS: whole(20_000, [0, 600_000], 'ms', 'Time that running requests have to end once a stop is asked for.'),
    COMPRESSION_MIN_BYTES: whole(4_096, [0, 1_073_741_824], 'bytes', 'Answers smaller than this are sent uncompressed.'),
    LOG_LEVEL: choice(
      'info',
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'The least important lines that are written to the log.',
    ),
  },
  Storage: {
    DATA_DIR: path('.data', 'Folder of the embedded PostgreSQL servers.'),
    CACHE_DIR: optional('.cache beside DATA_DIR', path('', 'Folder of compiled definitions; it may be deleted at any time.')),
    DATABASE_URL: optional(
      'the embedded server',
      databaseUrl('', 'Main database, in the role the server works in: it reads and writes rows and has no right to change tables.'),
    ),
    MIGRATION_DATABASE_URL: optional(
      'migrations only of the embedded server',
      databaseUrl('', 'Main database, in the role that owns the tables.'),
    ),
    KEY_DATABASE_URL: optional(
      'a second embedded server',
      databaseUrl(
        '',
        'Database of the patient keys, on a PostgreSQL server of its own whose backups are kept for a short time: what it forgets is erased. To be set together with DATABASE_URL.',
      ),
    ),
    DATABASE_POOL_SIZE: whole(16, [2, 1_000], 'connections', 'Connections of one process to the main database.'),
    TRANSACTION_TIMEOUT_MS: whole(
      30_000,
      [1_000, 30_000],
      'ms',
      'Longest transaction. Change feeds wait for the oldest one, hence the limit.',
    ),
    TRANSACTION_RETRIES_MAX: whole(10, [0, 100], 'retries', 'How often a transaction that lost against another one is run again.'),
  },
  Encryption: {
    PHI_ENCRYPTION: onOff('on', 'Whether resources are sealed with the key of their patient. To be chosen before the first start.'),
    TOKEN_ALGORITHM: choice(
      'siphash',
      ['siphash', 'sha256'],
      'Keyed function of the search tokens; sha256 where FIPS 140 is asked for. To be chosen before the first start.',
    ),
    KEY_FILE: optional(
      '.keys/root.json beside DATA_DIR',
      path(
        '',
        'File of the root key, outside DATA_DIR and CACHE_DIR. Without it all data is lost: keep it on lasting storage, and back it up apart from the data.',
      ),
    ),
    ERASURE_LEDGER: optional(
      'erasures.ndjson beside KEY_FILE',
      path(
        '',
        'File that lists the erased patients, outside DATA_DIR and CACHE_DIR. After a backup was restored, the next start erases again what it lists: keep it on lasting storage, and never restore an older copy of it.',
      ),
    ),
    KEY_CACHE_SECONDS: whole(900, [1, 900], 'seconds', 'How long an opened patient key may stay in memory.'),
    DOCUMENT_CACHE_MIB: whole(64, [0, 65_536], 'MiB', 'Opened documents in memory, out of reach once their key is; 0 keeps none.'),
    KEY_CACHE_MAX: whole(50_000, [100, 10_000_000], 'keys', 'Opened patient keys in memory.'),
  },
  Access: {
    DEV_TOKEN_ISSUER: optional(
      'on, in production off',
      onOff('', 'Whether tokens made by `npm run token` are accepted. Refused in production.'),
    ),
    TRUSTED_ISSUERS: optional(
      'none',
      path('', 'JSON file of the issuers whose access tokens are taken; docs/access.md tells what it holds.'),
    ),
  },
  Requests: {
    BODY_LIMIT_BYTES: whole(52_428_800, [1_024, 1_073_741_824], 'bytes', 'Largest request body, uncompressed.'),
    URL_BYTES_MAX: whole(16_384, [256, 1_048_576], 'bytes', 'Longest request URL.'),
    JSON_DEPTH_MAX: whole(64, [8, 500], 'levels', 'Deepest nesting of a JSON body.'),
    JSON_CONTAINER_MAX: whole(100_000, [100, 10_000_000], 'members', 'Most members of one JSON object, and most items of one array.'),
    JSON_STRING_BYTES_MAX: whole(
      20_000_000,
      [1_024, 1_073_741_824],
      'bytes',
      'Longest JSON string. Base64 data is bound by the body alone.',
    ),
    BUNDLE_ENTRIES_MAX: whole(5_000, [1, 100_000], 'entries', 'Most entries of a batch or transaction.'),
    REFERENCES: choice('unchecked', ['unchecked', 'checked'], 'Checked refuses a write whose references lead to nothing.'),
    CONDITIONAL_DELETE_MAX: whole(1_000, [1, 100_000], 'resources', 'Most resources that one conditional delete may remove.'),
  },
  Validation: {
    REQUIRED_PROFILES: profilesByType('Profiles that every resource of a type has to conform to when it is written.'),
    UNKNOWN_PROFILES: choice(
      'warn',
      ['warn', 'refuse'],
      'What becomes of a resource that claims a profile which is not known here: it is taken with a warning, or refused.',
    ),
    BEST_PRACTICE: optional(
      'warning, and for a resource without narrative information',
      choice(
        '',
        ['ignore', 'information', 'warning', 'error'],
        'How grave it is to break a rule that is only recommended, such as that a resource has a narrative.',
      ),
    ),
    PROFILE_CACHE_MAX: whole(1_000, [600, 100_000], 'profiles', 'Compiled profiles and extensions in memory.'),
    TERMINOLOGY_CACHE_MIB: whole(32, [1, 65_536], 'MiB', 'Code systems and value sets in memory, about.'),
  },
  Search: {
    SEARCH_TIMEOUT_MS: whole(10_000, [100, 30_000], 'ms', 'Longest time that a search may take.'),
    SEARCH_TOTAL_TIMEOUT_MS: whole(
      1_000,
      [10, 30_000],
      'ms',
      'Longest time that a page waits for its `_total`; what takes longer is left out.',
    ),
    SEARCH_PARAMETERS_MAX: whole(50, [1, 1_000], 'parameters', 'Most parameters of one search.'),
    SEARCH_PARAMETERS_ADDED_MAX: whole(
      200,
      [0, 2_000],
      'parameters',
      'Most search parameters that SearchParameter resources may add; each makes writing and storing dearer.',
    ),
    SEARCH_OR_VALUES_MAX: whole(500, [1, 10_000], 'values', 'Most values of one parameter, as separated by commas.'),
    SEARCH_CHAIN_DEPTH_MAX: whole(5, [1, 10], 'hops', 'Most hops of a chained parameter, and of nested `_has`.'),
    SEARCH_FULL_TEXT: onOff(
      'off',
      'Whether `_text` and `_content` are answered. On, each resource is indexed by all its words: whoever steals the database may count how often which words occur together. After it is switched on, `npm run reindex` finds what was stored before.',
    ),
    INCLUDE_MAX: whole(1_000, [0, 100_000], 'resources', 'Most resources that `_include` and `_revinclude` add to a page.'),
    PAGE_SIZE_DEFAULT: whole(50, [1, 10_000], 'resources', 'Matches on a search page when `_count` is not given.'),
    PAGE_SIZE_MAX: whole(1_000, [1, 10_000], 'resources', 'Most matches on a search page; a larger `_count` is cut down to it.'),
    HISTORY_PAGE_SIZE_DEFAULT: whole(50, [1, 10_000], 'versions', 'Versions on a history page when `_count` is not given.'),
    HISTORY_PAGE_SIZE_MAX: whole(1_000, [1, 10_000], 'versions', 'Most versions on a history page; a larger `_count` is cut down to it.'),
  },
} as const;

const variables = {
  ...sections.Server,
  ...sections.Storage,
  ...sections.Encryption,
  ...sections.Access,
  ...sections.Requests,
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
type Derived = 'baseUrl' | 'cacheDir' | 'keyFile' | 'erasureLedger' | 'devTokenIssuer';

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
    const written = given[name]?.trim() ?? '';
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
  const isDefault = config.baseUrl === defaultBaseUrl(config.host, config.port);
  return Object.freeze({ ...config, port, baseUrl: isDefault ? defaultBaseUrl(config.host, port) : config.baseUrl });
}

function readEnvironment(directory: string): Environment {
  const file = join(directory, '.env');
  return { ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}), ...process.env };
}

function defaultOf(variable: Variable<unknown>, directory: string): unknown {
  return variable.fallback === '' ? variable.empty : variable.read(variable.fallback, directory);
}

function complete(values: Values): Config {
  const beside = dirname(values.dataDir);
  const keyFile = values.keyFile ?? join(beside, '.keys', 'root.json');
  return {
    ...values,
    baseUrl: values.baseUrl ?? defaultBaseUrl(values.host, values.port),
    cacheDir: values.cacheDir ?? join(beside, '.cache'),
    keyFile,
    erasureLedger: values.erasureLedger ?? join(dirname(keyFile), 'erasures.ndjson'),
    devTokenIssuer: values.devTokenIssuer ?? values.nodeEnv !== 'production',
  };
}

/** What is wrong between variables that are right each for itself. */
function contradictions(config: Config): string[] {
  const rules: readonly (readonly [broken: boolean, rule: string])[] = [
    [isInside(config.keyFile, config.dataDir), 'KEY_FILE must lie outside DATA_DIR: whoever copies the data must not get its key'],
    [
      isInside(config.erasureLedger, config.dataDir),
      'ERASURE_LEDGER must lie outside DATA_DIR: a restored backup must not bring an older one',
    ],
    [isInside(config.erasureLedger, config.cacheDir), 'ERASURE_LEDGER must lie outside CACHE_DIR, which may be deleted at any time'],
    [isInside(config.keyFile, config.cacheDir), 'KEY_FILE must lie outside CACHE_DIR, which may be deleted at any time'],
    [
      (config.databaseUrl === undefined) !== (config.keyDatabaseUrl === undefined),
      'DATABASE_URL and KEY_DATABASE_URL must be set together',
    ],
    [config.databaseUrl === undefined && config.migrationDatabaseUrl !== undefined, 'MIGRATION_DATABASE_URL requires DATABASE_URL'],
    [config.devTokenIssuer && config.nodeEnv === 'production', 'DEV_TOKEN_ISSUER must be off when NODE_ENV is production'],
    [config.headersTimeoutMs > config.requestTimeoutMs, 'HEADERS_TIMEOUT_MS must not exceed REQUEST_TIMEOUT_MS'],
    [config.pageSizeDefault > config.pageSizeMax, 'PAGE_SIZE_DEFAULT must not exceed PAGE_SIZE_MAX'],
    [config.historyPageSizeDefault > config.historyPageSizeMax, 'HISTORY_PAGE_SIZE_DEFAULT must not exceed HISTORY_PAGE_SIZE_MAX'],
  ];
  return rules.filter(([broken]) => broken).map(([, rule]) => rule);
}

/** One listens on a wildcard address but can't call it, so the default names the loopback address instead. */
function defaultBaseUrl(host: string, port: number): string {
  const callable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIPv6(callable) ? `[${callable}]` : callable}:${port}/fhir/R4`;
}

/** By name alone: links are not followed. */
function isInside(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

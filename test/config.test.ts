import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { atPort, type Config, type Environment, loadConfig } from '../src/config.ts';
import type { Variable } from '../src/config-kinds.ts';
import { sections } from '../src/config-variables.ts';

const folder = '/srv/anamnesis';
const load = (env: Environment): Config => loadConfig(env, folder);

const variables = Object.values<Readonly<Record<string, Variable<unknown>>>>(sections).flatMap((section) =>
  Object.entries(section).map(([name, variable]) => ({ name, ...variable })),
);

/** The text of the error that an environment leads to. */
function faultsOf(env: Environment): string {
  try {
    load(env);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('The configuration was accepted');
}

describe('what is read', () => {
  test('nothing set gives the defaults, with paths from the working directory', () => {
    expect(load({})).toMatchObject({
      nodeEnv: 'development',
      host: '127.0.0.1',
      port: 8080,
      baseUrl: 'http://127.0.0.1:8080/fhir/R4',
      dataDir: '/srv/anamnesis/.data',
      cacheDir: '/srv/anamnesis/.cache',
      keyFile: '/srv/anamnesis/.keys/root.json',
      databaseUrl: undefined,
      phiEncryption: true,
      tokenAlgorithm: 'siphash',
      bodyLimitBytes: 50 * 1024 * 1024,
      keyCacheSeconds: 900,
      references: 'unchecked',
      corsOrigins: [],
      devTokenIssuer: true,
    });
  });

  test('each variable has the type that its kind has', () => {
    expectTypeOf<Config['bodyLimitBytes']>().toEqualTypeOf<number>();
    expectTypeOf<Config['phiEncryption']>().toEqualTypeOf<boolean>();
    expectTypeOf<Config['references']>().toEqualTypeOf<'unchecked' | 'checked'>();
    expectTypeOf<Config['corsOrigins']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<Config['databaseUrl']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Config['keyFile']>().toEqualTypeOf<string>();
    expectTypeOf<Config['devTokenIssuer']>().toEqualTypeOf<boolean>();
  });

  test('an empty variable counts as not set, and space around a value is ignored', () => {
    expect(load({ PORT: '', BASE_URL: ' ', PAGE_SIZE_MAX: ' 200\r' })).toMatchObject({
      port: 8080,
      baseUrl: 'http://127.0.0.1:8080/fhir/R4',
      pageSizeMax: 200,
    });
  });

  test('names that are not ours are left alone', () => {
    expect(load({ PATH: '/usr/bin', port: '1', PORTS: 'x' }).port).toBe(8080);
  });

  test('the result is frozen, its lists too', () => {
    const config = load({ CORS_ORIGINS: 'https://a.example' });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.corsOrigins)).toBe(true);
  });

  test.each(variables.filter(({ fallback }) => fallback !== ''))('the default of $name is accepted as a value', ({ name, fallback }) => {
    expect(load({ [name]: fallback })).toEqual(load({}));
  });

  test.each(variables.filter(({ fallback }) => fallback === ''))('what happens without $name is said', ({ unset }) => {
    expect(unset).toBeTruthy();
  });
});

describe('what follows from other variables', () => {
  test.each([
    [{ PORT: '9000' }, 'http://127.0.0.1:9000/fhir/R4'],
    [{ HOST: '0.0.0.0' }, 'http://127.0.0.1:8080/fhir/R4'],
    [{ HOST: '::' }, 'http://[::1]:8080/fhir/R4'],
    [{ TLS_CERT_FILE: '/tls/cert.pem', TLS_KEY_FILE: '/tls/key.pem' }, 'https://127.0.0.1:8080/fhir/R4'],
    [{ HOST: 'fd00::7' }, 'http://[fd00::7]:8080/fhir/R4'],
    [{ HOST: 'fhir.internal', PORT: '80' }, 'http://fhir.internal:80/fhir/R4'],
    [{ BASE_URL: 'https://Fhir.Example.org/R4/' }, 'https://fhir.example.org/R4'],
    [{ BASE_URL: 'https://fhir.example.org' }, 'https://fhir.example.org'],
  ])('%j makes the base URL %s', (env, baseUrl) => {
    expect(load(env).baseUrl).toBe(baseUrl);
  });

  test('cache and key file lie beside the data', () => {
    expect(load({ DATA_DIR: '/var/lib/anamnesis/data' })).toMatchObject({
      cacheDir: '/var/lib/anamnesis/.cache',
      keyFile: '/var/lib/anamnesis/.keys/root.json',
    });
  });

  test('with PORT=0 the base URL follows the port that was bound, unless it was given', () => {
    expect(atPort(load({ PORT: '0' }), 41_234)).toMatchObject({ port: 41_234, baseUrl: 'http://127.0.0.1:41234/fhir/R4' });
    expect(atPort(load({ PORT: '0', BASE_URL: 'https://a.example/R4' }), 41_234)).toMatchObject({
      port: 41_234,
      baseUrl: 'https://a.example/R4',
    });
  });

  test('development tokens are off in production, and can be turned off elsewhere', () => {
    expect(load({ NODE_ENV: 'production' }).devTokenIssuer).toBe(false);
    expect(load({ NODE_ENV: 'production', DEV_TOKEN_ISSUER: 'off' }).devTokenIssuer).toBe(false);
    expect(load({ DEV_TOKEN_ISSUER: 'off' }).devTokenIssuer).toBe(false);
  });
});

describe('secrets', () => {
  const url = 'postgres://u:p@h/d';
  const files = mkdtempSync(join(tmpdir(), 'anamnesis-config-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(files, name), text);
    return join(files, name);
  };
  afterAll(() => rmSync(files, { recursive: true }));

  test('are read from the file that is named in their place', () => {
    const keys = file('keys', `${url}-keys\n`);
    expect(load({ DATABASE_URL_FILE: file('main', `${url}\n`), KEY_DATABASE_URL_FILE: keys })).toMatchObject({
      databaseUrl: url,
      keyDatabaseUrl: `${url}-keys`,
    });
    expect(load({ DATABASE_URL: url, KEY_DATABASE_URL_FILE: keys, DATABASE_URL_FILE: ' ' }).databaseUrl).toBe(url);
  });

  test.each([
    [{ DATABASE_URL_FILE: join(files, 'none') }, 'DATABASE_URL_FILE accepts the path of a file that can be read'],
    [{ DATABASE_URL_FILE: files }, 'DATABASE_URL_FILE accepts the path of a file that can be read'],
    [{ DATABASE_URL_FILE: file('empty', '\n') }, 'DATABASE_URL_FILE accepts the path of a file that is not empty'],
    [{ DATABASE_URL: url, DATABASE_URL_FILE: file('both', url) }, 'DATABASE_URL_FILE accepts no path where DATABASE_URL is set as well'],
    [{ DATABASE_URL_FILE: file('other', 'mysql://u:hunter2@h/d') }, 'DATABASE_URL accepts'],
  ])('%j is refused, and no text of a file told', (env, fault) => {
    expect(faultsOf(env)).toContain(fault);
    expect(faultsOf(env)).not.toContain('hunter2');
  });

  test('of other settings no file is read', () => {
    expect(load({ HOST_FILE: join(files, 'none') }).host).toBe('127.0.0.1');
  });
});

describe('rates', () => {
  test('are limited for known callers in production only, unless it is said', () => {
    expect(load({})).toMatchObject({ rateLimitReads: 0, rateLimitWrites: 0, rateLimitPublic: 0, rateLimitRefused: 1_000 });
    expect(load({ NODE_ENV: 'production' }).rateLimitSearches).toBeGreaterThan(0);
    expect(load({ NODE_ENV: 'production', RATE_LIMIT_READS: '0' }).rateLimitReads).toBe(0);
    expect(load({ RATE_LIMIT_READS: '7' }).rateLimitReads).toBe(7);
  });
});

describe('what is accepted', () => {
  test.each([
    ['PORT', '65535', 'port', 65_535],
    ['PHI_ENCRYPTION', 'off', 'phiEncryption', false],
    ['KEY_FILE', '../keys/root.json', 'keyFile', '/srv/keys/root.json'],
    ['TRUSTED_PROXIES', '10.0.0.0/8, ::1,fd00::/8', 'trustedProxies', ['10.0.0.0/8', '::1', 'fd00::/8']],
    ['CORS_ORIGINS', 'https://a.example, http://localhost:3000', 'corsOrigins', ['https://a.example', 'http://localhost:3000']],
    ['CORS_ORIGINS', '*', 'corsOrigins', ['*']],
  ] as const)('%s=%s', (name, written, field, value) => {
    expect(load({ [name]: written })[field]).toEqual(value);
  });

  test.each([
    ['Patient=http://example.org/p', [['Patient', ['http://example.org/p']]]],
    [
      'Patient=http://example.org/p|1.0, Observation=urn:o,Patient=http://example.org/q?a=b',
      [
        ['Patient', ['http://example.org/p|1.0', 'http://example.org/q?a=b']],
        ['Observation', ['urn:o']],
      ],
    ],
    [
      '{"Patient": ["http://example.org/p", "urn:q"], "Group": "urn:g"}',
      [
        ['Patient', ['http://example.org/p', 'urn:q']],
        ['Group', ['urn:g']],
      ],
    ],
  ])('REQUIRED_PROFILES=%s', (written, expected) => {
    expect([...load({ REQUIRED_PROFILES: written }).requiredProfiles]).toEqual(expected);
  });

  test('how grave best practice is follows from its rule, unless it is said', () => {
    expect(load({}).bestPractice).toBeUndefined();
    expect(load({ BEST_PRACTICE: 'error' }).bestPractice).toBe('error');
  });

  test('database addresses stay as they are written', () => {
    const databaseUrl = 'postgresql://app:p%40ss@db.internal:5433/anamnesis?sslmode=verify-full';
    expect(load({ DATABASE_URL: databaseUrl, KEY_DATABASE_URL: 'postgres://k@keys/k' }).databaseUrl).toBe(databaseUrl);
  });
});

describe('what is refused', () => {
  test.each([
    ['NODE_ENV', 'prod'],
    ['HOST', 'a b'],
    ['HOST', '[::1]'],
    ['HOST', 'example.org:80'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '8e3'],
    ['PORT', '0x50'],
    ['PORT', '80.5'],
    ['PORT', '99999999999999999999'],
    ['BASE_URL', 'fhir.example.org/R4'],
    ['BASE_URL', 'ftp://fhir.example.org/R4'],
    ['BASE_URL', 'https://user:pw@fhir.example.org/R4'],
    ['BASE_URL', 'https://fhir.example.org/R4?a=b'],
    ['BASE_URL', 'https://fhir.example.org/R4#a'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', 'proxy.internal'],
    ['TRUSTED_PROXIES', '10.0.0.1,'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['CORS_ORIGINS', '*,https://a.example'],
    ['CORS_ORIGINS', 'null'],
    ['DATABASE_URL', 'mysql://u@h/d'],
    ['DATABASE_URL', 'postgres://u@h'],
    ['PHI_ENCRYPTION', 'true'],
    ['PHI_ENCRYPTION', 'toString'],
    ['KEY_CACHE_SECONDS', '901'],
    ['TRANSACTION_TIMEOUT_MS', '30001'],
    ['LOG_LEVEL', 'verbose'],
    ['REQUIRED_PROFILES', 'http://example.org/p'],
    ['REQUIRED_PROFILES', 'patient=http://example.org/p'],
    ['REQUIRED_PROFILES', 'Patient=example'],
    ['REQUIRED_PROFILES', '{"Patient": [7]}'],
    ['REQUIRED_PROFILES', '{"Patient": '],
    ['UNKNOWN_PROFILES', 'ignore'],
    ['BEST_PRACTICE', 'fatal'],
  ])('%s=%s', (name, written) => {
    expect(faultsOf({ [name]: written })).toMatch(new RegExp(`^The configuration has faults:\n- ${name} accepts \\S`));
  });

  test.each([
    [{ KEY_FILE: '.data/keys/root.json' }, 'KEY_FILE must lie outside DATA_DIR'],
    [{ DATA_DIR: '/', KEY_FILE: '/keys/root.json', CACHE_DIR: '/var/cache' }, 'KEY_FILE must lie outside DATA_DIR'],
    [{ CACHE_DIR: '.keys' }, 'KEY_FILE must lie outside CACHE_DIR'],
    [{ DATABASE_URL: 'postgres://u@h/d' }, 'DATABASE_URL and KEY_DATABASE_URL must be set together'],
    [{ KEY_DATABASE_URL: 'postgres://u@h/d' }, 'DATABASE_URL and KEY_DATABASE_URL must be set together'],
    [{ MIGRATION_DATABASE_URL: 'postgres://u@h/d' }, 'MIGRATION_DATABASE_URL requires DATABASE_URL'],
    [{ NODE_ENV: 'production', DEV_TOKEN_ISSUER: 'on' }, 'DEV_TOKEN_ISSUER must be off'],
    [{ HEADERS_TIMEOUT_MS: '5000', REQUEST_TIMEOUT_MS: '4000' }, 'HEADERS_TIMEOUT_MS must not exceed'],
    [{ TLS_CERT_FILE: '/tls/cert.pem' }, 'TLS_CERT_FILE and TLS_KEY_FILE must be set together'],
    [{ TLS_KEY_FILE: '/tls/key.pem' }, 'TLS_CERT_FILE and TLS_KEY_FILE must be set together'],
    [{ TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k', BASE_URL: 'http://a.example/R4' }, 'BASE_URL must be an https address'],
    [{ PAGE_SIZE_MAX: '10' }, 'PAGE_SIZE_DEFAULT must not exceed'],
    [{ HISTORY_PAGE_SIZE_MAX: '10' }, 'HISTORY_PAGE_SIZE_DEFAULT must not exceed'],
  ])('%j is a contradiction', (env, fault) => {
    expect(faultsOf(env)).toContain(fault);
  });

  test('a key file is outside a folder that only begins with the same letters', () => {
    expect(load({ DATA_DIR: '/srv/data', KEY_FILE: '/srv/data-keys/root.json' }).keyFile).toBe('/srv/data-keys/root.json');
    expect(load({ DATA_DIR: '/srv/data', KEY_FILE: '/srv/..keys/root.json' }).keyFile).toBe('/srv/..keys/root.json');
    expect(faultsOf({ DATA_DIR: '/srv/data', KEY_FILE: '/srv/data/..keys/root.json' })).toContain('KEY_FILE must lie outside DATA_DIR');
  });

  test('all faults are told at once, and contradictions only of values that were accepted', () => {
    const faults = faultsOf({ PORT: 'x', LOG_LEVEL: 'loud', NODE_ENV: 'production', DEV_TOKEN_ISSUER: 'on', PAGE_SIZE_MAX: '0' });
    expect(faults.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'The configuration',
      '- PORT',
      '- LOG_LEVEL',
      '- PAGE_SIZE_MAX',
      '- DEV_TOKEN_ISSUER',
    ]);
  });

  test('no value is repeated, for it may be a secret', () => {
    const secret = 'hunter2-swordfish';
    const faults = faultsOf(Object.fromEntries(variables.map(({ name }) => [name, `mysql://u:${secret}@h?`])));
    expect(faults.split('\n').length).toBeGreaterThan(30);
    expect(faults).not.toContain(secret);
  });
});

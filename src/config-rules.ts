import { isAbsolute, relative, sep } from 'node:path';

/** What the rules look at. */
export type Checked = {
  readonly nodeEnv: string;
  readonly baseUrl: string;
  readonly keyFile: string;
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly erasureLedger: string;
  readonly audit: boolean;
  readonly auditAnchorFile: string;
  readonly auditSpoolDir: string;
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly keyDatabaseUrl: string | undefined;
  readonly migrationDatabaseUrl: string | undefined;
  readonly devTokenIssuer: boolean;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pageSizeDefault: number;
  readonly pageSizeMax: number;
  readonly historyPageSizeDefault: number;
  readonly historyPageSizeMax: number;
  readonly authorizationServer: boolean;
  readonly federationFile: string | undefined;
  readonly federationSecrets: ReadonlyMap<string, string>;
  readonly llmUrl: string | undefined;
  readonly llmModel: string | undefined;
};

/** What is wrong between variables that are right each for itself. */
export function contradictions(config: Checked): string[] {
  const hasTls = config.tlsCertFile !== undefined;
  const rules: readonly (readonly [broken: boolean, rule: string])[] = [
    [isInside(config.keyFile, config.dataDir), 'KEY_FILE must lie outside DATA_DIR: whoever copies the data must not get its key'],
    [
      isInside(config.erasureLedger, config.dataDir),
      'ERASURE_LEDGER must lie outside DATA_DIR: a restored backup must not bring an older one',
    ],
    [isInside(config.erasureLedger, config.cacheDir), 'ERASURE_LEDGER must lie outside CACHE_DIR, which may be deleted at any time'],
    [
      isInside(config.auditAnchorFile, config.dataDir),
      'AUDIT_ANCHOR_FILE must lie outside DATA_DIR: whoever can change the data must not change what vouches for it',
    ],
    [isInside(config.auditAnchorFile, config.cacheDir), 'AUDIT_ANCHOR_FILE must lie outside CACHE_DIR, which may be deleted at any time'],
    [
      isInside(config.auditSpoolDir, config.dataDir),
      'AUDIT_SPOOL_DIR must lie outside DATA_DIR: a restored backup must not bring an older one',
    ],
    [isInside(config.auditSpoolDir, config.cacheDir), 'AUDIT_SPOOL_DIR must lie outside CACHE_DIR, which may be deleted at any time'],
    [!config.audit && config.nodeEnv === 'production', 'AUDIT must be on when NODE_ENV is production'],
    [isInside(config.keyFile, config.cacheDir), 'KEY_FILE must lie outside CACHE_DIR, which may be deleted at any time'],
    [hasTls !== (config.tlsKeyFile !== undefined), 'TLS_CERT_FILE and TLS_KEY_FILE must be set together'],
    [hasTls && !config.baseUrl.startsWith('https:'), 'BASE_URL must be an https address where TLS_CERT_FILE is set'],
    [
      (config.databaseUrl === undefined) !== (config.keyDatabaseUrl === undefined),
      'DATABASE_URL and KEY_DATABASE_URL must be set together',
    ],
    [config.databaseUrl === undefined && config.migrationDatabaseUrl !== undefined, 'MIGRATION_DATABASE_URL requires DATABASE_URL'],
    [config.devTokenIssuer && config.nodeEnv === 'production', 'DEV_TOKEN_ISSUER must be off when NODE_ENV is production'],
    [config.federationFile !== undefined && !config.authorizationServer, 'FEDERATION_FILE requires AUTHORIZATION_SERVER to be on'],
    [config.federationSecrets.size > 0 && config.federationFile === undefined, 'FEDERATION_SECRETS requires FEDERATION_FILE'],
    [(config.llmUrl === undefined) !== (config.llmModel === undefined), 'LLM_URL and LLM_MODEL must be set together'],
    [config.headersTimeoutMs > config.requestTimeoutMs, 'HEADERS_TIMEOUT_MS must not exceed REQUEST_TIMEOUT_MS'],
    [config.pageSizeDefault > config.pageSizeMax, 'PAGE_SIZE_DEFAULT must not exceed PAGE_SIZE_MAX'],
    [config.historyPageSizeDefault > config.historyPageSizeMax, 'HISTORY_PAGE_SIZE_DEFAULT must not exceed HISTORY_PAGE_SIZE_MAX'],
  ];
  return rules.filter(([broken]) => broken).map(([, rule]) => rule);
}

/** By name alone: links are not followed. */
function isInside(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

import { alertVariables } from './config-alerts.ts';
import { auditVariables } from './config-audit.ts';
import { modelVariables } from './config-models.ts';
import {
  choice,
  databaseUrl,
  hostName,
  hosts,
  networks,
  onOff,
  optional,
  origins,
  password,
  path,
  perMinute,
  profilesByType,
  secret,
  secretsByName,
  valkeyUrl,
  webAddress,
  whole,
  words,
  wordsByName,
} from './config-kinds.ts';
import { replicationVariables } from './config-replication.ts';

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
    TLS_CERT_FILE: optional(
      'plain HTTP, for a proxy that speaks TLS',
      path(
        '',
        "Certificate chain in PEM, the server's own first: the server then speaks TLS (1.2 or newer). Read anew when it changes and on SIGHUP.",
      ),
    ),
    TLS_KEY_FILE: optional('none', path('', 'Private key of the certificate, in PEM. To be set together with TLS_CERT_FILE.')),
    CORS_ORIGINS: origins('Web pages of other origins that may call the API, beside those of registered apps.'),
    CONNECTIONS_MAX: whole(10_000, [10, 1_000_000], 'connections', 'Most connections of clients at a time; more are closed at once.'),
    HEADERS_TIMEOUT_MS: whole(20_000, [1_000, 600_000], 'ms', 'Longest time to receive the head of a request.'),
    REQUEST_TIMEOUT_MS: whole(120_000, [1_000, 3_600_000], 'ms', 'Longest time to receive a whole request.'),
    SILENCE_TIMEOUT_MS: whole(
      120_000,
      [1_000, 3_600_000],
      'ms',
      'Longest time that nothing moves on a connection with a request under way, such as when a client does not take its answer.',
    ),
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
      secret(
        databaseUrl('', 'Main database, in the role the server works in: it reads and writes rows and has no right to change tables.'),
      ),
    ),
    MIGRATION_DATABASE_URL: optional(
      'migrations only of the embedded server',
      secret(databaseUrl('', 'Main database, in the role that owns the tables.')),
    ),
    KEY_DATABASE_URL: optional(
      'a second embedded server',
      secret(
        databaseUrl(
          '',
          'Database of the patient keys, on a PostgreSQL server of its own whose backups are kept for a short time: what it forgets is erased. To be set together with DATABASE_URL.',
        ),
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
    CARE_RELATIONSHIPS: choice(
      'related',
      ['related', 'all'],
      'Whose records providers and viewers see: those of patients they have a care relationship with, or all.',
    ),
    CARE_RELATIONSHIP_DAYS: whole(
      180,
      [1, 36_500],
      'days',
      'How long after its end an encounter, an appointment or a place in a care team makes a care relationship.',
    ),
    CARE_PATIENTS_MAX: whole(
      1_000,
      [1, 10_000],
      'patients',
      'Most patients one user cares for; of more, those of the newest records count.',
    ),
    CONSENTS_MAX: whole(5_000, [1, 100_000], 'consents', 'Most privacy consents in force; with more, no user is let in.'),
    SENSITIVE_LABELS: words(
      'R,V,ETH,ETHUD,GDIS,HIV,MST,OPIOIDUD,PREGNANT,PSY,PSYTHPN,SCA,SDV,SEX,SPI,STD,SUD,SICKLE,VIO',
      /^(?:[^\s,|]+\|)?[^\s,|]+$/,
      'codes of v3-Confidentiality and v3-ActCode, or of another system as system, bar and code',
      'Security labels of what is shown only to who may see it; docs/rights.md tells who.',
    ),
    LABEL_CLEARANCE: wordsByName(
      'role=label pairs (provider=PSY)',
      /^(?:patient|viewer|provider)=\S+$/,
      'Roles that see what has a sensitive label, written as in SENSITIVE_LABELS.',
    ),
    LABEL_WRITERS: words('none', /^(?:patient|viewer|provider)$/, 'roles', 'Roles that may set and remove sensitive labels, beside admin.'),
    LABELS_SEEN_BY_PATIENT: onOff('on', 'Whether patients see what has a sensitive label in their own records.'),
    PRIVILEGED_WRITERS: wordsByName(
      'Type=role pairs (CareTeam=provider)',
      /^(?:Consent|CareTeam)=(?:patient|provider)$/,
      'Roles that may write resources that rights follow from, beside admin.',
    ),
    BREAK_GLASS: words('provider', /^(?:viewer|provider)$/, 'roles', "Roles that may open one patient's record in an emergency."),
    AUTHORIZATION_SERVER: onOff(
      'on',
      'Whether this server is an authorization server too, at /oauth: for apps, users and back-end clients.',
    ),
    OAUTH_REGISTRATION: choice(
      'off',
      ['off', 'token', 'open'],
      'Whether apps may register themselves: with the token of OAUTH_REGISTRATION_TOKEN, or openly; openly never for access of their own.',
    ),
    OAUTH_REGISTRATION_TOKEN: optional('none', secret(password('', 'What apps register with, as a bearer token.'))),
    SESSION_IDLE_SECONDS: whole(900, [5, 43_200], 'seconds', 'How long a user who does nothing stays signed in.'),
    SECOND_FACTOR: choice(
      'optional',
      ['optional', 'staff', 'all'],
      'Which local users have to sign in with a second factor: only who set one up, all but patients, or all.',
    ),
    BRANDS_FILE: optional(
      'none',
      path(
        '',
        'JSON file of the Organizations and Endpoints that apps show to patients who look for their provider; docs/oauth.md tells more.',
      ),
    ),
    FEDERATION_FILE: optional(
      'none',
      path('', 'JSON file of the OpenID providers outside that users may sign in by; docs/users.md tells what it holds.'),
    ),
    FEDERATION_SECRETS: secret(secretsByName('Client secrets of this server at those providers.')),
    OAUTH_KEY_HOSTS: hosts('Hosts inside the own network, with or without port, that the keys of clients may be fetched from.'),
  },
  Audit: auditVariables,
  Replication: replicationVariables,
  Alerts: alertVariables,
  'Language model': modelVariables,
  Requests: {
    BODY_LIMIT_BYTES: whole(52_428_800, [1_024, 1_073_741_824], 'bytes', 'Largest request body, uncompressed.'),
    IDEMPOTENCY_HOURS: whole(24, [1, 720], 'hours', 'How long the native API remembers an Idempotency-Key.'),
    ATTACHMENT_MIB: whole(20, [1, 256], 'MiB', 'Largest file; one in base64 has to fit into BODY_LIMIT_BYTES too.'),
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
  Bulk: {
    IMPORT_MIB: whole(2_048, [1, 1_048_576], 'MiB', 'Largest file of one import, uncompressed.'),
    BULK_SPOOL_MIB: whole(
      10_240,
      [1, 16_777_216],
      'MiB',
      'What the files of all imports and exports may take in DATA_DIR together; when it is full, new ones are refused.',
    ),
    BULK_DAYS: whole(7, [1, 90], 'days', 'How long an import or export, its quarantine and its files are kept.'),
    BULK_JOBS_AT_ONCE: whole(1, [0, 16], 'jobs', 'Imports and exports that one process runs at a time; 0: it leaves them to others.'),
    BULK_JOBS_MAX: whole(20, [1, 1_000], 'jobs', 'Most imports and exports of one caller that have not ended.'),
    EXPORT_ROWS_MAX: whole(100_000, [1, 10_000_000], 'rows', 'Most rows that an export answers at once; more is exported by a job.'),
  },
  Rates: {
    VALKEY_URL: optional(
      'each process counts for itself',
      secret(valkeyUrl('', 'Valkey (or Redis) in which all processes count together; while it is away, each counts for itself.')),
    ),
    RATE_LIMIT_READS: optional('600000 in production, else 0', perMinute('', 'Reads a minute of one caller (a client and its user).')),
    RATE_LIMIT_SEARCHES: optional(
      '120000 in production, else 0',
      perMinute('', 'Searches, histories and operations a minute of one caller.'),
    ),
    RATE_LIMIT_WRITES: optional(
      '120000 in production, else 0',
      perMinute('', 'Writes a minute of one caller. A batch or transaction counts as many as it has entries.'),
    ),
    RATE_LIMIT_PUBLIC: optional(
      '6000 in production, else 0',
      perMinute('', 'Requests a minute from one address for what needs no token, such as `/metadata`.'),
    ),
    RATE_LIMIT_REFUSED: perMinute('1000', 'Requests a minute from one address without credentials or with refused ones; more get 429.'),
    RATE_LIMIT_TOKEN: perMinute('1200', 'Requests a minute from one address to the endpoints where apps get and check tokens.'),
    RATE_LIMIT_SIGN_IN: perMinute('300', 'Forms a minute from one address on the pages where users sign in.'),
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

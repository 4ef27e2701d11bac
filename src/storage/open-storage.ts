import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { openKeyFile } from '../encryption/key-file.ts';
import type { KeyManagement } from '../encryption/keys.ts';
import type { Log } from '../telemetry/log.ts';
import { assertServers, type Connections, findDatabases, type FindOptions } from './connections.ts';
import { type Database, openDatabase } from './database.ts';
import { type KeyStore, openKeyStore } from './keys.ts';
import { type Lanes, openLanes } from './lanes.ts';
import { migrate } from './migrate.ts';
import { holdsKeys } from './own-keys.ts';

/** The databases, each with as many connections and such plans as what is asked of them needs. */
export type Storage = {
  readonly urls: Connections;
  /** The names of the migrations that were applied now. */
  readonly applied: readonly string[];
  /** Transactions, and statements by key. */
  readonly main: Pool;
  /** Short reads. */
  readonly lanes: Lanes;
  readonly searching: Pool;
  readonly counting: Pool;
  /** The audit trail. */
  readonly recording: Pool;
  readonly keyDatabase: Pool;
  readonly management: KeyManagement;
  readonly keys: KeyStore;
};

export type OpenStorageOptions = {
  readonly purpose: FindOptions['purpose'];
  readonly recordingConnections: number;
  /** Given what undoes each step. */
  readonly opened: (() => Promise<unknown>)[];
};

/** Connections for short reads: as many as there are cores, and one, so that a slower read holds up few others. */
const readLanes = availableParallelism() + 1;

/** Counting goes through a table, so only so many do it at a time. */
const countConnections = 4;

const migrationsFolder = join(import.meta.dirname, '..', '..', 'migrations');

/** Finds or starts the databases, brings their schemas up to date, and opens them and the keys. */
export async function openStorage(
  config: Config,
  log: Log,
  { purpose, recordingConnections, opened }: OpenStorageOptions,
): Promise<Storage> {
  const urls = await findDatabases(config, log, { purpose, opened });
  const [, ...migrated] = await Promise.all([
    assertServers(urls, config, log),
    migrate(urls.main.migrationUrl, join(migrationsFolder, 'main'), urls.main.serverRole),
    migrate(urls.keys.migrationUrl, join(migrationsFolder, 'keys'), urls.keys.serverRole),
  ]);
  const open = async (
    url: string,
    poolSize: number,
    applicationName: string,
    plans: 'generic' | 'custom' = 'generic',
    statementTimeoutMs = config.transactionTimeoutMs,
  ): Promise<Database> => {
    const onWarning = (message: string): void =>
      log.debug({ applicationName, length: message.length }, 'the database connection pool reported');
    const database = await openDatabase({ url, poolSize, applicationName, statementTimeoutMs, plans, onWarning });
    opened.push(() => database.close());
    return database;
  };
  const [main, searching, counting, reading, recording, keyDatabase] = await Promise.all([
    open(urls.main.url, config.databasePoolSize, 'anamnesis'),
    open(urls.main.url, config.databasePoolSize, 'anamnesis search', 'custom', config.searchTimeoutMs),
    open(urls.main.url, countConnections, 'anamnesis count', 'custom', config.searchTotalTimeoutMs),
    open(urls.main.url, readLanes, 'anamnesis read', 'generic', config.searchTimeoutMs),
    open(urls.main.url, recordingConnections, 'anamnesis audit', 'generic', config.auditTimeoutMs),
    open(urls.keys.url, 4, 'anamnesis keys'),
  ]);
  const lanes = openLanes(reading.pool, readLanes);
  opened.push(() => Promise.resolve(lanes.close()));
  const management = await openKeyFile({ file: config.keyFile, mayCreate: !(await holdsKeys(keyDatabase.pool)), now: new Date() });
  const keys = await openKeyStore({
    pool: keyDatabase.pool,
    management,
    cacheMax: config.keyCacheMax,
    cacheMs: config.keyCacheSeconds * 1000,
  });
  return {
    urls,
    applied: migrated.flat(),
    main: main.pool,
    lanes,
    searching: searching.pool,
    counting: counting.pool,
    recording: recording.pool,
    keyDatabase: keyDatabase.pool,
    management,
    keys,
  };
}

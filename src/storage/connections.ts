import { join } from 'node:path';
import { Client } from 'pg';
import type { Config } from '../config.ts';
import type { Log } from '../telemetry/log.ts';
import { type EmbeddedDatabase, findEmbeddedDatabase, startEmbeddedDatabase } from './embedded/databases.ts';
import { FolderInUse, lockDataDir } from './embedded/lock.ts';

/** Where the two databases are, in the roles they are used in. */
export type Connections = { readonly main: Connection; readonly keys: Connection };
export type Connection = Pick<EmbeddedDatabase, 'url' | 'migrationUrl' | 'serverRole'>;

export type FindOptions = {
  /** `serve`: the folder must be ours alone; `attach`: where a server runs in it, its databases are used beside it. */
  readonly purpose: 'serve' | 'attach';
  /** Collects what undoes all this, to be called in reverse. */
  readonly opened: (() => Promise<unknown>)[];
};

/** The databases of the configuration, or two embedded clusters that stop with us. */
export async function findDatabases(config: Config, log: Log, options: FindOptions): Promise<Connections> {
  if (config.databaseUrl !== undefined && config.keyDatabaseUrl !== undefined) {
    return {
      main: given(config.databaseUrl, config.migrationDatabaseUrl),
      keys: given(config.keyDatabaseUrl, undefined),
    };
  }
  const { opened } = options;
  const dir = join(config.dataDir, 'postgres');
  const lock = await lockDataDir(config.dataDir).catch((error: unknown) => {
    if (options.purpose === 'attach' && error instanceof FolderInUse) return undefined;
    throw error;
  });
  if (lock === undefined) {
    const [main, keys] = await Promise.all([findEmbeddedDatabase({ dir, kind: 'main' }), findEmbeddedDatabase({ dir, kind: 'keys' })]);
    return { main, keys };
  }
  opened.push(() => lock.release());
  const start = (kind: 'main' | 'keys') =>
    startEmbeddedDatabase({
      dir,
      kind,
      onLog: (line) => log.debug({ cluster: kind, length: line.length }, 'PostgreSQL wrote a line'),
      onExit: ({ failures, restartInMs, error }) => log.error({ cluster: kind, failures, restartInMs }, 'PostgreSQL ended unasked', error),
    });
  const [main, keys] = await Promise.allSettled([start('main'), start('keys')]);
  for (const started of [main, keys]) if (started.status === 'fulfilled') opened.push(started.value.stop);
  if (main.status === 'rejected') throw main.reason;
  if (keys.status === 'rejected') throw keys.reason;
  return { main: main.value, keys: keys.value };
}

function given(url: string, migrationUrl: string | undefined): Connection {
  return { url, migrationUrl: migrationUrl ?? url, serverRole: decodeURIComponent(new URL(url).username) };
}

/** One statement over many partitions locks hundreds of relations. */
const locksPerTransactionMin = 1024;

/**
 * Holds the PostgreSQL servers against what the store relies on.
 *
 * @throws Error in production, if the keys lie in the cluster of the data: they would share its backups, and nothing could be erased
 */
export async function assertServers({ main, keys }: Connections, config: Pick<Config, 'nodeEnv'>, log: Log): Promise<void> {
  const [mainServer, keyServer] = await Promise.all([factsOf(main.url), factsOf(keys.url)]);
  if (mainServer.locks < locksPerTransactionMin)
    log.warn(
      { locksPerTransaction: mainServer.locks, recommended: locksPerTransactionMin },
      'max_locks_per_transaction of the main database server is low: statements over many resource types may fail',
    );
  if (mainServer.system !== keyServer.system) return;
  const fault = 'KEY_DATABASE_URL leads to the PostgreSQL server of DATABASE_URL, whose backups would keep every erased key';
  if (config.nodeEnv === 'production') throw new Error(`${fault}. Give it a server of its own.`);
  log.warn({}, `${fault}. Production refuses that.`);
}

async function factsOf(url: string): Promise<{ readonly system: string; readonly locks: number }> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ system: string; locks: number }>(
      `select system_identifier::text as system, current_setting('max_locks_per_transaction')::int as locks from pg_control_system()`,
    );
    return { system: rows[0]?.system ?? '', locks: rows[0]?.locks ?? 0 };
  } finally {
    await client.end();
  }
}

import { MikroORM } from '@mikro-orm/postgresql';
import type { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';

/** One PostgreSQL database as the server uses it: the ORM that owns the connections, and the pool it owns. */
export type Database = {
  readonly orm: MikroORM;
  /** Pipelining clients: statements queued without awaiting go out together and share a round trip. */
  readonly pool: Pool;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  readonly url: string;
  readonly poolSize: number;
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
  /**
   * `generic` for statements by key: planned once a connection, where planning costs more than running. `custom` for searches:
   * planned with their values, because a generic plan walks a frequent code's whole posting list.
   */
  readonly plans: 'generic' | 'custom';
  readonly onWarning?: (message: string) => void;
};

/** So long after it should have ended a statement of itself, a database that has said nothing is not there any more. */
const graceMs = 5_000;

/** Opens the pool of one database. Connects lazily: a server that is down shows at the first statement. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const orm = await MikroORM.init({
    clientUrl: options.url,
    dbName: new URL(options.url).pathname.slice(1),
    entities: [],
    discovery: { warnWhenNoEntities: false },
    preferReadReplicas: false,
    logger: (message) => options.onWarning?.(message),
    driverOptions: {
      connectionString: options.url,
      pipeline: true,
      max: options.poolSize,
      idleTimeoutMillis: 60_000,
      // Also how long a request waits for its turn when all connections are at work.
      connectionTimeoutMillis: 15_000,
      // A network that loses everything, or a machine that stands still, would be waited for until TCP gives up, after many minutes.
      query_timeout: options.statementTimeoutMs + graceMs,
      application_name: options.applicationName,
      options: sessionOptions(options),
    },
  });
  const pool = await orm.em.getConnection().getNativeClient();
  return { orm, pool, close: () => orm.close() };
}

/** Takes all limits of time from the statements of a client, which is not for the pool any more. */
export async function withoutLimits(client: PoolClient): Promise<void> {
  const { connectionParameters } = client as PoolClient & { readonly connectionParameters?: { query_timeout: number } };
  if (connectionParameters !== undefined) connectionParameters.query_timeout = 0;
  await client.query('set statement_timeout = 0');
}

function sessionOptions(options: DatabaseOptions): string {
  const settings = {
    TimeZone: 'UTC',
    DateStyle: 'ISO',
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: 30_000,
    plan_cache_mode: `force_${options.plans}_plan`,
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/** Anything that can run a statement: the pool (autocommit) or a client inside a transaction. */
export type Queryable = Pick<Pool | PoolClient, 'query'>;

/** SQLSTATEs of transactions that failed only because of their neighbours and may be run again. */
const retryable = new Set(['40001', '40P01']);
/** SQLSTATE classes that say the server can't serve now: connection failures, resources, shutdown. */
const unavailable = /^(?:08|53|57P|58)/;

export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  // No class begins with E, but EPIPE is five letters too.
  return typeof code === 'string' && /^(?!E)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

export function isUnavailable(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return unavailable.test(state);
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  // A socket that isn't there; a file that isn't there is no fault of the database.
  if (code === 'ENOENT') return syscall === 'connect';
  if (typeof code === 'string' && /^(?:ECONN|ETIMEDOUT|EPIPE|EAI_|ERR_STREAM_)/.test(code)) return true;
  return (
    error instanceof Error &&
    /^(?:Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/.test(
      error.message,
    )
  );
}

export type TransactionOptions = { readonly retriesMax: number };

/** What `work` throws when another transaction was first with what it was about to do: it is run again from the start. */
export class LostRace extends Error {}

/** Thrown when a transaction lost against its neighbours too often. Becomes 409 with Retry-After. */
export class ContentionError extends Error {}

/**
 * Holds what is written to the client's socket back until the function given back is called, so that statements queued
 * together leave in one system call instead of one each.
 */
export function holdBack(client: PoolClient): () => void {
  const { connection } = client as PoolClient & { readonly connection?: { readonly stream?: Socket } };
  connection?.stream?.cork();
  return () => connection?.stream?.uncork();
}

/** An open transaction. */
export type Transaction = {
  readonly client: PoolClient;
  /**
   * Runs the last statements and commits in the same round trip: `commit` is queued right behind what `run` queues.
   * If one of them fails, PostgreSQL turns the commit into a rollback. Nothing may follow.
   */
  readonly final: <T>(run: () => Promise<T>) => Promise<T>;
};

/**
 * Runs `work` in one READ COMMITTED transaction on one client; rolls back on any error. The only place that retries:
 * serialization failures, deadlocks and lost races, a bounded number of times with jitter. `work` must therefore be repeatable.
 * `begin` is queued, not awaited: it travels with the first statement of `work`.
 */
export async function inTransaction<T>(pool: Pool, options: TransactionOptions, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(pool, work);
    } catch (error) {
      if (!(error instanceof LostRace) && !retryable.has(sqlStateOf(error) ?? '')) throw error;
      if (attempt >= options.retriesMax) throw new ContentionError('the transaction met too many concurrent writes', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(10 * 2 ** attempt, 500)));
    }
  }
}

async function once<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let ended = false;
  let broken: Error | undefined;
  const release = holdBack(client);
  const begun = client.query('begin');
  begun.catch(() => {});
  setImmediate(release);
  const final = async <R>(run: () => Promise<R>): Promise<R> => {
    const send = holdBack(client);
    const running = run();
    ended = true;
    const committing = client.query('commit');
    send();
    const [result, commit] = await Promise.allSettled([running, committing]);
    if (result.status === 'rejected') throw result.reason;
    if (commit.status === 'rejected') throw commit.reason;
    if (commit.value.command !== 'COMMIT') throw new Error('the transaction was rolled back');
    return result.value;
  };
  try {
    const result = await work({ client, final });
    await begun;
    if (!ended) await final(() => Promise.resolve());
    return result;
  } catch (error) {
    if (!ended || isUnavailable(error)) {
      await client.query('rollback').catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error('the rollback failed', { cause: failure });
      });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

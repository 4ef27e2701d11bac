import { totalmem } from 'node:os';

export type Settings = Readonly<Record<string, string>>;

/** `main` holds the resources, `keys` the wrapped keys: a few small rows that must be easy to forget. */
export type ClusterKind = 'main' | 'keys';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/**
 * The server settings of one embedded cluster, sized for the memory it may count on.
 *
 * @param memoryBytes  memory of machine or container, as `machineMemory()` tells it
 * @returns            names and values as `postgres -c` takes them: `{ shared_buffers: '4096MB', … }`
 * @see                https://www.postgresql.org/docs/18/runtime-config.html
 */
export function settingsFor(kind: ClusterKind, memoryBytes: number): Settings {
  return { ...durable, ...quiet, ...(kind === 'main' ? mainSettings(memoryBytes) : keySettings) };
}

/** Bytes of memory this process may count on: the container's limit where there is one, else the machine's. */
export function machineMemory(): number {
  // Without a limit Node answers 0 or a number beyond any machine.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** What a commit promises. PostgreSQL's defaults, spelled out so that no edit of postgresql.conf takes them away. */
const durable: Settings = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  wal_level: 'replica',
};

/**
 * No row, parameter or statement text reaches the log: `terse` drops DETAIL ("Failing row contains …") and CONTEXT. What remains in the
 * message of an error itself is dropped in log.ts. Times are UTC, so that a log line doesn't depend on the machine.
 */
const quiet: Settings = {
  log_destination: 'stderr',
  logging_collector: 'off',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_min_duration_statement: '-1',
  log_min_error_statement: 'panic',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

function mainSettings(memoryBytes: number): Settings {
  // Node, its caches and the page cache live on the same machine. Beyond 4 GiB the start would take longer than it is worth here.
  const sharedBuffers = clamp(memoryBytes / 4, 128 * MiB, 4 * GiB);
  return {
    shared_buffers: megabytes(sharedBuffers),
    effective_cache_size: megabytes(clamp(memoryBytes * 0.6, sharedBuffers, 256 * GiB)),
    maintenance_work_mem: megabytes(clamp(memoryBytes / 32, 64 * MiB, 1 * GiB)),
    // A bitmap of a million rows fits exactly; a lossy one would re-check rows by their tokens.
    work_mem: '16MB',
    max_connections: '100',
    // Partitions × indexes: one statement over a partitioned table takes hundreds of locks.
    max_locks_per_transaction: '1024',
    // Few checkpoints: after each one every page touched first goes to WAL whole.
    checkpoint_timeout: '15min',
    max_wal_size: memoryBytes < 16 * GiB ? '4GB' : '8GB',
    min_wal_size: '512MB',
    // The packaged build knows neither lz4 nor zstd.
    wal_compression: 'pglz',
    random_page_cost: '1.1',
    jit: 'off',
    // A search reads the whole pending list, so it stays short; a worker empties it every second. The shorter it is, the more
    // often a write empties it on the spot: see docs/decisions/0004-pending-list.md.
    gin_pending_list_limit: '512kB',
    // Tables grow by inserts and are large: the default of a fifth would let statistics and visibility lag by hours.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.02',
    autovacuum_vacuum_cost_limit: '1000',
  };
}

const keySettings: Settings = {
  shared_buffers: '16MB',
  effective_cache_size: '64MB',
  maintenance_work_mem: '16MB',
  work_mem: '2MB',
  max_connections: '20',
  max_worker_processes: '2',
  max_parallel_workers_per_gather: '0',
  max_wal_senders: '2',
  max_replication_slots: '2',
  autovacuum_worker_slots: '1',
  autovacuum_max_workers: '1',
  autovacuum_naptime: '15s',
  io_workers: '1',
  random_page_cost: '1.1',
  jit: 'off',
  checkpoint_timeout: '5min',
  max_wal_size: '256MB',
  // An erased key must not live on in old WAL: segments are deleted after a checkpoint, not kept and renamed for reuse.
  min_wal_size: '32MB',
  wal_recycle: 'off',
};

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / MiB)}MB`;
}

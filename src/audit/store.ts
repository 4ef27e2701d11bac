import type { AuditRow } from '../storage/audit-rows.ts';
import type { AuditedEvent, AuditKind } from './event.ts';

/** What one request leaves behind. */
export type Lot = {
  readonly rows: readonly AuditRow[];
  /** Whether it may wait in a file until the database takes it. */
  readonly maySpool: boolean;
};

/** Makes them durable; gives back those that it could not make so, with the reason. @throws what concerns them all */
export type Store = (lots: readonly Lot[]) => Promise<ReadonlyMap<Lot, unknown>>;

/** @param insert  writes and commits */
export function storeDirectly(insert: (rows: readonly AuditRow[]) => Promise<void>): Store {
  return async (lots) => {
    await insert(lots.flatMap(({ rows }) => rows));
    return new Map();
  };
}

const readings: ReadonlySet<AuditKind> = new Set([
  'read',
  'vread',
  'history-instance',
  'history-type',
  'history-system',
  'search-type',
  'search-system',
  'operation',
  'batch',
  'unknown-interaction',
  'introspection',
  'break-glass',
  'audit-log-used',
  'security-alert',
  'application-start',
  'application-stop',
  'maintenance',
]);

/** What only reads, or was refused. What has changed something, or says that it stands as it was asked for, is never told by a file. */
export function maySpool({ kind, outcome }: AuditedEvent): boolean {
  return outcome !== 0 || readings.has(kind);
}

import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { type AuditKeys, monthOf } from '../storage/audit-keys.ts';
import { type AuditRow, insertAuditRows, insertMissingAuditRows } from '../storage/audit-rows.ts';
import { reservedRowIds, type RowIds } from '../storage/row-ids.ts';
import { withoutLimits } from '../storage/database.ts';
import type { Log } from '../telemetry/log.ts';
import { makeAnchors } from './anchors.ts';
import { makeChain } from './chain.ts';
import type { AuditedEvent } from './event.ts';
import { maintenance } from './maintenance.ts';
import { makeRecorder, type Recorder } from './recorder.ts';
import { dropOldMonths, type Retained } from './retention.ts';
import { startSealer } from './sealer.ts';
import { openSpoolFiles, spooledFiles } from './spool-files.ts';
import { makeSpoolFrames } from './spool-frames.ts';
import { makeSpooling } from './spooling.ts';
import { storeDirectly } from './store.ts';
import { verifyTrail, type VerifyOptions, type VerifyReport } from './verify.ts';

/** The audit trail as the server, and the commands beside it, write and keep it. */
export type AuditTrail = {
  /** Rows to be written in the transaction that does what the events tell. */
  readonly rows: (events: readonly AuditedEvent[]) => Promise<readonly AuditRow[]>;
  /** Resolves when the events are durable. @throws FhirError 503 */
  readonly record: Recorder['record'];
  /** Brings in what an earlier process couldn't write. To be awaited before anything is answered. */
  readonly recover: () => Promise<void>;
  readonly verify: (options: Pick<VerifyOptions, 'between'>) => Promise<VerifyReport>;
  /** Drops the months that are older than they have to be. */
  readonly retain: (options: { readonly dryRun: boolean }) => Promise<readonly Retained[]>;
  /** Seals what there is to seal. To be awaited after the last event. */
  readonly stop: () => Promise<void>;
};

export type TrailOptions = {
  readonly config: Config;
  readonly log: Log;
  /** `serve` seals the trail and keeps it; a command beside the server only adds to it. */
  readonly purpose: 'serve' | 'attach';
  readonly pool: Pool;
  /** Connections that nothing but events go over, `recordingConnections` of them. */
  readonly recording: Pool;
  /** Connects as the owner of the tables. */
  readonly ownerUrl: string;
  /** Of the audit. */
  readonly secret: Buffer;
  readonly keys: AuditKeys;
  readonly rows: AuditTrail['rows'];
  /** Of the rows of events. */
  readonly rowIds: AuditRowIds;
};

export const recordingConnections = 2;
/** Events that share a commit. */
const batchMax = 200;
/** In half as many batches, events take a quarter less of PostgreSQL's time at 16 clients; a commit that takes longer than this holds nobody else up. */
const besideAfterMs = 5;
const anchorTimeoutMs = 5_000;
const keepingMs = 86_400_000;
const spoolTurnMs = 1_000;
/** What an event takes in a file, at least. */
const spooledBytesMin = 512;

export type AuditRowIds = RowIds & { readonly fill: () => Promise<void> };

/** Row ids for events: where those may wait for the database, enough are at hand. */
export function auditRowIds({ auditFailure, auditSpoolMib, auditTimeoutMs }: Config, rids: RowIds): AuditRowIds {
  if (auditFailure === 'refuse') return { take: (count) => rids.take(count), fill: () => Promise.resolve() };
  return reservedRowIds(rids, { size: Math.min(100_000, (auditSpoolMib * 2 ** 20) / spooledBytesMin), waitMs: auditTimeoutMs / 4 });
}

export function openTrail(options: TrailOptions): AuditTrail {
  const { config, log, pool, secret, keys, purpose } = options;
  const chain = makeChain(secret);
  const anchors = makeAnchors({ file: config.auditAnchorFile, url: config.auditAnchorUrl, timeoutMs: anchorTimeoutMs });
  const insert = (rows: readonly AuditRow[]): Promise<void> => insertAuditRows(options.recording, rows);
  const files = openSpoolFiles({ dir: config.auditSpoolDir, bytesMax: config.auditSpoolMib * 2 ** 20, frames: makeSpoolFrames(secret) });
  const tell = (details: Readonly<Record<string, string>>): void =>
    void record([maintenance(details)]).catch((error: unknown) => log.error({}, 'what became of the spool was not recorded', error));
  const spooling = makeSpooling({
    files,
    insert,
    insertMissing: (rows) => insertMissingAuditRows(options.recording, rows),
    patienceMs: config.auditTimeoutMs / 2,
    turnMs: spoolTurnMs,
    onBegun(error) {
      log.error({}, 'the database does not take audit events: they are kept in AUDIT_SPOOL_DIR until it does', error);
      tell({ action: 'audit-spool-begun' });
    },
    onEnded({ rows, from, to }) {
      log.warn({ rows }, 'the database has taken the audit events that waited in AUDIT_SPOOL_DIR');
      const span = rows === 0 ? {} : { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      tell({ action: 'audit-spool-ended', rows: String(rows), ...span });
      void options.rowIds.fill().catch((error: unknown) => log.error({}, 'row ids were not kept in stock', error));
    },
    onAltered(faults) {
      log.error(
        { faults },
        'audit events that waited in AUDIT_SPOOL_DIR were altered or removed: what is left of the file is put aside there',
      );
      tell({ action: 'audit-spool-altered', faults: String(faults) });
    },
    onTorn: (bytes) =>
      log.warn({ bytes }, 'the end of a file in AUDIT_SPOOL_DIR is cut short: nothing was answered that it would have told'),
  });
  const maySpool = config.auditFailure === 'spool' && purpose === 'serve';
  const { record } = makeRecorder({
    rows: options.rows,
    store: maySpool ? spooling.store : storeDirectly(insert),
    waitingMax: config.auditWaitingMax,
    batchMax,
    inFlightMax: recordingConnections,
    besideAfterMs,
    timeoutMs: config.auditTimeoutMs,
    onFailure: (error) => log.error({}, 'what happened could not be recorded, so it was not answered', error),
  });
  const retain = async ({ dryRun }: { readonly dryRun: boolean }): Promise<readonly Retained[]> =>
    dropOldMonths({
      ownerUrl: options.ownerUrl,
      chain,
      secret,
      anchors: await anchors.read(),
      keys,
      now: Date.now(),
      years: config.auditRetentionYears,
      dryRun,
      onDropped: ({ month, rows }) => record([maintenance({ action: 'audit-retention', month: String(month), rows: String(rows) })]),
    });

  async function keep(): Promise<void> {
    const months = await keys.destroyBefore('audit-query', monthOf(Date.now() - config.auditQueryDays * 86_400_000));
    for (const month of months) await record([maintenance({ action: 'audit-query-key-destroyed', month: String(month) })]);
    for (const { month, findings } of await retain({ dryRun: false }))
      if (findings.length > 0)
        log.error({ month, findings: findings.length }, 'a month of the audit trail does not fit its chain and is not dropped');
  }

  /** On a connection of its own that nothing limits: a trail may be long. */
  const verify: AuditTrail['verify'] = async (range) => {
    const client = await pool.connect();
    try {
      await withoutLimits(client);
      const [read, spool] = await Promise.all([anchors.read(), spooledFiles(config.auditSpoolDir)]);
      return await verifyTrail({ ...range, db: client, chain, secret, anchors: read, spool });
    } finally {
      client.release(true);
    }
  };
  const common = { verify, retain };
  const nothing = (): Promise<void> => Promise.resolve();
  if (!config.audit) {
    if (purpose === 'serve') log.warn({}, 'AUDIT is off: nothing that happens is recorded');
    return { ...common, rows: () => Promise.resolve([]), record: nothing, recover: nothing, stop: nothing };
  }
  if (purpose === 'attach') return { ...common, rows: options.rows, record, recover: nothing, stop: nothing };
  const sealer = startSealer({ pool, chain, anchors, anchorMs: config.auditAnchorSeconds * 1_000, log });
  let keeping: Promise<void> = Promise.resolve();
  const keepNow = (): void => {
    keeping = keep().catch((error: unknown) => log.error({}, 'the audit trail was not kept', error));
  };
  keepNow();
  const timer = setInterval(keepNow, keepingMs);
  return {
    ...common,
    rows: options.rows,
    record,
    async recover() {
      const { waiting, refused } = await spooledFiles(config.auditSpoolDir);
      if (refused > 0) log.error({ files: refused }, 'AUDIT_SPOOL_DIR holds files of audit events that were altered: look into them');
      if (maySpool) {
        log.warn({}, 'AUDIT_FAILURE is spool: reads are answered while the database does not take their audit events');
        await options.rowIds.fill();
      }
      if (waiting === 0) return;
      await spooling.recover().catch((error: unknown) => {
        if (!maySpool) throw error;
        log.error({ files: waiting }, 'the database does not take the audit events that wait in AUDIT_SPOOL_DIR', error);
      });
    },
    async stop() {
      clearInterval(timer);
      await spooling.stop();
      await keeping;
      await sealer.stop();
    },
  };
}

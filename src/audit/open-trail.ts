import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { type AuditKeys, monthOf } from '../storage/audit-keys.ts';
import { type AuditRow, insertAuditRows } from '../storage/audit-rows.ts';
import type { Log } from '../telemetry/log.ts';
import { makeAnchors } from './anchors.ts';
import { makeChain } from './chain.ts';
import type { AuditedEvent } from './event.ts';
import { maintenance } from './maintenance.ts';
import { makeRecorder, type Recorder } from './recorder.ts';
import { dropOldMonths, type Retained } from './retention.ts';
import { startSealer } from './sealer.ts';
import { verifyTrail, type VerifyOptions, type VerifyReport } from './verify.ts';

/** The audit trail as the server, and the commands beside it, write and keep it. */
export type AuditTrail = {
  /** Rows to be written in the transaction that does what the events tell. */
  readonly rows: (events: readonly AuditedEvent[]) => Promise<readonly AuditRow[]>;
  /** Resolves when the events are durable. @throws FhirError 503 */
  readonly record: Recorder['record'];
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
};

export const recordingConnections = 2;
/** Requests whose events share a commit. */
const batchMax = 200;
const anchorTimeoutMs = 5_000;
const keepingMs = 86_400_000;

export function openTrail(options: TrailOptions): AuditTrail {
  const { config, log, pool, secret, keys, purpose } = options;
  const chain = makeChain(secret);
  const anchors = makeAnchors({ file: config.auditAnchorFile, url: config.auditAnchorUrl, timeoutMs: anchorTimeoutMs });
  const { record } = makeRecorder({
    rows: options.rows,
    insert: (rows) => insertAuditRows(options.recording, rows),
    waitingMax: config.auditWaitingMax,
    batchMax,
    inFlightMax: recordingConnections,
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
      await client.query('set statement_timeout = 0');
      return await verifyTrail({ ...range, db: client, chain, secret, anchors: await anchors.read() });
    } finally {
      client.release(true);
    }
  };
  const common = { verify, retain };
  if (!config.audit) {
    if (purpose === 'serve') log.warn({}, 'AUDIT is off: nothing that happens is recorded');
    return { ...common, rows: () => Promise.resolve([]), record: () => Promise.resolve(), stop: () => Promise.resolve() };
  }
  if (purpose === 'attach') return { ...common, rows: options.rows, record, stop: () => Promise.resolve() };
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
    async stop() {
      clearInterval(timer);
      await keeping;
      await sealer.stop();
    },
  };
}

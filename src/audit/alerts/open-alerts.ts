import { hkdfSync } from 'node:crypto';
import type { Pool } from 'pg';
import type { Config } from '../../config.ts';
import { makeDataKey } from '../../encryption/seal.ts';
import type { TokenKey } from '../../encryption/token.ts';
import type { Extractor } from '../../search/extract.ts';
import { acknowledgeAlert, listAlerts, type StoredAlert } from '../../storage/alerts.ts';
import type { Log } from '../../telemetry/log.ts';
import type { AuditedEvent } from '../event.ts';
import { type AlertDetails, openDetails } from './details.ts';
import { makeLabelled } from './labels.ts';
import { makeOffHours } from './off-hours.ts';
import { rulesOf } from './rules.ts';
import { type AlertWatch, watchAlerts } from './watch.ts';

export type Alert = Omit<StoredAlert, 'details' | 'actor'> & AlertDetails;

export type Alerts = Pick<AlertWatch, 'see' | 'stop'> & {
  /** Newest first; those that nobody has acknowledged, or all. */
  readonly list: (options: { readonly all: boolean; readonly limit: number }) => Promise<readonly Alert[]>;
  /** @returns whether it was open until now */
  readonly acknowledge: (id: string, by: string) => Promise<boolean>;
};

export type AlertsOptions = {
  readonly config: Config;
  /** Of the audit. */
  readonly secret: Buffer;
  readonly pool: Pool;
  readonly tokenKey: TokenKey;
  readonly extract: Extractor;
  readonly record: (events: readonly AuditedEvent[]) => Promise<void>;
  readonly log: Log;
  /** A command beside the server sees nothing: what it does is counted by the server that it is done to. */
  readonly purpose: 'serve' | 'attach';
};

/** The rules as they are configured, watching what is recorded, and the alerts that they have opened. */
export function openAlerts({ config, secret, pool, tokenKey, extract, record, log, purpose }: AlertsOptions): Alerts {
  const sealKey = makeDataKey(Buffer.alloc(16), Buffer.from(hkdfSync('sha256', secret, '', 'alerts', 32)));
  const { alertOffHours: hours, alertOffDays: days, alertLabels: labels } = config;
  const rules = rulesOf({
    manyPatients: config.alertManyPatients,
    manyPatientsClient: config.alertManyPatientsClient,
    refusals: config.alertRefusals,
    failedLogins: config.alertFailedLogins,
    breakGlass: config.alertBreakGlass,
    newExport: config.alertNewExport,
    offHours: hours === undefined && days.length === 0 ? undefined : makeOffHours(hours, days, config.alertTimeZone),
    labelled: labels.length > 0,
  });
  const labelled = makeLabelled(pool, extract, labels);
  const watching = purpose === 'serve' && config.audit;
  const watch = watching
    ? watchAlerts({ rules, pool, tokenKey, sealKey, labelled, record, log, years: config.auditRetentionYears })
    : undefined;
  return {
    see: (events) => watch?.see(events),
    stop: () => watch?.stop() ?? Promise.resolve(),
    async list(options) {
      const found = await listAlerts(pool, options);
      return found.map(({ details, actor, ...alert }) => ({ ...alert, ...openDetails(sealKey, { rule: alert.rule, actor }, details) }));
    },
    acknowledge: (id, by) => acknowledgeAlert(pool, id, by),
  };
}

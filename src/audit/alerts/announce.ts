import type { Pool } from 'pg';
import type { DataKey } from '../../encryption/seal.ts';
import { lockUnrecorded, markRecorded, type StoredAlert } from '../../storage/alerts.ts';
import { inTransaction } from '../../storage/database.ts';
import type { Log } from '../../telemetry/log.ts';
import type { AuditedEvent } from '../event.ts';
import { openDetails } from './details.ts';

const alertsMax = 50;
/**
 * Of a security alert the outcome tells how grave it is: 0 informs; 4 warns of what the system withstood; 12 of what it may not have.
 *
 * @see https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.11.html
 */
const warning = 4;

export type Telling = {
  readonly pool: Pool;
  readonly sealKey: DataKey;
  readonly record: (events: readonly AuditedEvent[]) => Promise<void>;
  readonly log: Log;
};

/**
 * Records an audit event and writes a log line for each alert that has none. A process that is killed in between leaves it to the next,
 * which may tell it a second time.
 *
 * @returns whether there may be more
 */
export function tellAlerts({ pool, sealKey, record, log }: Telling): Promise<'more' | 'done'> {
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    const alerts = await lockUnrecorded(client, alertsMax);
    if (alerts.length === 0) return 'done';
    await record(alerts.map((alert) => eventOf(alert, sealKey)));
    for (const { id, rule, count, threshold } of alerts)
      log.warn({ alert: Number(id), rule, count, threshold }, 'a security alert was opened');
    await markRecorded(
      client,
      alerts.map(({ id }) => id),
    );
    return alerts.length === alertsMax ? 'more' : 'done';
  });
}

function eventOf(alert: StoredAlert, sealKey: DataKey): AuditedEvent {
  const { id, rule, count, threshold } = alert;
  const { agent, patient } = openDetails(sealKey, alert, alert.details);
  return {
    kind: 'security-alert',
    at: Date.now(),
    requestId: `alert-${id}`,
    agent,
    outcome: warning,
    details: { alert: id, rule, count: String(count), threshold: String(threshold) },
    ...(patient === undefined ? {} : { patient }),
  };
}

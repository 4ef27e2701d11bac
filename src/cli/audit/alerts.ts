import type { Alert } from '../../audit/alerts/open-alerts.ts';
import { operatorTrail } from '../../audit/operator.ts';
import { eventsOf } from '../../audit/trail.ts';
import { loadConfig } from '../../config.ts';
import { openServices, type Services } from '../../services.ts';
import { createLog } from '../../telemetry/log.ts';
import { readArguments, UsageError } from '../arguments.ts';
import type { CommandIo } from '../io.ts';
import { printable } from './report.ts';

/** Those before them are in the audit trail. */
const alertsMax = 1_000;

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(args, {
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  const [action = 'list', id, ...rest] = positionals;
  const isList = action === 'list' && id === undefined;
  const isAcknowledge = action === 'acknowledge' && id !== undefined && /^[1-9]\d{0,17}$/.test(id);
  if ((!isList && !isAcknowledge) || rest.length > 0) throw new UsageError('say alerts list or alerts acknowledge with its number');
  return isAcknowledge ? withServices((services) => acknowledge(services, id, io)) : withServices((services) => list(services, values, io));
}

async function list(services: Services, { all, json }: { readonly all: boolean; readonly json: boolean }, io: CommandIo): Promise<number> {
  await recordUse(services, { action: 'alerts-listed' });
  const alerts = await services.alerts.list({ all, limit: alertsMax });
  if (json) io.stdout.write(`${JSON.stringify(alerts.map(plainOf), null, 2)}\n`);
  else for (const alert of alerts) io.stdout.write(`${lineOf(alert)}\n`);
  if (alerts.length === 0) io.stderr.write(all ? 'There were no alerts.\n' : 'No alert is open.\n');
  if (alerts.length === alertsMax) io.stderr.write(`Only the newest ${alertsMax} are shown.\n`);
  return 0;
}

async function acknowledge(services: Services, id: string, io: CommandIo): Promise<number> {
  const { agent } = await recordUse(services, { action: 'alert-acknowledged', alert: id });
  if (!(await services.alerts.acknowledge(id, agent.user?.subject ?? ''))) {
    io.stderr.write(`There is no open alert ${id}.\n`);
    return 1;
  }
  io.stdout.write(`Alert ${id} is acknowledged.\n`);
  return 0;
}

async function recordUse({ context: { audit } }: Services, details: Readonly<Record<string, string>>) {
  const trail = operatorTrail({ kind: 'audit-log-used' });
  await audit.record(await eventsOf(audit, trail, { code: 0, details }));
  return trail;
}

/** Whom it concerns is told by the pseudonym that audit events have once his key is gone: who he is tells the event `alert-<number>`. */
function plainOf({ patient, ...alert }: Alert): object {
  return patient === undefined ? alert : { ...alert, patient: pseudonymOf(patient) };
}

function lineOf({ id, openedAt, rule, count, threshold, agent, patient, acknowledgedAt, acknowledgedBy }: Alert): string {
  const { user, client, address } = agent;
  const who = [user === undefined ? undefined : `${user.fhirUser ?? user.subject} (${user.issuer})`, client, address];
  const of = patient === undefined ? '' : `, patient ${pseudonymOf(patient)}`;
  const done = acknowledgedAt === null ? '' : `, acknowledged ${acknowledgedAt} by ${acknowledgedBy ?? ''}`;
  return printable(
    `${id}  ${openedAt}  ${rule}  ${count} of ${threshold}: ${who.filter((each) => each !== undefined).join(', ')}${of}${done}`,
  );
}

const pseudonymOf = ({ keyId }: NonNullable<Alert['patient']>): string =>
  `urn:uuid:${keyId.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`;

async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}

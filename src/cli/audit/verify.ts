import type { AuditTrail } from '../../audit/open-trail.ts';
import { recordOwn } from '../../audit/operator.ts';
import type { VerifyReport } from '../../audit/verify.ts';
import { loadConfig } from '../../config.ts';
import { openServices } from '../../services.ts';
import { createLog } from '../../telemetry/log.ts';
import { readArguments, UsageError } from '../arguments.ts';
import type { CommandIo } from '../io.ts';

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(args, { from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' } });
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const between = spanOf(values.from, values.to);
  const report = await withTrail('verify', (trail) => trail.verify(between === undefined ? {} : { between }));
  if (values.json === true) io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else print(report, between !== undefined, io);
  return report.findings.length === 0 ? 0 : 1;
}

/** Opens the trail for one piece of work, which it holds itself. */
export async function withTrail<T>(action: string, work: (trail: AuditTrail) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
  try {
    await recordOwn(services.context.audit, 'cli', 'audit-log-used', { action });
    return await work(services.trail);
  } finally {
    await services.close();
  }
}

function spanOf(from: string | undefined, to: string | undefined): { readonly from: number; readonly to: number } | undefined {
  if (from === undefined && to === undefined) return undefined;
  const span = { from: from === undefined ? 0 : timeOf('--from', from), to: to === undefined ? Date.now() : timeOf('--to', to) };
  if (span.from > span.to) throw new UsageError('--from must not be later than --to');
  return span;
}

function timeOf(option: string, text: string): number {
  const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new UsageError(`${option} must be a date, or a time with its zone`);
  return time;
}

function print(
  { blocks, rows, findings, cut, unsealed, anchored, late, waiting, seconds }: VerifyReport,
  isPart: boolean,
  io: CommandIo,
): void {
  for (const { text } of findings) io.stdout.write(`${text}\n`);
  if (cut) io.stdout.write('There is more that does not fit.\n');
  const lines = [
    `${rows} events in ${blocks} blocks were read in ${seconds.toFixed(1)} s: ${findings.length === 0 ? 'all fit' : `${findings.length} faults`}.`,
    isPart ? 'The rest of the trail was not looked at.' : window(unsealed),
    anchored === null
      ? 'No anchor was written yet: whether the end of the trail was cut off is not known.'
      : `Block ${anchored.block} was anchored at ${anchored.at}: whether something was cut off behind it is not known.`,
    ...(late === null
      ? []
      : [
          `${late.rows} events, from ${late.from} to ${late.to}, were sealed more than a minute after they happened: they had waited for the database, or the server was stopped meanwhile.`,
        ]),
    ...(waiting === 0 ? [] : [`${waiting} files of events wait in AUDIT_SPOOL_DIR for the database.`]),
  ];
  io.stderr.write(`${lines.join('\n')}\n`);
}

function window({ rows, since }: VerifyReport['unsealed']): string {
  if (since === null) return `No block was sealed yet; ${rows} events wait for it.`;
  return `${rows} events were added since the last block, sealed at ${since}: whether one of those was removed is not known.`;
}

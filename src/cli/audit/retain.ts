import { readArguments, UsageError } from '../arguments.ts';
import type { CommandIo } from '../io.ts';
import { withTrail } from './verify.ts';

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(args, { 'dry-run': { type: 'boolean', default: false } });
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  const dryRun = values['dry-run'];
  const months = await withTrail('retain', (trail) => trail.retain({ dryRun }));
  for (const { month, rows, dropped, findings } of months) {
    const became = dropped ? 'dropped' : findings.length > 0 ? `kept: ${findings.length} faults, see verify` : 'would be dropped';
    io.stdout.write(`${String(month).replace(/(?=..$)/, '-')}  ${rows} events  ${became}\n`);
    for (const { text } of findings) io.stdout.write(`  ${text}\n`);
  }
  if (months.length === 0) io.stderr.write('No month of the audit trail is old enough to be dropped.\n');
  return months.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

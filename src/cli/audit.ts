import { UsageError, withUsage } from './arguments.ts';
import type { CommandIo } from './io.ts';

const usage = `npm run -s audit -- verify [--from TIME] [--to TIME] [--json]
npm run -s audit -- report --patient ID | --actor ID [--from TIME] [--to TIME] [--format table|json|csv]
npm run -s audit -- retain [--dry-run]
npm run -s audit -- alerts [list [--all] [--json] | acknowledge NUMBER]

The audit trail, beside the running server or without it.

  verify     holds every event against its mac, its block and the anchors outside; ends with 1 if something doesn't fit
  --from     only blocks with events from this time on: 2026-11-22, 2026-11-22T10:00:00Z
  --to       only blocks with events until this time
  --json     prints what is found as JSON
  report     prints who did what, the oldest first
  --patient  what concerns this Patient
  --actor    what was done by Practitioner/ID, an account or a client
  --format   table by default
  retain     drops the months that are older than AUDIT_RETENTION_YEARS
  --dry-run  only tells which
  alerts     lists what looks like a misuse and nobody has acknowledged, or acknowledges it
  --all      those that are acknowledged too
`;

type Action = { readonly run: (args: readonly string[], io: CommandIo) => Promise<number> };

const actions: Readonly<Record<string, () => Promise<Action>>> = {
  verify: () => import('./audit/verify.ts'),
  report: () => import('./audit/report.ts'),
  retain: () => import('./audit/retain.ts'),
  alerts: () => import('./audit/alerts.ts'),
};

export function run(args: readonly string[], io: CommandIo): Promise<number> {
  return withUsage(usage, args, io, async () => {
    const [name = '', ...rest] = args;
    const action = actions[name];
    if (action === undefined)
      throw new UsageError(name === '' ? 'say what to do' : `${name} is none of ${Object.keys(actions).join(', ')}`);
    return (await action()).run(rest, io);
  });
}

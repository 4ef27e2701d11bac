import { stringify } from 'csv-stringify/sync';
import { operatorTrail } from '../../audit/operator.ts';
import { eventsOf } from '../../audit/trail.ts';
import { inWords, type WordedEvent } from '../../audit/words.ts';
import { loadConfig } from '../../config.ts';
import { FhirError } from '../../fhir/error.ts';
import { isId } from '../../fhir/references.ts';
import type { Context } from '../../interactions/context.ts';
import { parseSearch } from '../../search/parse.ts';
import { planSearch, type Plan } from '../../search/plan.ts';
import type { From } from '../../search/position.ts';
import { runSearch } from '../../search/run.ts';
import { escape } from '../../search/values.ts';
import { openServices } from '../../services.ts';
import { erasedPatients } from '../../storage/patient-ids.ts';
import { createLog } from '../../telemetry/log.ts';
import { readArguments, UsageError } from '../arguments.ts';
import type { CommandIo } from '../io.ts';

const formats = ['table', 'json', 'csv'] as const;
type Format = (typeof formats)[number];

type Asked = {
  readonly patient?: string;
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: Format;
};

/** Prints who did what, the oldest first. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const asked = readAsked(args);
  const config = loadConfig();
  const services = await openServices(config, createLog({ logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel }), 'attach');
  try {
    return await report(services.context, asked, io);
  } finally {
    await services.close();
  }
}

function readAsked(args: readonly string[]): Asked {
  const text = { type: 'string' } as const;
  const { values, positionals } = readArguments(args, { patient: text, actor: text, from: text, to: text, format: text });
  const { patient, actor, from, to, format = 'table' } = values;
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
  if ((patient === undefined) === (actor === undefined)) throw new UsageError('say --patient or --actor');
  if (patient !== undefined && !isId(patient)) throw new UsageError('--patient needs the id of a Patient');
  if (actor?.trim() === '') throw new UsageError('--actor needs a reference, the id of an account or that of a client');
  if (!isFormat(format)) throw new UsageError(`--format is one of ${formats.join(', ')}`);
  return {
    format,
    ...(patient === undefined ? {} : { patient }),
    ...(actor === undefined ? {} : { actor }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

const isFormat = (text: string): text is Format => (formats as readonly string[]).includes(text);

export async function report(ctx: Context, asked: Asked, io: CommandIo): Promise<number> {
  const { patient, format } = asked;
  const plan = planOf(ctx, pairsOf(asked));
  const data = patient === undefined ? {} : { data: { type: 'Patient', id: patient } };
  // Looking at the trail is an event of it, whatever comes out.
  const trail = operatorTrail({ kind: 'audit-log-used', ...data });
  await ctx.audit.record(await eventsOf(ctx.audit, trail, { code: 0, details: { action: 'report' } }));
  if (patient !== undefined && (await erasedPatients(ctx.searcher, [ctx.refKeyOf('Patient', patient)])).size > 0) {
    io.stderr.write('This patient was erased: nothing is found by who he was. His events remain, under a pseudonym.\n');
    return 1;
  }
  const write = writers[format]((text) => io.stdout.write(text));
  let count = 0;
  for await (const event of eventsFound(ctx, plan)) {
    write.line(lineOf(event));
    count++;
  }
  write.end();
  if (count === 0) io.stderr.write('There are no such events.\n');
  return 0;
}

/** An actor is a resource, or what he is called by who vouches for him: a user's account, a client's id. */
function pairsOf({ patient, actor, from, to }: Asked): [string, string][] {
  const whom: [string, string] =
    patient !== undefined
      ? ['entity', `Patient/${patient}`]
      : /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(actor ?? '')
        ? ['agent', actor ?? '']
        : ['agent:identifier', escape(actor ?? '')];
  return [
    whom,
    ['_sort', 'date'],
    ...(from === undefined ? [] : [['date', `ge${from}`] as [string, string]]),
    // What happens meanwhile is for the next report.
    ['date', `le${to ?? new Date().toISOString()}`],
  ];
}

const pageSize = 500;

async function* eventsFound(ctx: Context, plan: Plan): AsyncGenerator<ReportedEvent> {
  for (let from: From | undefined; ; ) {
    const { rows, next } = await runSearch(ctx.searcher, plan, from, pageSize, ctx.open, ctx.statistics);
    for (const { json } of rows) yield JSON.parse(json.toString('utf8')) as ReportedEvent;
    if (next === undefined) return;
    from = next;
  }
}

/** What a search doesn't take, the arguments were wrong about. */
function planOf(ctx: Context, pairs: readonly (readonly [string, string])[]): Plan {
  try {
    const { query } = parseSearch('AuditEvent', pairs, ctx.registry, ctx.config, false);
    return planSearch(query, () => 'all', ctx.registry, ctx.planContext());
  } catch (error) {
    if (error instanceof FhirError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

type ReportedEvent = WordedEvent & { readonly id: string; readonly outcomeDesc?: string };

type Line = Readonly<Record<(typeof columns)[number], string>>;

const columns = ['when', 'outcome', 'who', 'role', 'app', 'address', 'what', 'data', 'why', 'reason', 'request', 'event'] as const;

function lineOf(event: ReportedEvent): Line {
  const { when, outcome, who, role, app, what, why } = inWords(event);
  const { id, outcomeDesc = '', entity = [], agent = [] } = event;
  const addresses = (agent as readonly { readonly network?: { readonly address?: string; readonly type?: string } }[]).flatMap(
    ({ network }) => (network?.type === '2' && network.address !== undefined ? [network.address] : []),
  );
  const data = entity.flatMap(({ what: named, role: played }) =>
    named?.reference === undefined || played?.code === '1' ? [] : [named.reference],
  );
  const request = entity.flatMap(({ what: named, type }) => (type?.code === 'XrequestId' ? [named?.identifier?.value ?? ''] : []));
  return {
    when,
    outcome,
    who,
    role,
    app,
    address: addresses.join(', '),
    what,
    data: data.join(', '),
    why,
    reason: outcomeDesc,
    request: request.join(', '),
    event: id,
  };
}

type Writer = { readonly line: (line: Line) => void; readonly end: () => void };

const writers: Readonly<Record<Format, (write: (text: string) => void) => Writer>> = {
  table: (write) => ({
    line: ({ when, outcome, who, role, app, address, what, data, why }) =>
      write(
        `${[
          when.padEnd(24),
          (outcome === 'done' ? '' : 'REFUSED').padEnd(7),
          `${who}${role === '' ? '' : ` (${role})`}`.padEnd(32),
          app.padEnd(20),
          address.padEnd(15),
          what,
          data,
          why,
        ]
          .map(printable)
          .join('  ')
          .trimEnd()}\n`,
      ),
    end: () => {},
  }),
  json(write) {
    let count = 0;
    return {
      line: (line) => write(`${count++ === 0 ? '[\n' : ',\n'}${JSON.stringify(line)}`),
      end: () => write(count === 0 ? '[]\n' : '\n]\n'),
    };
  },
  csv(write) {
    // What begins like a formula is not one: names and addresses come from outside.
    const row = (cells: readonly string[]): void => write(stringify([[...cells]], { escape_formulas: true, quoted: true }));
    row(columns);
    return { line: (line) => row(columns.map((column) => line[column])), end: () => {} };
  },
};

/** A terminal must not be told what to do by a name, nor a line be made two, or be read from the right. */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');

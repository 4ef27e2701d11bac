import { STATUS_CODES } from 'node:http';
import { badRequest } from '../fhir/error.ts';
import type { ParsedJson } from '../fhir/json.ts';
import { withPositions } from '../fhir/locate.ts';
import { outcomeJson } from '../fhir/outcome.ts';
import type { Answer } from '../interactions/answer.ts';
import { batch } from '../interactions/batch.ts';
import { type BundleEntry, writeBundle } from '../interactions/bundle.ts';
import type { Context } from '../interactions/context.ts';
import { placedAtEntry } from '../interactions/entries.ts';
import { documentOf } from '../interactions/document.ts';
import { transaction } from '../interactions/transaction.ts';
import { randomUUID } from 'node:crypto';
import type { Log } from '../telemetry/log.ts';
import { type Exchange, preferOf, writingCallOf } from './exchange.ts';
import { answerError } from './outcome.ts';

/** POST to the base: a batch or a transaction. @see https://hl7.org/fhir/R4/http.html#transaction */
export async function runBundle(ctx: Context, c: Exchange, parsed: ParsedJson, log: Log): Promise<Answer> {
  const { type, value } = documentOf(parsed, parsed.value, 'Bundle');
  if (type !== 'Bundle')
    throw badRequest(
      'bundle-expected',
      `The base takes Bundles of type batch or transaction. Send a resource to its type's URL.`,
      'resourceType',
    );
  const prefer = preferOf(c).return ?? 'minimal';
  if (value.type !== 'transaction' && value.type !== 'batch') {
    throw badRequest(
      'bundle-type-invalid',
      'A Bundle sent to the base has the type batch or transaction. To store a Bundle, send it to /Bundle.',
      'Bundle.type',
      'value',
    );
  }
  c.set('trail', { ...c.var.trail, asked: { kind: value.type } });
  const call = await writingCallOf(ctx, c);
  const answers =
    value.type === 'transaction'
      ? await transaction(ctx, call, parsed, prefer)
      : await batch(ctx, call, parsed, prefer, (error) => answerError(error, log, c.var.requestId));
  const head = { type: `${value.type}-response`, id: randomUUID(), lastUpdated: new Date().toISOString(), links: [] };
  const body = writeBundle(head, placedIn(parsed.received, answers).map(entryOf));
  // Whom the entries concern is told by the entries' own events; those of a transaction were committed with it.
  return { status: 200, body, disclosed: [], ...(value.type === 'transaction' ? ({ recorded: true } as const) : {}) };
}

/** The answers with the places of their issues in the Bundle, which is gone through once for all of them. */
function placedIn(received: string, answers: readonly Answer[]): readonly Answer[] {
  const issues = answers.map((answer, index) => (answer.issues ?? []).map((each) => placedAtEntry(index, each)));
  const found = withPositions(issues.flat(), received);
  let at = 0;
  return answers.map((answer, index) => {
    const begin = at;
    at += issues[index]?.length ?? 0;
    return answer.issues === undefined ? answer : { ...answer, issues: found.slice(begin, at) };
  });
}

function entryOf({ status, stamp, located, body, issues }: Answer): BundleEntry {
  const response = {
    status: `${status} ${STATUS_CODES[status] ?? ''}`,
    ...(stamp !== undefined && located ? { location: `${stamp.type}/${stamp.id}/_history/${stamp.version}` } : {}),
    ...(stamp === undefined ? {} : { etag: `W/"${stamp.version}"`, lastModified: stamp.lastUpdated }),
  };
  const outcome = issues === undefined ? '' : `,"outcome":${outcomeJson(issues)}`;
  const rest = `"response":${JSON.stringify(response).slice(0, -1)}${outcome}}`;
  return body === undefined ? { rest } : { resource: body, rest };
}

import { FhirError, issue } from '../fhir/error.ts';
import { LostRace } from '../storage/database.ts';
import { passesWrite } from '../storage/filter.ts';
import { lockCurrent } from '../storage/read.ts';
import { replaceVersions } from '../storage/write.ts';
import type { Answer } from './answer.ts';
import { besideOf } from './beside.ts';
import { findMatches, lockCriteria, lockMatches, parseCriteria } from './conditional.ts';
import type { Call, Context } from './context.ts';
import { deleted } from './outcomes.ts';
import { assertIfMatch, auditEventsStay, multipleMatches } from './preconditions.ts';
import { assertDeletable, assertId, deletionOf } from './prepare.ts';
import { writeBeside, writeLast } from './update.ts';
import { inWriting } from './writing.ts';

/**
 * Deletes a resource: from now on 410, its history stays. Deleting what isn't there, or what the caller doesn't see, succeeds and
 * changes nothing.
 *
 * @see https://hl7.org/fhir/R4/http.html#delete
 */
export async function remove(ctx: Context, call: Call, type: string, id: string, ifMatch?: string): Promise<Answer> {
  const filter = call.access.permit('d', type);
  assertId(id);
  if (type === 'AuditEvent') throw auditEventsStay();
  return inWriting(ctx, [type], async (tx) => {
    const [current] = await lockCurrent(tx.client, [{ type, id, refKey: ctx.refKeyOf(type, id) }]);
    if (current === undefined || !passesWrite(filter, current)) {
      assertDeletable(call, current);
      assertIfMatch(ifMatch, undefined);
      return { status: 200, issues: [deleted(0)] };
    }
    if (current.deleted) return { status: 200, stamp: current, issues: [deleted(1)] };
    assertIfMatch(ifMatch, current.version);
    const row = await deletionOf(ctx, call, current);
    const lastUpdated = await writeLast(tx, row, replaceVersions, await besideOf(ctx, call, tx.client, [row]));
    return { status: 200, stamp: { type, id, version: row.version, lastUpdated }, issues: [deleted(1)], recorded: true };
  });
}

/**
 * Deletes what matches, if the caller sees it: one resource, or with `multiple` up to the configured number.
 *
 * @see https://hl7.org/fhir/R4/http.html#3.1.0.7.1
 */
export async function conditionalRemove(ctx: Context, call: Call, type: string, criteria: string, multiple: boolean): Promise<Answer> {
  const filter = call.access.permit('d', type);
  call.access.permit('s', type);
  if (type === 'AuditEvent') throw auditEventsStay();
  const query = parseCriteria(ctx, type, criteria, 'The URL');
  const limit = multiple ? ctx.config.conditionalDeleteMax : 1;
  const tooMany = (): FhirError => (multiple ? moreThan(limit) : multipleMatches('the URL'));
  return inWriting(ctx, [type], async (tx) => {
    const [, found] = await Promise.all([lockCriteria(tx.client, [query]), findMatches(ctx, call, tx.client, query, limit + 1)]);
    if (found.length > limit) throw tooMany();
    if (found.length === 0) return { status: 200, issues: [deleted(0)] };
    const { locked, matches } = await lockMatches(ctx, call, tx.client, query, found, limit + 1);
    if (matches.length > limit) throw tooMany();
    const matching = new Set(matches.map(({ id }) => id));
    const still = locked.filter(({ id }) => matching.has(id));
    // The one to delete is another than the one that is locked. Of many, one that came to match meanwhile came after them.
    if (!multiple && still.length < matches.length) throw new LostRace('what matches changed before it was locked');
    const current = still.filter((row) => passesWrite(filter, row));
    const rows = await Promise.all(current.map((row) => deletionOf(ctx, call, row)));
    await replaceVersions(tx.client, rows);
    await writeBeside(tx, await besideOf(ctx, call, tx.client, rows));
    return { status: 200, issues: [deleted(current.length)], ...(current.length === 0 ? {} : ({ recorded: true } as const)) };
  });
}

function moreThan(limit: number): FhirError {
  return new FhirError(412, [
    issue('too-costly', 'conditional-delete-too-many', `More than ${limit} resources match. Use criteria that match fewer, and repeat.`),
  ]);
}

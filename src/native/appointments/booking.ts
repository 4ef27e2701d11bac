import { findAnybodys, lockCriteria, parseCriteria } from '../../interactions/conditional.ts';
import type { Queryable } from '../../storage/database.ts';
import { NativeError } from '../error.ts';
import { withGuard } from '../existing.ts';
import type { NativeCall } from '../handler.ts';
import { ownReferences } from '../own-references.ts';
import { idIn, partsOf } from '../parts.ts';
import { type Resource, storedResource } from '../view.ts';
import { instantOf, occupying, type Slot, slotsOf, timeOf } from './appointment-view.ts';

/** No appointment is longer: so long before a slot its rivals may begin. */
const longestMs = 7 * 24 * 3_600_000;
/** Of one provider in that time. */
const rivalsMax = 2_000;
const rolesMax = 100;

/**
 * The request with a guard on its writes: no other appointment, whoever wrote it, takes the same time of a provider. Asked in the write's
 * own transaction and under a lock of each provider, so that of many at once one is booked. An appointment that keeps its slots may be
 * written even where FHIR double-booked them.
 *
 * @throws NativeError 409 `conflict`, without a word of who has the time
 */
export function booking(request: NativeCall, after: Resource, before?: Resource): NativeCall {
  const had = before === undefined ? [] : slotsOf(before);
  const wanted = slotsOf(after).filter((slot) => !had.some((each) => isSame(each, slot)));
  if (wanted.length === 0) return request;
  const { ctx } = request;
  return withGuard(request, async (client, versions) => {
    const own = new Set(versions.map(({ id }) => id));
    await lockCriteria(
      client,
      wanted.map(({ provider }) => parseCriteria(ctx, 'Appointment', `practitioner=Practitioner/${provider}`, 'The provider')),
    );
    for (const slot of wanted) if (await isTaken(request, client, slot, own)) throw taken();
  });
}

const isSame = (one: Slot, other: Slot): boolean => one.provider === other.provider && one.from === other.from && one.until === other.until;

async function isTaken({ ctx, call }: NativeCall, client: Queryable, slot: Slot, own: ReadonlySet<string>): Promise<boolean> {
  const find = (type: string, criteria: string, limit: number) =>
    findAnybodys(ctx, call, client, parseCriteria(ctx, type, criteria, 'The slot'), limit);
  const person = `Practitioner/${slot.provider}`;
  const roles = await find('PractitionerRole', `practitioner=${person}`, rolesMax);
  const actors = new Set([person, ...roles.map(({ id }) => `PractitionerRole/${id}`)]);
  const from = instantOf(slot.from - longestMs);
  const rivals = await find(
    'Appointment',
    `actor=${[...actors].join(',')}&status=${occupying.join(',')}&date=ge${from}&date=lt${instantOf(slot.until)}`,
    rivalsMax,
  );
  const resourceOf = (json: Buffer): Resource => storedResource(Buffer.from(ownReferences(ctx.config.baseUrl, json)));
  // What wasn't looked at may take the slot.
  if (rivals.length === rivalsMax) return true;
  return rivals.some(({ id, json }) => !own.has(id) && overlaps(resourceOf(json), actors, slot));
}

/** Appointments that touch don't overlap. */
function overlaps(resource: Resource, actors: ReadonlySet<string>, slot: Slot): boolean {
  const { from, until } = timeOf(resource);
  return (
    from < slot.until &&
    until > slot.from &&
    partsOf(resource.participant).some(({ actor, status }) => {
      const [type, id] =
        ['Practitioner', 'PractitionerRole'].map((each) => [each, idIn(actor, each)]).find(([, id]) => id !== undefined) ?? [];
      return status !== 'declined' && actors.has(`${type}/${id}`);
    })
  );
}

function taken(): NativeError {
  const details = [{ field: 'starts_at', code: 'taken', message: 'The provider has another appointment at that time.' }];
  return new NativeError('conflict', 'The provider is not free at that time.', { details });
}

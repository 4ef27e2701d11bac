import { token, type TokenKey } from '../encryption/token.ts';
import { type Extractor, keyedCompartmentParts, ownerParts } from '../search/extract.ts';
import { tokensOf } from '../search/holds.ts';
import { keyedPatient, refKeyOf } from '../search/types/reference.ts';
import type { AuditedEvent, AuditedPatient } from './event.ts';
import type { Facets } from './facets.ts';
import { kindShapes } from './kinds.ts';
import type { AuditRecord, RecordedAgent } from './record.ts';
import { renderAgents } from './render/agents.ts';
import { profilesOf, toldOf } from './render/told.ts';

export type EventTokens = readonly bigint[];

export type TokensOfEvents = {
  /** @param patientId  the user's id, if he is a patient here */
  readonly ofAgent: (agent: RecordedAgent, patientId: string | undefined) => EventTokens;
  /** All of a row, 8 bytes each. @param data  as the event tells it: with the ids that the record leaves out */
  readonly of: (record: AuditRecord, data: AuditedEvent['data'], agent: EventTokens, patient: AuditedPatient | undefined) => Buffer;
};

type Options = { readonly key: TokenKey; readonly base: string; readonly extract: Extractor; readonly facets: Facets };

/** What rows are found by beyond their facets. Of an agent it is extracted as from any AuditEvent, once for all that he does. */
export function eventTokens({ key, base, extract, facets }: Options): TokensOfEvents {
  const tokenOf = (...parts: string[]): bigint => token(key, ...parts);

  /** What names a resource. Of a Patient also that it is one, and his compartment. */
  function dataTokens({ type, id, version }: NonNullable<AuditedEvent['data']>): EventTokens {
    const isPatient = type === 'Patient';
    const named = isPatient ? [tokenOf('p', what, type)] : [];
    if (id === undefined) return named;
    const refKey = isPatient ? refKeyOf(key, type, id) : undefined;
    const place = refKey === undefined ? `${type}/${id}` : keyedPatient(refKey);
    return [
      ...named,
      ...(refKey === undefined ? [] : [tokenOf(...keyedCompartmentParts(refKey))]),
      tokenOf('r', what, place),
      ...(version === undefined ? [] : [tokenOf('r', what, `${place}/_history/${version}`)]),
    ];
  }

  const requestTokens = (id: string): EventTokens => ['c', 'n'].map((form) => tokenOf('t', `${what}.identifier`, form, id));

  return {
    ofAgent(agent, patientId) {
      const about = { base, patientId: () => patientId, query: undefined };
      const record: AuditRecord = { kind: 'unknown-interaction', outcome: 0, requestId: '', agent };
      const part = { meta: { profile: profilesOf(record) }, agent: renderAgents(agent, kindShapes['unknown-interaction'], about) };
      const implied = facets.implied(record);
      const all = tokensOf(extract({ resourceType: 'AuditEvent', ...part }, 'AuditEvent', 'part').tokens);
      // An owner's token is for erasure, which leaves these rows as they are.
      const owner = patientId === undefined ? undefined : tokenOf(...ownerParts(patientId));
      return [facets.ofAgent(record), ...[...all].filter((each) => each !== owner && !implied.has(each))];
    },
    of(record, data, agent, patient) {
      const told = toldOf(record);
      const concerned =
        patient === undefined ? [] : [tokenOf(...keyedCompartmentParts(patient.owner)), tokenOf('r', what, keyedPatient(patient.owner))];
      return bytesOf([
        ...facets.ofEvent(record),
        ...agent,
        ...concerned,
        ...(data !== undefined && told.data ? dataTokens(data) : []),
        ...(told.queryAlone ? [] : requestTokens(record.requestId)),
      ]);
    },
  };
}

const what = 'AuditEvent.entity.what';

/** Each once, in an order that tells nothing. They are few: so they are sorted without an array of numbers, which costs memory outside the heap. */
function bytesOf(tokens: EventTokens): Buffer {
  const sorted = tokens.slice();
  for (let next = 1; next < sorted.length; next++) {
    const each = sorted[next] as bigint;
    let at = next;
    for (; at > 0 && (sorted[at - 1] as bigint) > each; at--) sorted[at] = sorted[at - 1] as bigint;
    sorted[at] = each;
  }
  const bytes = Buffer.allocUnsafe(sorted.length * 8);
  let end = 0;
  for (const [at, each] of sorted.entries()) if (at === 0 || sorted[at - 1] !== each) end = bytes.writeBigInt64BE(each, end);
  return bytes.subarray(0, end);
}

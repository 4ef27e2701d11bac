import type { AuditRow } from '../storage/audit-rows.ts';
import type { Concerned, Disclosed } from './concerned.ts';
import type { AuditedAgent, AuditedEvent, AuditedPatient } from './event.ts';

/** What a request, or one entry of a Bundle, asks for: known before it is known what comes of it. */
export type Asked = Pick<AuditedEvent, 'kind' | 'data' | 'query' | 'operation' | 'entry'>;

/** What all that one request leaves behind has in common. Every interaction is given one: none can do anything unseen. */
export type Trail = {
  readonly agent: AuditedAgent;
  readonly requestId: string;
  readonly asked: Asked;
};

/** Where trails lead. */
export type Audit = {
  /** Rows to be written in the transaction that does what the events tell. */
  readonly rows: (events: readonly AuditedEvent[]) => Promise<readonly AuditRow[]>;
  /** Resolves when the events are durable. @throws FhirError 503 */
  readonly record: (events: readonly AuditedEvent[]) => Promise<void>;
  readonly concerned: Concerned;
  readonly refKeyOf: (type: string, id: string) => bigint;
};

/** What became of what was asked for. */
export type Outcome = {
  readonly code: AuditedEvent['outcome'];
  /** The id of the issue that says why it failed. */
  readonly reason?: string;
  /** The resource it turned out to be about. */
  readonly data?: AuditedEvent['data'];
  /** The rows that are shown. */
  readonly disclosed?: readonly Disclosed[];
  /** One of very many: whom it concerns isn't remembered. */
  readonly passing?: boolean | undefined;
  readonly details?: AuditedEvent['details'];
};

type Written = {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly content: Buffer | null;
  readonly passing?: boolean | undefined;
};

/**
 * The rows to be written with a version.
 *
 * @param before  of a deletion: what it ends, which tells whom it concerns
 */
export async function writtenRows(audit: Audit, trail: Trail, row: Written, before?: Disclosed): Promise<readonly AuditRow[]> {
  const { type, id, version, passing } = row;
  const disclosed = [before ?? row];
  // What a deletion is about is the last version that there was to see.
  const data = { type, id, version: row.content === null ? version - 1 : version };
  return audit.rows(await eventsOf(audit, trail, { code: 0, data, disclosed, passing }));
}

/** One event for each patient concerned; one if there is none. */
export async function eventsOf(audit: Audit, trail: Trail, outcome: Outcome): Promise<readonly AuditedEvent[]> {
  const patients = await patientsOf(audit, trail, outcome);
  const event = eventOf(trail, outcome);
  return patients.length === 0 ? [event] : patients.map((patient) => ({ ...event, patient }));
}

function patientsOf(audit: Audit, { asked }: Trail, { code, data = asked.data, disclosed = [], passing }: Outcome) {
  const shown = disclosed.length === 0 ? [] : audit.concerned.ofRows(disclosed, passing);
  // Whose record was asked for in vain is told by his key, as his id must not be in a row.
  const isPatient = data?.type === 'Patient' && data.id !== undefined;
  if (!isPatient || (code === 0 && disclosed.length > 0)) return shown;
  return patientOf(audit, data.id);
}

async function patientOf(audit: Audit, id: string): Promise<readonly AuditedPatient[]> {
  const patient = await audit.concerned.ofOwner(audit.refKeyOf('Patient', id));
  return patient === undefined ? [] : [patient];
}

function eventOf({ agent, requestId, asked }: Trail, { code, reason, data = asked.data, details }: Outcome): AuditedEvent {
  return {
    ...asked,
    at: Date.now(),
    requestId,
    agent,
    outcome: code,
    ...(reason === undefined ? {} : { reason }),
    ...(data === undefined ? {} : { data }),
    ...(details === undefined ? {} : { details }),
  };
}

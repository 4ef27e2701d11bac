import { openBytes } from '../encryption/seal-bytes.ts';
import type { KeyStore } from '../storage/keys.ts';
import type { FoundVersion } from '../storage/rows.ts';
import type { Opened, Opener } from '../storage/sealing.ts';
import type { PatientNames } from './patient-names.ts';
import { type AuditRecord, type KeyId, readRecord, same } from './record.ts';
import { renderEvent } from './render/event.ts';
import { queryPurpose } from './rows.ts';
import { type AuditSeal, isRecord } from './seal.ts';

export type AuditOpenerOptions = {
  /** Opens what is stored as a document: all else, and events that came from outside. */
  readonly documents: Opener;
  readonly seal: Pick<AuditSeal, 'openRecord' | 'openQuery'>;
  readonly keys: Pick<KeyStore, 'opening'>;
  readonly names: PatientNames;
  readonly base: string;
};

/** Opens documents, and our own events by rendering them: whoever reads rows needn't know which is which. */
export function auditOpener(options: AuditOpenerOptions): Opener {
  const { documents, seal, names, base } = options;

  async function openEvents<V extends FoundVersion>(rows: readonly V[]): Promise<Opened<V>[]> {
    const records = await Promise.all(rows.map(async (row) => readRecord(await seal.openRecord(row.content ?? empty, placeOf(row)))));
    const [known, queries] = await Promise.all([names(records.flatMap(keyIdsOf)), openQueries(rows, records, options)]);
    const patientId = (keyId: KeyId): string | undefined => known.get(keyId);
    return records.flatMap((record, at) => {
      const row = rows[at];
      if (row === undefined) return [];
      const text = renderEvent(record, placeOf(row), { base, patientId, query: queries[at] });
      return [{ ...row, json: Buffer.from(text), erased: false }];
    });
  }

  return async <V extends FoundVersion>(rows: readonly V[]) => {
    const own = rows.filter(isOwn);
    if (own.length === 0) return documents(rows);
    const others = rows.filter((row) => !isOwn(row));
    const [events, rest] = await Promise.all([openEvents(own), others.length === 0 ? [] : documents(others)]);
    const next = { own: events.values(), other: rest.values() };
    return rows.flatMap((row) => next[isOwn(row) ? 'own' : 'other'].next().value ?? []);
  };
}

const empty = Buffer.alloc(0);

const isOwn = ({ type, content }: FoundVersion): boolean => type === 'AuditEvent' && content !== undefined && isRecord(content);

/** Our own events are placed in their months by the time they happened. */
const placeOf = ({ id, lastUpdated }: FoundVersion) => ({ id, at: Date.parse(lastUpdated) });

function keyIdsOf({ patient, data, agent }: AuditRecord): KeyId[] {
  return [patient, data?.patient, agent.user?.patient].filter((keyId): keyId is KeyId => keyId !== undefined && keyId !== same);
}

async function openQueries(
  rows: readonly FoundVersion[],
  records: readonly AuditRecord[],
  { seal, keys }: AuditOpenerOptions,
): Promise<readonly (Buffer | undefined)[]> {
  const byPatient = records.flatMap(({ query, patient }, at) =>
    query?.by === 'patient' && patient !== undefined ? [{ at, patient }] : [],
  );
  const found = await keys.opening(byPatient.map(({ patient }) => [Buffer.from(patient, 'base64url')]));
  const keyAt = new Map(byPatient.map(({ at }, place) => [at, found[place]]));
  return Promise.all(
    records.map(async ({ query }, at) => {
      const row = rows[at];
      if (query === undefined || row === undefined) return undefined;
      if (query.by === 'month') return seal.openQuery(query.bytes, placeOf(row));
      const key = keyAt.get(at);
      return key === undefined ? undefined : openBytes(key, queryPurpose(row.id), query.bytes);
    }),
  );
}

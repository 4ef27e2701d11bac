import { operatorTrail } from '../audit/operator.ts';
import { eventsOf, type Trail } from '../audit/trail.ts';
import { token } from '../encryption/token.ts';
import { compartmentParts, ownerParts } from '../search/extract.ts';
import { makeExtractWithout } from '../search/extract-without.ts';
import { type ErasureCounts, type ErasureStep, erasePatients, type Patient, compareErasures } from '../storage/erase.ts';
import { appendErasure, readLedger } from '../storage/erasure-ledger.ts';
import type { KeyStore } from '../storage/keys.ts';
import { readCurrent } from '../storage/read.ts';
import type { Context } from './context.ts';

/** What erasing needs beside the context: keys that can be destroyed, and the file that lists the erased. */
export type Erasing = {
  readonly context: Context;
  readonly keys: KeyStore;
  readonly onStep?: (step: ErasureStep) => Promise<void> | void;
};

/**
 * Erases one patient's record, for good: nothing opens what is his alone, and what he shares with others says no more where he
 * is found. Idempotent; what is interrupted is finished by the next call or the next start.
 *
 * @param order  whose, why, and when this was ordered; by an operator, where its trail doesn't say by whom
 * @returns      undefined if nothing here was ever known of such a patient
 */
export async function erasePatient(
  erasing: Erasing,
  order: { readonly id: string; readonly reason: string; readonly at: Date; readonly trail?: Trail },
): Promise<ErasureCounts | undefined> {
  const { context } = erasing;
  const patient = patientOf(context, order.id);
  const known = await erasing.keys.idsOf([patient.refKey]);
  const address = { type: 'Patient', id: order.id, refKey: patient.refKey };
  if (known.length === 0 && (await readCurrent(context.reader, address, 'all')) === undefined) return undefined;
  const asked = { kind: 'erasure', data: { type: 'Patient', id: order.id } } as const;
  const trail = order.trail === undefined ? operatorTrail(asked) : { ...order.trail, asked };
  const tell = async (details: Readonly<Record<string, string>>): Promise<void> =>
    context.audit.record(await eventsOf(context.audit, trail, { code: 0, details }));
  // Before anything is done: what can't be recorded isn't begun. Afterwards he is told by what stood for him alone.
  await tell({ step: 'ordered' });
  await appendErasure(context.config.erasureLedger, { at: order.at.toISOString(), patient: order.id, reason: order.reason });
  const counts = await run(erasing, [patient]);
  await tell({ step: 'done', erased: String(counts.erased), shared: String(counts.shared) });
  return counts;
}

/** How many of the ledger's patients were erased now, and how many tombstones the ledger doesn't know: then it isn't the newest. */
export type Replay = { readonly repeated: number; readonly unlisted: number };

/** Finishes what was interrupted, and erases again what a restored backup brought back. For the start, before anything is answered. */
export async function replayErasures(erasing: Erasing): Promise<Replay> {
  const { context, keys } = erasing;
  const entries = await readLedger(context.config.erasureLedger);
  const patients = [...new Set(entries.map(({ patient }) => patient))].map((id) => patientOf(context, id));
  const { due, unlisted } = await compareErasures(context.pool, keys, patients);
  if (due.length > 0) await run(erasing, due);
  return { repeated: due.length, unlisted };
}

function run({ context, keys, onStep }: Erasing, patients: readonly Patient[]): Promise<ErasureCounts> {
  const { pool, config, extract, openStored: open } = context;
  const extractWithout = makeExtractWithout(extract, config.baseUrl);
  const going = { pool, keys, open, extractWithout, retriesMax: config.transactionRetriesMax };
  return erasePatients(onStep === undefined ? going : { ...going, onStep }, patients);
}

function patientOf(context: Context, id: string): Patient {
  const { key } = context.planContext();
  return {
    id,
    refKey: context.refKeyOf('Patient', id),
    ownerToken: token(key, ...ownerParts(id)),
    compartmentToken: token(key, ...compartmentParts('Patient', id)),
  };
}

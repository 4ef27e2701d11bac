import { firstWritten } from '../../storage/read.ts';
import type { NativeCall } from '../handler.ts';
import type { Patient } from './patient-view.ts';

/** The patients with the time when each was registered: that of his first version. */
export async function withCreated({ ctx }: Pick<NativeCall, 'ctx'>, patients: readonly Patient[]): Promise<Patient[]> {
  const keys = new Map(patients.filter(({ version }) => version > 1).map(({ patient_id: id }) => [id, ctx.refKeyOf('Patient', id)]));
  const first = keys.size === 0 ? new Map<bigint, string>() : await firstWritten(ctx.reader, [...keys.values()]);
  return patients.map((patient) => {
    const key = keys.get(patient.patient_id);
    const created = key === undefined ? patient.updated_at : first.get(key);
    return created === undefined ? patient : { ...patient, created_at: created };
  });
}

import { type DataKey } from '../../encryption/seal.ts';
import { openBytes, sealBytes } from '../../encryption/seal-bytes.ts';
import type { AuditedAgent, AuditedEvent, AuditedPatient } from '../event.ts';

/** Who an alert is about, as the event that made it full tells it. */
export type AlertDetails = { readonly agent: AuditedAgent; readonly patient?: AuditedPatient; readonly kind: AuditedEvent['kind'] };

type Place = { readonly rule: string; readonly actor: bigint };

const placeOf = ({ rule, actor }: Place): string => `alert/${rule}/${actor}`;

export function sealDetails(key: DataKey, place: Place, { agent, patient, kind }: AlertDetails): Buffer {
  const of = patient === undefined ? {} : { patient: { keyId: patient.keyId.toString('hex'), owner: patient.owner.toString() } };
  return sealBytes(key, placeOf(place), Buffer.from(JSON.stringify({ agent: withoutPatient(agent), kind, ...of })));
}

/**
 * What must not outlive the erasure of a patient's record: of an actor who is one himself his id, as the account tells who he is; and why
 * the glass was broken, which the audit event tells.
 */
function withoutPatient(whole: AuditedAgent): AuditedAgent {
  const { emergency: _, ...agent } = whole;
  const { user } = agent;
  if (user?.fhirUser === undefined || !/(?:^|\/)Patient\//.test(user.fhirUser)) return agent;
  const { fhirUser: _id, ...account } = user;
  return { ...agent, user: account };
}

/** @throws SealBroken if anything was altered */
export function openDetails(key: DataKey, place: Place, sealed: Buffer): AlertDetails {
  const { agent, kind, patient } = JSON.parse(openBytes(key, placeOf(place), sealed).toString('utf8')) as Omit<AlertDetails, 'patient'> & {
    readonly patient?: { readonly keyId: string; readonly owner: string };
  };
  const of = patient === undefined ? {} : { patient: { keyId: Buffer.from(patient.keyId, 'hex'), owner: BigInt(patient.owner) } };
  return { agent, kind, ...of };
}

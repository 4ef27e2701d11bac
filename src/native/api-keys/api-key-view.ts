import type { ApiKeyFault, ApiKeyField, AskedApiKey } from '../../authorization/api-key-register.ts';
import type { ApiKey } from '../../storage/api-keys.ts';
import type { components } from '../api-types.ts';
import type { Detail } from '../error.ts';
import { given } from '../parts.ts';

export type ApiKeyInput = components['schemas']['ApiKeyInput'];
export type ApiKeyView = components['schemas']['ApiKey'];

/** @param now  epoch ms */
export function apiKeyView(key: ApiKey, now: number): ApiKeyView {
  const { id, name, scopes, roles, patient, fhirUser, createdAt, expiresAt, revokedAt, lastUsedAt, previousUntil } = key;
  const status = statusOf(key, now);
  const overlap = status === 'active' && previousUntil !== null && previousUntil.getTime() > now ? previousUntil : undefined;
  return {
    api_key_id: id,
    name,
    scopes,
    roles,
    ...(patient === null ? {} : { patient_id: patient }),
    ...(fhirUser === null ? {} : { fhir_user: fhirUser }),
    status,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    ...(revokedAt === null ? {} : { revoked_at: revokedAt.toISOString() }),
    ...(lastUsedAt === null ? {} : { last_used_at: lastUsedAt.toISOString() }),
    ...(overlap === undefined ? {} : { previous_secret_until: overlap.toISOString() }),
  };
}

function statusOf({ revokedAt, expiresAt }: ApiKey, now: number): ApiKeyView['status'] {
  if (revokedAt !== null) return 'revoked';
  return expiresAt.getTime() <= now ? 'expired' : 'active';
}

export function askedKeyOf({ name, scopes, roles, patient_id, fhir_user, expires_in_days }: ApiKeyInput): AskedApiKey {
  const patient = given(patient_id);
  const fhirUser = given(fhir_user);
  return {
    name: name.trim(),
    scopes,
    ...(roles === undefined ? {} : { roles }),
    ...(patient === undefined ? {} : { patient }),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    ...(expires_in_days === undefined ? {} : { expiresInDays: expires_in_days }),
  };
}

const fields: Readonly<Record<ApiKeyField, string>> = {
  name: 'name',
  scopes: 'scopes',
  roles: 'roles',
  patient: 'patient_id',
  fhirUser: 'fhir_user',
  expiresInDays: 'expires_in_days',
  overlapHours: 'overlap_hours',
};

/** Which field is at fault. The register's own words may repeat what was sent: they stay with who types commands. */
export const detailOf = ({ field }: ApiKeyFault): Detail => ({ field: fields[field], code: 'invalid', message: texts[field] });

const texts: Readonly<Record<ApiKeyField, string>> = {
  name: 'It has up to 100 printable characters.',
  scopes:
    'Each is a scope of resources, such as system/Observation.rs; user/ ones need roles, patient/ ones a patient_id, and neither goes with system/ ones.',
  roles: 'Each is one of patient, viewer, provider, admin.',
  patient: 'It is an id.',
  fhirUser: 'It is such as Practitioner/ID.',
  expiresInDays: 'It is a whole number from 1 to 366.',
  overlapHours: 'It is a whole number from 0 to 720.',
};

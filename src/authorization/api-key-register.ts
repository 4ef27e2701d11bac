import type { Pool } from 'pg';
import { FhirError, forbidden } from '../fhir/error.ts';
import { type ApiKey, findApiKey, insertApiKey, type KeyPage, listApiKeys, revokeApiKey, rotateApiKey } from '../storage/api-keys.ts';
import { inTransaction, type Queryable } from '../storage/database.ts';
import { apiKeyIssuer, makeSecret } from './api-keys.ts';
import { assertCoherent, type Grant } from './grant.ts';
import { isRole } from './roles.ts';
import { parseScopes } from './scopes.ts';
import type { SecurityEvents } from './security-events.ts';

export type AskedApiKey = {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  /** The only patient it is good for, an id. */
  readonly patient?: string;
  /** `Practitioner/123`. */
  readonly fhirUser?: string;
  readonly expiresInDays?: number;
};

export type ApiKeyField = 'name' | 'scopes' | 'roles' | 'patient' | 'fhirUser' | 'expiresInDays' | 'overlapHours';

/** What of the request is not accepted, in words that follow the field's name. */
export type ApiKeyFault = { readonly field: ApiKeyField; readonly text: string };

/** A key with its secret, which is told this once. */
export type TellingApiKey = { readonly key: ApiKey; readonly secret: string };

/** API keys as those see them who look after them. Secrets leave it once, when they are made. */
export type ApiKeyRegister = {
  readonly create: (asked: AskedApiKey) => Promise<TellingApiKey | ApiKeyFault>;
  /** The newest first: keys that are over as well. */
  readonly list: (page?: KeyPage) => Promise<readonly ApiKey[]>;
  readonly find: (id: string) => Promise<ApiKey | undefined>;
  /** @returns undefined where there is no such key in force */
  readonly rotate: (
    id: string,
    asked: { readonly expiresInDays?: number; readonly overlapHours?: number },
  ) => Promise<TellingApiKey | ApiKeyFault | undefined>;
  /** @returns false where there is no such key in force */
  readonly revoke: (id: string) => Promise<boolean>;
};

export const apiKeyDays = { default: 90, max: 366 } as const;
const overlapHours = { default: 24, max: 720 } as const;
const dayMs = 86_400_000;
const scopesMax = 100;
const retriesMax = 3;

/**
 * @param by      who asks; undefined on the command line
 * @param beside  what commits with the making or turning of a key
 */
export function apiKeyRegister({
  pool,
  events,
  by,
  beside = () => Promise.resolve(),
}: {
  readonly pool: Pool;
  readonly events: SecurityEvents;
  readonly by?: Grant;
  readonly beside?: (client: Queryable, id: string) => Promise<void>;
}): ApiKeyRegister {
  const actor = by === undefined ? {} : { by };
  const told = async (id: string, secret: string): Promise<TellingApiKey> => {
    const key = await withoutHashes(pool, id);
    if (key === undefined) throw new Error('the key that was just written is not there');
    return { key, secret };
  };
  return {
    async create(asked) {
      const fault = apiKeyFault(asked);
      if (fault !== undefined) return fault;
      const { name, scopes, roles = [], patient = null, fhirUser = null, expiresInDays = apiKeyDays.default } = asked;
      const { id, text, hash } = makeSecret();
      const expiresAt = new Date(Date.now() + expiresInDays * dayMs);
      const kept = { id, name, scopes: [...new Set(scopes)], roles: [...new Set(roles)], patient, fhirUser, expiresAt, secretHash: hash };
      await inTransaction(pool, { retriesMax }, async ({ client }) => {
        await insertApiKey(client, kept);
        await beside(client, id);
      });
      await events({ kind: 'api-key-created', outcome: 0, client: id, scope: kept.scopes.join(' '), ...actor });
      return told(id, text);
    },
    list: (page) => listApiKeys(pool, page),
    find: (id) => withoutHashes(pool, id),
    async rotate(id, { expiresInDays = apiKeyDays.default, overlapHours: overlap = overlapHours.default }) {
      if (!isWhole(expiresInDays, 1, apiKeyDays.max)) return daysFault;
      if (!isWhole(overlap, 0, overlapHours.max))
        return { field: 'overlapHours', text: `must be a whole number from 0 to ${overlapHours.max}` };
      const { text, hash } = makeSecret(id);
      const next = { secretHash: hash, expiresAt: new Date(Date.now() + expiresInDays * dayMs), overlapSeconds: overlap * 3_600 };
      if (!isApiKeyId(id)) return undefined;
      const isRotated = await inTransaction(pool, { retriesMax }, async ({ client }) => {
        const found = await rotateApiKey(client, id, next);
        if (found) await beside(client, id);
        return found;
      });
      if (!isRotated) return undefined;
      await events({ kind: 'api-key-rotated', outcome: 0, client: id, ...actor });
      return told(id, text);
    },
    async revoke(id) {
      if (!isApiKeyId(id) || !(await revokeApiKey(pool, id))) return false;
      await events({ kind: 'api-key-revoked', outcome: 0, client: id, ...actor });
      return true;
    },
  };
}

/**
 * Who makes keys can give away what a key may hold: so it is an administrator's, through a client to whom he gave all he may. No key makes
 * keys: revoked, it would live on in them.
 *
 * @throws FhirError 403
 */
export function assertKeepsApiKeys({ issuer, roles, scopes, patient }: Grant): void {
  const hasAll = scopes.some(
    ({ level, type, letters, params }) => level === 'user' && type === '*' && letters.size === 5 && params.length === 0,
  );
  if (!roles.includes('admin') || !hasAll || patient !== undefined || issuer === apiKeyIssuer)
    throw forbidden('api-keys-forbidden', 'API keys are for administrators, with the scope user/*.cruds, and not by an API key.');
}

export function isApiKeyId(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id);
}

async function withoutHashes(pool: Pool, id: string): Promise<ApiKey | undefined> {
  const found = isApiKeyId(id) ? await findApiKey(pool, id) : undefined;
  if (found === undefined) return undefined;
  const { secretHash: _present, previousHash: _before, ...key } = found;
  return key;
}

const daysFault: ApiKeyFault = { field: 'expiresInDays', text: `must be a whole number from 1 to ${apiKeyDays.max}` };

/** What is wrong with a key that is asked for. One that can't work is no key. */
export function apiKeyFault({
  name,
  scopes,
  roles = [],
  patient,
  fhirUser,
  expiresInDays = apiKeyDays.default,
}: AskedApiKey): ApiKeyFault | undefined {
  if (!/^[^\p{C}]{1,100}$/u.test(name)) return { field: 'name', text: 'has up to 100 printable characters' };
  if (scopes.length === 0 || scopes.length > scopesMax) return { field: 'scopes', text: `is needed, ${scopesMax} at most` };
  const notRole = roles.find((role) => !isRole(role));
  if (notRole !== undefined) return { field: 'roles', text: `${notRole.slice(0, 100)} is none of patient, viewer, provider, admin` };
  const level = roles.length === 0 ? 'system' : 'user';
  const unknown = scopes.find((text) => parseScopes([text], level).length === 0);
  if (unknown !== undefined) return { field: 'scopes', text: `${unknown.slice(0, 100)} is no scope of resources` };
  if (patient !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(patient)) return { field: 'patient', text: 'must be an id' };
  if (fhirUser !== undefined && !/^(?:Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/[A-Za-z0-9\-.]{1,64}$/.test(fhirUser))
    return { field: 'fhirUser', text: 'must be such as Practitioner/ID' };
  if (!isWhole(expiresInDays, 1, apiKeyDays.max)) return daysFault;
  const grant = { issuer: '', subject: '', clientId: '', roles: roles.filter(isRole), scopes: parseScopes(scopes, level) };
  try {
    assertCoherent({ ...grant, ...(patient === undefined ? {} : { patient }) });
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { field: 'scopes', text: 'have no meaning together: patient/ ones need a patient, and go with no system/ ones' };
  }
  return undefined;
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

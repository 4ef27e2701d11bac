import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { atMost } from '../fhir/at-most.ts';
import type { FhirError } from '../fhir/error.ts';
import type { ApiKey, KeyHashes } from '../storage/api-keys.ts';
import { type Attempt, attempted, refusedUnseen } from './attempt.ts';
import type { Grant } from './grant.ts';
import { isRole } from './roles.ts';
import { parseScopes } from './scopes.ts';
import { unauthenticated } from './verify.ts';

/** What names the API keys as the origin of a grant. */
export const apiKeyIssuer = 'urn:anamnesis:api-key';

/** `ana_<id>_<secret>`: 64 bits that name it, 256 that prove it. */
const keyText = /^ana_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** A revoked key is refused everywhere within a second: what is known of a key isn't believed for longer. */
const knownMs = 900;
const keysKnownMax = 10_000;

export type KeyRow = ApiKey & KeyHashes;

export type ApiKeysOptions<C> = {
  readonly find: (id: string) => Promise<KeyRow | undefined>;
  /** Notes that a key is used. */
  readonly touch: (id: string) => void;
  readonly callerOf: (grant: Grant) => C;
};

type Known<C> = { readonly row: KeyRow; readonly caller: C; readonly since: number };

/**
 * Turns the text of an `x-api-key` header into a caller. A key is looked up at most about once a second, however often it is used.
 *
 * @throws FhirError 401, with one text for whatever is wrong with the key
 */
export function makeApiKeys<C>({ find, touch, callerOf }: ApiKeysOptions<C>): (presented: string, attempt?: Attempt) => Promise<C> {
  const known = new LRUCache<string, Known<C>>(atMost(keysKnownMax));
  const looking = new Map<string, Promise<Known<C> | undefined>>();
  const touchedAt = new LRUCache<string, number>(atMost(keysKnownMax));

  async function look(id: string): Promise<Known<C> | undefined> {
    const since = Date.now();
    const row = await find(id);
    const before = known.get(id);
    if (row === undefined || !isKeyInForce(row)) {
      known.delete(id);
      return undefined;
    }
    // A caller holds filters that cost something to make: he stays as long as nothing about him changes.
    const caller = before !== undefined && meaningOf(before.row) === meaningOf(row) ? before.caller : callerOf(grantOfKey(row));
    const entry = { row, caller, since };
    known.set(id, entry);
    return entry;
  }

  /** Requests that come at once share one look. */
  function current(id: string): Promise<Known<C> | undefined> {
    let running = looking.get(id);
    if (running === undefined) {
      running = look(id).finally(() => looking.delete(id));
      looking.set(id, running);
    }
    return running;
  }

  async function callerBy(id: string, secret: string): Promise<C> {
    let entry = known.get(id);
    if (entry === undefined || Date.now() - entry.since >= knownMs) entry = await current(id);
    if (entry === undefined || !isKeyInForce(entry.row) || !isSecretOf(entry.row, secret)) throw invalidKey();
    const hour = startOfHour(Date.now());
    if ((touchedAt.get(id) ?? entry.row.lastUsedAt?.getTime() ?? 0) < hour) {
      touchedAt.set(id, hour);
      touch(id);
    }
    return entry.caller;
  }

  return async (presented, attempt) => {
    const [, id, secret] = keyText.exec(presented) ?? [];
    if (id === undefined || secret === undefined) return refusedUnseen(attempt, invalidKey());
    const before = known.get(id);
    const isKnown = before !== undefined && isSecretOf(before.row, secret);
    return isKnown ? callerBy(id, secret) : attempted(attempt, () => callerBy(id, secret));
  };
}

/** A new secret: what the client sends, shown once, and the hash that is kept. */
export function makeSecret(id: string = randomBytes(8).toString('hex')): {
  readonly id: string;
  readonly text: string;
  readonly hash: Buffer;
} {
  const secret = randomBytes(32).toString('base64url');
  return { id, text: `ana_${id}_${secret}`, hash: hashOf(secret) };
}

function hashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

export function isKeyInForce({ revokedAt, expiresAt }: Pick<KeyRow, 'revokedAt' | 'expiresAt'>): boolean {
  return revokedAt === null && expiresAt.getTime() > Date.now();
}

function isSecretOf({ secretHash, previousHash, previousUntil }: KeyRow, secret: string): boolean {
  const presented = hashOf(secret);
  if (timingSafeEqual(presented, secretHash)) return true;
  return (
    previousHash !== null && previousUntil !== null && previousUntil.getTime() > Date.now() && timingSafeEqual(presented, previousHash)
  );
}

function meaningOf({ id, scopes, roles, patient, fhirUser }: KeyRow): string {
  return JSON.stringify([id, scopes, roles, patient, fhirUser]);
}

/** A key stands for a client of its own; whoever it acts for is the user. */
function grantOfKey({ id, scopes, roles, patient, fhirUser }: KeyRow): Grant {
  const known = roles.filter(isRole);
  return {
    issuer: apiKeyIssuer,
    subject: fhirUser ?? id,
    clientId: id,
    scopes: parseScopes(scopes, known.length === 0 ? 'system' : 'user'),
    roles: known,
    ...(patient === null ? {} : { patient }),
    ...(fhirUser === null ? {} : { fhirUser }),
  };
}

function startOfHour(time: number): number {
  return time - (time % 3_600_000);
}

function invalidKey(): FhirError {
  return unauthenticated('api-key-invalid', 'The API key is not valid here.');
}

import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Pool } from 'pg';
import { openBytes, sealBytes } from '../encryption/seal-bytes.ts';
import type { DataKey } from '../encryption/seal.ts';
import { inTransaction, type Queryable } from './database.ts';

/** Newest first: the first signs, all verify. */
export type OauthKeys = { readonly signing: readonly JWK[]; readonly cookies: readonly string[] };

export const keysChannel = 'oauth_keys';
/** RS256: the one every OpenID client knows, and the cheapest to verify. */
export const signingAlgorithm = 'RS256';

/** Held while keys are made, so that of processes that start together one makes them. */
const keysLock = 7_212;
/** A key that was replaced is published this long: until the last token it signed has ended. */
const publishedSeconds = 7_200;

type Row = { readonly id: string; readonly purpose: string; readonly sealed: Buffer };

/** The keys; the first time, makes them. */
export async function loadOauthKeys(pool: Pool, key: DataKey): Promise<OauthKeys> {
  const found = await readKeys(pool, key);
  if (found.signing.length > 0 && found.cookies.length > 0) return found;
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await client.query('select pg_advisory_xact_lock($1)', [keysLock]);
    const now = await readKeys(client, key);
    if (now.signing.length === 0) await addSigningKey(client, key);
    if (now.cookies.length === 0)
      await addKey(client, key, 'cookie', randomBytes(16).toString('hex'), randomBytes(32).toString('base64url'));
    return readKeys(client, key);
  });
}

/** Signs with new keys from now on, in all processes. */
export async function rotateOauthKeys(pool: Pool, key: DataKey): Promise<void> {
  await inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await client.query('select pg_advisory_xact_lock($1)', [keysLock]);
    await client.query(
      `update oauth_key set expires_at = clock_timestamp() + ${publishedSeconds} * interval '1 second' where expires_at is null`,
    );
    await addSigningKey(client, key);
    await addKey(client, key, 'cookie', randomBytes(16).toString('hex'), randomBytes(32).toString('base64url'));
    await client.query(`select pg_notify('${keysChannel}', '')`);
  });
}

async function readKeys(db: Queryable, key: DataKey): Promise<OauthKeys> {
  const { rows } = await db.query<Row>(
    `select id, purpose, sealed from oauth_key where expires_at is null or expires_at > clock_timestamp()
     order by expires_at is not null, created_at desc, id`,
  );
  const opened = (purpose: string): string[] =>
    rows.filter((row) => row.purpose === purpose).map(({ id, sealed }) => openBytes(key, purposeOf(purpose, id), sealed).toString('utf8'));
  return { signing: opened('sign').map((text) => JSON.parse(text) as JWK), cookies: opened('cookie') };
}

async function addSigningKey(db: Queryable, key: DataKey): Promise<void> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  await addKey(db, key, 'sign', kid, JSON.stringify({ ...jwk, kid, alg: signingAlgorithm, use: 'sig' }));
}

async function addKey(db: Queryable, key: DataKey, purpose: 'sign' | 'cookie', id: string, text: string): Promise<void> {
  await db.query('insert into oauth_key (id, purpose, sealed) values ($1, $2, $3)', [
    id,
    purpose,
    sealBytes(key, purposeOf(purpose, id), Buffer.from(text)),
  ]);
}

function purposeOf(purpose: string, id: string): string {
  return `oauth-key/${purpose}/${id}`;
}

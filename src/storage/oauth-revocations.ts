import { hash } from 'node:crypto';
import type { Pool } from 'pg';
import { inTransaction, type Queryable } from './database.ts';
import { hashed } from './oauth-items.ts';

/** What tokens are ended by before their time. */
export type RevocableKind = 'token' | 'grant' | 'client' | 'account';

/** All tokens under this name that were given up to the moment (ms) are over. */
export type Revocation = { readonly name: string; readonly untilMs: number; readonly expiresMs: number };

export const revocationChannel = 'oauth_revoked';

/** No token of ours lives longer, skew included. */
const tokenSecondsMax = 3_700;

/** How a token names what it can be ended by: nobody learns an id from it. */
export function revocableName(kind: RevocableKind, id: string): string {
  return hash('sha256', `${kind}\x00${id}`, 'base64url');
}

/**
 * Ends tokens, here and in all processes: whoever listens hears it when this commits.
 *
 * @param until  of tokens given up to now (an account's, a client's: later ones are good), or of all there are or will be
 */
async function revoke(db: Queryable, kind: RevocableKind, id: string, until: 'now' | 'always'): Promise<void> {
  const name = hash('sha256', `${kind}\x00${id}`, 'buffer');
  await db.query(
    `with written as (
       insert into oauth_revocation (name, until, expires_at)
       values ($1, case when $2 then 'infinity' else clock_timestamp() end, clock_timestamp() + ${tokenSecondsMax} * interval '1 second')
       on conflict (name) do update set until = excluded.until, expires_at = excluded.expires_at
       returning until, expires_at)
     select pg_notify('${revocationChannel}', concat_ws(' ', $3::text,
       case when $2 then 'always' else (extract(epoch from until) * 1000)::int8::text end, (extract(epoch from expires_at) * 1000)::int8)) from written`,
    [name, until === 'always', name.toString('base64url')],
  );
}

/** One token, by its `jti`. */
export function revokeToken(db: Queryable, tokenId: string): Promise<void> {
  return revoke(db, 'token', tokenId, 'always');
}

/** A grant: its codes, refresh tokens and access tokens, all of the family. */
export function revokeGrant(pool: Pool, grantId: string): Promise<void> {
  return inTransaction(pool, { retriesMax: 5 }, async ({ client }) => {
    await client.query('delete from oauth_item where grant_id = $1', [hashed(grantId)]);
    await revoke(client, 'grant', grantId, 'always');
  });
}

/** What was given to an account so far, to whatever app, and its sessions. To be called when it is disabled, or its rights change. */
export function revokeAccount(pool: Pool, accountId: string): Promise<void> {
  return inTransaction(pool, { retriesMax: 5 }, async ({ client }) => {
    await client.query(`delete from oauth_item where account = $1 and kind <> 'Session'`, [hashed(accountId)]);
    await endSessions(client, accountId);
    await revoke(client, 'account', accountId, 'now');
  });
}

/**
 * Ends an account's sessions, and leaves apps what they have. Their rows stay until they expire, as used: a request that has read one
 * before doesn't bring it back.
 *
 * @param except  the id of one that goes on
 */
export async function endSessions(db: Queryable, accountId: string, except?: string): Promise<void> {
  await db.query(
    `update oauth_item set consumed_at = clock_timestamp()
     where account = $1 and kind = 'Session' and consumed_at is null and id is distinct from $2`,
    [hashed(accountId), except === undefined ? null : hashed(except)],
  );
}

/** What a client was given so far, by whatever user. */
export function revokeClient(pool: Pool, clientId: string): Promise<void> {
  return inTransaction(pool, { retriesMax: 5 }, async ({ client }) => {
    await client.query('delete from oauth_item where client = $1', [clientId]);
    await revoke(client, 'client', clientId, 'now');
  });
}

/** All that still end something. */
export async function listRevocations(db: Queryable): Promise<readonly Revocation[]> {
  const { rows } = await db.query<{ name: Buffer; until: number | null; expires: number }>(
    `select name, case when until <> 'infinity' then (extract(epoch from until) * 1000)::float8 end as until,
       (extract(epoch from expires_at) * 1000)::float8 as expires from oauth_revocation where expires_at > clock_timestamp()`,
  );
  return rows.map(({ name, until, expires }) => ({
    name: name.toString('base64url'),
    untilMs: until ?? Number.POSITIVE_INFINITY,
    expiresMs: expires,
  }));
}

/** Reads what `pg_notify` said; undefined if it is nothing of ours. */
export function parseNotice(payload: string | undefined): Revocation | undefined {
  const [, name = '', until, expires] = /^([\w-]{43}) (always|\d+) (\d+)$/.exec(payload ?? '') ?? [];
  if (name === '') return undefined;
  return { name, untilMs: until === 'always' ? Number.POSITIVE_INFINITY : Number(until), expiresMs: Number(expires) };
}

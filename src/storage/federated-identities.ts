import type { Queryable } from './database.ts';
import { statement } from './sql.ts';

export type FederatedIdentity = {
  /** Id of the account. */
  readonly account: string;
  /** Whether the account was made for this person. */
  readonly made: boolean;
};

/** @param subject  keyed hash of issuer and subject */
export async function federatedIdentity(db: Queryable, subject: Buffer): Promise<FederatedIdentity | undefined> {
  const { rows } = await db.query<FederatedIdentity>(
    statement('select account, made from federated_identity where subject = $1', [subject]),
  );
  return rows[0];
}

/** @returns whether it was bound: neither the person nor, at this issuer, the account was bound before */
export async function bindIdentity(
  db: Queryable,
  { subject, account, issuer, made }: FederatedIdentity & { readonly subject: Buffer; readonly issuer: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    'insert into federated_identity (subject, account, issuer, made) values ($1, $2, $3, $4) on conflict do nothing',
    [subject, account, issuer, made],
  );
  return rowCount === 1;
}

/** Where the account signs in elsewhere. */
export async function issuersOf(db: Queryable, account: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ readonly issuer: string }>(
    statement('select issuer from federated_identity where account = $1 order by created_at limit 100', [account]),
  );
  return rows.map(({ issuer }) => issuer);
}

/** Forgets who the account is elsewhere. @returns how many there were */
export async function unbindIdentities(db: Queryable, account: string): Promise<number> {
  const { rowCount } = await db.query('delete from federated_identity where account = $1', [account]);
  return rowCount ?? 0;
}

import type { Pool } from 'pg';
import { inTransaction, type Queryable } from './database.ts';
import { statement } from './sql.ts';

/** An account as it is stored: names and secrets still sealed. */
export type AccountRow = {
  readonly id: string;
  readonly loginKey: Buffer;
  readonly profile: Buffer;
  /** Undefined: no password opens it. */
  readonly password?: string;
  readonly roles: readonly string[];
  readonly fhirUser?: string;
  readonly totp?: Buffer;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly signedInAt?: Date;
};

export type NewAccount = Pick<AccountRow, 'id' | 'loginKey' | 'profile' | 'roles'> & {
  readonly password: string | undefined;
  readonly fhirUser: string | undefined;
};

type Row = {
  readonly id: string;
  readonly login_key: Buffer;
  readonly profile: Buffer;
  readonly password: string | null;
  readonly roles: string[];
  readonly fhir_user: string | null;
  readonly totp: Buffer | null;
  readonly enabled: boolean;
  readonly created_at: string;
  readonly signed_in_at: string | null;
};

const columns = 'id, login_key, profile, password, roles, fhir_user, totp, enabled, created_at, signed_in_at';

/** @returns false if the login name is taken */
export async function insertAccount(db: Queryable, { id, loginKey, profile, password, roles, fhirUser }: NewAccount): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into account (id, login_key, profile, password, roles, fhir_user) values ($1, $2, $3, $4, $5, $6)
     on conflict (login_key) do nothing`,
    [id, loginKey, profile, password ?? null, roles, fhirUser ?? null],
  );
  return rowCount === 1;
}

export async function accountByLogin(db: Queryable, loginKey: Buffer): Promise<AccountRow | undefined> {
  const { rows } = await db.query<Row>(statement(`select ${columns} from account where login_key = $1`, [loginKey]));
  return rows[0] === undefined ? undefined : accountOf(rows[0]);
}

export async function accountById(db: Queryable, id: string): Promise<AccountRow | undefined> {
  const { rows } = await db.query<Row>(statement(`select ${columns} from account where id = $1`, [id]));
  return rows[0] === undefined ? undefined : accountOf(rows[0]);
}

/** The oldest first. */
export async function listAccounts(db: Queryable, limit: number): Promise<readonly AccountRow[]> {
  const { rows } = await db.query<Row>(`select ${columns} from account order by created_at, id limit $1`, [limit]);
  return rows.map(accountOf);
}

export type AccountChange = {
  readonly password?: string;
  /** Changes it only where this is the hash that is stored. */
  readonly passwordBefore?: string | undefined;
  readonly enabled?: boolean;
  readonly roles?: readonly string[];
  readonly fhirUser?: string;
};

/** @returns false if there is no such account, or its password is another one than was said */
export async function changeAccount(db: Queryable, id: string, change: AccountChange): Promise<boolean> {
  const { rowCount } = await db.query(
    `update account set password = coalesce($2, password),
       password_at = case when $2::text is null then password_at else clock_timestamp() end,
       enabled = coalesce($3, enabled), roles = coalesce($4, roles), fhir_user = coalesce($5, fhir_user)
     where id = $1 and ($6::text is null or password = $6)`,
    [id, change.password ?? null, change.enabled ?? null, change.roles ?? null, change.fhirUser ?? null, change.passwordBefore ?? null],
  );
  return rowCount === 1;
}

export async function noteSignIn(db: Queryable, id: string): Promise<void> {
  await db.query(statement('update account set signed_in_at = clock_timestamp() where id = $1', [id]));
}

/** Sets the second factor and the codes that stand in for it, in place of earlier ones; undefined takes it away. */
export function setSecondFactor(
  pool: Pool,
  id: string,
  factor: { readonly totp: Buffer; readonly step: number; readonly codes: readonly Buffer[] } | undefined,
): Promise<void> {
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    await client.query('update account set totp = $2, totp_step = $3 where id = $1', [id, factor?.totp ?? null, factor?.step ?? 0]);
    await client.query('delete from recovery_code where account = $1', [id]);
    if (factor !== undefined)
      await client.query('insert into recovery_code (account, code) select $1, unnest($2::bytea[])', [id, factor.codes]);
  });
}

/** @returns whether no code of this time step, or of a later one, was taken before: of two at once, one is */
export async function takeStep(db: Queryable, id: string, step: number): Promise<boolean> {
  const { rowCount } = await db.query(statement('update account set totp_step = $2 where id = $1 and totp_step < $2', [id, step]));
  return rowCount === 1;
}

/** @returns whether it was one, which it is no more */
export async function takeRecoveryCode(db: Queryable, id: string, code: Buffer): Promise<boolean> {
  const { rowCount } = await db.query('delete from recovery_code where account = $1 and code = $2', [id, code]);
  return rowCount === 1;
}

function accountOf(row: Row): AccountRow {
  return {
    id: row.id,
    loginKey: row.login_key,
    profile: row.profile,
    roles: row.roles,
    enabled: row.enabled,
    createdAt: new Date(row.created_at),
    ...(row.password === null ? {} : { password: row.password }),
    ...(row.fhir_user === null ? {} : { fhirUser: row.fhir_user }),
    ...(row.totp === null ? {} : { totp: row.totp }),
    ...(row.signed_in_at === null ? {} : { signedInAt: new Date(row.signed_in_at) }),
  };
}

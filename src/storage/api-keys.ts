import type { Queryable } from './database.ts';

/** An API key as it is kept: all but its secret. */
export type ApiKey = {
  readonly id: string;
  /** What the operator calls it. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The only patient it is good for, an id. */
  readonly patient: string | null;
  readonly fhirUser: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  /** The hour in which it was last used. */
  readonly lastUsedAt: Date | null;
  /** Until when the secret before the last rotation is taken. */
  readonly previousUntil: Date | null;
};

/** SHA-256 of the secrets. */
export type KeyHashes = { readonly secretHash: Buffer; readonly previousHash: Buffer | null };

/** Instants are read as milliseconds: the pool leaves them as text. */
const instants = ['createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt', 'previousUntil'] as const;
type Instant = (typeof instants)[number];
type Row<K> = Omit<K, Instant> & Readonly<Record<Instant, number | null>>;

const columns = `id, name, scopes, roles, patient, fhir_user as "fhirUser", ${instants
  .map((name) => `extract(epoch from ${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)})::float8 * 1000 as "${name}"`)
  .join(', ')}`;

function keyOf<K>({ createdAt, expiresAt, revokedAt, lastUsedAt, previousUntil, ...rest }: Row<K>) {
  return {
    ...rest,
    createdAt: new Date(createdAt ?? 0),
    expiresAt: new Date(expiresAt ?? 0),
    revokedAt: dateOf(revokedAt),
    lastUsedAt: dateOf(lastUsedAt),
    previousUntil: dateOf(previousUntil),
  };
}

function dateOf(instant: number | null): Date | null {
  return instant === null ? null : new Date(instant);
}

/** Rides the primary key. */
export async function findApiKey(db: Queryable, id: string): Promise<(ApiKey & KeyHashes) | undefined> {
  const { rows } = await db.query<Row<ApiKey & KeyHashes>>(
    `select ${columns}, secret_hash as "secretHash", previous_hash as "previousHash" from api_key where id = $1`,
    [id],
  );
  return rows[0] === undefined ? undefined : keyOf(rows[0]);
}

const listedMax = 10_000;

/** `after`: the last one of the page before, an id. */
export type KeyPage = { readonly after?: string; readonly limit?: number };

/** Keys in force and over, the newest first. They are never removed: a page can begin after any. */
export async function listApiKeys(db: Queryable, { after, limit = listedMax }: KeyPage = {}): Promise<readonly ApiKey[]> {
  const { rows } = await db.query<Row<ApiKey>>(
    `select ${columns} from api_key
     where $1::text is null or (created_at, id) < (select b.created_at, b.id from api_key b where b.id = $1)
     order by created_at desc, id desc limit $2`,
    [after ?? null, limit],
  );
  return rows.map(keyOf);
}

export type NewApiKey = Pick<ApiKey, 'id' | 'name' | 'scopes' | 'roles' | 'patient' | 'fhirUser' | 'expiresAt'> & {
  readonly secretHash: Buffer;
};

export async function insertApiKey(db: Queryable, key: NewApiKey): Promise<void> {
  await db.query(
    `insert into api_key (id, name, secret_hash, scopes, roles, patient, fhir_user, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [key.id, key.name, key.secretHash, key.scopes, key.roles, key.patient, key.fhirUser, key.expiresAt],
  );
}

/**
 * Gives a key that is in force another secret; the one before is good for so long yet, but never longer than it was.
 *
 * @returns whether there is such a key
 */
export async function rotateApiKey(
  db: Queryable,
  id: string,
  next: { readonly secretHash: Buffer; readonly expiresAt: Date; readonly overlapSeconds: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update api_key set secret_hash = $2, expires_at = $3, previous_hash = secret_hash,
       previous_until = least(expires_at, clock_timestamp() + make_interval(secs => $4))
     where id = $1 and revoked_at is null and expires_at > clock_timestamp()`,
    [id, next.secretHash, next.expiresAt, next.overlapSeconds],
  );
  return rowCount === 1;
}

/** @returns whether there was such a key that wasn't revoked */
export async function revokeApiKey(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query('update api_key set revoked_at = clock_timestamp() where id = $1 and revoked_at is null', [id]);
  return rowCount === 1;
}

/** Notes that it is used, to the hour: one write an hour. */
export async function touchApiKey(db: Queryable, id: string): Promise<void> {
  await db.query(
    `update api_key set last_used_at = date_trunc('hour', clock_timestamp())
     where id = $1 and (last_used_at is null or last_used_at < date_trunc('hour', clock_timestamp()))`,
    [id],
  );
}

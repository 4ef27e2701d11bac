import { hash, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { inTransaction, type Queryable } from './database.ts';
import { revokeClient } from './oauth-revocations.ts';
import { statement } from './sql.ts';

/** Metadata of a registered app (RFC 7591). Its secret is kept apart, and only its SHA-256. */
export type ClientMetadata = Readonly<Record<string, unknown>> & { readonly redirect_uris?: readonly string[] };

export type StoredClient = {
  readonly id: string;
  readonly metadata: ClientMetadata;
  readonly hasSecret: boolean;
  readonly source: 'operator' | 'registration';
  readonly disabled: boolean;
  readonly createdAt: Date;
  /** To the hour. */
  readonly usedAt?: Date;
};

type Row = {
  readonly id: string;
  readonly metadata: ClientMetadata;
  readonly secret: Buffer | null;
  readonly source: StoredClient['source'];
  readonly disabled: boolean;
  readonly created: number;
  readonly used: number | null;
};

const columns = `id, metadata, secret, source, disabled, (extract(epoch from created_at) * 1000)::float8 as created,
  (extract(epoch from used_at) * 1000)::float8 as used`;

/** 256 random bits. Shown once, to whom it is for. */
export function makeClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is compared in its place. It has 256 random bits, so that a fast hash is as good as a slow one. */
export function clientSecretHash(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

export const clientsChannel = 'oauth_clients';

/** Adds a client, or replaces its metadata; `secret` in clear where it has one, undefined leaves it as it is. */
export async function putClient(
  db: Queryable,
  client: { readonly id: string; readonly metadata: ClientMetadata; readonly secret?: string; readonly source: StoredClient['source'] },
): Promise<void> {
  await db.query(
    `with written as (
       insert into oauth_client (id, metadata, secret, origins, source) values ($1, $2, $3, $4, $5)
       on conflict (id) do update set metadata = excluded.metadata, secret = coalesce(excluded.secret, oauth_client.secret), origins = excluded.origins
       returning id)
     select pg_notify('${clientsChannel}', '') from written`,
    [
      client.id,
      JSON.stringify(client.metadata),
      client.secret === undefined ? null : hash('sha256', client.secret, 'buffer'),
      originsOf(client.metadata.redirect_uris ?? []),
      client.source,
    ],
  );
}

/** Web origins of redirect URIs; apps with a scheme of their own have none. */
function originsOf(redirectUris: readonly string[]): string[] {
  const origins = redirectUris.flatMap((uri) =>
    URL.canParse(uri) && /^https?:$/.test(new URL(uri).protocol) ? [new URL(uri).origin] : [],
  );
  return [...new Set(origins)];
}

/** Rides the primary key. The second member is the hash its secret is compared with. */
export async function findClient(db: Queryable, id: string): Promise<{ client: StoredClient; secretHash?: string } | undefined> {
  const { rows } = await db.query<Row>(statement(`select ${columns} from oauth_client where id = $1`, [id]));
  const [row] = rows;
  if (row === undefined) return undefined;
  return { client: storedClient(row), ...(row.secret === null ? {} : { secretHash: row.secret.toString('base64url') }) };
}

export async function listClients(db: Queryable): Promise<readonly StoredClient[]> {
  const { rows } = await db.query<Row>(`select ${columns} from oauth_client order by created_at`);
  return rows.map(storedClient);
}

/** Origins of the web pages of all apps that are in use. */
export async function clientOrigins(db: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ origin: string }>('select distinct unnest(origins) as origin from oauth_client where not disabled');
  return new Set(rows.map(({ origin }) => origin));
}

/** How many have registered by themselves and never got a token. */
export async function countUnusedClients(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int4 as count from oauth_client where source = 'registration' and used_at is null`,
  );
  return rows[0]?.count ?? 0;
}

/** Those of them that had a month for it are removed. */
export async function forgetUnusedClients(db: Queryable): Promise<void> {
  await db.query(
    `delete from oauth_client where source = 'registration' and used_at is null and created_at < clock_timestamp() - interval '30 days'`,
  );
}

/** Notes that it got a token, once an hour. */
export async function noteClientUse(db: Queryable, id: string): Promise<void> {
  await db.query(
    statement(
      `update oauth_client set used_at = date_trunc('hour', clock_timestamp())
       where id = $1 and used_at is distinct from date_trunc('hour', clock_timestamp())`,
      [id],
    ),
  );
}

/** All its tokens end at once. @returns false if there is no such client */
export async function disableClient(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('update oauth_client set disabled = true where id = $1', [id]);
  await ended(pool, id);
  return rowCount === 1;
}

/** @returns false if there is no such client */
export async function enableClient(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('update oauth_client set disabled = false where id = $1', [id]);
  await pool.query(`select pg_notify('${clientsChannel}', '')`);
  return rowCount === 1;
}

/** @returns false if there is no such client */
export async function removeClient(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('delete from oauth_client where id = $1', [id]);
  await ended(pool, id);
  return rowCount === 1;
}

async function ended(pool: Pool, id: string): Promise<void> {
  await revokeClient(pool, id);
  await pool.query(`select pg_notify('${clientsChannel}', '')`);
}

/** The old secret is over at once. @returns the new one, or undefined if the client is unknown or has none */
export function rotateClientSecret(pool: Pool, id: string): Promise<string | undefined> {
  const secret = makeClientSecret();
  return inTransaction(pool, { retriesMax: 3 }, async ({ client }) => {
    const { rowCount } = await client.query('update oauth_client set secret = $2 where id = $1 and secret is not null', [
      id,
      hash('sha256', secret, 'buffer'),
    ]);
    return rowCount === 1 ? secret : undefined;
  });
}

function storedClient(row: Row): StoredClient {
  const { id, metadata, source, disabled } = row;
  return {
    id,
    metadata,
    hasSecret: row.secret !== null,
    source,
    disabled,
    createdAt: new Date(row.created),
    ...(row.used === null ? {} : { usedAt: new Date(row.used) }),
  };
}

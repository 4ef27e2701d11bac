import { hash } from 'node:crypto';
import type { Pool } from 'pg';
import { openBytes, sealBytes } from '../encryption/seal-bytes.ts';
import type { DataKey } from '../encryption/seal.ts';
import { SealBroken } from '../encryption/seal-broken.ts';
import { statement } from './sql.ts';

/** What the authorization server keeps of a session, a code, a token or a grant. `fields` are what it is found and ended by. */
export type OauthItem = {
  readonly kind: string;
  readonly id: string;
  readonly payload: object;
  readonly grantId?: string | undefined;
  readonly uid?: string | undefined;
  readonly account?: string | undefined;
  readonly client?: string | undefined;
  readonly ttlSeconds: number;
};

export type FoundItem = { readonly payload: Readonly<Record<string, unknown>>; readonly createdAt: Date; readonly consumedAt?: Date };

export type OauthItems = {
  /**
   * Writes it, in place of one of the same kind and id; that one stays used where it was. What belongs to a grant is written only while
   * there is that grant: what is ended at this moment does not come back.
   */
  readonly put: (item: OauthItem) => Promise<void>;
  /** Writes one that is there anew, with more time. */
  readonly renew: (item: OauthItem) => Promise<void>;
  /** Writes it unless there is one already, expired or not. @returns whether it was written: of many at once, one is */
  readonly claim: (item: OauthItem) => Promise<boolean>;
  /** @returns undefined where there is none, or it has expired */
  readonly find: (kind: string, id: string) => Promise<FoundItem | undefined>;
  /** An unused one. */
  readonly findByUid: (kind: string, uid: string) => Promise<FoundItem | undefined>;
  /** Marks it as used. @returns whether it was unused: of many at once, one gets true */
  readonly consume: (kind: string, id: string) => Promise<boolean>;
  /** Like `consume`, and gives it. */
  readonly take: (kind: string, id: string) => Promise<FoundItem | undefined>;
  readonly remove: (kind: string, id: string) => Promise<void>;
  /** The unexpired ones of a kind, newest first. */
  readonly ofAccount: (kind: string, account: string) => Promise<readonly FoundItem[]>;
};

type Row = { readonly id: Buffer; readonly payload: Buffer; readonly created: number; readonly consumed: number | null };

const columns = `id, payload, (extract(epoch from created_at) * 1000)::float8 as created,
  (extract(epoch from consumed_at) * 1000)::float8 as consumed`;
/** More than this of one account are not listed. */
const listedMax = 500;

/** Nobody who reads the table can use what he reads: ids are kept as their SHA-256. Each has 126 random bits at least. */
export function hashed(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

export function oauthItems(pool: Pool, key: DataKey): OauthItems {
  const purposeOf = (kind: string, id: Buffer): string => `oauth/${kind}/${id.toString('hex')}`;
  const values = (item: OauthItem): unknown[] => {
    const id = hashed(item.id);
    const optional = (text: string | undefined): Buffer | null => (text === undefined ? null : hashed(text));
    const sealed = sealBytes(key, purposeOf(item.kind, id), Buffer.from(JSON.stringify(item.payload)));
    return [
      item.kind,
      id,
      optional(item.grantId),
      optional(item.uid),
      optional(item.account),
      item.client ?? null,
      sealed,
      Math.max(1, Math.ceil(item.ttlSeconds)),
    ];
  };
  const into = 'insert into oauth_item (kind, id, grant_id, uid, account, client, payload, expires_at)';
  const row = `$1, $2::bytea, $3::bytea, $4::bytea, $5::bytea, $6, $7::bytea, clock_timestamp() + $8 * interval '1 second'`;
  const opened = (kind: string, row: Row | undefined): FoundItem | undefined => {
    if (row === undefined) return undefined;
    const text = openOrUndefined(key, purposeOf(kind, row.id), row.payload);
    if (text === undefined) return undefined;
    const payload = JSON.parse(text.toString('utf8')) as Record<string, unknown>;
    const createdAt = new Date(row.created);
    return { payload, createdAt, ...(row.consumed === null ? {} : { consumedAt: new Date(row.consumed) }) };
  };

  return {
    async put(item) {
      // The lock on the grant's row waits for who is about to delete it.
      const source =
        item.grantId === undefined || item.kind === 'Grant'
          ? `${into} values (${row})`
          : `with granted as (select from oauth_item where kind = 'Grant' and id = $3 for share) ${into} select ${row} from granted`;
      await pool.query(
        statement(
          `${source} on conflict (kind, id) do update set grant_id = excluded.grant_id, uid = excluded.uid, account = excluded.account,
             client = excluded.client, payload = excluded.payload, expires_at = excluded.expires_at`,
          values(item),
        ),
      );
    },
    async renew(item) {
      await pool.query(
        statement(
          `update oauth_item set payload = $7, expires_at = clock_timestamp() + $8 * interval '1 second'
           where kind = $1 and id = $2 and grant_id is not distinct from $3::bytea and uid is not distinct from $4::bytea
             and account is not distinct from $5::bytea and client is not distinct from $6`,
          values(item),
        ),
      );
    },
    async claim(item) {
      const { rowCount } = await pool.query(statement(`${into} values (${row}) on conflict (kind, id) do nothing`, values(item)));
      return rowCount === 1;
    },
    async find(kind, id) {
      const { rows } = await pool.query<Row>(
        statement(`select ${columns} from oauth_item where kind = $1 and id = $2 and expires_at > clock_timestamp()`, [kind, hashed(id)]),
      );
      return opened(kind, rows[0]);
    },
    async findByUid(kind, uid) {
      const { rows } = await pool.query<Row>(
        statement(
          `select ${columns} from oauth_item where uid = $2 and kind = $1 and consumed_at is null and expires_at > clock_timestamp()`,
          [kind, hashed(uid)],
        ),
      );
      return opened(kind, rows[0]);
    },
    async consume(kind, id) {
      const { rowCount } = await pool.query(
        statement('update oauth_item set consumed_at = clock_timestamp() where kind = $1 and id = $2 and consumed_at is null', [
          kind,
          hashed(id),
        ]),
      );
      return rowCount === 1;
    },
    async take(kind, id) {
      const { rows } = await pool.query<Row>(
        statement(
          `update oauth_item set consumed_at = clock_timestamp()
           where kind = $1 and id = $2 and consumed_at is null and expires_at > clock_timestamp() returning ${columns}`,
          [kind, hashed(id)],
        ),
      );
      return opened(kind, rows[0]);
    },
    async remove(kind, id) {
      await pool.query(statement('delete from oauth_item where kind = $1 and id = $2', [kind, hashed(id)]));
    },
    async ofAccount(kind, account) {
      const { rows } = await pool.query<Row>(
        statement(
          `select ${columns} from oauth_item where account = $2 and kind = $1 and expires_at > clock_timestamp()
           order by created_at desc limit ${listedMax}`,
          [kind, hashed(account)],
        ),
      );
      return rows.flatMap((row) => opened(kind, row) ?? []);
    },
  };
}

/** Of a row that another key sealed, or somebody altered, nothing is known. */
function openOrUndefined(key: DataKey, purpose: string, sealed: Buffer): Buffer | undefined {
  try {
    return openBytes(key, purpose, sealed);
  } catch (error) {
    if (error instanceof SealBroken) return undefined;
    throw error;
  }
}

/** So many rows go in one statement: none holds many locks. */
const sweptRows = 1_000;
const sweptBatchesMax = 1_000;

/** All that has expired. @returns how many items went */
export async function sweepOauth(pool: Pool): Promise<number> {
  let swept = 0;
  for (let batches = 0; batches < sweptBatchesMax; batches++) {
    const { rowCount } = await pool.query(
      `delete from oauth_item where (kind, id) in
         (select kind, id from oauth_item where expires_at < clock_timestamp() order by expires_at limit ${sweptRows} for update skip locked)`,
    );
    swept += rowCount ?? 0;
    if ((rowCount ?? 0) < sweptRows) break;
  }
  await pool.query('delete from oauth_revocation where expires_at < clock_timestamp()');
  await pool.query('delete from oauth_key where expires_at < clock_timestamp()');
  return swept;
}

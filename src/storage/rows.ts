import type { AuditRow } from './audit-rows.ts';
import type { Queryable } from './database.ts';
import { statement } from './sql.ts';

/** c create, u update, p patch, d delete, e erasure of the patient: what made a version, or unmade it. */
export type InteractionCode = 'c' | 'u' | 'p' | 'd' | 'e';

/** Ordered and joinable facts of one version; `param` numbers come from search_element. Times are epoch ms, ±Infinity for open ends. */
export type Facts = {
  readonly dates: readonly { readonly param: number; readonly pair: bigint; readonly lo: number; readonly hi: number }[];
  readonly quantities: readonly {
    readonly param: number;
    readonly pair: bigint;
    readonly unit: bigint;
    readonly lo: number;
    readonly hi: number;
  }[];
  readonly references: readonly { readonly param: number; readonly target: bigint }[];
  readonly sorts: readonly { readonly param: number; readonly low: bigint; readonly high: bigint }[];
};

export const noFacts: Facts = { dates: [], quantities: [], references: [], sorts: [] };

export type FactTableName = 'fact_date' | 'fact_quantity' | 'fact_reference' | 'fact_sort';

/** One version ready to be written: sealed, with everything that a search needs. */
export type NewVersion = {
  readonly rid: number;
  readonly type: string;
  readonly id: string;
  readonly refKey: bigint;
  readonly version: number;
  readonly interaction: InteractionCode;
  readonly patient: bigint | null;
  /** Epoch ms. */
  readonly clinicalAt: number | null;
  /** 64-bit tokens in network order, back to back. */
  readonly tokens: Buffer;
  /** The sealed document; null for a deletion. */
  readonly content: Buffer | null;
  /** The id of the file that lies beside it. */
  readonly file?: Buffer;
  /** ref_keys of the patients whose keys seal it. */
  readonly owners: readonly bigint[];
  readonly facts: Facts;
  /** Where the version before has facts, if that is known: only there something may have to go. */
  readonly factsBefore?: readonly FactTableName[];
  /** What is recorded of the write: added with the row, and not at all where the row is refused. */
  readonly audit?: readonly AuditRow[];
  /** Of an AuditEvent: when it is recorded (epoch ms), and the mac of the row. */
  readonly recorded?: { readonly at: number; readonly mac: Buffer };
};

/** A stored version as read back. `lastUpdated` is a FHIR instant in UTC with milliseconds. */
export type StoredVersion = {
  readonly rid: number;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: string;
  readonly interaction: InteractionCode;
  readonly deleted: boolean;
  /** The patient it belonged to was erased: nothing can open it. */
  readonly erased: boolean;
  readonly content: Buffer | undefined;
};

export const versionColumns = (alias: string): string =>
  ['rid', 'type', 'id', 'version', 'last_updated', 'interaction', 'deleted', 'content'].map((name) => `${alias}.${name}`).join(', ');

/** A row of `versionColumns` as pg gives it: int8 and timestamptz as text. */
export type VersionRow = {
  readonly rid: string;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly last_updated: string;
  readonly interaction: string;
  readonly deleted: boolean;
  readonly content: Buffer | null;
};

export function storedVersion(row: VersionRow): StoredVersion {
  return {
    rid: Number(row.rid),
    type: row.type,
    id: row.id,
    version: row.version,
    lastUpdated: instantOf(row.last_updated),
    content: row.content ?? undefined,
    interaction: row.interaction as InteractionCode,
    deleted: row.deleted,
    erased: row.interaction === 'e',
  };
}

/** A living resource's current version as a search finds it: what its answer needs and no more. */
export type FoundVersion = Pick<StoredVersion, 'rid' | 'type' | 'id' | 'version' | 'lastUpdated' | 'content'>;

export const foundColumns = (alias: string): string =>
  ['rid', 'type', 'id', 'version', 'last_updated', 'content'].map((name) => `${alias}.${name}`).join(', ');

/** The same columns by place, as `rowMode: 'array'` gives them, and what else was selected behind them. */
export type FoundRow = readonly [
  rid: string,
  type: string,
  id: string,
  version: number,
  lastUpdated: string,
  content: Buffer | null,
  ...others: unknown[],
];

/** A page's rows come by place: names would be looked up anew for each of them. */
export async function findVersions(db: Queryable, text: string, values: unknown[], anew = false): Promise<FoundRow[]> {
  const { rows } = await db.query<FoundRow & unknown[]>({ ...(anew ? { text, values } : statement(text, values)), rowMode: 'array' });
  return rows;
}

export function foundVersion([rid, type, id, version, lastUpdated, content]: FoundRow): FoundVersion {
  return { rid: Number(rid), type, id, version, lastUpdated: instantOf(lastUpdated), content: content ?? undefined };
}

/** `2024-03-01 10:00:00.12+00`, as a UTC session prints it, to `2024-03-01T10:00:00.120Z`. */
export function instantOf(timestamptz: string): string {
  const fraction = timestamptz.length > 22 ? timestamptz.slice(20, -3) : '';
  return `${timestamptz.slice(0, 10)}T${timestamptz.slice(11, 19)}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}

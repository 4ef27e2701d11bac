import { byteaArray, int4Array, int8Array, int8ArrayOf, textArray, timestamptzArray } from './binary.ts';
import type { Queryable } from './database.ts';

/** One audit event ready to be written: sealed, with the tokens it is found by. Such rows have no facts; their date is `at`. */
export type AuditRow = {
  readonly rid: number;
  readonly id: string;
  readonly refKey: bigint;
  /** Epoch ms: `recorded`, and what places the row in its month. */
  readonly at: number;
  readonly patient: bigint | null;
  /** 64-bit tokens in network order, back to back. */
  readonly tokens: Buffer;
  readonly content: Buffer;
  /** Of all the above. */
  readonly mac: Buffer;
};

/** Adds events. One statement, which commits by itself where it isn't part of a transaction. */
export async function insertAuditRows(client: Queryable, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({ name: 'insert_audit', text: insertText, values: auditParameters(rows) });
}

/** Adds those that aren't there yet, also where another attempt to add them is under way. */
export async function insertMissingAuditRows(client: Queryable, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({ name: 'insert_missing_audit', text: `${insertText} on conflict do nothing`, values: auditParameters(rows) });
}

/** The rows as parameters, one array a column; tokens flattened, with where each row's begin and how many they are. */
export function auditParameters(rows: readonly AuditRow[]): Buffer[] {
  const tokenFrom: number[] = [];
  let tokens = 0;
  for (const row of rows) {
    tokenFrom.push(tokens);
    tokens += row.tokens.length / 8;
  }
  return [
    int8Array(rows.map((row) => row.rid)),
    textArray(rows.map((row) => row.id)),
    int8Array(rows.map((row) => row.refKey)),
    timestamptzArray(rows.map((row) => row.at)),
    int8Array(rows.map((row) => row.patient)),
    byteaArray(rows.map((row) => row.content)),
    byteaArray(rows.map((row) => row.mac)),
    int4Array(tokenFrom),
    int4Array(rows.map((row) => row.tokens.length / 8)),
    int8ArrayOf(rows.map((row) => row.tokens)),
  ];
}

/** How many parameters `auditParameters` gives. */
const parameterCount = 10;

/**
 * The statement that adds the rows of `auditParameters`.
 *
 * @param first  the number of their first parameter
 * @param of     with the rid of the row that each tells of in one more parameter: only of those this expression names
 */
export function auditInsert(first: number, of?: { readonly written: string }): string {
  const [rid, id, refKey, at, patient, content, mac, from, count, tokens, about] = Array.from(
    { length: parameterCount + 1 },
    (_, n) => `$${first + n}`,
  );
  const columns = `${rid}::int8[], ${id}::text[], ${refKey}::int8[], ${at}::timestamptz[], ${patient}::int8[], ${content}::bytea[], ${mac}::bytea[], ${from}::int4[], ${count}::int4[]`;
  const [more, name, only] = of === undefined ? ['', '', ''] : [`, ${about}::int8[]`, ', about', ` where a.about in (${of.written})`];
  return `insert into audit_event (rid, id, version, last_updated, interaction, ref_key, patient, clinical_at, tokens, content, mac)
  select a.rid, a.id, 1, a.at, 'c', a.ref_key, a.patient, a.at, (${tokens}::int8[])[a.token_from + 1 : a.token_from + a.token_count], a.content, a.mac
  from unnest(${columns}${more}) as a(rid, id, ref_key, at, patient, content, mac, token_from, token_count${name})${only}`;
}

const insertText = auditInsert(1);

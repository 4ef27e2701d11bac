import { byteaArray, charArray, float8Array, int2Array, int4Array, int8Array, int8ArrayOf, textArray, timestamptzArray } from './binary.ts';
import type { NewVersion } from './rows.ts';

/**
 * The rows of a write as parameters, one array a column. Token and owner lists are flattened, with where each row's part
 * begins and how long it is, because unnest would flatten an array of arrays.
 */
export function rowParameters(rows: readonly NewVersion[]): Buffer[] {
  const tokenFrom: number[] = [];
  const ownerFrom: number[] = [];
  const owners: bigint[] = [];
  let tokens = 0;
  for (const row of rows) {
    tokenFrom.push(tokens);
    tokens += row.tokens.length / 8;
    ownerFrom.push(owners.length);
    owners.push(...row.owners);
  }
  return [
    int8Array(rows.map((row) => row.rid)),
    textArray(rows.map((row) => row.type)),
    textArray(rows.map((row) => row.id)),
    int4Array(rows.map((row) => row.version)),
    charArray(rows.map((row) => row.interaction)),
    int8Array(rows.map((row) => row.refKey)),
    int8Array(rows.map((row) => row.patient)),
    timestamptzArray(rows.map((row) => row.clinicalAt)),
    byteaArray(rows.map((row) => row.content)),
    int4Array(tokenFrom),
    int4Array(rows.map((row) => row.tokens.length / 8)),
    int4Array(ownerFrom),
    int4Array(rows.map((row) => row.owners.length)),
    int8ArrayOf(rows.map((row) => row.tokens)),
    int8Array(owners),
  ];
}

/** The input rows of `rowParameters` as a common table expression: parameters $1 … $15. */
export const inputRows = `input as materialized (
  select * from unnest($1::int8[], $2::text[], $3::text[], $4::int4[], $5::"char"[], $6::int8[], $7::int8[], $8::timestamptz[], $9::bytea[],
    $10::int4[], $11::int4[], $12::int4[], $13::int4[])
    with ordinality as t(rid, type, id, version, interaction, ref_key, patient, clinical_at, content, token_from, token_count, owner_from, owner_count, n)
)`;
export const inputTokens = '($14::int8[])[i.token_from + 1 : i.token_from + i.token_count]';
/** True for rows none of whose owners is erased. The statement runs after the owners' shared locks were taken, so its snapshot knows. */
export const ownersAlive = `not (($15::int8[])[i.owner_from + 1 : i.owner_from + i.owner_count]
    && (select coalesce(array_agg(e.ref_key), '{}') from erased_patient e where e.ref_key = any($15::int8[])))`;

/** The facts of a write as parameters $16 … $33, four tables' worth of columns, each fact naming its row by rid. */
export function factParameters(rows: readonly NewVersion[]): Buffer[] {
  const dates = rows.flatMap((row) => row.facts.dates.map((fact) => ({ rid: row.rid, ...fact })));
  const quantities = rows.flatMap((row) => row.facts.quantities.map((fact) => ({ rid: row.rid, ...fact })));
  const references = rows.flatMap((row) => row.facts.references.map((fact) => ({ rid: row.rid, ...fact })));
  const sorts = rows.flatMap((row) => row.facts.sorts.map((fact) => ({ rid: row.rid, ...fact })));
  return [
    int8Array(dates.map((fact) => fact.rid)),
    int2Array(dates.map((fact) => fact.param)),
    int8Array(dates.map((fact) => fact.pair)),
    timestamptzArray(dates.map((fact) => fact.lo)),
    timestamptzArray(dates.map((fact) => fact.hi)),
    int8Array(quantities.map((fact) => fact.rid)),
    int2Array(quantities.map((fact) => fact.param)),
    int8Array(quantities.map((fact) => fact.pair)),
    int8Array(quantities.map((fact) => fact.unit)),
    float8Array(quantities.map((fact) => fact.lo)),
    float8Array(quantities.map((fact) => fact.hi)),
    int8Array(references.map((fact) => fact.rid)),
    int2Array(references.map((fact) => fact.param)),
    int8Array(references.map((fact) => fact.target)),
    int8Array(sorts.map((fact) => fact.rid)),
    int2Array(sorts.map((fact) => fact.param)),
    int8Array(sorts.map((fact) => fact.low)),
    int8Array(sorts.map((fact) => fact.high)),
  ];
}

export type FactTable = {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly source: string;
};

/** Each fact table with its columns, its primary key, and the unnest that gives its new rows. */
export const factTables: readonly FactTable[] = [
  {
    table: 'fact_date',
    columns: ['rid', 'param', 'pair', 'lo', 'hi'],
    key: ['rid', 'param', 'pair', 'lo', 'hi'],
    source: 'unnest($16::int8[], $17::int2[], $18::int8[], $19::timestamptz[], $20::timestamptz[])',
  },
  {
    table: 'fact_quantity',
    columns: ['rid', 'param', 'pair', 'unit', 'lo', 'hi'],
    key: ['rid', 'param', 'pair', 'unit', 'lo', 'hi'],
    source: 'unnest($21::int8[], $22::int2[], $23::int8[], $24::int8[], $25::float8[], $26::float8[])',
  },
  {
    table: 'fact_reference',
    columns: ['rid', 'param', 'target'],
    key: ['rid', 'param', 'target'],
    source: 'unnest($27::int8[], $28::int2[], $29::int8[])',
  },
  {
    table: 'fact_sort',
    columns: ['rid', 'param', 'low', 'high'],
    key: ['rid', 'param', 'low', 'high'],
    source: 'unnest($30::int8[], $31::int2[], $32::int8[], $33::int8[])',
  },
];

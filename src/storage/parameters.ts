import { byteaArray, charArray, float8Array, int2Array, int4Array, int8Array, int8ArrayOf, textArray, timestamptzArray } from './binary.ts';
import type { FactTableName, NewVersion } from './rows.ts';

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

/** How many parameters `rowParameters` gives; the facts' follow. */
export const rowParameterCount = 15;

type Column<F> = { readonly name: string; readonly type: string; readonly encode: (facts: readonly F[]) => Buffer };
type RidOf<F> = F & { readonly rid: number };

/** A fact table: its columns (together its primary key), and where a version's facts for it are. */
export type FactTable = {
  readonly name: FactTableName;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly has: (row: NewVersion) => boolean;
  readonly encode: (rows: readonly NewVersion[]) => Buffer[];
};

function factTable<F>(name: FactTableName, of: (row: NewVersion) => readonly F[], columns: readonly Column<RidOf<F>>[]): FactTable {
  const all: readonly Column<RidOf<F>>[] = [
    { name: 'rid', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.rid)) },
    ...columns,
  ];
  return {
    name,
    columns: all.map((column) => column.name),
    types: all.map((column) => column.type),
    has: (row) => of(row).length > 0,
    encode(rows) {
      const facts = rows.flatMap((row) => of(row).map((fact) => ({ ...fact, rid: row.rid })));
      return all.map((column) => column.encode(facts));
    },
  };
}

export const factTables: readonly FactTable[] = [
  factTable('fact_date', (row) => row.facts.dates, [
    { name: 'param', type: 'int2', encode: (facts) => int2Array(facts.map((fact) => fact.param)) },
    { name: 'pair', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.pair)) },
    { name: 'lo', type: 'timestamptz', encode: (facts) => timestamptzArray(facts.map((fact) => fact.lo)) },
    { name: 'hi', type: 'timestamptz', encode: (facts) => timestamptzArray(facts.map((fact) => fact.hi)) },
  ]),
  factTable('fact_quantity', (row) => row.facts.quantities, [
    { name: 'param', type: 'int2', encode: (facts) => int2Array(facts.map((fact) => fact.param)) },
    { name: 'pair', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.pair)) },
    { name: 'unit', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.unit)) },
    { name: 'lo', type: 'float8', encode: (facts) => float8Array(facts.map((fact) => fact.lo)) },
    { name: 'hi', type: 'float8', encode: (facts) => float8Array(facts.map((fact) => fact.hi)) },
  ]),
  factTable('fact_reference', (row) => row.facts.references, [
    { name: 'param', type: 'int2', encode: (facts) => int2Array(facts.map((fact) => fact.param)) },
    { name: 'target', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.target)) },
  ]),
  factTable('fact_sort', (row) => row.facts.sorts, [
    { name: 'param', type: 'int2', encode: (facts) => int2Array(facts.map((fact) => fact.param)) },
    { name: 'low', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.low)) },
    { name: 'high', type: 'int8', encode: (facts) => int8Array(facts.map((fact) => fact.high)) },
  ]),
];

/** The facts of these tables as common table expressions `<table>_new`, whose parameters follow those of the rows. */
export function newFacts(tables: readonly FactTable[]): string[] {
  let next = rowParameterCount;
  return tables.map(({ name, columns, types }) => {
    const arrays = types.map((type) => `$${++next}::${type}[]`).join(', ');
    return `${name}_new as materialized (select distinct * from unnest(${arrays}) as f(${columns.join(', ')}))`;
  });
}

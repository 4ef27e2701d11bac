import { int8Array } from '../storage/binary.ts';
import { filterSql, noRows, pastSql, type Restriction, type RowFilter } from '../storage/filter.ts';
import { relationOf, typeIs } from '../storage/relations.ts';
import { foundColumns } from '../storage/rows.ts';
import { sqlValues, type Values } from '../storage/sql.ts';

export type Statement = { readonly text: string; readonly values: unknown[] };

type Keyed = { readonly type: string; readonly key: bigint };

/** The current versions of these resources, a statement for each relation. Rides unique (type, ref_key). */
export function currentStatements(targets: readonly Keyed[], restriction: Restriction, limit: number): Statement[] {
  const visible = targets.filter(({ type }) => restriction(type) !== noRows);
  return [...Map.groupBy(visible, ({ type }) => relationOf(type))].map(([relation, part]) => {
    const values = sqlValues();
    const text = `select ${foundColumns('t')} from ${relation} t
      where t.ref_key = any(${values.add(keysOf(part))}::int8[]) and ${typesSql(part, restriction, 't', values)}
        and not t.deleted limit ${values.add(limit)}::int`;
    return { text, values: values.list };
  });
}

/** Superseded versions by key and number, where the current one isn't taken away. Rides unique (ref_key, version). */
export function supersededStatement(
  targets: readonly (Keyed & { readonly version?: number })[],
  restriction: Restriction,
  limit: number,
): Statement {
  const values = sqlValues();
  const keys = values.add(int8Array(targets.map(({ key }) => key)));
  const versions = values.add(targets.map(({ version = 0 }) => version));
  const text = `select ${foundColumns('v')} from unnest(${keys}::int8[], ${versions}::int4[]) w(key, version)
      join resource_version v on v.ref_key = w.key and v.version = w.version
      where ${typesSql(targets, restriction, 'v', values, pastOf)} and not v.deleted limit ${values.add(limit)}::int`;
  return { text, values: values.list };
}

/** What one type points with, and to which keys. */
export type Pointing = {
  readonly type: string;
  readonly at: readonly { readonly numbers: readonly number[]; readonly keys: readonly bigint[] }[];
};

/**
 * The resources of one type that point to others. Rides (param, target, rid) of fact_reference, then the relation's index on rid.
 * Without `once` a row comes as often as it points, and none is looked at beyond the limit.
 */
export function pointingStatement({ type, at }: Pointing, filter: RowFilter, limit: number, once: boolean): Statement {
  const values = sqlValues();
  const some = at.map(({ numbers, keys }) => {
    const param = `f.param = any(${values.add(numbers)}::int2[])`;
    return `(${param} and f.target = any(${values.add(int8Array(keys))}::int8[]))`;
  });
  const text = `select ${foundColumns('t')} from (select ${once ? 'distinct ' : ''}f.rid from fact_reference f where ${some.join(' or ')}) f
    join ${relationOf(type)} t on t.rid = f.rid and ${typeIs('t', type)}
    where not t.deleted and ${filterSql(filter, 't', values)} limit ${values.add(limit)}::int`;
  return { text, values: values.list };
}

const keysOf = (targets: readonly Keyed[]): Buffer => int8Array([...new Set(targets.map(({ key }) => key))]);

/** The caller's filter of some types, on the versions at an alias. */
type FilterOf = (filter: RowFilter, types: readonly string[], alias: string, values: Values) => string;

const currentOf: FilterOf = (filter, _types, alias, values) => filterSql(filter, alias, values);

const pastOf: FilterOf = (filter, types, alias, values) => {
  const [only, ...others] = new Set(types.map(relationOf));
  const current = only !== undefined && others.length === 0 ? only : 'resource';
  return `${filterSql(filter, alias, values)} and ${pastSql(filter, current, alias, values)}`;
};

/** The types, which all lead the index, and for each the caller's filter. */
function typesSql(targets: readonly Keyed[], restriction: Restriction, alias: string, values: Values, sqlOf = currentOf): string {
  const types = [...new Set(targets.map(({ type }) => type))];
  const groups = Map.groupBy(types, restriction);
  const [only, ...others] = groups;
  if (only !== undefined && others.length === 0) return `${among(alias, types, values)} and ${sqlOf(only[0], types, alias, values)}`;
  const each = [...groups].map(([filter, part]) => `(${among(alias, part, values)} and ${sqlOf(filter, part, alias, values)})`);
  return `${among(alias, types, values)} and (${each.join(' or ')})`;
}

function among(alias: string, types: readonly string[], values: Values): string {
  const [only, ...others] = types;
  return only !== undefined && others.length === 0 ? typeIs(alias, only) : `${alias}.type = any(${values.add(types)}::text[])`;
}

import { badRequest } from '../fhir/error.ts';
import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { filterSql, type RowFilter } from '../storage/filter.ts';
import { relationOf, typeIs } from '../storage/relations.ts';
import { sqlValues, statement, type Values } from '../storage/sql.ts';
import type { Registry } from './registry.ts';

/** More resources than these stand above or below none that a search should name. */
const relativesMax = 5_000;

/** The parameters by which resources of one type stand below each other. */
const partParameters = ['partof', 'part-of', 'parent'] as const;

/** The elements that name a resource's parent of the same type; none where the type has no hierarchy. */
export function hierarchyElements(type: string, registry: Registry): number[] {
  const { params } = registry.of(type);
  for (const code of partParameters) {
    const param = params.get(code);
    if (param?.type !== 'reference') continue;
    const own = param.elements.filter(({ targets }) => (targets ?? param.targets).includes(type));
    if (own.length > 0) return own.map(({ element }) => element.number);
  }
  return [];
}

export type Hierarchy = { readonly type: string; readonly params: readonly number[]; readonly filter: RowFilter };

/**
 * The ids of all that stand above or below some resources of a type, these included, whether or not they exist. Every resource
 * on the way passes the caller's filter: one that is hidden hides what is reached through it alone.
 *
 * @throws FhirError 400 `too-costly` where they are more than 5,000
 */
export async function relativesOf(
  db: Queryable,
  hierarchy: Hierarchy,
  from: readonly { readonly id: string; readonly refKey: bigint }[],
  way: 'above' | 'below',
): Promise<string[]> {
  const values = sqlValues();
  const text = `with recursive tree (ref_key, id) as (
      select k, i collate "C" from unnest(${values.add(int8Array(from.map(({ refKey }) => refKey)))}::int8[], ${values.add(from.map(({ id }) => id))}::text[]) s (k, i)
      union ${way === 'below' ? belowSql(hierarchy, values) : aboveSql(hierarchy, values)}
    ) select id from tree limit ${values.add(relativesMax + 1)}::int`;
  const { rows } = await db.query<{ id: string }>(statement(text, values.list));
  if (rows.length > relativesMax) {
    throw badRequest(
      'search-hierarchy-too-large',
      `More than ${relativesMax} resources of type ${hierarchy.type} stand ${way} the one named. Name one of fewer.`,
      undefined,
      'too-costly',
    );
  }
  return [...new Set(rows.map(({ id }) => id))];
}

/** Rides (param, target, rid) of fact_reference, then the relation's index on rid. */
function belowSql({ type, params, filter }: Hierarchy, values: Values): string {
  return `select c.ref_key, c.id from tree p
    join fact_reference f on f.param = any(${values.add(params)}::int2[]) and f.target = p.ref_key
    join ${relationOf(type)} c on c.rid = f.rid and ${typeIs('c', type)}
    where not c.deleted and ${filterSql(filter, 'c', values)}`;
}

/** Rides unique (type, ref_key) and the primary key of fact_reference. */
function aboveSql({ type, params, filter }: Hierarchy, values: Values): string {
  return `select p.ref_key, p.id from tree t
    join ${relationOf(type)} c on c.ref_key = t.ref_key and c.id = t.id and ${typeIs('c', type)}
    join fact_reference f on f.rid = c.rid and f.param = any(${values.add(params)}::int2[])
    join ${relationOf(type)} p on p.ref_key = f.target and ${typeIs('p', type)}
    where not c.deleted and not p.deleted and ${filterSql(filter, 'c', values)} and ${filterSql(filter, 'p', values)}`;
}

import { int8Array } from '../storage/binary.ts';
import type { Queryable } from '../storage/database.ts';
import { filterSql, type RowFilter } from '../storage/filter.ts';
import { relationOf, typeIs } from '../storage/relations.ts';
import { findVersions, foundColumns, foundVersion, type FoundVersion } from '../storage/rows.ts';
import { sqlValues, type Values } from '../storage/sql.ts';
import type { Include } from './query.ts';
import type { Registry, SearchElement } from './registry.ts';

/** The caller's filter for each type: no row comes out that it doesn't pass. */
export type Restriction = (type: string) => RowFilter;

export type Included = {
  readonly rows: readonly FoundVersion[];
  /** More would have been included than the limit lets. */
  readonly cut: boolean;
};

/**
 * Fetches what the matches of one type include, forwards and backwards, each resource once and none that matched itself.
 * Every statement carries the caller's filter for the type it reads.
 */
export async function fetchIncludes(
  db: Queryable,
  matches: readonly { readonly rid: number; readonly type: string; readonly id: string }[],
  asked: { readonly type: string; readonly includes: readonly Include[]; readonly revincludes: readonly Include[] },
  registry: Registry,
  restriction: Restriction,
  limit: number,
  refKeyOf: (type: string, id: string) => bigint,
): Promise<Included> {
  if (matches.length === 0) return { rows: [], cut: false };
  const rids = int8Array(matches.map(({ rid }) => rid));
  const keys = int8Array(matches.map(({ type, id }) => refKeyOf(type, id)));
  const statements = [
    ...asked.includes.filter(({ type }) => type === asked.type).flatMap((include) => forwards(include, rids, registry, restriction, limit)),
    ...asked.revincludes.flatMap((include) => backwards(include, asked.type, keys, registry, restriction, limit)),
  ];
  const answers = await Promise.all(statements.map(({ text, values }) => findVersions(db, text, values)));
  const known = new Set(matches.map(({ type, id }) => `${type}/${id}`));
  const rows: FoundVersion[] = [];
  let cut = false;
  for (const row of answers.flat().map(foundVersion)) {
    const name = `${row.type}/${row.id}`;
    if (known.has(name)) continue;
    known.add(name);
    if (rows.length === limit) {
      cut = true;
      break;
    }
    rows.push(row);
  }
  return { rows, cut };
}

type IncludeStatement = { readonly text: string; readonly values: unknown[] };

/** What the matches point to. Rides the primary key of fact_reference, then unique (type, ref_key). */
function forwards(include: Include, rids: Buffer, registry: Registry, restriction: Restriction, limit: number): IncludeStatement[] {
  const search = registry.of(include.type);
  const params = include.param === undefined ? [...search.params.values()].filter(({ type }) => type === 'reference') : [include.param];
  return params.flatMap((param) =>
    param.elements.flatMap(({ element, targets }) => {
      const possible = (targets ?? param.targets).length === 0 ? registry.types : (targets ?? param.targets);
      const types = include.target === undefined ? possible : possible.filter((type) => type === include.target);
      return byRelation(types).map(([relation, part]) => {
        const values = sqlValues();
        const text = `select ${foundColumns('t')} from (select distinct target from fact_reference f
            where f.rid = any(${values.add(rids)}::int8[]) and f.param = ${values.add(element.number)}::int2) f
          join ${relation} t on t.ref_key = f.target and ${typesSql(part, restriction, values)}
          where not t.deleted limit ${values.add(limit + 1)}::int`;
        return { text, values: values.list };
      });
    }),
  );
}

/** What points to the matches. Rides (param, target, rid) of fact_reference, then the partition's index on rid. */
function backwards(
  include: Include,
  matched: string,
  keys: Buffer,
  registry: Registry,
  restriction: Restriction,
  limit: number,
): IncludeStatement[] {
  if (include.target !== undefined && include.target !== matched) return [];
  const filter = restriction(include.type);
  const numbers = backwardElements(include, matched, registry).map(({ number }) => number);
  if (numbers.length === 0) return [];
  const values = sqlValues();
  const text = `select ${foundColumns('t')} from (select distinct rid from fact_reference f
      where f.param = any(${values.add(numbers)}::int2[]) and f.target = any(${values.add(keys)}::int8[])) f
    join ${relationOf(include.type)} t on t.rid = f.rid and ${typeIs('t', include.type)}
    where not t.deleted and ${filterSql(filter, 't', values)} limit ${values.add(limit + 1)}::int`;
  return [{ text, values: values.list }];
}

function backwardElements(include: Include, matched: string, registry: Registry): SearchElement[] {
  const search = registry.of(include.type);
  const params = include.param === undefined ? [...search.params.values()].filter(({ type }) => type === 'reference') : [include.param];
  return params.flatMap((param) =>
    param.elements.flatMap(({ element, targets }) => {
      const possible = targets ?? param.targets;
      return possible.length === 0 || possible.includes(matched) ? [element] : [];
    }),
  );
}

function byRelation(types: readonly string[]): [string, string[]][] {
  return [...Map.groupBy(types, (type) => relationOf(type))];
}

/** Types that share a relation, each with its own filter. */
function typesSql(types: readonly string[], restriction: Restriction, values: Values): string {
  const groups = Map.groupBy(types, (type) => restriction(type));
  const parts = [...groups].map(([filter, part]) => {
    const names = part.length === 1 && part[0] !== undefined ? typeIs('t', part[0]) : `t.type = any(${values.add(part)}::text[])`;
    return `(${names} and ${filterSql(filter, 't', values)})`;
  });
  return `(${parts.join(' or ')})`;
}

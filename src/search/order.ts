import type { Values } from '../storage/sql.ts';
import { factSql } from './condition-sql.ts';
import { type From, isWithin, orderedTerms, type Position, ridDescends, type Segment } from './position.ts';
import { mayBeMissing, type SortTerm, type StoredValue } from './sort.ts';

/** How the values of a segment's order reach a statement over the row `r`. */
export type OrderSql = {
  /** What to join to the row for them. */
  readonly joins: string;
  /** What makes a row one of the segment's. */
  readonly within: readonly string[];
  /** Each term's value of the whole list, as an expression; `null` where the statement has none. */
  readonly columns: readonly string[];
};

export type FactValue = Extract<StoredValue, { kind: 'fact' }>;

/**
 * The values of every term. Of several facts the one that comes first in the direction asked for counts. Where the first term is one
 * element's, its facts are joined, so that PostgreSQL may walk their index in order; all others are looked up row by row.
 */
export function orderSql(sort: readonly SortTerm[], segment: Segment, values: Values): OrderSql {
  const joins: string[] = [];
  const within: string[] = [];
  const columns = sort.map((term, at) => {
    const { stored } = term;
    const leads = at === 0 && segment.first !== 'any';
    if (stored === undefined) return 'null';
    if (stored.kind === 'column') {
      if (leads) within.push(`r.${stored.column} is ${segment.first === 'present' ? 'not ' : ''}null`);
      return leads && segment.first === 'missing' ? 'null' : `r.${stored.column}`;
    }
    if (leads && segment.first === 'missing') {
      within.push(`not exists (select from ${stored.table} f where f.rid = r.rid and ${paramSql('f', stored, values)})`);
      return 'null';
    }
    if (leads && isJoined(stored)) {
      joins.push(firstFactJoin(stored, term.descending, values));
      return `f.${stored.column}`;
    }
    joins.push(lookup(stored, term.descending, `s${at}`, values));
    if (leads) within.push(`s${at}.value is not null`);
    return `s${at}.value`;
  });
  return { joins: joins.join(''), within, columns };
}

/** One element's facts can be walked in their order. */
export const isJoined = ({ params }: FactValue): boolean => params.length === 1;

function paramSql(alias: string, { table, params }: FactValue, values: Values): string {
  const param = params.length === 1 ? `= ${values.add(params[0])}::int2` : `= any(${values.add(params)}::int2[])`;
  return `${alias}.param ${param}${table === 'fact_sort' ? '' : ` and ${alias}.pair = 0`}`;
}

/** All facts of the one element but for those that another fact of the same row comes before. `fact_sort` has one a row. */
function firstFactJoin(stored: FactValue, descending: boolean, values: Values): string {
  const { table, asked } = stored;
  if (asked !== undefined) return ` join ${table} f on f.rid = r.rid and ${factSql(asked, values)}`;
  const join = ` join ${table} f on f.rid = r.rid and ${paramSql('f', stored, values)}`;
  if (table === 'fact_sort') return join;
  const key = (alias: string): string =>
    ['lo', 'hi', ...(table === 'fact_quantity' ? ['unit'] : [])].map((name) => `${alias}.${name}`).join(', ');
  return `${join} and not exists (select from ${table} g where g.rid = f.rid and g.param = f.param and g.pair = 0
      and (${key('g')}) ${descending ? '>' : '<'} (${key('f')}))`;
}

function lookup(stored: FactValue, descending: boolean, alias: string, values: Values): string {
  const value = `${descending ? 'max' : 'min'}(f.${stored.column})`;
  return ` left join lateral (select ${value} as value from ${stored.table} f
      where f.rid = r.rid and ${paramSql('f', stored, values)}) ${alias} on true`;
}

/** `order by` of a segment, by the terms that PostgreSQL can order by and, if those are all, the row. */
export function orderBy(segment: Segment, { columns }: OrderSql, backwards: boolean): string {
  const ordered = orderedTerms(segment);
  const by = ordered.map((term, at) => {
    const direction = term.descending === backwards ? 'asc' : 'desc';
    // The first term's nulls are a segment of their own: without a word on them its index is one to walk.
    const nulls = isNullable(segment, at) ? ` nulls ${backwards ? 'first' : 'last'}` : '';
    return `${columns[segment.from + at]} ${direction}${nulls}`;
  });
  if (ordered.length === segment.terms.length && ordered.every(({ textOf }) => textOf === undefined))
    by.push(`r.rid ${ridDescends(segment) === backwards ? 'asc' : 'desc'}`);
  return by.length === 0 ? '' : ` order by ${by.join(', ')}`;
}

const isNullable = (segment: Segment, at: number): boolean => {
  const term = segment.terms[at];
  return term !== undefined && mayBeMissing(term) && !(at === 0 && segment.first === 'present');
};

/** The rows that follow a place in the segment; nothing to ask where all of them do. */
export function beyondSql(segment: Segment, order: OrderSql, from: From | undefined, values: Values): string[] {
  if (from === undefined || !isWithin(segment, from.position)) return [];
  const { position } = from;
  const backwards = from.backwards === true;
  const [first] = segment.terms;
  const rid = `${values.add(position.rid)}::int8`;
  const ridBeyond = `${ridDescends(segment) === backwards ? '>' : '<'}${from.inclusive ? '=' : ''}`;
  const alike = segment.terms.length === 1 && first?.descending === ridDescends(segment) && !isNullable(segment, 0);
  if (first?.stored !== undefined && alike) {
    // Compared as a row, so that an index of (value, rid) begins right there.
    const value = `${values.add(position.values[segment.from])}::${first.stored.cast}`;
    return [`(${order.columns[segment.from]}, r.rid) ${ridBeyond} (${value}, ${rid})`];
  }
  return [beyondTerms(segment, order, { position, backwards }, `r.rid ${ridBeyond} ${rid}`, values)];
}

/** Whole groups of rows with equal stored values: those after the position's, or with it. */
export function beyondGroup(segment: Segment, order: OrderSql, from: From | undefined, values: Values): string[] {
  if (from === undefined || !isWithin(segment, from.position)) return [];
  const ordered = { ...segment, terms: orderedTerms(segment) };
  const at = { position: from.position, backwards: from.backwards === true };
  return [beyondTerms(ordered, order, at, from.inclusive ? 'true' : 'false', values)];
}

/** Lexicographic order spelled out: after the first value, or equal to it and after the second, … and at last `equal`. */
function beyondTerms(
  segment: Segment,
  order: OrderSql,
  { position, backwards }: { readonly position: Position; readonly backwards: boolean },
  equal: string,
  values: Values,
): string {
  const from = (at: number): string => {
    const term = segment.terms[at];
    const column = order.columns[segment.from + at];
    if (term?.stored === undefined) return equal;
    const value = position.values[segment.from + at] ?? null;
    const nullable = isNullable(segment, at);
    const rest = from(at + 1);
    if (value === null) {
      const same = `(${column} is null and ${rest})`;
      return backwards ? `(${column} is not null or ${same})` : same;
    }
    const bound = `${values.add(value)}::${term.stored.cast}`;
    const operator = term.descending === backwards ? '>' : '<';
    const later = nullable && !backwards ? `${column} ${operator} ${bound} or ${column} is null` : `${column} ${operator} ${bound}`;
    const either = `(${later} or (${column} = ${bound} and ${rest}))`;
    // Said once more as one bound, where the column's index can begin at it.
    return at === 0 && !(nullable && !backwards) ? `(${column} ${operator}= ${bound} and ${either})` : either;
  };
  return from(0);
}

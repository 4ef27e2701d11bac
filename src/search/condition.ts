import { int8Array } from '../storage/binary.ts';
import type { Values } from '../storage/sql.ts';

/** A bound on a fact's interval: `lo < x`, `hi > x`. Dates are epoch ms, quantities plain numbers. */
export type Bound = { readonly column: 'lo' | 'hi'; readonly operator: '<' | '<=' | '>' | '>='; readonly value: number };

/** The same bound on an interval in hand. */
export function holdsBound(interval: { readonly lo: number; readonly hi: number }, { column, operator, value }: Bound): boolean {
  const end = interval[column];
  switch (operator) {
    case '<':
      return end < value;
    case '<=':
      return end <= value;
    case '>':
      return end > value;
    case '>=':
      return end >= value;
  }
}

/** What a row must be, free of SQL; the planner's middle language. */
export type Condition =
  | { readonly kind: 'all-tokens'; readonly tokens: readonly bigint[] }
  | { readonly kind: 'any-token'; readonly tokens: readonly bigint[] }
  | {
      readonly kind: 'fact';
      readonly table: 'fact_date' | 'fact_quantity';
      readonly params: readonly number[];
      readonly bounds: readonly Bound[];
      readonly unit?: bigint;
      /** Of a composite: the facts that stand beside one of these first values. */
      readonly pairs?: readonly bigint[];
    }
  /** The resource is one of these. Keys find, ids prove. */
  | { readonly kind: 'ids'; readonly keys: readonly bigint[]; readonly ids: readonly string[] }
  | { readonly kind: 'updated'; readonly operator: Bound['operator']; readonly ms: number }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

export const nothing: Condition = { kind: 'or', of: [] };

export function allOf(conditions: readonly Condition[]): Condition {
  const tokens = conditions.flatMap((condition) => (condition.kind === 'all-tokens' ? condition.tokens : []));
  const others = conditions.filter(({ kind }) => kind !== 'all-tokens');
  const merged: Condition[] = tokens.length === 0 ? [] : [{ kind: 'all-tokens', tokens }];
  const of = [...merged, ...others];
  return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'and', of };
}

/** Single tokens of an OR become one overlap, which GIN answers in one scan. */
export function anyOf(conditions: readonly Condition[]): Condition {
  const single = conditions.filter(
    (condition) => condition.kind === 'any-token' || (condition.kind === 'all-tokens' && condition.tokens.length === 1),
  );
  const tokens = single.flatMap((condition) => ('tokens' in condition ? condition.tokens : []));
  const others = mergeFacts(conditions.filter((condition) => !single.includes(condition)));
  const merged: Condition[] =
    tokens.length === 0 ? [] : [tokens.length === 1 ? { kind: 'all-tokens', tokens } : { kind: 'any-token', tokens }];
  const of = [...merged, ...others];
  return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'or', of };
}

/** Facts that differ only in the element become one look into the table. */
function mergeFacts(conditions: readonly Condition[]): Condition[] {
  const groups = new Map<string, Fact>();
  const rest: Condition[] = [];
  for (const condition of conditions) {
    if (condition.kind !== 'fact') {
      rest.push(condition);
      continue;
    }
    const name = JSON.stringify([condition.table, condition.bounds, condition.unit?.toString(), condition.pairs?.map(String)]);
    const known = groups.get(name);
    groups.set(name, known === undefined ? condition : { ...condition, params: [...known.params, ...condition.params] });
  }
  return [...groups.values(), ...rest];
}

export type Fact = Extract<Condition, { kind: 'fact' }>;

/** How facts are looked at: as a join that PostgreSQL is free to turn round, or row by row, each by the primary key. */
export type Look = 'join' | 'probe';

/** The condition on the row `alias` as SQL. Token conditions ride the partition's GIN, facts their covering index or primary key. */
export function conditionSql(condition: Condition, alias: string, values: Values, look: Look = 'join'): string {
  switch (condition.kind) {
    case 'all-tokens':
      return `${alias}.tokens @> ${values.add(int8Array(condition.tokens))}::int8[]`;
    case 'any-token':
      return `${alias}.tokens && ${values.add(int8Array(condition.tokens))}::int8[]`;
    case 'fact':
      return `exists (select from ${condition.table} f where f.rid = ${alias}.rid and ${factSql(condition, values, look)}${look === 'probe' ? ' offset 0' : ''})`;
    case 'ids':
      return `${alias}.ref_key = any(${values.add(int8Array(condition.keys))}::int8[]) and ${alias}.id = any(${values.add(condition.ids)}::text[])`;
    case 'updated':
      return `${alias}.last_updated ${condition.operator} ${timeSql(condition.ms, values)}`;
    case 'and':
      return condition.of.length === 0 ? 'true' : condition.of.map((part) => conditionSql(part, alias, values, look)).join(' and ');
    case 'or':
      return condition.of.length === 0 ? 'false' : `(${condition.of.map((part) => conditionSql(part, alias, values, look)).join(' or ')})`;
    case 'not':
      return `not (${conditionSql(condition.of, alias, values, look)})`;
  }
}

/**
 * The condition on the fact `f` as SQL. A join rides the table's index by value, whose order is (param, pair, lo, …). For a
 * probe the sum keeps PostgreSQL from it: without statistics that index looks as good as the key, and costs a hundred times more.
 */
export function factSql(fact: Fact, values: Values, look: Look = 'join'): string {
  const one = fact.params.length === 1;
  const params = one ? `= ${values.add(fact.params[0])}::int2` : `= any(${values.add(fact.params)}::int2[])`;
  const param = look === 'join' ? `f.param ${params}` : `f.param + 0::int2 ${params}`;
  const pair = fact.pairs === undefined ? 'f.pair = 0' : `f.pair = any(${values.add(int8Array(fact.pairs))}::int8[])`;
  const bounds = fact.bounds.map(({ column, operator, value }) => {
    const bound = fact.table === 'fact_date' ? timeSql(value, values) : `${values.add(value)}::float8`;
    return `f.${column} ${operator} ${bound}`;
  });
  const unit = fact.unit === undefined ? [] : [`f.unit = ${values.add(fact.unit.toString())}::int8`];
  return [param, pair, ...bounds, ...unit].join(' and ');
}

function timeSql(ms: number, values: Values): string {
  const text = ms === Number.POSITIVE_INFINITY ? 'infinity' : ms === Number.NEGATIVE_INFINITY ? '-infinity' : instantText(ms);
  return `${values.add(text)}::timestamptz`;
}

/** An instant tells the years 1 to 9999; zones and `ap` reach beyond either end. */
function instantText(ms: number): string {
  if (ms >= 253_402_300_800_000) return 'infinity';
  return ms < -62_135_596_800_000 ? '-infinity' : new Date(ms).toISOString();
}

import type { RowFilter } from '../storage/filter.ts';
import type { Criterion, Link } from './query.ts';

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
  | { readonly kind: 'updated'; readonly column: 'last_updated' | 'clinical_at'; readonly operator: Bound['operator']; readonly ms: number }
  /** It refers to one of the rows of one of these hops; `chain`: what that was asked by, of what the row itself contains too. */
  | { readonly kind: 'refers'; readonly to: readonly Hop[]; readonly chain?: Chain }
  /** One of the rows of this hop refers to it; `each`: few rows are asked, and what refers to each is looked at before anything else. */
  | { readonly kind: 'referred'; readonly by: Hop; readonly each?: boolean }
  /** It stands at one of these places, as other rows name it. */
  | { readonly kind: 'placed'; readonly keys: readonly bigint[] }
  /** It is one of these rows, of its own type: where a part of a larger condition needs to be opened. */
  | { readonly kind: 'among'; readonly rows: Rows }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

/** A chain and the type that it begins at. */
export type Chain = { readonly type: string; readonly criterion: Extract<Criterion, { kind: 'chain' }> };

/** Decides on the opened resource what tokens and facts could not. */
export type Recheck = (resource: object) => boolean;

/**
 * Living rows of one type that the caller may see and that hold `where`. What only opened resources can tell is found out
 * before the statement is written: rows with rechecks are replaced by found ones.
 */
export type Reach = {
  readonly type: string;
  readonly filter: RowFilter;
  readonly where: Condition;
  readonly rechecks: readonly Recheck[];
};

/** Rows that were found and opened, by their rids and by the ref_keys of their places. */
export type FoundRows = { readonly rids: readonly number[]; readonly keys: readonly bigint[] };

export type Rows = Reach | FoundRows;

export type Hop = { readonly link: Link; readonly rows: Rows };

export const nothing: Condition = { kind: 'or', of: [] };
export const everything: Condition = { kind: 'and', of: [] };

export function allOf(parts: readonly Condition[]): Condition {
  const conditions = parts.flatMap((part) => (part.kind === 'and' ? part.of : [part]));
  const tokens = conditions.flatMap((condition) => (condition.kind === 'all-tokens' ? condition.tokens : []));
  const others = conditions.filter(({ kind }) => kind !== 'all-tokens');
  const merged: Condition[] = tokens.length === 0 ? [] : [{ kind: 'all-tokens', tokens }];
  const of = [...merged, ...others];
  return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'and', of };
}

/** What a condition asks that must all hold. */
export const partsOf = (condition: Condition): readonly Condition[] => (condition.kind === 'and' ? condition.of : [condition]);

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

/** Whether other rows have a say: such a condition is decided by the database only. */
export function asksRows(condition: Condition): boolean {
  switch (condition.kind) {
    case 'refers':
    case 'referred':
    case 'placed':
    case 'among':
      return true;
    case 'and':
    case 'or':
      return condition.of.some(asksRows);
    case 'not':
      return asksRows(condition.of);
    default:
      return false;
  }
}

/** Whether rows are found by type and ref_key together. */
export function asksKeys(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(asksKeys);
  return condition.kind === 'ids' || condition.kind === 'referred' || condition.kind === 'placed';
}

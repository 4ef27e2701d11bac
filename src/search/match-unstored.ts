import { type Condition, holdsBound } from './condition.ts';
import type { Extracted } from './extract.ts';
import { planClauses } from './clauses.ts';
import type { Query } from './query.ts';
import type { PlanContext } from './sink.ts';

/** A resource that isn't stored yet, with what was extracted from it. */
export type Unstored = { readonly id: string; readonly resource: object; readonly extracted: Extracted };

/** A search as a test of resources in hand: the same plan that the database runs, asked of what would be stored. */
export function matcherOf(query: Query, context: PlanContext): (candidate: Unstored) => boolean {
  const planned = planClauses(query, context);
  return (candidate) => {
    const row = { ...candidate, tokens: tokensOf(candidate.extracted.tokens), now: context.now };
    return planned.every(({ condition, recheck }) => holds(condition, row) && (recheck === undefined || recheck(candidate.resource)));
  };
}

type Row = Unstored & { readonly tokens: ReadonlySet<bigint>; readonly now: number };

function holds(condition: Condition, row: Row): boolean {
  switch (condition.kind) {
    case 'all-tokens':
      return condition.tokens.every((token) => row.tokens.has(token));
    case 'any-token':
      return condition.tokens.some((token) => row.tokens.has(token));
    case 'fact':
      return holdsFact(condition, row);
    case 'ids':
      return condition.ids.includes(row.id);
    case 'updated':
      return holdsBound({ lo: row.now, hi: row.now }, { column: 'lo', operator: condition.operator, value: condition.ms });
    case 'and':
      return condition.of.every((part) => holds(part, row));
    case 'or':
      return condition.of.some((part) => holds(part, row));
    case 'not':
      return !holds(condition.of, row);
  }
}

function holdsFact({ table, params, bounds, unit, pairs = noPair }: Extract<Condition, { kind: 'fact' }>, { extracted }: Row): boolean {
  const { dates, quantities } = extracted.facts;
  const facts = table === 'fact_date' ? dates : quantities.filter((fact) => unit === undefined || fact.unit === unit);
  return facts.some((fact) => params.includes(fact.param) && pairs.includes(fact.pair) && bounds.every((bound) => holdsBound(fact, bound)));
}

const noPair = [0n];

function tokensOf(bytes: Buffer): ReadonlySet<bigint> {
  const tokens = new Set<bigint>();
  for (let at = 0; at < bytes.length; at += 8) tokens.add(bytes.readBigInt64BE(at));
  return tokens;
}

import type { PlannedClause } from './clauses.ts';
import type { Pair } from './composites.ts';
import type { Fact } from './condition.ts';
import type { Clause, Query } from './query.ts';
import type { Registry, SearchElement } from './registry.ts';
import type { PlanContext } from './sink.ts';
import { pairToken } from './types/composite.ts';
import { fullCode } from './types/token.ts';

/** Two clauses of a query, by their places, that one fact answers. */
export type Paired = { readonly clauses: readonly [number, number]; readonly fact: Fact };

/**
 * A code in full and an ordered value of the same resource, `code=http://loinc.org|29463-7&value-quantity=gt90`, say what a
 * composite says: the pair's facts stand next to each other in the index, and no row is looked at in vain.
 */
export function pairedFact(query: Query, planned: readonly PlannedClause[], registry: Registry, context: PlanContext): Paired | undefined {
  // Pairs of the resource as a whole: those of its components would ask for both values in the same one.
  const whole = registry.of(query.type).pairs.filter(({ path }) => path.startsWith(`${query.type}(`));
  for (const [at, first] of query.clauses.entries()) {
    const codes = fullCodesOf(first);
    if (codes === undefined) continue;
    const pairs = whole.filter((pair) => pair.first.element === first.param.elements[0]?.element);
    for (const [other, second] of query.clauses.entries()) {
      const fact = factOf(planned[other], second, pairs);
      const tokens = codes.map((code) => pairToken(code, context));
      if (fact !== undefined) return { clauses: [at, other], fact: { ...fact, pairs: tokens } };
    }
  }
  return undefined;
}

/** The clause's codes, if it asks one element for codes in full and nothing else. */
function fullCodesOf({ param, modifier, values }: Clause): string[][] | undefined {
  const [only, ...others] = param.elements;
  if (param.type !== 'token' || modifier !== undefined || only === undefined || others.length > 0) return undefined;
  if (!only.element.types.every((type) => type === 'CodeableConcept' || type === 'Coding')) return undefined;
  const codes = values.map((text) => fullCode({ text }));
  return codes.every((code) => code !== undefined) ? codes : undefined;
}

/** What the clause asks of its elements' facts, asked of the pairs they are second in. */
function factOf(planned: PlannedClause | undefined, { param, modifier }: Clause, pairs: readonly Pair[]): Fact | undefined {
  const condition = planned?.condition;
  if (condition?.kind !== 'fact' || planned?.recheck !== undefined || modifier !== undefined) return undefined;
  const numbers = new Map(param.elements.map(({ element }) => [element.number, pairOf(element, pairs)?.number]));
  // Facts in canonical units are under the negated number.
  const params = condition.params.flatMap((number) => {
    const paired = numbers.get(Math.abs(number));
    return paired === undefined ? [] : [Math.sign(number) * paired];
  });
  return params.length === condition.params.length ? { ...condition, params } : undefined;
}

function pairOf(element: SearchElement, pairs: readonly Pair[]): Pair | undefined {
  return pairs.find(({ second }) => second.element === element);
}

import { asksRows, type Condition, type Fact, partsOf } from './condition.ts';
import type { Plan } from './plan.ts';

/** A condition in the parts that a page without a sort is found by, one after the other. */
export type LazyParts = {
  /** The range of facts that the candidates come from, where they don't come from tokens. */
  readonly driver: Fact | undefined;
  readonly selecting: readonly Condition[];
  readonly thinning: readonly Condition[];
};

export function lazyParts({ condition, filter }: Pick<Plan, 'condition' | 'filter'>): LazyParts {
  const parts = partsOf(condition);
  const facts = parts.filter((part): part is Fact => part.kind === 'fact');
  const only = parts.some(isOfTokens) ? undefined : facts[0];
  // A restricted caller's rows are found by his tokens: a range of facts is of everybody's rows, and would take time by theirs.
  const driver = filter === 'all' ? (facts.find(({ pairs }) => pairs !== undefined) ?? only) : undefined;
  return {
    driver,
    selecting: parts.filter((part) => !asksFacts(part)),
    thinning: parts.filter((part) => part !== driver && asksFacts(part)),
  };
}

/** Candidates are found first, by tokens or by a range of facts, and other facts thin them out. */
export function isLazy(plan: Plan): boolean {
  if (plan.patient !== undefined || asksRows(plan.condition)) return false;
  const { driver, selecting, thinning } = lazyParts(plan);
  return driver !== undefined || (thinning.length > 0 && selecting.some(isOfTokens));
}

/** Whether a range of facts, of which nothing is known, is all that selects. */
export function isDrivenByFacts(plan: Plan): boolean {
  if (plan.sort.length > 0 || !isLazy(plan)) return false;
  const { driver } = lazyParts(plan);
  return driver !== undefined && driver.pairs === undefined;
}

export const isOfTokens = ({ kind }: Condition): boolean => kind === 'all-tokens' || kind === 'any-token';

/** Facts alone decide it: its rows' own columns needn't be read. */
function asksFacts(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.length > 0 && condition.of.every(asksFacts);
  return condition.kind === 'not' ? asksFacts(condition.of) : condition.kind === 'fact';
}

import type { Condition } from './condition.ts';

/** What one search value asks of one element: of the row's tokens and facts, and of the opened value where those can't tell. */
export type ValueMatch = {
  /** Holds for every row that matches. */
  readonly condition: Condition;
  /** Tokens and facts tell the whole truth: nothing needs to be opened. */
  readonly decided: boolean;
  /** The exact decision on one opened value of the element and its datatype; absent only where `decided` always holds. */
  readonly test?: (value: unknown, type: string) => boolean;
  /** The condition selects next to nothing: it has to stand beside one that does. */
  readonly broad?: true;
};

/** A value that tokens and facts decide. */
export function decided(condition: Condition): ValueMatch {
  return { condition, decided: true };
}

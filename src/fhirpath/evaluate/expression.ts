import type { InvariantScope } from '../invariant.ts';
import { Item, type Items, NOTHING, type Types, written } from './item.ts';

/** Thrown where a verdict needs what isn't known here, where FHIRPath ends with an error, or where it would take too long. */
export class CannotTell extends Error {}

/** One evaluation of one invariant. */
export type Evaluation = {
  readonly scope: InvariantScope;
  readonly types: Types;
  /** `%context`: what the invariant is about. */
  readonly context: Item;
  /** `$index` of the innermost iteration. */
  index: number;
  /** Items that may still be visited. */
  steps: number;
  /** What is the same all through the evaluation, by the expression that found it. */
  found: Map<Expression, Items> | undefined;
};

/** More than the descendants of any resource within the limits of a request; some hundred milliseconds at most. */
export const STEPS_MAX = 1_000_000;

/** Takes note of `count` items that were visited. */
export function spend(evaluation: Evaluation, count: number): void {
  evaluation.steps -= count;
  if (evaluation.steps < 0) throw new CannotTell('the resource is too big for the expression');
}

/** True, false, or undefined for FHIRPath's empty collection. */
export type Truth = boolean | undefined;

/**
 * A compiled expression. `self` is `$this`. All three say the same; each is there for those who need no more than that.
 *
 * - `items`: what it finds
 * - `truth`: that as a truth value, by the rules for a single item
 * - `some`: whether it finds anything
 */
export type Expression = {
  readonly items: (self: Item, evaluation: Evaluation) => Items;
  readonly truth: (self: Item, evaluation: Evaluation) => Truth;
  readonly some: (self: Item, evaluation: Evaluation) => boolean;
};

export function fromItems(items: Expression['items'], some?: Expression['some']): Expression {
  return {
    items,
    truth: (self, evaluation) => truthOf(items(self, evaluation)),
    some: some ?? ((self, evaluation) => items(self, evaluation).length > 0),
  };
}

export function fromTruth(truth: Expression['truth'], types: Types): Expression {
  const yes: Items = [new Item(true, types.of('boolean'))];
  const no: Items = [new Item(false, types.of('boolean'))];
  return {
    items: (self, evaluation) => {
      const answer = truth(self, evaluation);
      return answer === undefined ? NOTHING : answer ? yes : no;
    },
    truth,
    some: (self, evaluation) => truth(self, evaluation) !== undefined,
  };
}

/** @see https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections */
function truthOf(items: Items): Truth {
  if (items.length === 0) return undefined;
  const [item] = items;
  if (items.length > 1 || item === undefined) throw new CannotTell('several items where there has to be one');
  if (item.type.kind !== 'boolean') return true;
  return typeof item.value === 'boolean' ? item.value : undefined;
}

/** Whether a condition on an item holds. Several items count as there being something, as HL7's validator has it; nothing is false. */
export function holds(condition: Expression, self: Item, evaluation: Evaluation): boolean {
  return isTrue(condition.items(self, evaluation));
}

export function isTrue(items: Items): boolean {
  const [item] = items;
  if (item === undefined) return false;
  return items.length > 1 || item.type.kind !== 'boolean' || item.value === true;
}

/** Its one item; undefined if there is none. */
export function single(items: Items): Item | undefined {
  if (items.length > 1) throw new CannotTell('several items where there has to be one');
  return items[0];
}

/** The text of its one item, numbers and truth values included; undefined if there is none. */
export function text(items: Items): string | undefined {
  const item = single(items);
  if (item === undefined || item.value === undefined) return undefined;
  if (typeof item.value === 'object') throw new CannotTell('an element where there has to be a text');
  return written(item.value);
}

export function number(items: Items): number | undefined {
  const item = single(items);
  if (item === undefined || item.value === undefined) return undefined;
  if (typeof item.value !== 'number') throw new CannotTell('something else where there has to be a number');
  return item.value;
}

/** No text of a resource is longer that an invariant has to look at; `repeat($this & $this)` would make them. */
const TEXT_MAX = 1_000_000;

/** @param length  of a text that is about to be made */
export function assertTextLength(length: number): void {
  if (length > TEXT_MAX) throw new CannotTell('a text that is too long');
}

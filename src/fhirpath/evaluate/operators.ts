import type { ArithmeticOperator, BinaryOperator, ComparisonOperator, LogicOperator } from '../syntax.ts';
import { equal, equalItems, equivalent, order } from './compare.ts';
import {
  assertTextLength,
  CannotTell,
  type Evaluation,
  type Expression,
  fromItems,
  fromTruth,
  single,
  spend,
  type Truth,
} from './expression.ts';
import { Item, type Items, NOTHING, type Types, written } from './item.ts';

export function compileBinary(operator: BinaryOperator, left: Expression, right: Expression, types: Types): Expression {
  const truth = TRUTHS[operator];
  if (truth !== undefined) return fromTruth(truth(left, right), types);
  const calculate = ARITHMETIC[operator as ArithmeticOperator];
  return fromItems((self, evaluation) => calculate(left.items(self, evaluation), right.items(self, evaluation), types));
}

type Ask = Expression['truth'];

/** @see https://hl7.org/fhirpath/N1/#boolean-logic */
const LOGIC: Readonly<Record<LogicOperator, (left: Expression, right: Expression) => Ask>> = {
  and: (left, right) => decided(left, right, false, (first, second) => (first === false || second === false ? false : first && second)),
  or: (left, right) =>
    decided(left, right, true, (first, second) => (first === true || second === true ? true : first === undefined ? undefined : second)),
  xor: (left, right) => (self, evaluation) => {
    const first = left.truth(self, evaluation);
    const second = right.truth(self, evaluation);
    return first === undefined || second === undefined ? undefined : first !== second;
  },
  implies: (left, right) => {
    const not: Ask = (self, evaluation) => {
      const truth = left.truth(self, evaluation);
      return truth === undefined ? undefined : !truth;
    };
    return LOGIC.or({ ...left, truth: not }, right);
  },
};

/** Where one side decides, the other needn't be known: a side that can't be told matters only if the other leaves it open. */
function decided(left: Expression, right: Expression, decisive: boolean, join: (first: Truth, second: Truth) => Truth): Ask {
  return (self, evaluation) => {
    let first: Truth;
    try {
      first = left.truth(self, evaluation);
    } catch (error) {
      if (error instanceof CannotTell && right.truth(self, evaluation) === decisive) return decisive;
      throw error;
    }
    return first === decisive ? decisive : join(first, right.truth(self, evaluation));
  };
}

function compared(holds: (order: number) => boolean): (left: Expression, right: Expression) => Ask {
  return (left, right) => (self, evaluation) => {
    const items = left.items(self, evaluation);
    const others = right.items(self, evaluation);
    if (items.length === 0 || others.length === 0) return undefined;
    const first = single(items) as Item;
    const second = single(others) as Item;
    const difference = order(first, second, evaluation);
    return difference === undefined ? undefined : holds(difference);
  };
}

const COMPARISON: Readonly<Record<ComparisonOperator, (left: Expression, right: Expression) => Ask>> = {
  '<': compared((difference) => difference < 0),
  '<=': compared((difference) => difference <= 0),
  '>': compared((difference) => difference > 0),
  '>=': compared((difference) => difference >= 0),
};

function equality(left: Expression, right: Expression): Ask {
  return (self, evaluation) => {
    const items = left.items(self, evaluation);
    return items.length === 0 ? undefined : equal(items, right.items(self, evaluation), evaluation);
  };
}

const TRUTHS: Readonly<Partial<Record<BinaryOperator, (left: Expression, right: Expression) => Ask>>> = {
  ...LOGIC,
  ...COMPARISON,
  '=': equality,
  '!=': (left, right) => {
    const same = equality(left, right);
    return (self, evaluation) => {
      const truth = same(self, evaluation);
      return truth === undefined ? undefined : !truth;
    };
  },
  '~': (left, right) => (self, evaluation) => equivalent(left.items(self, evaluation), right.items(self, evaluation), evaluation),
  '!~': (left, right) => (self, evaluation) => !equivalent(left.items(self, evaluation), right.items(self, evaluation), evaluation),
  in: (left, right) => (self, evaluation) => {
    const items = left.items(self, evaluation);
    return items.length === 0 ? undefined : areIn(items, right.items(self, evaluation), evaluation);
  },
  contains: (left, right) => (self, evaluation) => {
    const items = right.items(self, evaluation);
    return items.length === 0 ? undefined : areIn(items, left.items(self, evaluation), evaluation);
  },
};

function areIn(items: Items, collection: Items, evaluation: Evaluation): boolean {
  spend(evaluation, (items.length * collection.length) >> 4);
  return items.every((item) => collection.some((other) => equalItems(item, other, evaluation) === true));
}

/** @see https://hl7.org/fhirpath/N1/#math */
const ARITHMETIC: Readonly<Record<ArithmeticOperator, (left: Items, right: Items, types: Types) => Items>> = {
  '&': (left, right, types) => [joined(textOf(left), textOf(right), types)],
  '+': (left, right, types) => {
    const [first, second] = [single(left)?.value, single(right)?.value];
    if (typeof first === 'string' && typeof second === 'string') return [joined(first, second, types)];
    return calculated(left, right, types, (one, other) => one + other);
  },
  '-': (left, right, types) => calculated(left, right, types, (one, other) => one - other),
  '*': (left, right, types) => calculated(left, right, types, (one, other) => one * other),
  '/': (left, right, types) => calculated(left, right, types, (one, other) => one / other),
  div: (left, right, types) => calculated(left, right, types, (one, other) => Math.trunc(one / other)),
  mod: (left, right, types) => calculated(left, right, types, (one, other) => one % other),
};

function joined(left: string, right: string, types: Types): Item {
  assertTextLength(left.length + right.length);
  return new Item(left + right, types.of('string'));
}

function textOf(items: Items): string {
  const value = single(items)?.value;
  if (typeof value === 'object') throw new CannotTell('an element where there has to be a text');
  return value === undefined ? '' : written(value);
}

/** Nothing if a side is missing, or for a division by zero. */
function calculated(left: Items, right: Items, types: Types, calculate: (one: number, other: number) => number): Items {
  const [first, second] = [single(left)?.value, single(right)?.value];
  if (first === undefined || second === undefined) return NOTHING;
  if (typeof first !== 'number' || typeof second !== 'number') throw new CannotTell('something else where there has to be a number');
  const result = calculate(first, second);
  return Number.isFinite(result) ? [new Item(result, types.of(Number.isInteger(result) ? 'integer' : 'decimal'))] : NOTHING;
}

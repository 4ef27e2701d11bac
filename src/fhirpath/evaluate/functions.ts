import { UnsupportedPath } from '../syntax.ts';
import { distinct, identities, identity } from './compare.ts';
import { CannotTell, type Evaluation, type Expression, fromItems, fromTruth, holds, isTrue, single, spend } from './expression.ts';
import { Item, type Items, NOTHING, type Types } from './item.ts';
import { childrenOf, descendantsOf } from './navigate.ts';

/** A function applied to what `from` finds. Arguments are evaluated on each item of that, or where the call stands, as its rule has it. */
export type Build = (from: Expression, args: readonly Expression[], types: Types) => Expression;

/** How many arguments a function takes. */
export type Signature = { readonly min: number; readonly max: number; readonly build: Build };

export function takes(min: number, max: number, build: Build): Signature {
  return { min, max, build };
}

/** Those about collections. @see https://hl7.org/fhirpath/N1/#functions */
export const COLLECTION_FUNCTIONS: Readonly<Record<string, Signature>> = {
  exists: takes(0, 1, (from, [condition], types) =>
    fromTruth(
      condition === undefined ? from.some : (self, evaluation) => anyOf(from.items(self, evaluation), condition, evaluation),
      types,
    ),
  ),
  empty: takes(0, 0, (from, _, types) => fromTruth((self, evaluation) => !from.some(self, evaluation), types)),
  not: takes(0, 0, (from, _, types) =>
    fromTruth((self, evaluation) => {
      const truth = from.truth(self, evaluation);
      return truth === undefined ? undefined : !truth;
    }, types),
  ),
  all: takes(1, 1, (from, [condition], types) =>
    fromTruth((self, evaluation) => !anyOf(from.items(self, evaluation), negated(given(condition)), evaluation), types),
  ),
  allTrue: takes(0, 0, (from, _, types) => fromTruth((self, evaluation) => from.items(self, evaluation).every(isYes), types)),
  anyTrue: takes(0, 0, (from, _, types) => fromTruth((self, evaluation) => from.items(self, evaluation).some(isYes), types)),
  allFalse: takes(0, 0, (from, _, types) => fromTruth((self, evaluation) => from.items(self, evaluation).every(isNo), types)),
  anyFalse: takes(0, 0, (from, _, types) => fromTruth((self, evaluation) => from.items(self, evaluation).some(isNo), types)),
  count: takes(0, 0, (from, _, types) =>
    fromItems((self, evaluation) => [new Item(from.items(self, evaluation).length, types.of('integer'))], always),
  ),
  isDistinct: takes(0, 0, (from, _, types) =>
    fromTruth((self, evaluation) => {
      const items = from.items(self, evaluation);
      return distinct(items, evaluation).length === items.length;
    }, types),
  ),
  distinct: takes(0, 0, (from) => mapped(from, distinct)),
  first: takes(0, 0, (from) => mapped(from, (items) => items.slice(0, 1))),
  last: takes(0, 0, (from) => mapped(from, (items) => items.slice(-1))),
  tail: takes(0, 0, (from) => mapped(from, (items) => items.slice(1))),
  single: takes(0, 0, (from) =>
    mapped(from, (items) => {
      single(items);
      return items;
    }),
  ),
  skip: takes(1, 1, (from, [count]) => cut(from, given(count), (items, at) => items.slice(Math.max(0, at)))),
  take: takes(1, 1, (from, [count]) => cut(from, given(count), (items, at) => items.slice(0, Math.max(0, at)))),
  where: takes(1, 1, (from, [condition]) => {
    const test = given(condition);
    return fromItems(
      (self, evaluation) => {
        const items = from.items(self, evaluation);
        return items.length === 0 ? NOTHING : each(items, evaluation, (item) => holds(test, item, evaluation));
      },
      (self, evaluation) => anyOf(from.items(self, evaluation), test, evaluation),
    );
  }),
  select: takes(1, 1, (from, [projection]) => {
    const project = given(projection);
    return fromItems((self, evaluation) => {
      const items = from.items(self, evaluation);
      return items.length === 0 ? NOTHING : flatten(items, project, evaluation);
    });
  }),
  repeat: takes(1, 1, (from, [projection]) => {
    const project = given(projection);
    return fromItems((self, evaluation) => {
      const seen = new Set<string>();
      const found: Item[] = [];
      let wave = from.items(self, evaluation);
      while (wave.length > 0) {
        wave = flatten(wave, project, evaluation).filter((item) => {
          const key = identity(item, evaluation);
          return !seen.has(key) && seen.add(key);
        });
        found.push(...wave);
      }
      return found;
    });
  }),
  children: takes(0, 0, (from) => mapped(from, (items, evaluation) => items.flatMap((item) => childrenOf(item, evaluation)))),
  descendants: takes(0, 0, (from) => mapped(from, descendantsOf)),
  union: takes(1, 1, (from, [other]) => both(from, given(other), (left, right, evaluation) => distinct([...left, ...right], evaluation))),
  combine: takes(1, 1, (from, [other]) => both(from, given(other), (left, right) => [...left, ...right])),
  intersect: takes(1, 1, (from, [other]) =>
    both(from, given(other), (left, right, evaluation) => {
      const wanted = identities(right, evaluation);
      return distinct(left, evaluation).filter((item) => wanted.has(identity(item, evaluation)));
    }),
  ),
  exclude: takes(1, 1, (from, [other]) =>
    both(from, given(other), (left, right, evaluation) => {
      const unwanted = identities(right, evaluation);
      return left.filter((item) => !unwanted.has(identity(item, evaluation)));
    }),
  ),
  subsetOf: takes(1, 1, (from, [other], types) => subset(from, given(other), types)),
  supersetOf: takes(1, 1, (from, [other], types) => subset(given(other), from, types)),
  // What it would print is nobody's business.
  trace: takes(1, 2, (from) => from),
};

export function given(argument: Expression | undefined): Expression {
  if (argument === undefined) throw new UnsupportedPath('a call without its argument');
  return argument;
}

function always(): boolean {
  return true;
}

function isYes(item: Item): boolean {
  return item.value === true;
}

function isNo(item: Item): boolean {
  return item.value === false;
}

/** Copying 2 to the power of this many items costs about as much as visiting one. */
const COPIES = 3;

function mapped(from: Expression, map: (items: Items, evaluation: Evaluation) => Items): Expression {
  return fromItems((self, evaluation) => {
    const items = from.items(self, evaluation);
    if (items.length === 0) return NOTHING;
    spend(evaluation, items.length >> COPIES);
    return map(items, evaluation);
  });
}

function both(from: Expression, other: Expression, join: (left: Items, right: Items, evaluation: Evaluation) => Items): Expression {
  return fromItems((self, evaluation) => {
    const left = from.items(self, evaluation);
    const right = other.items(self, evaluation);
    spend(evaluation, (left.length + right.length) >> COPIES);
    return join(left, right, evaluation);
  });
}

function cut(from: Expression, count: Expression, slice: (items: Items, at: number) => Items): Expression {
  return fromItems((self, evaluation) => {
    const at = single(count.items(self, evaluation))?.value;
    if (typeof at !== 'number') throw new CannotTell('a number of items is needed');
    const items = from.items(self, evaluation);
    spend(evaluation, items.length >> COPIES);
    return slice(items, at);
  });
}

function subset(from: Expression, other: Expression, types: Types): Expression {
  return fromTruth((self, evaluation) => {
    const whole = identities(other.items(self, evaluation), evaluation);
    return from.items(self, evaluation).every((item) => whole.has(identity(item, evaluation)));
  }, types);
}

function negated(condition: Expression): Expression {
  return { ...condition, items: (self, evaluation) => (isTrue(condition.items(self, evaluation)) ? NOTHING : [self]) };
}

function anyOf(items: Items, condition: Expression, evaluation: Evaluation): boolean {
  return items.length > 0 && each(items, evaluation, (item) => holds(condition, item, evaluation), 1).length > 0;
}

/** Keeps the items of which the test is true, until there are enough, with `$index` set for it. */
function each(items: Items, evaluation: Evaluation, test: (item: Item) => boolean, enough = Number.POSITIVE_INFINITY): Item[] {
  const kept: Item[] = [];
  const before = evaluation.index;
  for (let index = 0; index < items.length && kept.length < enough; index++) {
    const item = items[index] as Item;
    evaluation.index = index;
    spend(evaluation, 1);
    if (test(item)) kept.push(item);
  }
  evaluation.index = before;
  return kept;
}

function flatten(items: Items, projection: Expression, evaluation: Evaluation): Items {
  const found: Item[] = [];
  const before = evaluation.index;
  for (let index = 0; index < items.length; index++) {
    evaluation.index = index;
    spend(evaluation, 1);
    for (const item of projection.items(items[index] as Item, evaluation)) found.push(item);
  }
  evaluation.index = before;
  return found;
}

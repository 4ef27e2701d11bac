import type { Slicing } from '../../fhir/structure-definition.ts';
import { isObject } from '../resolve.ts';
import { insideResource, pathAbove, type Walk } from '../walk.ts';
import { type Base, below, type Compiled, type Compiler, type Content, fault, type ItemCheck } from './compiler.ts';
import { attempt, passes, reasonsIn } from './conforming.ts';
import { type Discriminator, discriminatorOf } from './discriminators.ts';
import type { Item } from './items.ts';
import { maxOf, type Node } from './tree.ts';

/** Checks the items of an element, the walk being at it, by its slices. */
export type SlicesCheck = {
  readonly check: (walk: Walk, items: readonly Item[]) => void;
  /** Whether there is something to say of no items at all. */
  readonly isAwaited: boolean;
  readonly awaits: ReadonlySet<Content>;
};

type Slice = {
  readonly node: Node;
  readonly least: number;
  readonly most: number;
  readonly discriminators: readonly Discriminator[];
  /** Takes what no other slice takes. */
  readonly isDefault: boolean;
  readonly item?: Compiled<ItemCheck> | undefined;
  readonly inner?: SlicesCheck | undefined;
};

/**
 * Compiles the slices of an element: which items are of which, how many of each there may be, in which order, and what is asked
 * of them.
 *
 * @see https://hl7.org/fhir/R4/profiling.html#slicing
 */
export function compileSlices(compiler: Compiler, node: Node, base: Base): SlicesCheck | undefined {
  const slicing = node.element.slicing ?? impliedSlicing(node);
  if (node.slices.length === 0 && (slicing === undefined || slicing.rules !== 'closed')) return undefined;
  const slices = node.slices.map((slice) => compileSlice(compiler, node, slice, base, slicing));
  const rules: Slicing = slicing ?? { rules: 'open' };
  // Slices that are listed only because they may be supported ask nothing.
  const isIdle = (slice: Slice): boolean =>
    slice.least === 0 && slice.most === Infinity && slice.item === undefined && slice.inner === undefined;
  if (rules.rules === 'open' && rules.ordered !== true && slices.every(isIdle)) return undefined;
  return {
    check: (walk, items) => checkSlices(compiler, node, rules, slices, walk, items),
    isAwaited: slices.some((slice) => slice.least > 0),
    awaits: new Set(slices.flatMap(({ item, inner }) => [...(item?.awaits ?? []), ...(inner?.awaits ?? [])])),
  };
}

/** Extensions are sliced by url and choices by type, said or not. */
function impliedSlicing(node: Node): Slicing | undefined {
  if (node.slices.length === 0) return undefined;
  if (node.name === 'extension' || node.name === 'modifierExtension')
    return { discriminator: [{ type: 'value', path: 'url' }], rules: 'open' };
  return node.name.endsWith('[x]') ? { discriminator: [{ type: 'type', path: '$this' }], rules: 'open' } : undefined;
}

function compileSlice(compiler: Compiler, sliced: Node, node: Node, base: Base, slicing: Slicing | undefined): Slice {
  const { element } = node;
  const types =
    base.types.length > 1 ? (element.type?.map(({ code }) => code).filter((code) => base.types.includes(code)) ?? base.types) : base.types;
  const own: Base = { types, properties: base.properties };
  const isDefault = element.sliceName === '@default';
  // A slice of slices is told apart as the slices are, unless it says how.
  const renewed =
    node.slices.length > 0 && element.slicing === undefined && slicing !== undefined ? { ...node, element: { ...element, slicing } } : node;
  return {
    node,
    least: element.min ?? 0,
    most: maxOf(node),
    discriminators: isDefault ? [] : discriminatorsOf(compiler, node, own, slicing),
    isDefault,
    item: compiler.itemCheckOf(compiler, node, own, sliced),
    inner: compileSlices(compiler, renewed, own),
  };
}

/** Slices that nothing tells apart are told apart by whether an item is as the slice says. */
function discriminatorsOf(compiler: Compiler, node: Node, base: Base, slicing: Slicing | undefined): readonly Discriminator[] {
  const found = (slicing?.discriminator ?? []).flatMap((discriminator) => discriminatorOf(compiler, node, base, discriminator) ?? []);
  if (found.length > 0) return found;
  const check = compiler.itemCheckOf(compiler, node, base)?.check;
  const words = `it has to be as ${node.id} says`;
  if (check === undefined) return [{ words, test: () => true }];
  return [
    {
      words,
      test: (walk, item) => passes(walk, () => check(walk, item)),
      explain: (walk, item) => attempt(walk, () => check(walk, item)),
    },
  ];
}

function checkSlices(compiler: Compiler, node: Node, rules: Slicing, slices: readonly Slice[], walk: Walk, items: readonly Item[]): void {
  const taken = slices.map((): Item[] => []);
  const strays: Item[] = [];
  /** Items of which it can't be told what they are: what is missing may be them. */
  let uncertain = 0;
  let last = 0;
  for (const item of items) {
    const at = sliceOf(compiler, slices, walk, item);
    if (at === 'uncertain') uncertain++;
    else if (at === 'none') {
      strays.push(item);
      if (rules.rules === 'closed') reportStray(compiler, node, slices, walk, item);
    } else {
      taken[at]?.push(item);
      const slice = slices[at];
      if (rules.rules === 'openAtEnd' && strays.length > 0) reportOrder(compiler, slice, walk, item, 'after an item that is of no slice');
      else if (rules.ordered === true && at < last)
        reportOrder(compiler, slice, walk, item, `after one of the slice ${slices[last]?.node.element.sliceName}`);
      last = Math.max(last, at);
      if (slice?.item !== undefined) checkItem(slice.item.check, walk, item);
    }
    if (walk.full) return;
  }
  for (const [at, slice] of slices.entries()) {
    const own = taken[at] ?? [];
    if (own.length > slice.most || own.length + uncertain < slice.least) reportCount(compiler, slice, walk, own.length, strays);
    if (own.length > 0 || uncertain === 0) slice.inner?.check(walk, own);
  }
}

/** The slice an item is of, by its place among the slices. */
function sliceOf(compiler: Compiler, slices: readonly Slice[], walk: Walk, item: Item): number | 'none' | 'uncertain' {
  let found: number | 'none' | 'uncertain' = 'none';
  let standard = -1;
  for (let at = 0; at < slices.length; at++) {
    const slice = slices[at];
    if (slice === undefined) continue;
    if (slice.isDefault) {
      standard = at;
      continue;
    }
    const verdict = isOf(walk, slice, item);
    if (verdict === false) continue;
    if (verdict === undefined) {
      if (found === 'none') found = 'uncertain';
    } else if (typeof found !== 'number') found = at;
    else {
      const names = `${slices[found]?.node.element.sliceName} and ${slice.node.element.sliceName}`;
      below(walk, item.index, () => {
        const sentence = `is of two slices of ${compiler.definition.url}, ${names}: make it of one.`;
        fault(compiler, walk, { code: 'structure', id: 'slice-ambiguous', key: slice.node.id }, sentence);
      });
    }
  }
  return found === 'none' && standard >= 0 ? standard : found;
}

function isOf(walk: Walk, { discriminators }: Slice, item: Item): boolean | undefined {
  let verdict: boolean | undefined = true;
  for (const { test } of discriminators) {
    const found = test(walk, item);
    if (found === false) return false;
    if (found === undefined) verdict = undefined;
  }
  return verdict;
}

function checkItem(check: ItemCheck, walk: Walk, item: Item): void {
  below(walk, item.index, () => {
    const { value } = item;
    const isResource = isObject(value) && typeof value.resourceType === 'string' && walk.resources.at(-1) !== value;
    if (isResource) insideResource(walk, value, walk.path[walk.depth - 2] === 'contained', () => check(walk, item));
    else check(walk, item);
  });
}

function reportStray(compiler: Compiler, node: Node, slices: readonly Slice[], walk: Walk, item: Item): void {
  const nearest = slices.toSorted((a, b) => passed(walk, b, item) - passed(walk, a, item))[0];
  const failing = nearest === undefined ? undefined : failingOf(walk, nearest, item);
  const { text, places } = reasonsFor(walk, failing, item);
  const hint =
    nearest === undefined || failing === undefined ? '' : `; the nearest is ${nearest.node.element.sliceName}, for which ${failing.words}`;
  below(walk, item.index, () => {
    const sentence = `is of none of the slices that ${compiler.definition.url} allows here${hint}.${text}`;
    fault(compiler, walk, { code: 'structure', id: 'slice-closed', key: node.id }, sentence, places);
  });
}

/** Why an item isn't as a discriminator says, if that is more than a value which the message names anyway. */
function reasonsFor(walk: Walk, failing: Discriminator | undefined, item: Item): ReturnType<typeof reasonsIn> {
  let reasons = reasonsIn([]);
  if (walk.trying || failing?.explain === undefined) return reasons;
  const { explain } = failing;
  below(walk, item.index, () => {
    reasons = reasonsIn(explain(walk, item));
  });
  return { ...reasons, text: reasons.text === '' ? '' : ` ${reasons.text}` };
}

function reportOrder(compiler: Compiler, slice: Slice | undefined, walk: Walk, item: Item, where: string): void {
  below(walk, item.index, () => {
    const sentence = `is of the slice ${slice?.node.element.sliceName} of ${compiler.definition.url} and stands ${where}: change their order.`;
    fault(compiler, walk, { code: 'structure', id: 'slice-order', key: slice?.node.id ?? '' }, sentence);
  });
}

function reportCount(compiler: Compiler, slice: Slice, walk: Walk, count: number, strays: readonly Item[]): void {
  const { node, least, most, discriminators } = slice;
  const name = `of the slice ${node.element.sliceName} of ${compiler.definition.url}`;
  const how = discriminators.map(({ words }) => words).join(' and ');
  if (count > most) {
    const sentence = `has ${count} items ${name} and may have ${most}: ${how}.`;
    return fault(compiler, walk, { code: 'structure', id: 'slice-max', key: node.id }, sentence);
  }
  const nearest = strays.toSorted((a, b) => passed(walk, slice, b) - passed(walk, slice, a))[0];
  const failing = nearest === undefined ? undefined : failingOf(walk, slice, nearest);
  const { text, places } = nearest === undefined ? reasonsIn([]) : reasonsFor(walk, failing, nearest);
  const hint = failing === undefined || nearest === undefined ? '' : ` The nearest is item ${nearest.index ?? 0}, but ${failing.words}.`;
  const sentence = `has ${count === 0 ? 'no item' : `${count} items`} ${name} and must have ${least}: ${how}.${hint}${text}`;
  fault(compiler, walk, { code: 'required', id: 'slice-min', key: node.id }, sentence, count === 0 ? [pathAbove(walk), ...places] : places);
}

function passed(walk: Walk, { discriminators }: Slice, item: Item): number {
  return discriminators.filter(({ test }) => test(walk, item) !== false).length;
}

function failingOf(walk: Walk, { discriminators }: Slice, item: Item): Discriminator | undefined {
  return discriminators.find(({ test }) => test(walk, item) === false);
}

import { isObject } from '../resolve.ts';
import type { Walk } from '../walk.ts';
import { below } from './compiler.ts';
import { atTarget, insideTarget, type Target, targetItem, targetOf } from './conforming.ts';
import { type Item, itemsOf, type Property, stepOf } from './items.ts';

/** A step of a discriminator's path. @see https://hl7.org/fhir/R4/profiling.html#discriminator */
export type PathStep =
  | { readonly kind: 'child'; readonly name: string }
  | { readonly kind: 'extension'; readonly url: string }
  | { readonly kind: 'type'; readonly type: string }
  | { readonly kind: 'resolve' };

/** `$this`, `code.coding.code`, `extension('url').value`, `value.ofType(Quantity)`, `resolve().code`; undefined for anything else. */
export function parseDiscriminatorPath(path: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = [];
  let rest = path.trim();
  while (rest !== '') {
    const [all, call = '', argument = '', name = ''] = STEP.exec(rest) ?? [];
    if (all === undefined) return undefined;
    rest = rest.slice(all.length);
    if (call === 'extension') steps.push({ kind: 'extension', url: unquoted(argument) });
    else if (call === 'ofType' || call === 'as') steps.push({ kind: 'type', type: unquoted(argument).replace(/^FHIR\./, '') });
    else if (call === 'resolve') steps.push({ kind: 'resolve' });
    else if (call !== '') return undefined;
    else if (name !== '$this') steps.push({ kind: 'child', name });
  }
  return steps;
}

const STEP = /^(?:([a-zA-Z]+)\(([^()]*)\)|(\$this|[a-zA-Z_][a-zA-Z0-9_]*(?:\[x\])?))(?:\.(?=.)|$)/;

function unquoted(text: string): string {
  return text.trim().replace(/^(['"`])(.*)\1$/, '$2');
}

/** Whether something is so of an item; undefined if that can't be told, or not yet. */
export type Test = (walk: Walk, item: Item) => boolean | undefined;

/** What a reference that leads to nothing at hand tells: how its target is named. */
export type Unresolved = (walk: Walk, target: Target) => boolean | undefined;

export type Follow = {
  readonly propertiesOf: (type: string, element: string) => readonly Property[];
  readonly test: Test;
  readonly unresolved: Unresolved;
};

/** Whether any of what a path leads to passes; nothing there, nothing passes. */
export function anyAt(walk: Walk, item: Item, steps: readonly PathStep[], at: number, follow: Follow): boolean | undefined {
  const step = steps[at];
  if (step === undefined) return follow.test(walk, item);
  if (step.kind === 'type') return item.type === step.type ? anyAt(walk, item, steps, at + 1, follow) : false;
  if (step.kind === 'resolve') return throughReference(walk, item, steps, at, follow);
  const object = isObject(item.value) ? item.value : item.shadow;
  if (object === undefined) return false;
  let verdict: boolean | undefined = false;
  for (const child of itemsOf(object, follow.propertiesOf(item.type, step.kind === 'extension' ? 'extension' : step.name))) {
    if (step.kind === 'extension' && !(isObject(child.value) && child.value.url === step.url)) continue;
    const found = anyAt(walk, child, steps, at + 1, follow);
    if (found === true) return true;
    if (found === undefined) verdict = undefined;
  }
  return verdict;
}

/** Does something with the first of what a path leads to, the walk being there. */
export function goAt(
  walk: Walk,
  item: Item,
  steps: readonly PathStep[],
  at: number,
  propertiesOf: Follow['propertiesOf'],
  run: (walk: Walk, item: Item) => void,
): void {
  const step = steps[at];
  if (step === undefined) return run(walk, item);
  if (step.kind === 'type') return goAt(walk, item, steps, at + 1, propertiesOf, run);
  if (!isObject(item.value)) return;
  if (step.kind === 'resolve') {
    const target = targetOf(walk, item.value);
    const { resource } = target;
    if (resource !== undefined) atTarget(walk, target, () => goAt(walk, targetItem(resource), steps, at + 1, propertiesOf, run));
    return;
  }
  const name = step.kind === 'extension' ? 'extension' : stepOf(step.name);
  const [child] = itemsOf(item.value, propertiesOf(item.type, step.kind === 'extension' ? 'extension' : step.name));
  if (child === undefined) return;
  below(walk, name, () => below(walk, child.index, () => goAt(walk, child, steps, at + 1, propertiesOf, run)));
}

function throughReference(walk: Walk, item: Item, steps: readonly PathStep[], at: number, follow: Follow): boolean | undefined {
  if (!isObject(item.value)) return false;
  const target = targetOf(walk, item.value);
  const { resource } = target;
  if (resource === undefined) return at + 1 === steps.length ? follow.unresolved(walk, target) : undefined;
  let verdict: boolean | undefined;
  insideTarget(walk, target, () => {
    verdict = anyAt(walk, targetItem(resource), steps, at + 1, follow);
  });
  return verdict;
}

import type { JsonObject } from '../../fhir/json.ts';
import { isObject } from '../resolve.ts';
import { insideResource, pathAbove, type Walk } from '../walk.ts';
import { bindingChecks } from './bindings.ts';
import { type Base, type Compiled, type Compiler, type Content, fault, type ItemCheck, type ObjectCheck } from './compiler.ts';
import { valueChecks } from './facets.ts';
import { countOf, isA, type Item, itemsOf, type Property, stepOf } from './items.ts';
import { profileChecks, referenceChecks } from './references.ts';
import { compileSlices } from './slices.ts';
import { maxOf, type Node, referencedNode } from './tree.ts';

/** Compiles all that a profile asks of single items of an element beyond their type: their value, and what is below them. */
export function itemCheckOf(compiler: Compiler, node: Node, base: Base, sliced?: Node): Compiled<ItemCheck> | undefined {
  const checks = [
    ...valueChecks(compiler, node, base, sliced),
    ...bindingChecks(compiler, node, base, sliced),
    ...profileChecks(compiler, node, sliced),
    ...referenceChecks(compiler, node, base, sliced),
  ];
  const below = contentCheckOf(compiler, node, base);
  if (checks.length === 0) return below;
  if (below !== undefined) checks.push(below.check);
  const [only] = checks;
  const check: ItemCheck =
    only !== undefined && checks.length === 1
      ? only
      : (walk, item) => {
          for (const run of checks) run(walk, item);
        };
  return { check, isOwn: true, awaits: below?.awaits ?? NOTHING };
}

const NOTHING: ReadonlySet<Content> = new Set();

/** The children of an element, for each type its items can have. Resources are of many types: theirs are compiled as they are met. */
function contentCheckOf(compiler: Compiler, node: Node, { types }: Base): Compiled<ItemCheck> | undefined {
  const source =
    node.element.contentReference === undefined ? node : (referencedNode(compiler.root, node.element.contentReference) ?? node);
  const holder = node.children.length > 0 ? node : source;
  if (holder.children.length === 0) return undefined;
  const byType = new Map<string, ObjectCheck | undefined>();
  const awaits = new Set<Content>();
  let isOwn = false;
  for (const type of types) {
    if (compiler.schema(type)?.abstract === true) isOwn = true;
    else {
      const compiled = contentOf(compiler, holder, type);
      byType.set(type, compiled?.check);
      isOwn ||= compiled?.isOwn === true;
      for (const content of compiled?.awaits ?? NOTHING) awaits.add(content);
    }
  }
  if (!isOwn && awaits.size === 0) return undefined;
  const check: ItemCheck = (walk, item) => {
    let run = byType.get(item.type);
    if (run === undefined && !byType.has(item.type)) {
      run = contentOf(compiler, holder, item.type)?.check;
      byType.set(item.type, run);
    }
    // What a primitive has below it stands beside it, and may be missed there.
    if (run !== undefined) run(walk, isObject(item.value) ? item.value : (item.shadow ?? EMPTY));
  };
  return { check, isOwn, awaits };
}

const EMPTY: JsonObject = Object.freeze({});

/** Compiles what is asked of the children of an element of one type. */
function contentOf(compiler: Compiler, node: Node, type: string): Compiled<ObjectCheck> | undefined {
  const known = compiler.contents.get(node) ?? new Map<string, Content>();
  compiler.contents.set(node, known);
  const entered = known.get(type);
  if (entered !== undefined) {
    if ('check' in entered) return entered.check === undefined ? undefined : { check: entered.check, isOwn: true, awaits: NOTHING };
    return { check: (walk, object) => entered.check?.(walk, object), isOwn: false, awaits: new Set([entered]) };
  }
  const content: Content = {};
  known.set(type, content);
  const elements = node.children.flatMap((child) => elementCheckOf(compiler, child, type) ?? []);
  const awaits = new Set(elements.flatMap((element) => [...element.awaits]));
  awaits.delete(content);
  const isOwn = elements.some((element) => element.isOwn);
  if (!isOwn && awaits.size === 0) {
    content.check = undefined;
    return undefined;
  }
  const check: ObjectCheck = (walk, object) => {
    for (const element of elements) {
      element.check(walk, object);
      if (walk.full) return;
    }
  };
  content.check = check;
  return { check, isOwn, awaits };
}

/** Compiles what is asked of one element of an object: how often it may be there, of which types, its slices and its items. */
function elementCheckOf(compiler: Compiler, node: Node, type: string): Compiled<ObjectCheck> | undefined {
  const properties = compiler.propertiesOf(type, node.name);
  const definition = properties[0]?.definition;
  if (definition === undefined) return undefined;
  const base: Base = { types: properties.map((property) => property.definition.type), properties };
  const count = countCheck(compiler, node, properties);
  const excluded = typeCheck(compiler, node, properties);
  const items = itemCheckOf(compiler, node, base);
  const slices = compileSlices(compiler, node, base);
  if (count === undefined && excluded === undefined && items === undefined && slices === undefined) return undefined;

  const step = stepOf(definition.element);
  const isResource = properties.some(({ kind }) => kind === 'resource');
  const isContained = definition.name === 'contained';
  const isAwaited = count?.isAwaited === true || slices?.isAwaited === true;
  const checkItem = (walk: Walk, item: Item): void => {
    if (items === undefined) return;
    if (!isResource || !isObject(item.value)) items.check(walk, item);
    else insideResource(walk, item.value, isContained, () => items.check(walk, item));
  };
  if (count !== undefined && excluded === undefined && items === undefined && slices === undefined) {
    return { check: countOnly(count.check, step, properties), isOwn: true, awaits: NOTHING };
  }
  const check: ObjectCheck = (walk, object) => {
    const found = itemsOf(object, properties);
    if (found.length === 0 && !isAwaited) return;
    walk.path[walk.depth++] = step;
    count?.check(walk, found.length);
    const kept = excluded === undefined ? found : found.filter((item) => !at(walk, item, excluded));
    if (items !== undefined) {
      for (const item of kept) {
        at(walk, item, checkItem);
        if (walk.full) break;
      }
    }
    slices?.check(walk, kept);
    walk.depth--;
  };
  const awaits = new Set([...(items?.awaits ?? []), ...(slices?.awaits ?? [])]);
  const isOwn = count !== undefined || excluded !== undefined || items?.isOwn === true || slices !== undefined;
  return { check, isOwn, awaits };
}

function countOnly(check: (walk: Walk, count: number) => void, step: string, properties: readonly Property[]): ObjectCheck {
  return (walk, object) => {
    walk.path[walk.depth++] = step;
    check(walk, countOf(object, properties));
    walk.depth--;
  };
}

/** Does something at the place of an item; the walk is at its element. */
function at<Result>(walk: Walk, item: Item, run: (walk: Walk, item: Item) => Result): Result {
  if (item.index === undefined) return run(walk, item);
  walk.path[walk.depth++] = item.index;
  const result = run(walk, item);
  walk.depth--;
  return result;
}

/** Where the profile asks for more, or allows less, than the type. */
function countCheck(
  compiler: Compiler,
  node: Node,
  properties: readonly Property[],
): { readonly isAwaited: boolean; readonly check: (walk: Walk, count: number) => void } | undefined {
  const least = node.element.min ?? 0;
  const most = maxOf(node);
  const definition = properties[0]?.definition;
  if (definition === undefined || (least <= definition.min && most >= definition.max)) return undefined;
  const hint = `add ${properties.length === 1 ? 'it' : waysOf(node, properties)}`;
  const { url } = compiler.definition;
  const key = node.id;
  const check = (walk: Walk, count: number): void => {
    if (count < least) {
      const sentence = count === 0 ? `is required by ${url} and missing: ${hint}.` : `has ${count} items and must have ${least} by ${url}.`;
      fault(compiler, walk, { code: 'required', id: 'profile-required', key }, sentence, count === 0 ? [pathAbove(walk)] : []);
    } else if (count > most) {
      const sentence = most === 0 ? `is not allowed by ${url}: leave it out.` : `has ${count} items and may have ${most} by ${url}.`;
      fault(compiler, walk, { code: 'structure', id: most === 0 ? 'profile-forbidden' : 'profile-count', key }, sentence);
    }
  };
  return { isAwaited: least > definition.min, check };
}

/** The properties that a choice may be written as: `valueQuantity or valueString`. */
function waysOf({ element }: Node, properties: readonly Property[]): string {
  const types = element.type?.map(({ code }) => code);
  const names = properties.filter(({ definition }) => types?.includes(definition.type) ?? true).map(({ name }) => name);
  return names.length <= NAMES_MAX ? names.join(' or ') : 'one of its types';
}

const NAMES_MAX = 6;

/** Types of a choice, or of a resource within the resource, that the profile leaves out. Answers whether the item is of one. */
function typeCheck(compiler: Compiler, node: Node, properties: readonly Property[]): ((walk: Walk, item: Item) => boolean) | undefined {
  const allowed = (node.element.type ?? []).map(({ code }) => code);
  const isResource = properties.some(({ kind }) => kind === 'resource');
  const isChoice = node.name.endsWith('[x]');
  if (allowed.length === 0 || (!isResource && !isChoice)) return undefined;
  // In a choice a type stands for itself: valueUrl is no valueUri, though a url is a uri.
  const isAllowed = (type: string): boolean =>
    allowed.includes(type) || (isResource && allowed.some((code) => isA(compiler.schema, type, code)));
  if (isChoice && properties.every(({ definition }) => isAllowed(definition.type))) return undefined;
  if (isResource && allowed.includes('Resource')) return undefined;
  return (walk, { type }) => {
    if (isAllowed(type)) return false;
    const sentence = `is a ${type}, and ${compiler.definition.url} allows only ${allowed.join(', ')}.`;
    fault(compiler, walk, { code: 'structure', id: 'profile-type', key: node.id }, sentence);
    return true;
  };
}

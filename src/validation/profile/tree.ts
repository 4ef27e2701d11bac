import type { ElementDefinition } from '../../fhir/structure-definition.ts';
import { choiceValue } from './values.ts';

/** An element of a profile with what stands below it. Texts that no check needs are left out, so that they aren't kept. */
export type Node = {
  readonly element: ElementDefinition;
  /** `Observation.component:systolic.code`; the key of rules. */
  readonly id: string;
  /** The last step of its path: `value[x]`. */
  readonly name: string;
  readonly children: Node[];
  /** In their order; a reslice (`bp/systolic`) is a slice of the slice (`bp`). */
  readonly slices: Node[];
};

/**
 * Arranges a snapshot's elements as a tree. They are told apart by path, slice name and order alone, as older profiles lack ids.
 *
 * @throws  Error if an element stands before the one it belongs to
 * @see     https://hl7.org/fhir/R4/elementdefinition.html#id
 */
export function treeOf(elements: readonly ElementDefinition[]): Node {
  const [first, ...others] = elements;
  if (first === undefined) throw new Error('has a snapshot without elements');
  const root = nodeOf(first);
  /** The last element seen at each depth, slices included: what comes next below it is its. */
  const open = [root];
  for (const element of others) {
    const node = nodeOf(element);
    const depth = element.path.split('.').length - 1;
    const parent = open[depth - 1];
    if (parent === undefined || depth === 0) throw new Error(`has ${element.path} in its snapshot before the element it is part of`);
    add(parent, node);
    open.length = depth;
    open[depth] = node;
  }
  return root;
}

/** Finds what a contentReference (`#Observation.referenceRange`, or with the definition's url before it) points to. */
export function referencedNode(root: Node, contentReference: string): Node | undefined {
  const id = contentReference.slice(contentReference.indexOf('#') + 1);
  return findNode(root, (node) => node.id === id) ?? findNode(root, (node) => node.element.path === id);
}

function findNode(node: Node, accepts: (node: Node) => boolean): Node | undefined {
  if (accepts(node)) return node;
  for (const below of [...node.children, ...node.slices]) {
    const found = findNode(below, accepts);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How often an element may be there. */
export function maxOf({ element }: Node): number {
  return element.max === undefined || element.max === '*' ? Infinity : Number(element.max);
}

/** The child an element's name leads to; a choice has its name with or without `[x]`. */
export function childOf(node: Node, name: string): Node | undefined {
  return node.children.find((child) => child.name === name) ?? node.children.find((child) => child.name === `${name}[x]`);
}

/** The url that an extension slice is for: that of its definition, or the one fixed below it. */
export function urlOfExtension({ element, children }: Node): string | undefined {
  const profile = element.type?.find(({ code }) => code === 'Extension')?.profile?.[0]?.replace(/\|.*$/, '');
  const url = children.find(({ name }) => name === 'url')?.element;
  const fixed = url === undefined ? undefined : choiceValue(url, 'fixed');
  return profile ?? (typeof fixed === 'string' ? fixed : undefined);
}

function add(parent: Node, node: Node): void {
  const { sliceName } = node.element;
  if (sliceName === undefined) {
    parent.children.push(node);
    return;
  }
  let owner = childOf(parent, node.name) ?? choiceOf(parent, node.name);
  if (owner === undefined) {
    // Sliced without being mentioned itself: it is as its type says.
    owner = nodeOf({ path: node.element.path });
    parent.children.push(owner);
  }
  const names = sliceName.split('/');
  for (let count = 1; count < names.length; count++) {
    const name = names.slice(0, count).join('/');
    const slice: Node | undefined = owner.slices.find(({ element }) => element.sliceName === name);
    if (slice === undefined) break;
    owner = slice;
  }
  owner.slices.push(node);
}

/** `valueQuantity` may be written for a slice of `value[x]`. */
function choiceOf(parent: Node, name: string): Node | undefined {
  return parent.children.find((child) => child.name.endsWith('[x]') && name.startsWith(child.name.slice(0, -'[x]'.length)));
}

function nodeOf(element: ElementDefinition): Node {
  const { path, sliceName } = element;
  const id = element.id ?? (sliceName === undefined ? path : `${path}:${sliceName}`);
  return { element: essential(element), id, name: path.slice(path.lastIndexOf('.') + 1), children: [], slices: [] };
}

const CHECKED = new Set([
  'id',
  'path',
  'sliceName',
  'slicing',
  'min',
  'max',
  'type',
  'contentReference',
  'maxLength',
  'constraint',
  'mustSupport',
  'isModifier',
  'binding',
]);

function essential(element: ElementDefinition): ElementDefinition {
  const kept = Object.entries(element).filter(([name]) => CHECKED.has(name) || /^(?:fixed|pattern|minValue|maxValue)[A-Z]/.test(name));
  return Object.fromEntries(kept) as ElementDefinition;
}

import type { ElementDefinition } from '../../fhir/structure-definition.ts';

/**
 * An element of a snapshot in its place: slices stand behind the element they slice, under the same parent and name. Paths and ids
 * follow from the place and are written at the end.
 */
export type ElementNode = {
  /** `value[x]`, `extension`; of the root the type. */
  readonly name: string;
  slice: string | undefined;
  definition: ElementDefinition;
  children: ElementNode[];
  /** What it is a copy of: the element as it was before a differential changed it. */
  readonly origin?: ElementNode;
};

/** Makes a tree of a snapshot's elements, in whatever way their ids are written. Undefined if one has no parent: it is no snapshot then. */
export function treeOf(elements: readonly ElementDefinition[]): ElementNode | undefined {
  const [first, ...rest] = elements;
  if (first === undefined || first.path.includes('.')) return undefined;
  const root = node(first.path, first);
  /** The nodes on the way to the present one. */
  let way: ElementNode[] = [root];
  for (const element of rest) {
    const names = element.path.split('.');
    const parent = way[names.length - 2];
    if (parent === undefined || names.length < 2) return undefined;
    const name = names.at(-1) ?? '';
    const choice = parent.children.find((child) => child.name.endsWith('[x]') && isChoiceName(name, child));
    const made = choice === undefined ? node(name, element) : node(choice.name, element, element.sliceName ?? name);
    parent.children.push(made);
    way = [...way.slice(0, names.length - 1), made];
  }
  return root;
}

function node(name: string, definition: ElementDefinition, slice = definition.sliceName): ElementNode {
  return { name, slice, definition, children: [] };
}

/** `valueQuantity` names a choice of `value[x]`, whether or not the types are narrowed to others since. */
export function isChoiceName(name: string, choice: ElementNode): boolean {
  const stem = choice.name.slice(0, -'[x]'.length);
  return choice.name.endsWith('[x]') && choice.slice === undefined && name.startsWith(stem) && /^[A-Z]/.test(name.slice(stem.length));
}

/** A copy that shares the definitions, which are never changed but replaced. */
export function copyOf(origin: ElementNode): ElementNode {
  return { ...origin, children: origin.children.map(copyOf), origin };
}

export function countOf(tree: ElementNode): number {
  return tree.children.reduce((sum, child) => sum + countOf(child), 1);
}

/** All elements in order, with their paths and ids. */
export function elementsOf(root: ElementNode): ElementDefinition[] {
  const elements: ElementDefinition[] = [];
  const visit = ({ name, slice, definition, children }: ElementNode, path: string, id: string): void => {
    const ownPath = path + name;
    const ownId = id + name + (slice === undefined ? '' : `:${slice}`);
    const { id: _id, path: _path, sliceName: _sliceName, ...rest } = definition;
    elements.push({ id: ownId, path: ownPath, ...(slice === undefined ? {} : { sliceName: slice }), ...rest });
    for (const child of children) visit(child, `${ownPath}.`, `${ownId}.`);
  };
  visit(root, '', '');
  return elements;
}

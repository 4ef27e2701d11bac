import type { ElementDefinition, ElementType, StructureDefinition } from '../../fhir/structure-definition.ts';
import type { Change, Step } from './differential.ts';
import { ElementFault } from './element-fault.ts';
import { merge } from './merge.ts';
import { assertNarrower } from './narrower.ts';
import { copyOf, type ElementNode, isChoiceName } from './tree.ts';

/** A snapshot in the making. */
export type Completing = {
  readonly definition: Pick<StructureDefinition, 'url' | 'type' | 'derivation'>;
  readonly root: ElementNode;
  /** The whole differential. */
  readonly changes: readonly Change[];
  /** The base as it was: what content references unfold to. */
  readonly original: ElementNode;
  readonly treeFor: (canonical: string) => Promise<DefinedTree | undefined>;
  /** Whether a definition waits for this one: its tree can't be had then. */
  readonly isUnderWay: (canonical: string) => boolean;
};

/** The tree of a type or profile. */
export type DefinedTree = { readonly root: ElementNode; readonly kind: StructureDefinition['kind'] };

/** Applies one element of a differential to the tree. @throws ElementFault */
export async function applyChange(completing: Completing, { element, steps }: Change): Promise<void> {
  const { root, definition } = completing;
  if (steps[0]?.name !== root.name) {
    throw new ElementFault('snapshot-other-type', `is no element of ${root.name}, which is the type of this definition.`);
  }
  let parent = root;
  let node = root;
  for (let depth = 1; depth < steps.length; depth++) {
    parent = node;
    node = await stepTo(completing, parent, { steps, depth, element: depth === steps.length - 1 ? element : undefined });
  }
  if (definition.derivation !== 'specialization') assertNarrower(node.definition, element);
  const before = await withTypeProfile(completing, node, element);
  node.definition = merge(before, element, definition.url);
  if (shortened.has(node)) closeRequired(parent, node);
}

/** Where a change has come to on its way; the element is there with the last step. */
type Way = { readonly steps: readonly Step[]; readonly depth: number; readonly element: ElementDefinition | undefined };

/** The child of a node, or its slice, made if it isn't there yet. */
async function stepTo(completing: Completing, parent: ElementNode, way: Way): Promise<ElementNode> {
  if (parent.children.length === 0) parent.children = await unfold(completing, parent);
  const { element } = way;
  const { name, slice } = stepOf(way);
  const named = parent.children.filter((each) => each.name === name);
  const child = named.find((each) => each.slice === undefined) ?? named[0];
  if (child !== undefined) {
    if (slice === undefined || slice === child.slice) return child;
    return named.find((each) => each.slice === slice) ?? sliceOf(parent, child, slice, element);
  }
  const choice = parent.children.find((each) => isChoiceName(name, each));
  if (choice !== undefined) return choiceOf(completing, parent, choice, way);
  if (completing.definition.derivation === 'specialization' && element !== undefined) return newElement(parent, name, element);
  const known = new Set(parent.children.map((each) => each.name));
  throw new ElementFault(
    'snapshot-unknown-element',
    `does not exist: there is no ${name} among ${[...known].slice(0, 40).join(', ') || 'the elements of its parent'}.`,
  );
}

function newElement(parent: ElementNode, name: string, element: ElementDefinition): ElementNode {
  const { min = 0, max = '*' } = element;
  const made: ElementNode = {
    name,
    slice: undefined,
    definition: { path: element.path, base: { path: element.path, min, max } },
    children: [],
  };
  parent.children.push(made);
  return made;
}

/**
 * A new slice, made as a copy of what it is a slice of, and itself as the base has that: what the differential says of all slices holds
 * beside it. `a/b` is a slice of the slice `a`.
 */
function sliceOf(parent: ElementNode, sliced: ElementNode, name: string, element: ElementDefinition | undefined): ElementNode {
  const siblings = parent.children.filter((each) => each.name === sliced.name);
  const outer = name.slice(0, Math.max(name.lastIndexOf('/'), 0));
  const origin = (outer === '' ? undefined : siblings.find((each) => each.slice === outer)) ?? sliced;
  if (sliced.definition.slicing === undefined) {
    const implied = impliedSlicing(sliced, name, element);
    if (implied === undefined) {
      // Nothing is sliced here: the name of a slice is a name for all of it.
      if (sliced.slice !== undefined) throw notSliced(sliced.name);
      sliced.slice = name;
      return sliced;
    }
    sliced.definition = { ...sliced.definition, slicing: implied };
  }
  const { slicing: _slicing, ...definition } = (origin.origin ?? origin).definition;
  const type = choiceType(sliced, name);
  const made: ElementNode = {
    ...copyOf(origin),
    slice: name,
    definition: { ...definition, min: 0, ...(type === undefined ? {} : { type: [type] }) },
  };
  // Behind the last slice of what it is a slice of.
  const last =
    outer === '' ? siblings.at(-1) : siblings.findLast((each) => each === origin || each.slice?.startsWith(`${outer}/`) === true);
  parent.children.splice(parent.children.indexOf(last ?? sliced) + 1, 0, made);
  return made;
}

/** Extensions are sliced by their url and choices by their type, whether or not it is said. */
function impliedSlicing(sliced: ElementNode, name: string, element: ElementDefinition | undefined): ElementDefinition['slicing'] {
  if (sliced.name === 'extension' || sliced.name === 'modifierExtension') {
    return { discriminator: [{ type: 'value', path: 'url' }], ordered: false, rules: 'open' };
  }
  if (choiceType(sliced, name) !== undefined || (sliced.name.endsWith('[x]') && element?.type?.length === 1)) return byType('open');
  return element?.slicing;
}

function byType(rules: 'open' | 'closed'): NonNullable<ElementDefinition['slicing']> {
  return { discriminator: [{ type: 'type', path: '$this' }], ordered: false, rules };
}

function notSliced(name: string): ElementFault {
  return new ElementFault(
    'snapshot-no-slicing',
    `is a slice, and nothing says how ${name} is sliced: give it a slicing with discriminators before its slices.`,
  );
}

/** The type that a slice of a choice is named after. */
function choiceType(choice: ElementNode, name: string): ElementType | undefined {
  if (!choice.name.endsWith('[x]')) return undefined;
  const suffix = name.slice(choice.name.length - '[x]'.length);
  const types = (choice.origin ?? choice).definition.type ?? [];
  return isChoiceName(name, { ...choice, slice: undefined })
    ? types.find(({ code }) => code.charAt(0).toUpperCase() + code.slice(1) === suffix)
    : undefined;
}

/** Slices that a differential made by a choice's short name, of choices that weren't sliced before. */
const shortened = new WeakSet<ElementNode>();

/**
 * `valueQuantity`: the slice of `value[x]` with this type. Inside a slice it narrows the choice to the type instead, if it is the only one
 * that is spoken of.
 */
function choiceOf({ changes }: Completing, parent: ElementNode, choice: ElementNode, way: Way): ElementNode {
  const { name, slice = name } = stepOf(way);
  const type = choiceType(choice, name);
  const slices = parent.children.filter((each) => each.name === choice.name && each.slice !== undefined);
  const known = slices.find((each) => each.slice === slice);
  if (known !== undefined) return known;
  if (type === undefined) {
    const codes = (choice.definition.type ?? []).map(({ code }) => code);
    throw new ElementFault('snapshot-unknown-type', `does not exist: ${choice.name} is one of ${codes.join(', ')}.`);
  }
  const isNew = choice.definition.slicing === undefined;
  const [only, another] = choice.definition.type ?? [];
  if (isNew && only?.code === type.code && another === undefined) return choice;
  if (isNew && isInSlice(way) && !changes.some((each) => isOtherChoice(each, way, choice))) {
    choice.definition = { ...choice.definition, type: [type] };
    return choice;
  }
  const made = sliceOf(parent, choice, slice, undefined);
  const others = slices.filter((each) => shortened.has(each));
  if (isNew || others.length > 0) shortened.add(made);
  // Several short names are all there is to choose from.
  if (others.length > 0) close(choice, [...others.flatMap((each) => each.definition.type ?? []), type]);
  return made;
}

const stepOf = ({ steps, depth }: Way): Step => steps[depth] ?? { name: '', slice: undefined };

const isInSlice = ({ steps, depth }: Way): boolean => steps.slice(0, depth).some(({ slice }) => slice !== undefined);

/** Whether a change speaks of another type of the choice that the way has come to. */
function isOtherChoice({ steps }: Change, way: Way, choice: ElementNode): boolean {
  const step = steps[way.depth];
  const isSibling = way.steps.slice(0, way.depth).every(({ name, slice }, at) => steps[at]?.name === name && steps[at].slice === slice);
  return (
    isSibling && step !== undefined && step.name !== stepOf(way).name && (step.name === choice.name || isChoiceName(step.name, choice))
  );
}

/** A choice with a slice that must be there, made by its short name, can be nothing else. */
function closeRequired(parent: ElementNode, { name, definition: { min = 0, type = [] } }: ElementNode): void {
  const choice = parent.children.find((each) => each.name === name && each.slice === undefined);
  if (min < 1 || choice === undefined) return;
  close(choice, type);
  choice.definition = { ...choice.definition, min: Math.max(min, choice.definition.min ?? 0) };
}

function close(choice: ElementNode, type: readonly ElementType[]): void {
  choice.definition = { ...choice.definition, type, slicing: byType('closed') };
}

/** The children of an element without any: those of its type, of the one profile of that, or of the element it refers to. */
async function unfold(completing: Completing, node: ElementNode): Promise<ElementNode[]> {
  const { contentReference, type: types = [] } = node.definition;
  if (contentReference !== undefined) {
    const target = elementAt(completing.original, contentReference.slice(contentReference.indexOf('#') + 1));
    if (target === undefined) throw new ElementFault('snapshot-unknown-reference', `goes by ${contentReference}, which does not exist.`);
    const { contentReference: _reference, ...rest } = node.definition;
    node.definition = { ...rest, ...(target.definition.type === undefined ? {} : { type: target.definition.type }) };
    return target.children.map(copyOf);
  }
  const [type, another] = types;
  if (type === undefined || another !== undefined) {
    const said = types.map(({ code }) => code).join(', ') || 'no type';
    throw new ElementFault(
      'snapshot-many-types',
      `can't be looked into, for its parent may have ${said}: narrow that to one type, or make a slice of each.`,
    );
  }
  const { root } = await typeTree(completing, type);
  return root.children.map(copyOf);
}

const structures = 'http://hl7.org/fhir/StructureDefinition/';

async function typeTree(completing: Completing, { code, profile = [] }: ElementType): Promise<DefinedTree> {
  const [only, another] = profile;
  const isOne = only !== undefined && another === undefined && !completing.isUnderWay(only);
  const profiled = isOne ? await completing.treeFor(only) : undefined;
  if (profiled !== undefined) return profiled;
  // `http://hl7.org/fhirpath/System.String` has nothing inside.
  const canonical = code.includes(':') ? code : structures + code;
  const tree =
    canonical.startsWith('http://hl7.org/fhirpath/') || completing.isUnderWay(canonical) ? undefined : await completing.treeFor(canonical);
  if (tree === undefined)
    throw new ElementFault(
      'snapshot-type-unknown',
      `is inside of ${only ?? code}, which is not known here: load the package that defines it.`,
    );
  return tree;
}

function elementAt(root: ElementNode, path: string): ElementNode | undefined {
  const [, ...names] = path.split('.');
  return names.reduce<ElementNode | undefined>(
    (node, name) => node?.children.find((child) => child.slice === undefined && child.name === name),
    root,
  );
}

/**
 * What an element was before a differential that gives it a type with one profile: the profile's root says what holds of it, as far as
 * the place leaves that open.
 */
async function withTypeProfile(completing: Completing, node: ElementNode, element: ElementDefinition): Promise<ElementDefinition> {
  const before = node.definition;
  const [type, another] = element.type ?? [];
  const [profile, anotherProfile] = type?.profile ?? [];
  if (type === undefined || another !== undefined || profile === undefined || anotherProfile !== undefined) return before;
  const tree = completing.isUnderWay(profile) ? undefined : await completing.treeFor(profile);
  // What a resource's profile says of itself is no element's.
  if (tree === undefined || tree.kind === 'resource') return before;
  const { min: _min, max, slicing: _slicing, mustSupport: _mustSupport, isModifier, isSummary: _isSummary, ...root } = tree.root.definition;
  return {
    ...before,
    ...root,
    ...(before.base === undefined ? {} : { base: before.base }),
    ...(isModifier === true ? { isModifier } : {}),
    // An extension may say how often it stands in one place.
    ...(type.code === 'Extension' && before.max === '*' && max !== undefined ? { max } : {}),
  };
}

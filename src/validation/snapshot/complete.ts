import { FhirError, type Issue, issue } from '../../fhir/error.ts';
import type { ElementDefinition, StructureDefinition } from '../../fhir/structure-definition.ts';
import { splitCanonical } from '../../fhir/version.ts';
import { applyChange, type Completing, type DefinedTree } from './apply.ts';
import { changesOf } from './differential.ts';
import { ElementFault } from './element-fault.ts';
import { copyOf, countOf, type ElementNode, elementsOf, treeOf } from './tree.ts';
import { unusableAt } from './usable.ts';

/** Finds a StructureDefinition by its canonical url. */
type Find = (canonical: string) => Promise<object | undefined>;

/** More findings than that help nobody. */
const issuesMax = 20;
/** The largest snapshots that are published have some 3,000 elements. */
const elementsMax = 30_000;
const basesMax = 30;

/**
 * Makes a definition's snapshot from its differential and the snapshot of what it is based on, which is made too where there is none.
 *
 * A snapshot that is there already isn't looked at.
 *
 * @param find  where the base and the profiles of types are
 * @returns     the definition with its snapshot
 * @throws      FhirError 422 that names the elements of the differential with which it can't be done, and why
 * @see         https://hl7.org/fhir/R4/profiling.html#snapshot
 */
export async function completeSnapshot(definition: StructureDefinition, find: Find): Promise<StructureDefinition> {
  const trees = new Map<string, Promise<DefinedTree | undefined>>();
  return { ...definition, snapshot: { element: elementsOf(await complete(definition, { find, trees, under: [] })) } };
}

/** `under`: what is in the making just now, by url, outermost first; what is asked for again while it is can't be waited for. */
type Making = { readonly find: Find; readonly trees: Map<string, Promise<DefinedTree | undefined>>; readonly under: readonly string[] };

async function complete(definition: StructureDefinition, making: Making): Promise<ElementNode> {
  const { url, baseDefinition, differential } = definition;
  const inner: Making = { ...making, under: [...making.under, url] };
  const isUnderWay = (canonical: string): boolean => inner.under.includes(splitCanonical(canonical).url);
  const treeFor = (canonical: string): Promise<DefinedTree | undefined> => {
    const made = making.trees.get(canonical) ?? loadTree(canonical, inner);
    making.trees.set(canonical, made);
    return made;
  };
  if (baseDefinition === undefined) {
    throw refused([
      fault('snapshot-without-base', 'A snapshot is made from that of the baseDefinition, and there is none: name it.', base),
    ]);
  }
  if (isUnderWay(baseDefinition) || inner.under.length > basesMax) {
    const chain = [...inner.under, baseDefinition].slice(-5).join(' → ');
    throw refused([
      fault('snapshot-circular', `${url} is based on itself, or on too many others: ${chain}. Name another baseDefinition.`, base),
    ]);
  }
  const tree = await treeFor(baseDefinition);
  if (tree === undefined) {
    const text = `The base ${baseDefinition} is not known here, or has no snapshot and no base. Load the package that defines it, or store it first.`;
    throw refused([fault('snapshot-base-unknown', text, base)]);
  }
  const elements = differential?.element ?? [];
  const unusable = unusableAt(elements);
  if (unusable >= 0) {
    throw refused([fault('snapshot-malformed', 'This is no usable element: it needs a path, and types with codes.', place(unusable))]);
  }
  // A logical model's type is a url, which ends with what its paths begin with.
  const root: ElementNode = { ...copyOf(tree.root), name: definition.type.slice(definition.type.lastIndexOf('/') + 1) };
  const changes = changesOf(elements);
  const issues = await applyAll({ definition, root, original: tree.root, treeFor, isUnderWay, changes });
  if (issues.length > 0) throw refused(issues);
  return root;
}

async function applyAll(completing: Completing): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (const change of completing.changes) {
    try {
      await applyChange(completing, change);
      if (countOf(completing.root) > elementsMax) {
        return [...issues, fault('snapshot-too-large', `The snapshot would have more than ${elementsMax} elements.`, place(change.at))];
      }
    } catch (error) {
      if (!(error instanceof ElementFault)) throw error;
      issues.push(fault(error.id, `${change.element.id ?? change.element.path} ${error.message}`, place(change.at)));
      if (issues.length >= issuesMax) return issues;
    }
  }
  return issues;
}

/** The tree of another definition's snapshot, made if it has none; undefined if there is no such definition. */
async function loadTree(canonical: string, making: Making): Promise<DefinedTree | undefined> {
  const found = await making.find(canonical);
  if (found === undefined) return undefined;
  const definition = found as StructureDefinition;
  const elements = definition.snapshot?.element ?? [];
  if (elements.length === 0 && definition.baseDefinition === undefined) return undefined;
  const under = [...making.under, splitCanonical(canonical).url];
  const root = elements.length > 0 ? treeIn(elements) : await complete(definition, { ...making, under }).catch(blaming(canonical));
  return root === undefined ? undefined : { root, kind: definition.kind };
}

function treeIn(elements: readonly ElementDefinition[]): ElementNode | undefined {
  return unusableAt(elements) < 0 ? treeOf(elements) : undefined;
}

/** What is wrong with another definition is said of it, and not of the elements of this one. */
function blaming(canonical: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof FhirError)) throw error;
    const [first] = error.issues;
    const id = first?.id === 'snapshot-base-unknown' || first?.id === 'snapshot-circular' ? first.id : 'snapshot-base-broken';
    throw refused([fault(id, `${canonical}, which this builds on, has no snapshot, and none can be made: ${error.message}`, base)]);
  };
}

const base = 'StructureDefinition.baseDefinition';
const place = (at: number): string => `StructureDefinition.differential.element[${at}]`;
const fault = (id: string, text: string, expression: string): Issue => issue('structure', id, text, expression);

function refused(issues: readonly Issue[]): FhirError {
  return new FhirError(422, issues);
}

import { FhirError, type Issue, issue } from '../../fhir/error.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import { applyChange, type Completing, type DefinedTree } from './apply.ts';
import { changesOf } from './differential.ts';
import { ElementFault } from './element-fault.ts';
import { copyOf, countOf, type ElementNode, elementsOf, treeOf } from './tree.ts';

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
  return { ...definition, snapshot: { element: elementsOf(await complete(definition, { find, trees, bases: [] })) } };
}

/** `bases`: the definitions that wait for this one, so that a circle is seen. */
type Making = { readonly find: Find; readonly trees: Map<string, Promise<DefinedTree | undefined>>; readonly bases: readonly string[] };

async function complete(definition: StructureDefinition, making: Making): Promise<ElementNode> {
  const { url, baseDefinition, differential } = definition;
  if (making.bases.includes(url) || making.bases.length > basesMax) {
    throw refused([
      fault('snapshot-circular', `${url} is based on itself, or on too many others: ${chain([...making.bases, url])}.`, base),
    ]);
  }
  if (baseDefinition === undefined) {
    throw refused([
      fault('snapshot-without-base', 'A snapshot is made from that of the baseDefinition, and there is none: name it.', base),
    ]);
  }
  const inner: Making = { ...making, bases: [...making.bases, url] };
  const treeFor = (canonical: string): Promise<DefinedTree | undefined> => {
    // What is in the making is waited for by nobody but those that it is made for.
    const made = making.trees.get(canonical) ?? loadTree(canonical, inner);
    making.trees.set(canonical, made);
    return made;
  };
  const tree = await treeFor(baseDefinition);
  if (tree === undefined) {
    const text = `The base ${baseDefinition} is not known here, or has neither snapshot nor differential. Load the package that defines it, or store it first.`;
    throw refused([fault('snapshot-base-unknown', text, base)]);
  }
  const root: ElementNode = { ...copyOf(tree.root), name: definition.type };
  const issues = await applyAll({ definition, root, original: tree.root, treeFor, changes: changesOf(differential?.element ?? []) });
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
  if (elements.length === 0 && (definition.differential?.element ?? []).length === 0) return undefined;
  const root = elements.length > 0 ? treeOf(elements) : await complete(definition, making);
  return root === undefined ? undefined : { root, kind: definition.kind };
}

const base = 'StructureDefinition.baseDefinition';
const place = (at: number): string => `StructureDefinition.differential.element[${at}]`;
const chain = (urls: readonly string[]): string => urls.slice(-5).join(' → ');
const fault = (id: string, text: string, expression: string): Issue => issue('structure', id, text, expression);

function refused(issues: readonly Issue[]): FhirError {
  return new FhirError(422, issues);
}

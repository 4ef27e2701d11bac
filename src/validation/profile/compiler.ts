import type { Issue, IssueCode, Rule, Severity } from '../../fhir/error.ts';
import type { JsonObject } from '../../fhir/json.ts';
import type { Schema } from '../../fhir/schema.ts';
import type { StructureDefinition } from '../../fhir/structure-definition.ts';
import type { CompileInvariant } from '../../fhirpath/invariant.ts';
import type { Profile } from '../profile.ts';
import type { ValidationOptions } from '../rules.ts';
import { note, pathOf, type Walk } from '../walk.ts';
import type { Item, Property } from './items.ts';
import type { Node } from './tree.ts';

/** A profile as other profiles see it. */
export type CompiledProfile = Profile & { readonly root: Node };

/** What all profiles are compiled with. */
export type ProfileParts = {
  readonly schema: Schema;
  readonly compileInvariant: CompileInvariant;
  /** Loads what `compileInvariant` may lack. */
  readonly prepareLibrary: () => Promise<void>;
  readonly bestPractice?: ValidationOptions['bestPractice'];
};

/** What one profile is compiled with. */
export type Compiler = ProfileParts & {
  readonly definition: Pick<StructureDefinition, 'url' | 'version'>;
  readonly root: Node;
  readonly propertiesOf: (type: string, element: string) => readonly Property[];
  readonly find: FindProfile;
  readonly conforms: Conforms;
  /** The codes that the profile itself says an element has. */
  readonly fixedCodes: ReadonlyMap<Node, ReadonlySet<string>>;
  /** What was compiled of each element's children, by the type they are of. */
  readonly contents: Map<Node, Map<string, Content>>;
  /** The check of single items of an element; undefined if there is nothing to check. */
  readonly itemCheckOf: (compiler: Compiler, node: Node, base: Base, sliced?: Node) => Compiled<ItemCheck> | undefined;
};

/** What an element is before the profile says anything: its types, and where they are from; the root of a profile has no property. */
export type Base = { readonly types: readonly string[]; readonly properties: readonly Property[] };

/** Another profile, as far as it is at hand: what isn't loaded yet becomes a need of the walk. */
export type FindProfile = (walk: Walk, canonical: string) => CompiledProfile | 'absent' | undefined;

export type ObjectCheck = (walk: Walk, object: JsonObject) => void;
export type ItemCheck = (walk: Walk, item: Item) => void;

/** Whether an item has the type or profile of that url; undefined if that can't be told, or not yet. */
export type Conforms = (walk: Walk, canonical: string, item: Item) => boolean | undefined;

/** Of the children of an element; `check` is absent while it is being compiled, and where there is nothing to check. */
export type Content = { check?: ObjectCheck | undefined };

/**
 * A check. What leads nowhere but to itself, as the nested items of a Questionnaire do, checks nothing: `isOwn` tells of a check
 * that does something itself, `awaits` names the contents under compilation that it leads to.
 */
export type Compiled<Check> = { readonly check: Check; readonly isOwn: boolean; readonly awaits: ReadonlySet<Content> };

/**
 * Notes a fault against an element of the profile at the walk's present place, unless it stands there already.
 *
 * @param around  other places that the fault is about
 */
export function fault(
  compiler: Compiler,
  walk: Walk,
  found: { readonly severity?: Severity; readonly code: IssueCode; readonly id: string; readonly key: string },
  sentence: string,
  around: readonly string[] = [],
): void {
  const { url, version } = compiler.definition;
  const rule: Rule = { profile: url, ...(version === undefined ? {} : { version }), key: found.key };
  const path = pathOf(walk);
  const isSame = (other: Issue) => other.id === found.id && other.expression?.[0] === path && other.text === `${path} ${sentence}`;
  if (walk.issues.some(isSame)) return;
  note(walk, found.severity ?? 'error', found.code, found.id, sentence, rule, ...around);
}

/** Does something one step below the walk's present place. */
export function below(walk: Walk, step: string | number | undefined, inside: () => void): void {
  if (step === undefined) return inside();
  walk.path[walk.depth++] = step;
  inside();
  walk.depth--;
}

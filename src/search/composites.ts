import type { Definitions } from '../definitions/load.ts';
import { type CompiledPath, compilePaths } from '../fhirpath/compile.ts';
import type { SearchParameterDef, SearchParameterType } from '../fhir/schema.ts';
import type { ElementPool, SearchElement } from './elements.ts';

/** Kinds of component that pairs are kept of. Numbers are kept like quantities. */
export type ComponentKind = 'token' | 'reference' | 'date' | 'quantity';

/** One place where a component of a composite has its values. */
export type Component = {
  /** Undefined where no pair is kept of it: of strings and uris. */
  readonly kind: ComponentKind | undefined;
  /** As seen from the item: `Observation.component.code`, `UsageContext.code`. */
  readonly path: string;
  /** It is looked at from the resource instead of the item. */
  readonly onResource: boolean;
  readonly each: CompiledPath['each'];
  /** The same values as an element of the resource: what each component alone is found by. */
  readonly element: SearchElement;
  /** Resource types that a reference may point to. */
  readonly targets: readonly string[];
};

/**
 * Two values that stand in the same item: what composite parameters ask for. A composite of three components is two pairs
 * with the same first one. Composites that look at the same places (`code-value-quantity`, `combo-code-value-quantity`) share them.
 */
export type Pair = {
  /** `Observation.component(Observation.component.code,Observation.component.value.ofType(Quantity))` */
  readonly path: string;
  readonly first: Component;
  readonly second: Component;
  /** Its number in the fact tables. */
  readonly number: number;
};

/** The items of one kind whose values a composite parameter compares together. */
export type CompositeItem = {
  /** The items and all places looked at in them. */
  readonly path: string;
  readonly items: CompiledPath['each'];
  /** The item is the resource itself: what holds of its components one by one holds of them together. */
  readonly whole: boolean;
  /** In the parameter's order, each with the places it may be at. */
  readonly components: readonly (readonly Component[])[];
  readonly pairs: readonly Pair[];
};

/** What compiling a composite needs to know of the type it is compiled for. */
export type CompositeContext = {
  readonly type: string;
  readonly definitions: Definitions;
  readonly pool: ElementPool;
  /** The search parameter of a url: a component's definition. */
  readonly definitionOf: (url: string) => Pick<SearchParameterDef, 'type' | 'targets'> | undefined;
  readonly numberOf: (path: string) => number;
};

/** Where a composite parameter looks; none if it isn't about the type. */
export function compositeItems(parameter: SearchParameterDef, context: CompositeContext): CompositeItem[] {
  const { type, definitions } = context;
  return compilePaths(parameter.expression ?? '', type, definitions.schema).flatMap((compiled) => {
    const components = parameter.components.map((component) => placesOf(component, compiled, parameter, context));
    if (components.length < 2 || components.some((places) => places.length === 0)) return [];
    const path = `${compiled.path}(${components.map((places) => places.map((place) => place.path).join('|')).join(',')})`;
    return { path, items: compiled.each, whole: compiled.path === type, components, pairs: pairsOf(compiled.path, components, context) };
  });
}

function pairsOf(path: string, [firsts = [], ...others]: readonly (readonly Component[])[], { numberOf }: CompositeContext): Pair[] {
  return firsts.flatMap((first) =>
    others.flat().flatMap((second) => {
      if (first.kind === undefined || second.kind === undefined) return [];
      const name = `${path}(${first.path},${second.path})`;
      return { path: name, first, second, number: numberOf(name) };
    }),
  );
}

function placesOf(
  component: SearchParameterDef['components'][number],
  item: CompiledPath,
  { components }: SearchParameterDef,
  context: CompositeContext,
): Component[] {
  const { definitions, pool } = context;
  const defined = context.definitionOf(component.definition);
  // Where the definitions stand crosswise, another component's has the targets.
  const definitionsOfTargets =
    defined?.type === 'reference' ? [defined] : components.map(({ definition }) => context.definitionOf(definition));
  const targets = definitionsOfTargets.flatMap((each) => (each?.type === 'reference' ? each.targets : []));
  return item.types.flatMap((type) =>
    compilePaths(component.expression, type, definitions.schema).flatMap((compiled) => {
      const { path, types, each } = compiled;
      const kind = kindOf(defined?.type, types);
      if (kind === undefined) return [];
      const onResource = compiled.onResource === true;
      const whole = onResource ? compiled : { ...compiled, path: pathOn(item.path, path, type), each: eachIn(item, each) };
      return { kind: pairKind(kind), path, onResource, each, element: pool.at(kind, whole), targets };
    }),
  );
}

/** `ValueSet.useContext` and `UsageContext.code`: `ValueSet.useContext.code`. */
function pathOn(item: string, path: string, type: string): string {
  return path.startsWith(`${type}.`) ? `${item}${path.slice(type.length)}` : `${item}.(${path})`;
}

function eachIn(item: CompiledPath, each: CompiledPath['each']): CompiledPath['each'] {
  return (resource, visit) =>
    item.each(resource, (found) => {
      if (typeof found === 'object' && found !== null) each(found, visit);
    });
}

/** The datatype decides where R4 names the wrong parameter: the components of DocumentReference's `relationship` stand crosswise. */
function kindOf(defined: SearchParameterType | undefined, types: readonly string[]): SearchParameterType | undefined {
  if (types.includes('Reference')) return types.length === 1 || defined === 'reference' ? 'reference' : 'token';
  if (defined === 'reference') return types.includes('canonical') || types.includes('uri') ? 'reference' : 'token';
  return defined === 'composite' || defined === 'special' ? undefined : defined;
}

function pairKind(kind: SearchParameterType): ComponentKind | undefined {
  if (kind === 'number') return 'quantity';
  return kind === 'token' || kind === 'reference' || kind === 'date' || kind === 'quantity' ? kind : undefined;
}

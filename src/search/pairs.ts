import type { Definitions } from '../definitions/load.ts';
import { type CompiledPath, compilePaths } from '../fhirpath/compile.ts';
import type { SearchParameterDef } from '../fhir/schema.ts';

/** Kinds of component that pairs are kept of. Numbers are kept like quantities. */
export type ComponentKind = 'token' | 'reference' | 'date' | 'quantity';

export type Component = {
  readonly kind: ComponentKind;
  readonly path: string;
  readonly onResource: boolean;
  readonly each: CompiledPath['each'];
};

/**
 * Two values that stand in the same item: what composite parameters ask for. A composite of three components is two pairs
 * with the same first one. Composites that look at the same places (`code-value-quantity`, `combo-code-value-quantity`) share them.
 */
export type Pair = {
  /** `Observation.component(Observation.component.code,Observation.component.value.ofType(Quantity))` */
  readonly path: string;
  readonly items: CompiledPath['each'];
  readonly first: Component;
  readonly second: Component;
  /** Its number in the fact tables. */
  readonly number: number;
};

/**
 * The pairs that a type's composite parameters ask for, by path. None is kept where the second component is a string
 * (R4 has it only for Observation as a whole, where code and value occur once: both clauses together say the same).
 */
export function pairsOf(
  parameters: readonly SearchParameterDef[],
  type: string,
  definitions: Definitions,
  numberOf: (path: string) => number,
): Pair[] {
  const pairs = new Map<string, Pair>();
  for (const { type: kind, expression, components } of parameters) {
    if (kind !== 'composite' || expression === undefined) continue;
    for (const item of compilePaths(expression, type, definitions.schema)) {
      const [firsts = [], ...others] = components.map((component) => componentsOf(component, item, definitions));
      for (const first of firsts) {
        for (const second of others.flat()) {
          const path = `${item.path}(${first.path},${second.path})`;
          if (!pairs.has(path)) pairs.set(path, { path, items: item.each, first, second, number: numberOf(path) });
        }
      }
    }
  }
  return [...pairs.values()];
}

function componentsOf(component: SearchParameterDef['components'][number], item: CompiledPath, definitions: Definitions): Component[] {
  const defined = definitions.searchParameters.find(({ url }) => url === component.definition)?.type;
  return item.types.flatMap((type) =>
    compilePaths(component.expression, type, definitions.schema).flatMap(({ path, types, each, onResource }) => {
      const kind = kindOf(defined, types);
      return kind === undefined ? [] : [{ kind, path, each, onResource: onResource === true }];
    }),
  );
}

/** The datatype decides where R4 names the wrong parameter: the components of DocumentReference's `relationship` stand crosswise. */
function kindOf(defined: SearchParameterDef['type'] | undefined, types: readonly string[]): ComponentKind | undefined {
  if (types.includes('Reference')) return types.length === 1 || defined === 'reference' ? 'reference' : 'token';
  if (defined === 'number' || defined === 'quantity') return 'quantity';
  if (defined === 'date' || defined === 'token') return defined;
  return defined === 'reference' ? 'token' : undefined;
}

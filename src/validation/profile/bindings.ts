import type { Json } from '../../fhir/json.ts';
import type { BindingDef } from '../../fhir/schema.ts';
import type { Binding } from '../../fhir/structure-definition.ts';
import { codeRules, valueRule } from '../bindings.ts';
import { isObject } from '../resolve.ts';
import type { Base, Compiler, ItemCheck } from './compiler.ts';
import type { Node } from './tree.ts';
import { choiceValue } from './values.ts';

/** The codes an element may have, where the profile is stricter than the type. */
export function bindingChecks(compiler: Compiler, node: Node, base: Base, sliced: Node | undefined): ItemCheck[] {
  const binding = bindingOf(node.element.binding);
  if (binding === undefined || JSON.stringify(binding) === JSON.stringify(bindingOf(sliced?.element.binding))) return [];
  const { url, version } = compiler.definition;
  const rule = { profile: url, ...(version === undefined ? {} : { version }), key: node.id };
  const byType = new Map<string, readonly ItemCheck[]>();
  for (const type of base.types) {
    const own = base.properties.find(({ definition }) => definition.type === type)?.definition.binding;
    const stricter = beyond(binding, own);
    if (stricter !== undefined) byType.set(type, checksOf(compiler, type, stricter, rule));
  }
  if ([...byType.values()].every((checks) => checks.length === 0)) return [];
  const fixed = compiler.fixedCodes.get(node);
  return [
    (walk, item) => {
      if (fixed !== undefined && isObject(item.value) && fixed.has(codeKey(item.value.system, item.value.code))) return;
      for (const check of byType.get(item.type) ?? []) check(walk, item);
    },
  ];
}

/**
 * The codes that a profile itself fixes in an element, or in that element of a slice, by `codeKey`. They stand even where they are
 * outside of the value set that it binds the element to, as in HL7's own profile of pulse oximetry: who is told both to write a
 * code and not to can't mend it.
 */
export function fixedCodesIn(root: Node): ReadonlyMap<Node, ReadonlySet<string>> {
  const found = new Map<Node, Set<string>>();
  const visit = (node: Node, sliced: readonly Node[]): void => {
    const own = fixedCode(node);
    if (own !== undefined) for (const holder of [node, ...sliced]) found.set(holder, (found.get(holder) ?? new Set()).add(own));
    for (const child of node.children)
      visit(
        child,
        sliced.flatMap((other) => other.children.find(({ name }) => name === child.name) ?? []),
      );
    for (const slice of node.slices) visit(slice, [node, ...sliced]);
  };
  visit(root, []);
  return found;
}

function fixedCode({ element, children }: Node): string | undefined {
  const whole = choiceValue(element, 'fixed') ?? choiceValue(element, 'pattern');
  if (isObject(whole) && typeof whole.code === 'string') return codeKey(whole.system, whole.code);
  const [system, code] = ['system', 'code'].map((name) => {
    const child = children.find((candidate) => candidate.name === name)?.element;
    return child === undefined ? undefined : (choiceValue(child, 'fixed') ?? choiceValue(child, 'pattern'));
  });
  return typeof code === 'string' ? codeKey(system, code) : undefined;
}

function codeKey(system: Json | undefined, code: Json | undefined): string {
  return `${typeof system === 'string' ? system : ''}|${typeof code === 'string' ? code : ''}`;
}

const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet';

function bindingOf(binding: Binding | undefined): BindingDef | undefined {
  if (binding === undefined) return undefined;
  const { strength, valueSet = '', extension = [] } = binding;
  const max = extension.find(({ url }) => url === MAX_VALUE_SET)?.valueCanonical;
  // Without a value set there is only the strength of nothing.
  if (valueSet === '') return max === undefined ? undefined : { strength: 'example', valueSet, max };
  return { strength, valueSet, ...(max === undefined ? {} : { max }) };
}

/** What is left to check of a binding when that of the type has been checked. */
function beyond(binding: BindingDef, own: BindingDef | undefined): BindingDef | undefined {
  if (own === undefined) return binding;
  const isSame = binding.strength === own.strength && withoutVersion(binding.valueSet) === own.valueSet;
  const { max, ...bound } = binding;
  const isMaxSame = max === undefined || withoutVersion(max) === withoutVersion(own.max ?? '');
  if (isSame && isMaxSame) return undefined;
  return { ...(isSame ? { ...bound, strength: 'example' as const } : bound), ...(isMaxSame ? {} : { max }) };
}

function checksOf(compiler: Compiler, type: string, binding: BindingDef, rule: Parameters<typeof valueRule>[1]): readonly ItemCheck[] {
  if (compiler.schema(type)?.kind === 'primitive') {
    return valueRule(binding, rule).map((check) => (walk, { value }) => {
      if (value !== undefined) check(walk, value);
    });
  }
  return codeRules(type, binding, rule).map((check) => (walk, { value }) => {
    if (isObject(value)) check(walk, value);
  });
}

function withoutVersion(canonical: string): string {
  return canonical.replace(/\|.*$/, '');
}

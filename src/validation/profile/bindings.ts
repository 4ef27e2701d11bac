import type { BindingDef } from '../../fhir/schema.ts';
import type { Binding } from '../../fhir/structure-definition.ts';
import { codeRules, valueRule } from '../bindings.ts';
import { isObject } from '../resolve.ts';
import type { Base, Compiler, ItemCheck } from './compiler.ts';
import type { Node } from './tree.ts';

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
  return [
    (walk, item) => {
      for (const check of byType.get(item.type) ?? []) check(walk, item);
    },
  ];
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

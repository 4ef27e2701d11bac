import type { BindingDef, ElementDef, Schema, TypeDef } from '../fhir/schema.ts';
import { codeRules, valueRule } from './bindings.ts';
import { elementIdRule } from './element-ids.ts';
import type { Content, ValueRule } from './elements.ts';
import type { CheckExtension } from './extension.ts';
import { breakAt, rulesOfInvariants, standardRule } from './invariants.ts';
import { targetRule } from './references.ts';
import type { Rules } from './rules.ts';
import { uriRule } from './uris.ts';

/** What checks of elements draw on. */
export type ElementRules = Rules & { readonly checkExtension: CheckExtension };

/** What a definition asks of an element that is an object, beyond its type. */
export function rulesOfElement(
  schema: Schema,
  rules: ElementRules,
  source: string,
  { element, type, targets, binding, profiles = [], constraints = [] }: ElementDef,
): Content[] {
  const rule = standardRule(source, `${source}.${element}`);
  return [
    ...(binding === undefined ? [] : codeRules(type, binding, rule)),
    ...(type === 'Reference' && targets.length > 0 ? [targetRule(schema, targets, rule)] : []),
    ...(profiles.includes(SIMPLE_QUANTITY) ? [simpleQuantity] : []),
    ...(type === 'Extension' ? [extensionRule(rules.checkExtension)] : []),
    ...rulesOfInvariants(schema, rules, constraints, type, source),
  ];
}

/** What a definition asks of an element that is a primitive, beyond its format. */
export function ruleOfValue(schema: Schema, rules: Rules, definition: TypeDef, element: ElementDef): ValueRule | undefined {
  const { name, type, binding, constraints = [] } = element;
  const found: ValueRule[] = [
    ...(name === 'id' && definition.kind !== 'resource' ? elementIdRule(definition) : []),
    ...uriRule(definition, element),
    ...(binding === undefined ? [] : withFormats(definition, element, binding)),
    ...rulesOfInvariants(schema, rules, constraints, type, definition.name),
  ];
  const [only, ...others] = found;
  if (others.length === 0) return only;
  return (walk, value) => {
    for (const rule of found) rule(walk, value);
  };
}

/** Where a format of FHIR is named, its short name will do. @see https://hl7.org/fhir/R4/http.html#mime-type */
function withFormats({ name }: TypeDef, { element }: ElementDef, binding: BindingDef): ValueRule[] {
  const rules = valueRule(binding, standardRule(name, `${name}.${element}`));
  if (binding.valueSet !== MEDIA_TYPES || !/^(?:CapabilityStatement|TestScript)\b/.test(name)) return rules;
  return rules.map((rule) => (walk, value) => {
    if (value !== 'json' && value !== 'xml' && value !== 'ttl') rule(walk, value);
  });
}

const MEDIA_TYPES = 'http://hl7.org/fhir/ValueSet/mimetypes';

const SIMPLE_QUANTITY = 'http://hl7.org/fhir/StructureDefinition/SimpleQuantity';

const simpleQuantity: Content = (walk, { comparator }) => {
  if (comparator === undefined) return;
  const sentence = 'stands where a quantity has none: leave it out, or say what it means in an extension.';
  breakAt(walk, 'sqty-1', 'SimpleQuantity', ['comparator'], sentence);
};

function extensionRule(check: CheckExtension): Content {
  return (walk, extension, holder, key) => {
    if (Array.isArray(holder) && typeof key === 'number') check(walk, extension, holder, key);
  };
}

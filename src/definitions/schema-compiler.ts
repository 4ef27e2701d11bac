import type { BindingDef, ConstraintDef, ElementDef, TypeDef } from '../fhir/schema.ts';
import type { ElementDefinition, ElementDefinitionType, StructureDefinition } from './r4-source.ts';

/** A type as the cache keeps it: everything JSON can say, defaults left out. `schema-reader.ts` is its counterpart. */
export type PackedType = Pick<TypeDef, 'name' | 'kind' | 'base'> & {
  readonly abstract?: true;
  readonly regex?: string;
  readonly elements?: readonly PackedElement[];
  readonly constraints?: readonly ConstraintDef[];
  readonly binding?: BindingDef;
};

/** `element` is absent where it equals `name`; `max` absent means 1, null means `*`; flags are absent when false. */
export type PackedElement = Pick<ElementDef, 'name' | 'type'> & {
  readonly element?: string;
  readonly min?: number;
  readonly max?: number | null;
  readonly summary?: true;
  readonly modifier?: true;
  readonly targets?: readonly string[];
  readonly binding?: BindingDef;
  readonly profiles?: readonly string[];
  readonly constraints?: readonly ConstraintDef[];
};

/**
 * Compiles one base definition into its type and the types of its nested elements.
 *
 * Backbone elements become types named by their path (`Observation.component`), a content reference is the type of the
 * element it points to, and a choice element stands once for each type it can have.
 *
 * @param definition  a StructureDefinition of the standard with a snapshot: a resource, a complex type or a primitive
 * @returns           the type itself first, then its backbones in the order of the snapshot
 * @throws            Error if the snapshot contradicts these rules (a broken package)
 * @see               https://hl7.org/fhir/R4/elementdefinition.html
 */
export function compileTypes(definition: StructureDefinition): PackedType[] {
  const elements = definition.snapshot.element;
  if (definition.kind === 'primitive-type') return [compilePrimitive(definition)];

  const children = new Map<string, ElementDefinition[]>();
  for (const element of elements) {
    const parent = parentOf(element.path);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), element]);
  }
  return elements.flatMap((element) => {
    const own = children.get(element.path);
    if (own === undefined) return [];
    const packed = own.flatMap((child) => packElement(child, definition, children));
    const constraints = constraintsIn(element, definition);
    if (parentOf(element.path) === undefined) {
      return [{ ...headOf(definition), elements: packed, ...constraints, ...bindingIn(element) }];
    }
    return [{ name: element.path, kind: 'backbone', base: onlyType(element).code, elements: packed, ...constraints }];
  });
}

/** True for the definitions that are types of R4: not profiles, extensions or logical models. */
export function isTypeDefinition(definition: StructureDefinition): boolean {
  const isType = definition.kind === 'resource' || definition.kind === 'complex-type' || definition.kind === 'primitive-type';
  return isType && definition.derivation !== 'constraint' && definition.url === STRUCTURES + definition.type;
}

const STRUCTURES = 'http://hl7.org/fhir/StructureDefinition/';
const SYSTEM_TYPES = 'http://hl7.org/fhirpath/System.';
const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';
const REGEX = 'http://hl7.org/fhir/StructureDefinition/regex';
const MAX_VALUE_SET = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet';
const BEST_PRACTICE = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice';

/** The types a binding can apply to. @see https://hl7.org/fhir/R4/terminologies.html#4.1 */
const BINDABLE = new Set(['code', 'Coding', 'CodeableConcept', 'Quantity', 'string', 'uri']);

function headOf(definition: StructureDefinition): PackedType {
  return {
    name: definition.type,
    kind: definition.kind === 'resource' ? 'resource' : definition.kind === 'primitive-type' ? 'primitive' : 'complex',
    base: (definition.baseDefinition ?? '').replace(STRUCTURES, ''),
    ...(definition.abstract ? { abstract: true } : {}),
  };
}

function compilePrimitive(definition: StructureDefinition): PackedType {
  const value = definition.snapshot.element.find((element) => element.path === `${definition.type}.value`);
  const regex = value?.type?.[0]?.extension?.find((extension) => extension.url === REGEX)?.valueString;
  return { ...headOf(definition), ...(regex === undefined ? {} : { regex }) };
}

function packElement(
  element: ElementDefinition,
  definition: StructureDefinition,
  children: ReadonlyMap<string, unknown>,
): readonly PackedElement[] {
  const named = element.path.slice(element.path.lastIndexOf('.') + 1);
  const shared = {
    ...(element.min > 0 ? { min: element.min } : {}),
    ...(element.max === '1' ? {} : { max: element.max === '*' ? null : Number(element.max) }),
    ...(element.isSummary === true ? { summary: true as const } : {}),
    ...(element.isModifier === true ? { modifier: true as const } : {}),
  };
  if (element.contentReference !== undefined) {
    const target = element.contentReference.slice(1);
    if (!children.has(target)) throw new Error(`${element.path} refers to ${target}, which is no element with children`);
    return [{ name: named, type: target, ...shared }];
  }
  if (children.has(element.path)) return [{ name: named, type: element.path, ...shared }];
  const constraints = constraintsIn(element, definition);
  if (!named.endsWith('[x]')) return [{ name: named, ...shared, ...packType(onlyType(element), element, definition), ...constraints }];

  const stem = named.slice(0, -'[x]'.length);
  return (element.type ?? []).map((choice) => {
    const packed = packType(choice, element, definition);
    return {
      name: stem + packed.type.charAt(0).toUpperCase() + packed.type.slice(1),
      element: named,
      ...shared,
      ...packed,
      ...constraints,
    };
  });
}

function packType(
  type: ElementDefinitionType,
  element: ElementDefinition,
  definition: StructureDefinition,
): Pick<PackedElement, 'type' | 'targets' | 'profiles' | 'binding'> {
  const name = typeName(type, element, definition);
  const targets = (type.targetProfile ?? []).map((profile) => profile.replace(STRUCTURES, ''));
  return {
    type: name,
    // A reference to Resource is a reference to anything, and so is one without a target.
    ...(targets.length === 0 || targets.includes('Resource') ? {} : { targets }),
    ...(type.profile === undefined ? {} : { profiles: type.profile }),
    ...(BINDABLE.has(name) ? bindingIn(element) : {}),
  };
}

function bindingIn({ binding }: ElementDefinition): { binding?: BindingDef } {
  if (binding?.valueSet === undefined) return {};
  const max = binding.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical;
  return { binding: { strength: binding.strength, valueSet: unversioned(binding.valueSet), ...(max === undefined ? {} : { max }) } };
}

/** The element's own; those its type has come with the type. */
function constraintsIn({ constraint = [] }: ElementDefinition, definition: StructureDefinition): { constraints?: ConstraintDef[] } {
  const constraints = constraint.flatMap(({ key, severity, human, expression, source = definition.url, extension = [] }) => {
    if (source !== definition.url || expression === undefined) return [];
    const best = extension.some(({ url, valueBoolean }) => url === BEST_PRACTICE && valueBoolean === true);
    return [{ key, severity, human, expression, ...(best ? { bestPractice: true as const } : {}) }];
  });
  return constraints.length === 0 ? {} : { constraints };
}

function unversioned(canonical: string): string {
  return canonical.replace(/\|.*$/, '');
}

/** The FHIR name of an element's type; FHIRPath's System types stand where R4 has ids, urls and the values of primitives. */
function typeName(type: ElementDefinitionType, element: ElementDefinition, definition: StructureDefinition): string {
  if (!type.code.startsWith(SYSTEM_TYPES)) return type.code;
  // R4's snapshots call the id of a resource a string; the text of the standard (resource.html#id) says id, and means it.
  if (definition.kind === 'resource' && element.path === `${definition.type}.id`) return 'id';
  const named = type.extension?.find((extension) => extension.url === FHIR_TYPE);
  return named?.valueUrl ?? named?.valueUri ?? 'string';
}

function onlyType(element: ElementDefinition): ElementDefinitionType {
  const [type, ...others] = element.type ?? [];
  if (type === undefined || others.length > 0) throw new Error(`${element.path} should have exactly one type`);
  return type;
}

function parentOf(path: string): string | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : path.slice(0, dot);
}

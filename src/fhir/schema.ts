/**
 * The shape of FHIR's types, as compiled from StructureDefinition snapshots; shared by definitions (which makes it)
 * and by whatever walks resources (paths, search, validation, summaries).
 */

/** One JSON property of a type. A choice element stands once per type it can have: `valueQuantity`, `valueString`, … */
export type ElementDef = {
  /** The JSON property name: `status`, `valueQuantity`. */
  readonly name: string;
  /** The element's name in the definition: `status`, `value[x]`. */
  readonly element: string;
  /** A datatype (`Quantity`, `code`), `Resource` for contained resources, or a backbone path (`Observation.component`). */
  readonly type: string;
  readonly array: boolean;
  readonly min: number;
  /** `Infinity` for `*`. */
  readonly max: number;
  readonly summary: boolean;
  readonly modifier: boolean;
  /** Resource types a Reference or canonical may point to; empty: any. */
  readonly targets: readonly string[];
  readonly binding?: BindingDef;
  /** Profiles of its type, by canonical url, to one of which its values conform: SimpleQuantity is all that R4 has. */
  readonly profiles?: readonly string[];
  /** Invariants of the element beyond its type's; of a backbone element its type has them. */
  readonly constraints?: readonly ConstraintDef[];
};

export type BindingDef = {
  readonly strength: 'required' | 'extensible' | 'preferred' | 'example';
  /** Canonical url without version. */
  readonly valueSet: string;
  /** The value set that no code may be outside of, however weak the binding. */
  readonly max?: string;
};

/** An invariant. @see https://hl7.org/fhir/R4/conformance-rules.html#constraints */
export type ConstraintDef = {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly human: string;
  readonly expression: string;
  readonly bestPractice?: true;
};

export type TypeDef = {
  /** `Observation`, `HumanName`, `code`, or a backbone path: `Observation.component`. */
  readonly name: string;
  readonly kind: 'resource' | 'complex' | 'primitive' | 'backbone';
  /** The type it derives from: `DomainResource`, `Element`, `string` (for `code`), `BackboneElement`. */
  readonly base: string;
  readonly abstract: boolean;
  /** By JSON property name, in the definition's order; inherited ones (`id`, `extension`, `meta`, …) included. Empty for primitives. */
  readonly elements: ReadonlyMap<string, ElementDef>;
  /** For primitives: the regular expression of the definition, where it gives one. */
  readonly regex?: string;
  /** Its own invariants; those of `base` apply too. */
  readonly constraints?: readonly ConstraintDef[];
  /** For what is a Quantity of one kind (Age, Duration): which units it may have. */
  readonly binding?: BindingDef;
};

/** Looks a type up; undefined if R4 has none of that name. */
export type Schema = (name: string) => TypeDef | undefined;

/** All invariants of a type, its own first. */
export function constraintsOf(schema: Schema, name: string): readonly ConstraintDef[] {
  const definition = schema(name);
  return definition === undefined ? [] : [...(definition.constraints ?? []), ...constraintsOf(schema, definition.base)];
}

export type SearchParameterType = 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';

export type SearchParameterDef = {
  readonly url: string;
  readonly code: string;
  readonly base: readonly string[];
  readonly type: SearchParameterType;
  /** Absent for some specials. */
  readonly expression?: string;
  readonly targets: readonly string[];
  readonly components: readonly { readonly definition: string; readonly expression: string }[];
};

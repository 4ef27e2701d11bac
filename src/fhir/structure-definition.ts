import type { Json } from './json.ts';

/**
 * The parts of a StructureDefinition that validation reads. A client may have stored it, so it is asserted to be one only
 * after its shape was checked; `fixed[x]`, `pattern[x]`, `defaultValue[x]`, `minValue[x]` and `maxValue[x]` are found by name.
 *
 * @see https://hl7.org/fhir/R4/structuredefinition.html
 */
export type StructureDefinition = {
  readonly resourceType: 'StructureDefinition';
  readonly id?: string;
  readonly url: string;
  readonly version?: string;
  readonly name: string;
  readonly title?: string;
  readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'logical';
  readonly abstract: boolean;
  readonly type: string;
  readonly baseDefinition?: string;
  readonly derivation?: 'specialization' | 'constraint';
  /** Where an extension may stand. */
  readonly context?: readonly { readonly type: 'fhirpath' | 'element' | 'extension'; readonly expression: string }[];
  readonly contextInvariant?: readonly string[];
  readonly snapshot?: { readonly element: readonly ElementDefinition[] };
  readonly differential?: { readonly element: readonly ElementDefinition[] };
};

/** @see https://hl7.org/fhir/R4/elementdefinition.html */
export type ElementDefinition = {
  readonly [name: string]: Json | undefined | readonly unknown[] | object;
  /** `Patient.extension:race.value[x]`; slices tell themselves apart by it. */
  readonly id?: string;
  readonly path: string;
  readonly sliceName?: string;
  readonly sliceIsConstraining?: boolean;
  readonly slicing?: Slicing;
  readonly short?: string;
  readonly min?: number;
  /** A number, or `*`. */
  readonly max?: string;
  readonly base?: { readonly path: string; readonly min: number; readonly max: string };
  readonly contentReference?: string;
  readonly type?: readonly ElementType[];
  readonly maxLength?: number;
  readonly condition?: readonly string[];
  readonly constraint?: readonly Constraint[];
  readonly mustSupport?: boolean;
  readonly isModifier?: boolean;
  readonly isSummary?: boolean;
  readonly binding?: Binding;
};

export type Slicing = {
  readonly discriminator?: readonly { readonly type: 'value' | 'exists' | 'pattern' | 'type' | 'profile'; readonly path: string }[];
  readonly description?: string;
  readonly ordered?: boolean;
  readonly rules: 'open' | 'closed' | 'openAtEnd';
};

export type ElementType = {
  /** `Quantity`, or for ids and the like `http://hl7.org/fhirpath/System.String`. */
  readonly code: string;
  readonly profile?: readonly string[];
  readonly targetProfile?: readonly string[];
  readonly aggregation?: readonly ('contained' | 'referenced' | 'bundled')[];
  readonly versioning?: 'either' | 'independent' | 'specific';
  readonly extension?: readonly {
    readonly url: string;
    readonly valueUrl?: string;
    readonly valueUri?: string;
    readonly valueString?: string;
  }[];
};

/** An invariant. @see https://hl7.org/fhir/R4/conformance-rules.html#constraints */
export type Constraint = {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly human: string;
  readonly expression?: string;
  /** The definition it was first stated in. */
  readonly source?: string;
  readonly extension?: readonly { readonly url: string; readonly valueBoolean?: boolean }[];
};

export type Binding = {
  readonly strength: 'required' | 'extensible' | 'preferred' | 'example';
  readonly valueSet?: string;
  readonly extension?: readonly { readonly url: string; readonly valueCanonical?: string }[];
};

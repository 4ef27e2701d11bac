/**
 * The parts of R4's conformance resources that the compiler reads, as the standard's own package has them. They are
 * trusted input: the package is pinned and its facts are checked by tests, so these shapes are asserted, not parsed.
 */

type ConformanceResource = {
  readonly id: string;
  readonly url?: string;
  readonly version?: string;
};

type Extension = {
  readonly url: string;
  readonly valueUrl?: string;
  readonly valueUri?: string;
  readonly valueString?: string;
  readonly valueBoolean?: boolean;
  readonly valueCanonical?: string;
};

export type ElementDefinitionType = {
  readonly code: string;
  readonly extension?: readonly Extension[];
  readonly profile?: readonly string[];
  readonly targetProfile?: readonly string[];
};

export type ElementDefinition = {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly type?: readonly ElementDefinitionType[];
  readonly contentReference?: string;
  readonly isSummary?: boolean;
  readonly isModifier?: boolean;
  readonly binding?: {
    readonly strength: 'required' | 'extensible' | 'preferred' | 'example';
    readonly valueSet?: string;
    readonly extension?: readonly Extension[];
  };
  readonly constraint?: readonly {
    readonly key: string;
    readonly severity: 'error' | 'warning';
    readonly human: string;
    readonly expression?: string;
    /** The url of the type it is inherited from. */
    readonly source?: string;
    readonly extension?: readonly Extension[];
  }[];
};

export type StructureDefinition = ConformanceResource & {
  readonly resourceType: 'StructureDefinition';
  readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'logical';
  readonly type: string;
  readonly abstract: boolean;
  readonly baseDefinition?: string;
  readonly derivation?: 'specialization' | 'constraint';
  readonly snapshot: { readonly element: readonly ElementDefinition[] };
};

export type SearchParameter = ConformanceResource & {
  readonly resourceType: 'SearchParameter';
  readonly code: string;
  readonly base?: readonly string[];
  readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
  readonly expression?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
};

export type CompartmentType = 'Patient' | 'Encounter' | 'Practitioner' | 'RelatedPerson' | 'Device';

export type CompartmentDefinition = ConformanceResource & {
  readonly resourceType: 'CompartmentDefinition';
  readonly code: CompartmentType;
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
};

export type OperationDefinition = ConformanceResource & {
  readonly resourceType: 'OperationDefinition';
  readonly name: string;
  readonly code: string;
  readonly system: boolean;
  readonly type: boolean;
  readonly instance: boolean;
  readonly resource?: readonly string[];
};

export type ValueSet = ConformanceResource & {
  readonly resourceType: 'ValueSet';
  readonly compose?: { readonly include: readonly { readonly system?: string; readonly valueSet?: readonly string[] }[] };
};

/** The other kinds are kept as documents only. */
export type OtherDefinition = ConformanceResource & { readonly resourceType: 'CodeSystem' | 'ConceptMap' };

export type Definition = StructureDefinition | SearchParameter | CompartmentDefinition | OperationDefinition | ValueSet | OtherDefinition;

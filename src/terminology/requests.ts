import type { JsonObject } from '../fhir/json.ts';

/**
 * What the terminology operations are asked, by the names of their parameters in the operations' definitions. All answer with a
 * resource: `$expand` with a ValueSet, the others with Parameters. They throw a FhirError that names what isn't known or too many.
 *
 * @see https://hl7.org/fhir/R4/terminology-service.html
 */
export type ExpandRequest = {
  /** A canonical url, with or without `|version`; or `valueSet` instead. */
  readonly url?: string;
  readonly valueSet?: object;
  readonly valueSetVersion?: string;
  readonly filter?: string;
  readonly offset?: number;
  readonly count?: number;
  readonly includeDesignations?: boolean;
  readonly designation?: readonly string[];
  readonly includeDefinition?: boolean;
  readonly activeOnly?: boolean;
  readonly excludeNested?: boolean;
  readonly excludeNotForUI?: boolean;
  readonly excludePostCoordinated?: boolean;
  readonly displayLanguage?: string;
  readonly 'exclude-system'?: readonly string[];
  readonly 'system-version'?: readonly string[];
  readonly 'check-system-version'?: readonly string[];
  readonly 'force-system-version'?: readonly string[];
};

export type Coding = { readonly system?: string; readonly version?: string; readonly code?: string; readonly display?: string };
export type CodeableConcept = { readonly coding?: readonly Coding[]; readonly text?: string };

/** `ValueSet/$validate-code`. */
export type ValidateCodeRequest = {
  readonly url?: string;
  readonly valueSet?: object;
  readonly valueSetVersion?: string;
  readonly code?: string;
  readonly system?: string;
  readonly systemVersion?: string;
  readonly display?: string;
  readonly coding?: Coding;
  readonly codeableConcept?: CodeableConcept;
  readonly abstract?: boolean;
  readonly displayLanguage?: string;
};

/** `CodeSystem/$validate-code`. */
export type ValidateSystemCodeRequest = {
  readonly url?: string;
  readonly codeSystem?: object;
  readonly version?: string;
  readonly code?: string;
  readonly display?: string;
  readonly coding?: Coding;
  readonly codeableConcept?: CodeableConcept;
  readonly abstract?: boolean;
  readonly displayLanguage?: string;
};

export type LookupRequest = {
  readonly code?: string;
  readonly system?: string;
  readonly version?: string;
  readonly coding?: Coding;
  readonly displayLanguage?: string;
  readonly property?: readonly string[];
};

export type SubsumesRequest = {
  readonly codeA?: string;
  readonly codeB?: string;
  readonly system?: string;
  readonly version?: string;
  readonly codingA?: Coding;
  readonly codingB?: Coding;
};

export type TranslateRequest = {
  readonly url?: string;
  readonly conceptMap?: object;
  readonly conceptMapVersion?: string;
  readonly code?: string;
  readonly system?: string;
  readonly version?: string;
  readonly source?: string;
  readonly coding?: Coding;
  readonly codeableConcept?: CodeableConcept;
  readonly target?: string;
  readonly targetsystem?: string;
  readonly dependency?: readonly { readonly element?: string; readonly concept?: CodeableConcept }[];
  readonly reverse?: boolean;
};

export type TerminologyOperations = {
  readonly expand: (request: ExpandRequest) => Promise<JsonObject>;
  readonly validateCode: (request: ValidateCodeRequest) => Promise<JsonObject>;
  readonly validateSystemCode: (request: ValidateSystemCodeRequest) => Promise<JsonObject>;
  readonly lookup: (request: LookupRequest) => Promise<JsonObject>;
  readonly subsumes: (request: SubsumesRequest) => Promise<JsonObject>;
  readonly translate: (request: TranslateRequest) => Promise<JsonObject>;
};

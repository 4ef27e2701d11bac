import type { SearchParam } from './registry.ts';

/** One search clause: a parameter, how it is asked, and its alternatives. Several clauses must all hold. */
export type Clause = {
  readonly param: SearchParam;
  readonly modifier?: string;
  /** Values between commas, escapes kept. */
  readonly values: readonly string[];
};

/** What is asked of a resource: one clause, or what follows references from it, or any of both combined. */
export type Criterion =
  | { readonly kind: 'clause'; readonly clause: Clause }
  /** `subject.name=…`: it refers to a resource of one of these types that meets the type's criterion. */
  | { readonly kind: 'chain'; readonly to: readonly Step[] }
  /** `_has:Observation:patient:code=…`: a resource that meets the criterion refers to it. */
  | { readonly kind: 'has'; readonly by: Step }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Criterion[] }
  | { readonly kind: 'not'; readonly of: Criterion };

/** How a row names another: by facts of these elements, and in `column`, where that says the same, by the row's one Patient. */
export type Link = { readonly params: readonly number[]; readonly column: boolean };

/** One hop: the type at its other end, the way there and what is asked there. */
export type Step = { readonly type: string; readonly link: Link; readonly criterion: Criterion };

export type SortKey = { readonly param: SearchParam; readonly descending: boolean };

/** `_include=Observation:patient:Patient`, and `_revinclude` likewise; `param` is absent for `Type:*`, the type too for `*`. */
export type Include = {
  readonly type?: string;
  readonly param?: SearchParam;
  readonly target?: string;
  /** Whatever a resource refers to, at any place, attachments too: not by parameters. */
  readonly anywhere?: true;
  /** It is asked of included resources too. */
  readonly iterate: boolean;
};

/** All that belongs to one patient, encounter, practitioner, related person or device. */
export type Compartment = { readonly type: string; readonly id: string };

export type SummaryMode = 'true' | 'text' | 'data' | 'count' | 'false';

/** A search as understood: everything resolved against the registry, nothing left as text but values. */
export type Query = {
  readonly type: string;
  readonly clauses: readonly Clause[];
  /** What is asked beside the clauses: chains, `_has`, `_list` and `_filter`. All must hold. */
  readonly criteria: readonly Criterion[];
  /** Only resources of this compartment. */
  readonly compartment?: Compartment;
  readonly sort: readonly SortKey[];
  readonly count: number;
  readonly total: 'none' | 'estimate' | 'accurate';
  readonly includes: readonly Include[];
  readonly revincludes: readonly Include[];
  readonly summary: SummaryMode;
  readonly elements: readonly string[];
  /** What resources contain is searched, alone or too, and answered by the resource that contains it or by itself. */
  readonly contained?: { readonly mode: 'true' | 'both'; readonly answer: 'container' | 'contained' };
  /** The answer says how it was found. */
  readonly explain: boolean;
  /** The opaque page cursor, as the client sent it back. */
  readonly page?: string;
  /** Name and value of every parameter that was understood, for the self link. */
  readonly understood: readonly (readonly [string, string])[];
};

/** What bounds a search, from the configuration. */
export type SearchLimits = {
  readonly pageSizeDefault: number;
  readonly pageSizeMax: number;
  readonly searchParametersMax: number;
  readonly searchOrValuesMax: number;
  /** Hops of a chain, and of nested `_has`. */
  readonly searchChainDepthMax: number;
  /** Whether the words of texts are indexed. */
  readonly searchFullText?: boolean;
};

import type { Conformance } from '../fhir/conformance.ts';
import { FhirError, issue } from '../fhir/error.ts';
import type { CodeTables } from '../storage/terminology.ts';
import type { TerminologyOperations } from './requests.ts';
import type { SearchTerms } from './search-terms.ts';
import type { CodeChecker } from './verdict.ts';

/** What codes mean: which are in a value set, which are kinds of which, and what stands for them elsewhere. */
export type Terminology = SearchTerms & TerminologyOperations & { readonly checker: CodeChecker };

export type TerminologyOptions = {
  /** Where code systems, value sets and concept maps are found; for a caller who may not see all, those that he may. */
  readonly conformance: Conformance;
  /** The code systems that were loaded into tables. */
  readonly tables?: CodeTables;
  /** About how much of code systems and value sets stays in memory. */
  readonly memoryBytes?: number;
  readonly now?: () => Date;
};

export function makeTerminology(_options: TerminologyOptions): Terminology {
  const unanswered = (): Promise<never> =>
    Promise.reject(new FhirError(501, [issue('not-supported', 'terminology-unsupported', 'This is not answered here.')]));
  const untold = { untold: 'No code systems are known here.' };
  const unchecked = { kind: 'unchecked', why: untold.untold } as const;
  return {
    checker: { now: () => unchecked, later: async (questions) => questions.map(() => unchecked) },
    expandCodes: async () => untold,
    descendants: async () => untold,
    ancestors: async () => untold,
    expand: unanswered,
    validateCode: unanswered,
    validateSystemCode: unanswered,
    lookup: unanswered,
    subsumes: unanswered,
    translate: unanswered,
  };
}

import type { Conformance } from '../fhir/conformance.ts';
import { FhirError, issue } from '../fhir/error.ts';
import type { CodeTables } from '../storage/terminology.ts';
import { makeChecker } from './checker.ts';
import type { TerminologyOperations } from './requests.ts';
import { type SearchTerms, searchTerms } from './search-terms.ts';
import { makeStock } from './stock.ts';
import type { CodeChecker } from './verdict.ts';

/** What codes mean: which are in a value set, which are kinds of which, and what stands for them elsewhere. */
export type Terminology = SearchTerms & TerminologyOperations & { readonly checker: CodeChecker };

export type TerminologyOptions = {
  /** Where code systems, value sets and concept maps are found; for a caller who may not see all, those that he may. */
  readonly conformance: Conformance;
  /** The code systems that were loaded into tables. */
  readonly tables?: CodeTables;
  /** About how much memory value sets may take, and code systems too. */
  readonly memoryBytes?: number;
  readonly now?: () => Date;
};

const memoryBytesDefault = 32 * 2 ** 20;

export function makeTerminology({ conformance, tables, memoryBytes = memoryBytesDefault }: TerminologyOptions): Terminology {
  const stock = makeStock({ conformance, tables, memoryBytes });
  const unanswered = (): Promise<never> =>
    Promise.reject(new FhirError(501, [issue('not-supported', 'terminology-unsupported', 'This is not answered here.')]));
  return {
    ...searchTerms(stock),
    checker: makeChecker(stock),
    expand: unanswered,
    validateCode: unanswered,
    validateSystemCode: unanswered,
    lookup: unanswered,
    subsumes: unanswered,
    translate: unanswered,
  };
}

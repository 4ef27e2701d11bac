import type { Conformance } from '../fhir/conformance.ts';
import type { JsonObject } from '../fhir/json.ts';
import type { CodeTables } from '../storage/terminology.ts';
import { makeChecker } from './checker.ts';
import { expand } from './expand.ts';
import { lookup } from './lookup.ts';
import { assertAsked } from './refusals.ts';
import type { TerminologyOperations } from './requests.ts';
import { type SearchTerms, searchTerms } from './search-terms.ts';
import { makeStock } from './stock.ts';
import { subsumes } from './subsumes.ts';
import { translate } from './translate.ts';
import { validateCode, validateSystemCode } from './validate-code.ts';
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

export function makeTerminology({
  conformance,
  tables,
  memoryBytes = memoryBytesDefault,
  now = () => new Date(),
}: TerminologyOptions): Terminology {
  const stock = makeStock({ conformance, tables, memoryBytes });
  const places = { stock, conformance, now };
  const asked =
    <R extends object>(operation: (request: R) => Promise<JsonObject>) =>
    async (request: R): Promise<JsonObject> => {
      assertAsked(request, now());
      return operation(request);
    };
  return {
    ...searchTerms(stock),
    checker: makeChecker(stock),
    expand: asked((request) => expand(request, places)),
    validateCode: asked((request) => validateCode(request, stock)),
    validateSystemCode: asked((request) => validateSystemCode(request, stock)),
    lookup: asked((request) => lookup(request, stock)),
    subsumes: asked((request) => subsumes(request, stock)),
    translate: asked((request) => translate(request, places)),
  };
}

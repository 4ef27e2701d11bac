import { forbidden } from '../fhir/error.ts';
import { noRows, type RowFilter } from '../storage/filter.ts';
import { makeTerminology, type Terminology } from '../terminology/terminology.ts';
import { makeConformance } from './conformance/conformance.ts';
import type { Call, Context } from './context.ts';

/** What a caller may read or find. */
function seen({ access }: Call, type: string): RowFilter {
  const readable = access.filter('r', type);
  return readable === noRows ? access.filter('s', type) : readable;
}

/** @throws FhirError 403 if the caller may neither read nor search resources of the type */
export function assertTerminologyReadable(call: Call, type: string): void {
  if (seen(call, type) !== noRows) return;
  throw forbidden('scope-insufficient', `The token's scopes don't permit to read ${type}. It needs a scope such as system/${type}.r.`);
}

/**
 * Terminology as a caller may know it: what is stored here and hidden from him does not exist. Most callers see all of it and share what
 * is compiled; for the others it is compiled for the one request.
 */
export function terminologyFor(ctx: Context, call: Call, type: string): Terminology {
  if (['ValueSet', 'CodeSystem', type].every((each) => seen(call, each) === 'all')) return ctx.terminology;
  const { definitions, searcher, codeTables } = ctx;
  const filter = (each: string): RowFilter => seen(call, each);
  const conformance = makeConformance({ definitions, db: searcher, stored: ctx, filter });
  return makeTerminology(codeTables === undefined ? { conformance } : { conformance, tables: codeTables });
}

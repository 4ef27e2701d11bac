import type { Conformance } from '../fhir/conformance.ts';
import { forbidden } from '../fhir/error.ts';
import { noRows, type RowFilter } from '../storage/filter.ts';
import { makeTerminology, type Terminology } from '../terminology/terminology.ts';
import { makeConformance } from './conformance/conformance.ts';
import type { Call, Context } from './context.ts';

/** What a caller may read or find. */
export function seen({ access }: Call, type: string): RowFilter {
  const readable = access.filter('r', type);
  return readable === noRows ? access.filter('s', type) : readable;
}

/** Conformance resources as a caller may know them: what is stored here and hidden from him does not exist. */
export function conformanceFor(ctx: Context, call: Call): Conformance {
  const { definitions, searcher } = ctx;
  return makeConformance({ definitions, db: searcher, stored: ctx, filter: (type) => seen(call, type) });
}

/** @throws FhirError 403 if the caller may neither read nor search resources of the type */
export function assertReadable(call: Call, type: string): void {
  if (seen(call, type) !== noRows) return;
  throw forbidden('scope-insufficient', `The token's scopes don't permit to read ${type}. It needs a scope such as system/${type}.r.`);
}

/**
 * Terminology as a caller may know it. Most callers see all of it and share what is compiled; for the others it is compiled for the one
 * request.
 */
export function terminologyFor(ctx: Context, call: Call, type: string): Terminology {
  if (['ValueSet', 'CodeSystem', type].every((each) => seen(call, each) === 'all')) return ctx.terminology;
  const { codeTables } = ctx;
  const conformance = conformanceFor(ctx, call);
  return makeTerminology(codeTables === undefined ? { conformance } : { conformance, tables: codeTables });
}

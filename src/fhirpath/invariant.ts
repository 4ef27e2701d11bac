import type { Json, JsonObject } from '../fhir/json.ts';
import type { Schema } from '../fhir/schema.ts';

/** What an invariant may ask beyond the item it is about. */
export type InvariantScope = {
  /** `%resource`: the resource the item is in; a contained one is one itself. */
  readonly resource: JsonObject;
  /** `%rootResource`: the resource that contains it, or itself. */
  readonly rootResource: JsonObject;
  /** `resolve()`: a contained resource or one of the same Bundle; undefined if it isn't here. */
  readonly resolve: (reference: string) => JsonObject | undefined;
  /** `memberOf()`, `system` undefined for a mere code; undefined if it can't be told. */
  readonly memberOf: (valueSet: string, system: string | undefined, code: string) => boolean | undefined;
  /** `conformsTo()`; undefined if the profile isn't known. */
  readonly conformsTo: (profile: string, item: JsonObject) => boolean | undefined;
  /** A number's text as it came (`literalOf`): only `toString()` asks. Without it, JavaScript's. */
  readonly literal?: (holder: object, key: string | number, value: number) => string;
  /** A UCUM quantity in a unit that all of its dimensions share, and by how much that may be off; undefined if the code isn't known. */
  readonly inCanonical?: (value: number, code: string) => Canonical | undefined;
  /** How many items all invariants asked in this scope may visit together; with nothing left, none of them can be told. */
  readonly budget?: { left: number };
};

export type Canonical = { readonly value: number; readonly unit: string; readonly error: number };

/**
 * true: it holds. false: it doesn't, or finds nothing. undefined: that can't be told (something asked for isn't known, the
 * expression ends with an error on this resource, or would take too long). Never throws.
 *
 * @param item   undefined for a primitive that has no value but extensions
 * @param extra  a primitive's `_name` object, if it has one
 */
export type Invariant = (item: Json | undefined, scope: InvariantScope, extra?: JsonObject) => boolean | undefined;

/**
 * Compiles an ElementDefinition.constraint.expression for the items of one type.
 *
 * @param type  of the items: a resource type, a datatype or a backbone path (`Observation.component`)
 * @returns     undefined if the library is needed and not loaded: await `prepareLibrary` and ask again
 * @throws      FhirError 400 if the expression is no FHIRPath
 */
export type CompileInvariant = (expression: string, type: string, schema: Schema) => Invariant | undefined;

import type { Schema } from '../fhir/schema.ts';
import type { Node } from './syntax.ts';

/**
 * Called for each value found, with its FHIR datatype (`Quantity`, `code`; `Resource` for one contained). `holder[key]` is
 * the value's place, an object's property or an array's item, so that what is known of the place, such as a decimal's
 * literal, can be found; both are undefined for computed values and those the library found.
 *
 * The value has the JSON kind of its type: an object for complex types, a string, number or boolean for primitives.
 */
export type Visit = (value: unknown, type: string, holder: object | undefined, key: string | number | undefined) => void;

/** Goes on from one item to all that its part of the path finds. Steps are closures over each other: no lists between them. */
export type Step = (value: unknown, holder: object | undefined, key: string | number | undefined, visit: Visit) => void;

/** Makes what follows, given the static type of the items that reach it; undefined if nothing can follow. */
export type Continue = (type: string) => Step | undefined;

/** `compileSteps`, for those it calls itself. */
export type CompileSteps = (node: Node, type: string, schema: Schema, next: Continue) => Step | undefined;

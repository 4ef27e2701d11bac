import { FhirError, issue } from '../../fhir/error.ts';
import type { Decimals, Json, JsonObject } from '../../fhir/json.ts';
import type { Schema } from '../../fhir/schema.ts';
import type { Resolve } from '../links.ts';

/** What a patch may make of a resource. */
export type PatchLimits = {
  /** Objects and arrays inside each other, as the reader of requests counts them; at most 1,000. */
  readonly depthMax: number;
  /** Values and characters that the operations of one patch may copy in all: without it, thirty copies double a value a billion times. */
  readonly copiesMax: number;
};

/** What patches are applied with. */
export type PatchContext = {
  readonly schema: Schema;
  readonly limits: PatchLimits;
  /** What the links in the patch's values become, where it is part of a transaction. */
  readonly resolve?: Resolve;
};

/** A resource being patched: our own copy of it, free to change, with the literals of its numbers. */
export type WorkingCopy = {
  readonly resource: JsonObject;
  readonly decimals: Decimals;
  readonly limits: PatchLimits;
  copiesLeft: number;
};

/** A value outside the tree, with its literal if it is a number that has one. */
export type Loose = { readonly value: Json; readonly literal: string | undefined };

export type Container = JsonObject | Json[];

/** What is stored may be deeper than is taken now: the limits are for what a patch puts in. */
export function workingCopy(resource: JsonObject, decimals: Decimals, limits: PatchLimits): WorkingCopy {
  const unlimited = { depthMax: Number.POSITIVE_INFINITY, copiesMax: Number.POSITIVE_INFINITY };
  const work: WorkingCopy = { resource: {}, decimals: new Map(), limits: unlimited, copiesLeft: unlimited.copiesMax };
  const copy = copyIn(work, { value: resource, literal: undefined }, decimals, 0).value as JsonObject;
  return { ...work, resource: copy, limits, copiesLeft: limits.copiesMax };
}

/**
 * Copies a value so that it can go into the tree `depth` levels down.
 *
 * @param decimals  where the literals inside it are found; the copy's go to the working copy's own
 * @throws          FhirError 422 if the tree would be too deep, 413 if too much is copied
 */
export function copyIn(work: WorkingCopy, { value, literal }: Loose, decimals: Decimals, depth: number): Loose {
  return { value: copied(work, value, decimals, depth), literal };
}

function copied(work: WorkingCopy, value: Json, decimals: Decimals, depth: number): Json {
  work.copiesLeft -= 1 + (typeof value === 'string' ? value.length : 0);
  if (work.copiesLeft < 0) {
    throw new FhirError(413, [issue('too-costly', 'patch-copies', 'The patch copies too much data. Send the result as an update.')]);
  }
  if (value === null || typeof value !== 'object') return value;
  assertDepth(work, depth + 1);
  const copy = Array.isArray(value)
    ? value.map((item) => copied(work, item, decimals, depth + 1))
    : Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copied(work, member, decimals, depth + 1)]));
  const literals = decimals.get(value);
  if (literals !== undefined) work.decimals.set(copy, { ...literals });
  return copy;
}

/** 422 if a value of the tree that is moved to `depth` levels down would end up too deep. */
export function assertFits(work: WorkingCopy, value: Json, depth: number): void {
  if (value === null || typeof value !== 'object') return;
  assertDepth(work, depth + 1);
  for (const member of Object.values(value)) assertFits(work, member, depth + 1);
}

/** 422 if objects and arrays would be `depth` levels inside each other, and that is too deep. */
export function assertDepth({ limits }: WorkingCopy, depth: number): void {
  if (depth <= limits.depthMax) return;
  throw new FhirError(422, [issue('processing', 'patch-depth', `The patch makes the resource more than ${limits.depthMax} levels deep.`)]);
}

/** What stands at a place that exists, left where it is. */
export function looseAt(decimals: Decimals, holder: Container, key: string | number): Loose {
  const value = Array.isArray(holder) ? holder[Number(key)] : holder[key];
  const literals = decimals.get(holder);
  return { value: value ?? null, literal: literals !== undefined && Object.hasOwn(literals, key) ? literals[key] : undefined };
}

/** Sets a member, or an item that exists. */
export function setAt({ decimals }: WorkingCopy, holder: Container, key: string | number, { value, literal }: Loose): void {
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else holder[key] = value;
  const literals = decimals.get(holder);
  if (literal !== undefined) decimals.set(holder, { ...literals, [key]: literal });
  else if (literals !== undefined) delete literals[key];
}

/** Puts an item before the one at `index`, or at the end. */
export function insertAt(work: WorkingCopy, array: Json[], index: number, item: Loose): void {
  array.splice(index, 0, null);
  shiftLiterals(work, array, index, 1);
  setAt(work, array, index, item);
}

/** Takes a member or item that exists out of the tree; the items behind it move up. */
export function removeAt(work: WorkingCopy, holder: Container, key: string | number): Loose {
  const removed = looseAt(work.decimals, holder, key);
  setAt(work, holder, key, { value: null, literal: undefined });
  if (Array.isArray(holder)) {
    holder.splice(Number(key), 1);
    shiftLiterals(work, holder, Number(key) + 1, -1);
  } else delete holder[key];
  return removed;
}

function shiftLiterals({ decimals }: WorkingCopy, array: Json[], from: number, by: number): void {
  const literals = decimals.get(array);
  if (literals === undefined) return;
  const shifted: Record<string, string> = {};
  for (const [index, literal] of Object.entries(literals)) shifted[Number(index) < from ? index : Number(index) + by] = literal;
  decimals.set(array, shifted);
}

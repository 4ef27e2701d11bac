import type { Json, JsonObject } from '../fhir/json.ts';
import { nearestName } from '../fhir/nearest-name.ts';
import { noteChild, pathOf, report, reportChild, type Walk } from './walk.ts';

/** A type, compiled. */
export type Shape = {
  readonly type: string;
  /** By JSON property name; `_birthDate` stands beside `birthDate`. */
  readonly members: ReadonlyMap<string, Member>;
  /** The elements that have a bit in the mask of what was seen of an object. */
  readonly parts: readonly Part[];
  /** The bits of those that must be there. */
  readonly required: number;
  /** Of an Extension: the bits of `value[x]` and `extension`, of which it has one; else 0. */
  readonly either: number;
  /** What its definition asks of the object as a whole. */
  readonly rules: readonly ObjectRule[];
};

/** Checks a whole object; the walk's path already ends with its step. Its members have been checked, and may be of any kind. */
export type ObjectRule = (walk: Walk, object: JsonObject) => void;

export type Member = {
  /** The element's FHIRPath step: `value` for the property `valueQuantity`, `birthDate` for `_birthDate`. */
  readonly step: string;
  /** The bit of its part, 0 if nobody asks whether it was seen. */
  readonly bit: number;
  /** Whether it is one of a choice, of which an object may have one. */
  readonly choice: boolean;
  /** For `_birthDate`: `birthDate`, the property with which it makes one element. */
  readonly twin?: string;
  readonly check: Check;
};

/** An element that must be there, a choice, or both; an Extension's `extension` too. */
export type Part = { readonly step: string; readonly bit: number; readonly required: boolean; readonly names: readonly string[] };

/** Checks holder[key], which is `value`; the walk's path already ends with its step. */
export type Check = (walk: Walk, value: Json, holder: JsonObject) => void;

/** Far deeper than the JSON reader lets anything through, and far from the end of the stack. */
const STEPS_MAX = 1_000;

/** A longer list of alternatives helps nobody. */
const NAMES_MAX = 12;

/**
 * Checks each member of an object, then whether one is missing.
 *
 * @returns  how many members it has
 */
export function checkMembers(walk: Walk, shape: Shape, object: JsonObject): number {
  if (walk.depth > STEPS_MAX) {
    report(walk, 'too-long', 'shape-depth', `is deeper than ${STEPS_MAX} steps: nest less.`);
    return 2;
  }
  let count = 0;
  let seen = 0;
  for (const name in object) {
    const value = object[name];
    if (value === undefined) continue;
    count++;
    const member = shape.members.get(name);
    if (member === undefined) {
      reportUnknown(walk, shape, name);
    } else {
      walk.path[walk.depth++] = member.step;
      if (member.bit !== 0) seen = see(walk, shape, member, object, seen);
      member.check(walk, value, object);
      walk.depth--;
    }
    if (walk.full) return count;
  }
  if ((seen & shape.required) !== shape.required) reportMissing(walk, shape, seen);
  if (shape.either !== 0) checkEither(walk, seen & shape.either, shape.either);
  for (let at = 0; at < shape.rules.length && !walk.full; at++) shape.rules[at]?.(walk, object);
  return count;
}

function see(walk: Walk, shape: Shape, member: Member, object: JsonObject, seen: number): number {
  if (member.twin !== undefined && object[member.twin] !== undefined) return seen;
  if (member.choice && (seen & member.bit) !== 0) {
    const names = shape.parts.find((part) => part.bit === member.bit)?.names ?? [];
    report(walk, 'structure', 'shape-choice', `is given more than once: keep one of ${listOf(names)}.`);
  }
  return seen | member.bit;
}

const EXT_1 = { profile: 'http://hl7.org/fhir/StructureDefinition/Extension', version: '4.0.1', key: 'ext-1' };

/** @see https://hl7.org/fhir/R4/extensibility.html#Extension, invariant ext-1 */
function checkEither(walk: Walk, found: number, either: number): void {
  if (found === either) report(walk, 'invariant', 'shape-extension', 'has a value and extensions too: keep one of them.', EXT_1);
  if (found === 0) report(walk, 'invariant', 'shape-extension', 'has neither a value nor extensions: add one, or leave it out.', EXT_1);
}

function reportMissing(walk: Walk, shape: Shape, seen: number): void {
  for (const part of shape.parts) {
    if (!part.required || (seen & part.bit) !== 0) continue;
    const sentence =
      part.names.length === 1 ? 'is required and missing: add it.' : `is required and missing: add one of ${listOf(part.names)}.`;
    // What is missing has no place: others tell of it at what lacks it.
    noteChild(walk, part.step, 'error', 'required', 'shape-required', sentence, undefined, pathOf(walk));
  }
}

/** A name is quoted only if it looks like one: it may be text of any kind that got into the wrong place. */
function reportUnknown(walk: Walk, shape: Shape, name: string): void {
  if (!/^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(name)) {
    const sentence = 'has a property whose name is no name of a FHIR element (a letter, then letters and digits): leave it out.';
    report(walk, 'structure', 'shape-unknown-element', sentence);
    return;
  }
  const sentence = `is no property of ${shape.type}${adviceOn(name, shape)}`;
  reportChild(walk, name, 'structure', 'shape-unknown-element', sentence);
}

function adviceOn(name: string, shape: Shape): string {
  const choice = shape.parts.find((part) => part.names.length > 1 && name.startsWith(part.step));
  const nearest = choice?.step === name ? undefined : nearestName(name, shape.members.keys());
  if (nearest !== undefined) return `; did you mean ${nearest}?`;
  if (choice !== undefined) return `: write ${listOf(choice.names)}.`;
  return ': leave it out, or say it in an extension.';
}

function listOf(names: readonly string[]): string {
  return names.length <= NAMES_MAX ? names.join(', ') : `${names.slice(0, NAMES_MAX).join(', ')}, …`;
}

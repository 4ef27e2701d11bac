import type { Json, JsonObject } from '../fhir/json.ts';
import type { ElementDef } from '../fhir/schema.ts';
import type { Format } from './formats.ts';
import { type Check, checkMembers, type Shape } from './objects.ts';
import { kindOf, report, type Walk } from './walk.ts';

/** Checks an object, which is holder[key]; the walk's path already ends with its step. */
export type Content = (walk: Walk, object: JsonObject, holder: object, key: string | number) => void;

/** The check of an element that is an object and may not repeat. */
export function objectElement(element: ElementDef, content: Content): Check {
  const key = element.name;
  return (walk, value, holder) => checkObject(walk, content, value, holder, key);
}

/** The check of an element that is an object and may repeat. */
export function objectsElement(element: ElementDef, content: Content): Check {
  return (walk, value) => {
    if (!Array.isArray(value) || value.length === 0) return reportNoArray(walk, value);
    checkCount(walk, element, value);
    const at = walk.depth++;
    for (let index = 0; index < value.length && !walk.full; index++) {
      walk.path[at] = index;
      checkObject(walk, content, value[index] ?? null, value, index);
    }
    walk.depth--;
  };
}

/** Checks a primitive that is written as its type asks; the walk's path already ends with its step. */
export type ValueRule = (walk: Walk, value: Json) => void;

/** The check of a primitive that may not repeat. */
export function primitiveElement(element: ElementDef, format: Format, rule: ValueRule | undefined): Check {
  const key = element.name;
  if (rule === undefined) {
    return (walk, value, holder) => {
      if (!format.accepts(value, holder, key, walk.decimals)) reportFormat(walk, format, value);
    };
  }
  return (walk, value, holder) => {
    if (format.accepts(value, holder, key, walk.decimals)) rule(walk, value);
    else reportFormat(walk, format, value);
  };
}

/** The check of a primitive that may repeat; an item may be null where the parallel array has an object. */
export function primitivesElement(element: ElementDef, format: Format, rule: ValueRule | undefined): Check {
  const shadowName = `_${element.name}`;
  return (walk, value, holder) => {
    if (!Array.isArray(value) || value.length === 0) return reportNoArray(walk, value);
    checkCount(walk, element, value);
    const at = walk.depth++;
    for (let index = 0; index < value.length && !walk.full; index++) {
      const item = value[index] ?? null;
      walk.path[at] = index;
      if (format.accepts(item, value, index, walk.decimals)) rule?.(walk, item);
      else if (item !== null) reportFormat(walk, format, item);
      else if (isAbsent(itemOf(holder[shadowName], index))) report(walk, 'structure', 'shape-null', nullItem(shadowName));
    }
    walk.depth--;
  };
}

/** The check of `_birthDate`: id and extensions of the primitive beside it, or in its place. @see https://hl7.org/fhir/R4/json.html#primitive */
export function shadowElement(element: ElementDef, shapeOfElement: () => Shape): Check {
  return (walk, value, holder) => checkShadow(walk, shapeOfElement, value, `_${element.name}`, isAbsent(holder[element.name]));
}

/** The check of `_given`: items are null where the primitive has neither id nor extension. */
export function shadowsElement(element: ElementDef, shapeOfElement: () => Shape): Check {
  const shadowName = `_${element.name}`;
  return (walk, value, holder) => {
    if (!Array.isArray(value) || value.length === 0) return reportNoArray(walk, value);
    const values = holder[element.name];
    if (Array.isArray(values) && values.length !== value.length) {
      report(walk, 'structure', 'shape-parallel', `and ${shadowName} differ in length: fill the shorter array with null.`);
    }
    const at = walk.depth++;
    for (let index = 0; index < value.length && !walk.full; index++) {
      walk.path[at] = index;
      const item = value[index] ?? null;
      const valueless = isAbsent(itemOf(values, index));
      if (item !== null) checkShadow(walk, shapeOfElement, item, shadowName, valueless);
      else if (values === undefined) report(walk, 'structure', 'shape-null', nullItem(element.name));
    }
    walk.depth--;
  };
}

/** An element is more than its id. @see https://hl7.org/fhir/R4/element.html, invariant ele-1 */
export function checkContent(walk: Walk, shape: Shape, object: JsonObject): void {
  const count = checkMembers(walk, shape, object);
  if (count === 0) report(walk, 'structure', 'shape-empty', 'is an empty object: leave it out.');
  else if (count === 1 && object.id !== undefined) report(walk, 'invariant', 'shape-empty', 'has nothing but an id: leave it out.');
}

function checkObject(walk: Walk, content: Content, value: Json, holder: object, key: string | number): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) content(walk, value, holder, key);
  else if (Array.isArray(value)) reportArray(walk);
  else if (value === null) reportNull(walk);
  else reportKind(walk, 'a JSON object', value, 'write it as { … }.');
}

function checkShadow(walk: Walk, shapeOfElement: () => Shape, value: Json, shadowName: string, valueless: boolean): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const sentence = `has ${shadowName} as ${kindOf(value)}: it must be an object with id or extension, or left out.`;
    report(walk, 'structure', 'shape-primitive-extension', sentence);
    return;
  }
  if (valueless) return checkContent(walk, shapeOfElement(), value);
  const count = checkMembers(walk, shapeOfElement(), value);
  if (count === 0) report(walk, 'structure', 'shape-empty', `has ${shadowName} as an empty object: leave it out.`);
}

function checkCount(walk: Walk, element: ElementDef, items: readonly Json[]): void {
  if (items.length > element.max) report(walk, 'structure', 'shape-count', `has ${items.length} items and may have ${element.max}.`);
  if (items.length < element.min) report(walk, 'required', 'shape-count', `has ${items.length} items and must have ${element.min}.`);
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function itemOf(value: Json | undefined, index: number): Json | undefined {
  return Array.isArray(value) ? value[index] : undefined;
}

function nullItem(other: string): string {
  return `is null, which stands only where the same item of ${other} is not: leave it out.`;
}

function reportNull(walk: Walk): void {
  report(walk, 'structure', 'shape-null', 'must not be null: leave it out.');
}

function reportArray(walk: Walk): void {
  report(walk, 'structure', 'shape-single', 'does not repeat here, yet is an array: write its one value without [ ].');
}

function reportNoArray(walk: Walk, value: Json): void {
  if (value === null) return reportNull(walk);
  if (Array.isArray(value)) return report(walk, 'structure', 'shape-empty', 'is an empty array: leave it out.');
  report(walk, 'structure', 'shape-array', `may repeat, so it must be an array; found ${kindOf(value)}: put it in [ ].`);
}

function reportFormat(walk: Walk, format: Format, value: Json): void {
  if (value === null) return reportNull(walk);
  if (Array.isArray(value)) return reportArray(walk);
  if (value === '') return report(walk, 'value', 'shape-empty', 'must not be an empty string: leave it out.');
  if (typeof value !== format.json) return reportKind(walk, `a JSON ${format.json}`, value, mending(format, value));
  report(walk, 'value', 'shape-format', `must be ${format.rule}; found a ${format.json} that is not.`);
}

function reportKind(walk: Walk, rule: string, value: Json, advice: string): void {
  report(walk, 'structure', 'shape-kind', `must be ${rule}; found ${kindOf(value)}: ${advice}`);
}

function mending(format: Format, value: Json): string {
  if (format.json === 'string' && typeof value !== 'object') return 'put it in quotes.';
  return typeof value === 'string' ? 'write it without quotes.' : `write it as ${format.rule}.`;
}

import type { Json, JsonObject } from '../../fhir/json.ts';
import type { ElementDef } from '../../fhir/schema.ts';
import { isObject } from './fhirpath-patch-operations.ts';
import { own } from './places.ts';
import { insertAt, type Loose, removeAt, setAt, type WorkingCopy } from './working-copy.ts';

/**
 * An element outside the tree: the value of its JSON property, and the object with id and extensions that stands beside a
 * primitive (`_birthDate`). One of the two may be missing.
 *
 * The functions here keep `given` and `_given` parallel: same length, null where an item has no part in one of them, and
 * neither present without content. @see https://hl7.org/fhir/R4/json.html#primitive
 */
export type Element = { readonly definition: ElementDef; readonly value: Loose | undefined; readonly extras: JsonObject | undefined };

/** Whether an element, or another of the same choice, is there. */
export function hasElement(fields: JsonObject, siblings: readonly ElementDef[]): boolean {
  return siblings.some(({ name }) => own(fields, name) !== undefined || own(fields, `_${name}`) !== undefined);
}

/** Adds an element to its owner's fields: at the end of its list, or as the only one. */
export function putElement(work: WorkingCopy, fields: JsonObject, element: Element): void {
  const { name, array } = element.definition;
  if (array) return insertElement(work, fields, lengthOf(fields, name), element);
  if (element.value !== undefined) setAt(work, fields, name, element.value);
  if (element.extras !== undefined) fields[`_${name}`] = element.extras;
}

/** Inserts into a list, which is made if it isn't there. */
export function insertElement(
  work: WorkingCopy,
  fields: JsonObject,
  index: number,
  { definition: { name }, value, extras }: Element,
): void {
  const length = lengthOf(fields, name);
  insertParallel(work, fields, name, { index, length, item: value });
  insertParallel(work, fields, `_${name}`, { index, length, item: extras && { value: extras, literal: undefined } });
}

/** Takes an element, or one item of its list, out of its owner's fields. */
export function removeElement(work: WorkingCopy, fields: JsonObject, definition: ElementDef, index: number | undefined): Element {
  const value = takeOut(work, fields, definition.name, index);
  const extras = takeOut(work, fields, `_${definition.name}`, index)?.value;
  return { definition, value, extras: isObject(extras) ? extras : undefined };
}

/** Puts an element where another was: an item of the same list, or any of the same choice. Its member keeps its place if it can. */
export function replaceElement(
  work: WorkingCopy,
  fields: JsonObject,
  { element, index }: { readonly element: ElementDef; readonly index: number | undefined },
  made: Element,
): void {
  if (index === undefined && made.definition.name === element.name && made.value !== undefined) delete fields[`_${element.name}`];
  else removeElement(work, fields, element, index);
  if (index === undefined) putElement(work, fields, made);
  else insertElement(work, fields, index, made);
}

/** How many items a list has, counting those that have only extensions. */
export function lengthOf(fields: JsonObject, name: string): number {
  return Math.max(itemsOf(fields, name)?.length ?? 0, itemsOf(fields, `_${name}`)?.length ?? 0);
}

function itemsOf(fields: JsonObject, name: string): Json[] | undefined {
  const items = own(fields, name);
  return Array.isArray(items) ? items : undefined;
}

type Insertion = { readonly index: number; readonly length: number; readonly item: Loose | undefined };

function insertParallel(work: WorkingCopy, fields: JsonObject, name: string, { index, length, item }: Insertion): void {
  const items = itemsOf(fields, name) ?? [];
  if (items.length === 0 && item === undefined) return;
  while (items.length < length) items.push(null);
  insertAt(work, items, index, item ?? { value: null, literal: undefined });
  fields[name] = items;
}

function takeOut(work: WorkingCopy, fields: JsonObject, name: string, index: number | undefined): Loose | undefined {
  if (index === undefined) return own(fields, name) === undefined ? undefined : removeAt(work, fields, name);
  const items = itemsOf(fields, name);
  if (items === undefined || index >= items.length) return undefined;
  const removed = removeAt(work, items, index);
  if (items.every((item) => item === null)) delete fields[name];
  return removed.value === null ? undefined : removed;
}

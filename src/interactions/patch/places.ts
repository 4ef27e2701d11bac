import type { Json, JsonObject } from '../../fhir/json.ts';
import type { ElementDef, Schema } from '../../fhir/schema.ts';
import { isObject } from './fhirpath-patch-operations.ts';

/** One element of a resource, and how it is reached: what a path finds, and an operation changes. */
export type Place = {
  /** The element it is a child of; undefined for the resource itself. */
  readonly owner: Place | undefined;
  /** Undefined for the resource itself. */
  readonly element: ElementDef | undefined;
  /** Its place in a list. */
  readonly index: number | undefined;
  /** The type it really has: of a contained resource, its own. */
  readonly type: string;
  /** Undefined for a primitive that has extensions only. */
  readonly value: Json | undefined;
};

export function rootPlace(resource: JsonObject): Place {
  return { owner: undefined, element: undefined, index: undefined, type: typeNameOf(resource) ?? '', value: resource };
}

/** Whether a type is another or derives from it: `code` from `string`, `Patient` from `DomainResource`. */
export function derives(type: string, from: string, schema: Schema): boolean {
  for (let name: string | undefined = type; name !== undefined && name !== ''; name = schema(name)?.base) {
    if (name === from) return true;
  }
  return false;
}

/** The JSON properties an element's name can stand for in a type: several for a choice (`value`), none if it has no such element. */
export function elementsNamed(type: string, name: string, schema: Schema): readonly ElementDef[] {
  // Primitives have the children of every element: id and extension.
  const elements = schema(schema(type)?.kind === 'primitive' ? 'Element' : type)?.elements;
  const single = elements?.get(name);
  if (single !== undefined) return [single];
  return [...(elements?.values() ?? [])].filter((element) => element.element === `${name}[x]`);
}

/** The children of a place that are one of these elements, items of lists in order. */
export function childrenOf(owner: Place, elements: readonly ElementDef[], schema: Schema): Place[] {
  const fields = fieldsOf(owner, schema);
  if (fields === undefined) return [];
  return elements.flatMap((element) => {
    const value = own(fields, element.name);
    const extras = own(fields, `_${element.name}`);
    if (!element.array) return value === undefined && extras === undefined ? [] : [childPlace(owner, element, undefined, value)];
    const values = Array.isArray(value) ? value : [];
    const length = Math.max(values.length, Array.isArray(extras) ? extras.length : 0);
    return Array.from({ length }, (_, index) => childPlace(owner, element, index, values[index]));
  });
}

/** The object that holds the children of a place: of a primitive, the one beside it (`_birthDate`), if there is one. */
export function fieldsOf(place: Place, schema: Schema): JsonObject | undefined {
  if (schema(place.type)?.kind !== 'primitive') return isObject(place.value) ? place.value : undefined;
  if (place.owner === undefined || place.element === undefined) return undefined;
  const extras = own(fieldsOf(place.owner, schema) ?? {}, `_${place.element.name}`);
  const mine = Array.isArray(extras) && place.index !== undefined ? extras[place.index] : extras;
  return isObject(mine) ? mine : undefined;
}

/** How many objects and arrays a place is inside of. */
export function depthOf(place: Place): number {
  return (place.owner === undefined ? 0 : depthOf(place.owner) + 1) + (place.index === undefined ? 0 : 1);
}

export function own(fields: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function childPlace(owner: Place, element: ElementDef, index: number | undefined, value: Json | undefined): Place {
  const type = element.type === 'Resource' ? (typeNameOf(value) ?? element.type) : element.type;
  return { owner, element, index, type, value: value ?? undefined };
}

function typeNameOf(value: Json | undefined): string | undefined {
  const name = isObject(value) ? own(value, 'resourceType') : undefined;
  return typeof name === 'string' ? name : undefined;
}

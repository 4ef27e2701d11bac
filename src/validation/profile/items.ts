import type { Json, JsonObject } from '../../fhir/json.ts';
import type { ElementDef, Schema } from '../../fhir/schema.ts';
import { ancestry } from '../place.ts';
import { isObject } from '../resolve.ts';

/** One occurrence of an element. */
export type Item = {
  /** Undefined for a primitive that has extensions in place of a value. */
  readonly value: Json | undefined;
  /** holder[key] is the value, by which the literal of a number is found. */
  readonly holder: object;
  readonly key: string | number;
  /** Its actual type: of a choice the one chosen, of a resource its own. */
  readonly type: string;
  /** Of a primitive: the object with its id and extensions. */
  readonly shadow: JsonObject | undefined;
  /** Its place among its like, if the element repeats. */
  readonly index: number | undefined;
};

/** A JSON property an element may be written as; a choice has one for each of its types. */
export type Property = {
  readonly definition: ElementDef;
  readonly name: string;
  readonly shadow: string;
  readonly kind: 'primitive' | 'resource' | 'object';
};

/** The step of a FHIRPath that leads to an element: `value` for `value[x]`. */
export function stepOf(element: string): string {
  return element.endsWith('[x]') ? element.slice(0, -'[x]'.length) : element;
}

/** Makes the look-up of an element's properties; `element` is named as in a definition (`value[x]`), as one of a choice, or as in FHIRPath. */
export function propertyFinder(schema: Schema): (type: string, element: string) => readonly Property[] {
  const known = new Map<string, Map<string, readonly Property[]>>();
  return (type, element) => {
    let ofType = known.get(type);
    if (ofType === undefined) known.set(type, (ofType = new Map<string, readonly Property[]>()));
    let found = ofType.get(element);
    if (found === undefined) ofType.set(element, (found = propertiesOf(schema, type, element)));
    return found;
  };
}

function propertiesOf(schema: Schema, type: string, element: string): readonly Property[] {
  const definition = schema(type);
  // A primitive has the id and the extensions of any element.
  const elements = [...((definition?.kind === 'primitive' ? schema('Element') : definition)?.elements.values() ?? [])];
  const named = elements.filter((candidate) => candidate.element === element);
  const fitting = named.length > 0 ? named : elements.filter(({ name, element: own }) => name === element || own === `${element}[x]`);
  return fitting.map((candidate) => ({
    definition: candidate,
    name: candidate.name,
    shadow: `_${candidate.name}`,
    kind: kindOf(schema(candidate.type)?.kind),
  }));
}

function kindOf(kind: string | undefined): Property['kind'] {
  return kind === 'primitive' || kind === 'resource' ? kind : 'object';
}

/** All occurrences of an element in an object. What isn't shaped as its type says has no occurrence: its type's check tells of it. */
export function itemsOf(object: JsonObject, properties: readonly Property[]): readonly Item[] {
  let items: Item[] | undefined;
  for (const property of properties) {
    const value = object[property.name];
    const shadow = property.kind === 'primitive' ? object[property.shadow] : undefined;
    if (value === undefined && shadow === undefined) continue;
    items ??= [];
    if (property.definition.array) addAll(items, property, value, shadow);
    else addOne(items, property, value, shadow, object, property.name);
  }
  return items ?? NONE;
}

const NONE: readonly Item[] = [];

function addAll(items: Item[], property: Property, values: Json | undefined, shadows: Json | undefined): void {
  const list = Array.isArray(values) ? values : NOTHING;
  const beside = Array.isArray(shadows) ? shadows : NOTHING;
  for (let index = 0; index < Math.max(list.length, beside.length); index++) {
    addOne(items, property, list[index], beside[index], list, index);
  }
}

const NOTHING: readonly Json[] = [];

function addOne(
  items: Item[],
  property: Property,
  value: Json | undefined,
  beside: Json | undefined,
  holder: object,
  key: string | number,
): void {
  const { kind } = property;
  const { type } = property.definition;
  const index = typeof key === 'number' ? key : undefined;
  if (kind !== 'primitive') {
    if (!isObject(value)) return;
    const own = kind === 'resource' && typeof value.resourceType === 'string' ? value.resourceType : type;
    items.push({ value, holder, key, type: own, shadow: undefined, index });
    return;
  }
  const shadow = isObject(beside) ? beside : undefined;
  const isPresent = value !== undefined && value !== null && typeof value !== 'object';
  if (isPresent || shadow !== undefined) items.push({ value: isPresent ? value : undefined, holder, key, type, shadow, index });
}

/** How many occurrences an element has, for whom that is all that counts. */
export function countOf(object: JsonObject, properties: readonly Property[]): number {
  let count = 0;
  for (const { name, shadow, kind, definition } of properties) {
    const value = object[name];
    const beside = kind === 'primitive' ? object[shadow] : undefined;
    if (value === undefined && beside === undefined) continue;
    if (!definition.array) count++;
    else count += Math.max(Array.isArray(value) ? value.length : 0, Array.isArray(beside) ? beside.length : 0);
  }
  return count;
}

/** Whether a type is another or derives from it. */
export function isA(schema: Schema, type: string, other: string): boolean {
  return type === other || ancestry(type, schema).includes(other);
}

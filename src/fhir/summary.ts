import type { Decimals, Json, JsonObject } from './json.ts';
import type { ElementDef, Schema, TypeDef } from './schema.ts';

/** A part of a resource, with the literals of its numbers. */
export type Subset = { readonly resource: JsonObject; readonly decimals: Decimals };

/**
 * A resource as `_summary` asks for it, tagged as SUBSETTED.
 *
 * `true` keeps what the definitions mark as summary, at every depth, and modifiers, without which the rest may say the
 * opposite; `text` keeps text, id, meta and what is mandatory at the top; `data` all but text. The input isn't changed;
 * what stays whole is shared with it.
 *
 * @see  https://hl7.org/fhir/R4/search.html#summary
 */
export function summarise(resource: JsonObject, decimals: Decimals, mode: 'true' | 'text' | 'data', schema: Schema): Subset {
  const copies: Copies = new Map();
  const definition = definitionOf(resource, schema);
  const kept =
    mode === 'true'
      ? (summaryOf(resource, definition, schema, copies) ?? {})
      : keep(resource, copies, (name) => (mode === 'data' ? name !== 'text' : isTextual(name, definition)));
  return subset(tagged(kept, copies), decimals, copies);
}

/**
 * A resource as `_elements` asks for it, tagged as SUBSETTED: the elements named, and always id, meta, what is mandatory
 * and what is a modifier.
 *
 * @param elements  names of elements of the root, alone or after a type: `status`, `Observation.value`; what is named for
 *                  another type doesn't count here, nor does what the type hasn't
 * @see  https://hl7.org/fhir/R4/search.html#elements
 */
export function selectElements(resource: JsonObject, decimals: Decimals, elements: readonly string[], schema: Schema): Subset {
  const copies: Copies = new Map();
  const definition = definitionOf(resource, schema);
  const wanted = namesFor(elements, definition);
  const kept = keep(resource, copies, (name) => {
    const element = elementOf(definition, name);
    if (element === undefined) return ALWAYS.has(name);
    return isAlwaysKept(element) || element.modifier || wanted.has(element.name) || wanted.has(stemOf(element));
  });
  return subset(tagged(kept, copies), decimals, copies);
}

/** What was rebuilt, by its copy: the literals of its numbers are those of the original. */
type Copies = Map<JsonObject, JsonObject>;

const ALWAYS: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta']);

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED', display: 'subsetted' };

function definitionOf(resource: JsonObject, schema: Schema): TypeDef | undefined {
  return typeof resource.resourceType === 'string' ? schema(resource.resourceType) : undefined;
}

/** The element of a property; `_birthDate` is a part of the element birthDate. */
function elementOf(definition: TypeDef | undefined, property: string): ElementDef | undefined {
  return definition?.elements.get(property.startsWith('_') ? property.slice(1) : property);
}

function isAlwaysKept(element: ElementDef): boolean {
  return ALWAYS.has(element.name) || element.min > 0;
}

function isTextual(property: string, definition: TypeDef | undefined): boolean {
  const element = elementOf(definition, property);
  return element === undefined ? ALWAYS.has(property) : isAlwaysKept(element) || element.name === 'text';
}

function stemOf(element: ElementDef): string {
  return element.element.replace('[x]', '');
}

function namesFor(elements: readonly string[], definition: TypeDef | undefined): Set<string> {
  const names = new Set<string>();
  for (const element of elements) {
    const steps = element.split('.');
    const typed = /^[A-Z]/.test(element) && steps.length > 1;
    if (typed && steps[0] !== definition?.name) continue;
    names.add((steps[typed ? 1 : 0] ?? '').replace('[x]', ''));
  }
  return names;
}

function keep(object: JsonObject, copies: Copies, isKept: (name: string) => boolean): JsonObject {
  const entries = Object.entries(object);
  const kept = entries.filter(([name]) => isKept(name));
  return kept.length === entries.length ? object : copied(object, kept, copies);
}

function copied(original: JsonObject, entries: readonly [string, Json][], copies: Copies): JsonObject {
  const copy: JsonObject = Object.fromEntries(entries);
  copies.set(copy, copies.get(original) ?? original);
  return copy;
}

/** Undefined if nothing of the object belongs to the summary: FHIR has no empty objects. */
function summaryOf(object: JsonObject, definition: TypeDef | undefined, schema: Schema, copies: Copies): JsonObject | undefined {
  if (definition === undefined || !hasSummary(definition)) return object;
  const kept: [string, Json][] = [];
  let whole = true;
  for (const [name, value] of Object.entries(object)) {
    const element = elementOf(definition, name);
    const isKept = element === undefined ? name === 'resourceType' : element.summary || element.modifier;
    const summary = !isKept || element === undefined || name !== element.name ? value : summaryOfValue(value, element, schema, copies);
    if (isKept && summary !== undefined) kept.push([name, summary]);
    if (!isKept || summary !== value) whole = false;
  }
  if (kept.length === 0) return undefined;
  return whole ? object : copied(object, kept, copies);
}

function summaryOfValue(value: Json, element: ElementDef, schema: Schema, copies: Copies): Json | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => summaryOfItem(item, element, schema, copies));
    if (items.every((item, index) => item === value[index])) return value;
    const kept = items.filter((item) => item !== undefined);
    return kept.length === 0 ? undefined : kept;
  }
  return summaryOfItem(value, element, schema, copies);
}

function summaryOfItem(value: Json, element: ElementDef, schema: Schema, copies: Copies): Json | undefined {
  if (!isObject(value)) return value;
  const type = schema(element.type);
  if (type?.kind !== 'resource') return summaryOf(value, type, schema, copies);
  const resource = summaryOf(value, definitionOf(value, schema), schema, copies);
  return resource === undefined || resource === value ? resource : tagged(resource, copies);
}

/** Extension, Narrative and a few nested elements have no summary of their own: they stay whole or go whole. */
function hasSummary(definition: TypeDef): boolean {
  for (const element of definition.elements.values()) {
    if (element.summary && element.name !== 'modifierExtension') return true;
  }
  return false;
}

/** @see https://hl7.org/fhir/R4/search.html#summary: so that nobody writes it back as the whole */
function tagged(resource: JsonObject, copies: Copies): JsonObject {
  const meta = isObject(resource.meta) ? resource.meta : {};
  const tags = Array.isArray(meta.tag) ? meta.tag : [];
  if (tags.some(isSubsetted)) return resource;
  const marked = copied(meta, [...Object.entries(meta).filter(([name]) => name !== 'tag'), ['tag', [...tags, { ...SUBSETTED }]]], copies);
  const { resourceType, id, meta: _, ...others } = resource;
  const head = Object.entries({ resourceType, id, meta: marked }).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return copied(resource, [...head, ...Object.entries(others)], copies);
}

function isSubsetted(tag: Json): boolean {
  return isObject(tag) && tag.system === SUBSETTED.system && tag.code === SUBSETTED.code;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function subset(resource: JsonObject, decimals: Decimals, copies: Copies): Subset {
  const literals: [object, Record<string, string>][] = [];
  for (const [copy, original] of copies) {
    const record = decimals.get(original);
    if (record !== undefined) literals.push([copy, record]);
  }
  return { resource, decimals: literals.length === 0 ? decimals : new Map([...decimals, ...literals]) };
}

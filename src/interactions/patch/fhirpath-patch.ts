import type { FhirError } from '../../fhir/error.ts';
import type { Decimals, JsonObject } from '../../fhir/json.ts';
import type { ElementDef, Schema } from '../../fhir/schema.ts';
import { addChild, elementFrom, siblingsOf, type ValueContext } from './element-from-part.ts';
import { insertElement, lengthOf, removeElement, replaceElement } from './elements.ts';
import { type FhirPathOperation, readFhirPathPatch, refused } from './fhirpath-patch-operations.ts';
import { findPlaces, stepsMax } from './find-places.ts';
import { depthOf, fieldsOf, type Place, rootPlace } from './places.ts';
import { type PatchContext, workingCopy } from './working-copy.ts';

/**
 * Applies a FHIRPath Patch, all of it or nothing, operation by operation. The input stays as it is; numbers keep their literals.
 *
 * A deletion takes with it what it leaves empty, as FHIR knows no empty elements; deleting what isn't there changes nothing.
 * A choice is named as in FHIRPath (`deceased`, its type given by the value) or with its type (`deceasedBoolean`).
 *
 * @param parameters  `{ resourceType: 'Parameters', parameter: [{ name: 'operation', part: […] }] }`
 * @throws            FhirError 400 `invalid` for what is no such patch, 413 for one too large, 422 `processing` if an operation
 *                    can't be applied: nothing at its path, several elements where one is meant, a wrong type; no text quotes a value
 * @see               https://hl7.org/fhir/R4/fhirpatch.html
 */
export function applyFhirPathPatch(
  resource: JsonObject,
  decimals: Decimals,
  parameters: JsonObject,
  patchDecimals: Decimals,
  { limits, ...links }: PatchContext,
): { resource: JsonObject; decimals: Decimals } {
  const operations = readFhirPathPatch(parameters);
  const work = workingCopy(resource, decimals, limits);
  const { schema } = links;
  const steps = { stepsLeft: stepsMax };
  for (const operation of operations) {
    const refuse = (reason: string): FhirError => refused(operation, reason);
    const places = findPlaces(operation.path, rootPlace(work.resource), { schema, work: steps, refuse });
    apply(operation, places, { ...links, work, patchDecimals, refuse });
  }
  return { resource: work.resource, decimals: work.decimals };
}

function apply(operation: FhirPathOperation, places: readonly Place[], context: ValueContext): void {
  switch (operation.type) {
    case 'add':
      return add(operation, onlyOne(places, context), context);
    case 'insert':
      return insert(operation, places, context);
    case 'delete':
      if (places.length > 0) remove(childOf(onlyOne(places, context), context), context);
      return;
    case 'replace':
      return replace(operation, childOf(onlyOne(places, context), context), context);
    case 'move':
      return move(operation, places, context);
  }
}

type Operation<T extends FhirPathOperation['type']> = Extract<FhirPathOperation, { type: T }>;

/** An element with its owner: anything but the resource itself. */
type Child = Place & { readonly owner: Place; readonly element: ElementDef };

function onlyOne(places: readonly Place[], { refuse }: ValueContext): Place {
  const [place, ...others] = places;
  if (place === undefined) throw refuse('there is nothing at this path');
  if (others.length > 0) throw refuse(`the path leads to ${places.length} elements, and must lead to one`);
  return place;
}

function childOf(place: Place, { refuse }: ValueContext): Child {
  const { owner, element } = place;
  if (owner === undefined || element === undefined) throw refuse('the resource as a whole can not be deleted or replaced');
  return { ...place, owner, element };
}

function add({ name, value }: Operation<'add'>, place: Place, context: ValueContext): void {
  addChild(ownFields(place, context.schema), name, value, { type: place.type, depth: depthOf(place) + 1 }, context);
}

function insert({ value, at }: Operation<'insert'>, places: readonly Place[], context: ValueContext): void {
  const { owner, element, fields, length } = listOf(places, context);
  if (at > length) throw context.refuse(`the index is beyond the ${length} elements of the list`);
  insertElement(context.work, fields, at, elementFrom(value, [element], { type: owner.type, depth: depthOf(owner) + 2 }, context));
}

function replace({ value }: Operation<'replace'>, { owner, element, index }: Child, context: ValueContext): void {
  const candidates = siblingsOf(element, owner.type, context.schema);
  const made = elementFrom(value, candidates, { type: owner.type, depth: depthOf(owner) + (index === undefined ? 1 : 2) }, context);
  const fields = ownFields(owner, context.schema);
  replaceElement(context.work, fields, { element, index }, made);
}

function move({ source, destination }: Operation<'move'>, places: readonly Place[], context: ValueContext): void {
  const { element, fields, length } = listOf(places, context);
  if (source >= length || destination >= length)
    throw context.refuse(`source and destination must be below ${length}, the length of the list`);
  insertElement(context.work, fields, destination, removeElement(context.work, fields, element, source));
}

/** Deletes an element, and its owner too if nothing is left of it. */
function remove({ owner, element, index }: Child, context: ValueContext): void {
  const fields = ownFields(owner, context.schema);
  removeElement(context.work, fields, element, index);
  if (owner.owner === undefined || owner.element === undefined || Object.keys(fields).length > 0) return;
  if (context.schema(owner.type)?.kind !== 'primitive' || owner.value === undefined) {
    return remove({ ...owner, owner: owner.owner, element: owner.element }, context);
  }
  // A primitive that still has its value only loses the empty object beside it.
  clearExtras(owner, ownFields(owner.owner, context.schema));
}

/** The one list whose items the places are, all of them. */
function listOf(
  places: readonly Place[],
  context: ValueContext,
): { owner: Place; element: ElementDef; fields: JsonObject; length: number } {
  const [first] = places;
  if (first === undefined) throw context.refuse('there is nothing at this path; add begins a list');
  const { owner, element } = childOf(first, context);
  const fields = ownFields(owner, context.schema);
  const length = lengthOf(fields, element.name);
  const isList = places.every((place, index) => place.owner === owner && place.element === element && place.index === index);
  if (!element.array || !isList || places.length !== length) throw context.refuse('the path must lead to one list as a whole');
  return { owner, element, fields, length };
}

/** The object that holds the children of a place; for a primitive it is made if it isn't there. */
function ownFields(place: Place, schema: Schema): JsonObject {
  const found = fieldsOf(place, schema);
  if (found !== undefined) return found;
  const made: JsonObject = {};
  if (place.owner !== undefined && place.element !== undefined) {
    const fields = ownFields(place.owner, schema);
    const name = `_${place.element.name}`;
    if (place.index === undefined) fields[name] = made;
    else {
      const extras = fields[name];
      const items = Array.isArray(extras) ? extras : Array.from({ length: lengthOf(fields, place.element.name) }, () => null);
      items[place.index] = made;
      fields[name] = items;
    }
  }
  return made;
}

function clearExtras({ element, index }: Place, fields: JsonObject): void {
  const name = `_${element?.name}`;
  const extras = fields[name];
  if (index === undefined || !Array.isArray(extras)) delete fields[name];
  else {
    extras[index] = null;
    if (extras.every((item) => item === null)) delete fields[name];
  }
}

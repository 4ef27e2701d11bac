import { badRequest, type FhirError } from '../../fhir/error.ts';
import type { Decimals, JsonObject } from '../../fhir/json.ts';
import type { ElementDef, Schema } from '../../fhir/schema.ts';
import { memberPlace, type Resolve, rewriteValue } from '../links.ts';
import { type Element, hasElement, putElement } from './elements.ts';
import { isObject } from './fhirpath-patch-operations.ts';
import { derives, elementsNamed } from './places.ts';
import { assertDepth, copyIn, type Loose, looseAt, type WorkingCopy } from './working-copy.ts';

export type ValueContext = {
  readonly schema: Schema;
  readonly work: WorkingCopy;
  /** Of the patch. */
  readonly patchDecimals: Decimals;
  readonly resolve?: Resolve;
  /** Makes the error for a value that can't go where it should. */
  readonly refuse: (reason: string) => FhirError;
};

type Owner = { readonly type: string; readonly depth: number };

/**
 * Makes the element that a part stands for.
 *
 * @param part        `{ name, valueHumanName }`; or `{ name, part: [{ name: 'gender', valueCode }, …] }` with the element's children,
 *                    for what has no type of its own or one that Parameters can't hold; or `{ name, resource }`
 * @param candidates  what it may be: one property, or those of a choice, told apart by the type of the value
 * @param owner       the type it will be an element of, and the objects and arrays that will be around it
 * @throws            what `refuse` makes if the type is wrong; FhirError 400 if the part is malformed
 * @see               https://hl7.org/fhir/R4/fhirpatch.html#anonymous
 */
export function elementFrom(part: JsonObject, candidates: readonly ElementDef[], owner: Owner, context: ValueContext): Element {
  const keys = new Set(Object.keys(part).map((key) => key.replace(/^_/, '')));
  keys.delete('name');
  const [key, ...others] = keys;
  if (key === undefined || others.length > 0) throw malformed('a value is given by exactly one value[x], part or resource');
  if (key === 'part') return fromParts(part, candidates, owner, context);
  if (key === 'resource') return fromResource(part, candidates, owner, context);
  if (!/^value[A-Z]/.test(key)) throw malformed(`it can't have a member of this name`);
  return fromValue(part, key, candidates, owner, context);
}

function fromValue(part: JsonObject, key: string, candidates: readonly ElementDef[], owner: Owner, context: ValueContext): Element {
  const definition = matching(key.slice('value'.length), candidates, context);
  const isPrimitive = context.schema(definition.type)?.kind === 'primitive';
  const value = part[key];
  const extras = part[`_${key}`];
  if (value !== undefined && (isPrimitive ? value === null || typeof value === 'object' : !isObject(value)))
    throw malformed('the value is not of its type');
  if (extras !== undefined && !(isPrimitive && isObject(extras)))
    throw malformed('only a primitive has extensions beside it, as an object');
  const given = looseAt(context.patchDecimals, part, key);
  return {
    definition,
    value: value === undefined ? undefined : broughtIn(given, definition.name, owner, context),
    extras: extras === undefined ? undefined : objectIn(extras, `_${definition.name}`, owner, context),
  };
}

function fromResource(part: JsonObject, candidates: readonly ElementDef[], owner: Owner, context: ValueContext): Element {
  const { resource } = part;
  if (!isObject(resource)) throw malformed('a resource must be an object');
  const definition = candidates.find(({ type }) => derives(type, 'Resource', context.schema));
  if (definition === undefined) throw context.refuse(`the value must be ${expected(candidates)}, not a resource`);
  return { definition, value: { value: objectIn(resource, definition.name, owner, context), literal: undefined }, extras: undefined };
}

function fromParts(part: JsonObject, candidates: readonly ElementDef[], owner: Owner, context: ValueContext): Element {
  const [definition, ...others] = candidates;
  const { part: children } = part;
  if (definition === undefined || others.length > 0)
    throw context.refuse('the type of the value is not clear; name the element with its type');
  if (!Array.isArray(children) || children.length === 0) throw malformed('its parts must be an array');
  if (context.schema(definition.type)?.kind === 'primitive') throw context.refuse(`the value must be ${expected(candidates)}, not parts`);
  const fields: JsonObject = {};
  for (const child of children) {
    if (!isObject(child) || typeof child['name'] !== 'string') throw malformed('each part of a value needs a name');
    addChild(fields, child['name'], child, { type: definition.type, depth: owner.depth + 1 }, context);
  }
  return { definition, value: { value: fields, literal: undefined }, extras: undefined };
}

/**
 * Adds the element a part stands for to the fields of an element of this type, which must have room for it.
 *
 * @param name  as FHIRPath names it (`deceased`), or with its type (`deceasedBoolean`)
 */
export function addChild(fields: JsonObject, name: string, part: JsonObject, { type, depth }: Owner, context: ValueContext): void {
  const candidates = elementsNamed(type, name, context.schema);
  if (candidates.length === 0) throw context.refuse(`${type} has no element of the name that is to be added`);
  const around = depth + (candidates[0]?.array === true ? 1 : 0);
  assertDepth(context.work, around);
  const element = elementFrom(part, candidates, { type, depth: around }, context);
  const { definition } = element;
  if (!definition.array && hasElement(fields, siblingsOf(definition, type, context.schema))) {
    throw context.refuse(`${definition.name} is there already and does not repeat; use replace`);
  }
  putElement(context.work, fields, element);
}

/** The JSON properties of one element: itself, or all of its choice. */
export function siblingsOf(definition: ElementDef, type: string, schema: Schema): readonly ElementDef[] {
  return elementsNamed(type, definition.element.replace(/\[x\]$/, ''), schema);
}

/** The candidate whose type is the value's, or one the value's derives from: a code is a string, too. */
function matching(suffix: string, candidates: readonly ElementDef[], { schema, refuse }: ValueContext): ElementDef {
  const exact = candidates.find(({ type }) => type.charAt(0).toUpperCase() + type.slice(1) === suffix);
  if (exact !== undefined) return exact;
  const lower = suffix.charAt(0).toLowerCase() + suffix.slice(1);
  const given = schema(suffix)?.name ?? schema(lower)?.name;
  if (given === undefined) throw malformed('the type of its value[x] is not known');
  const wider = candidates.find(({ type }) => derives(given, type, schema));
  if (wider !== undefined) return wider;
  // Parameters can't hold xhtml; the standard's own test case sends a narrative as a string.
  const [only] = candidates;
  if (given === 'string' && only?.type === 'xhtml') return only;
  throw refuse(`the value must be ${expected(candidates)}, not ${given}`);
}

function expected(candidates: readonly ElementDef[]): string {
  const types = candidates.map(({ type }) => type);
  return types.length > 8 ? 'of another type' : types.join(' or ');
}

/** Copies a value of the patch to where it goes, its links rewritten as those of a resource would be. */
function broughtIn(given: Loose, name: string, { type, depth }: Owner, { work, patchDecimals, schema, resolve }: ValueContext): Loose {
  const place = memberPlace(schema(type), name, schema);
  const value = resolve === undefined ? given.value : rewriteValue(given.value, place, patchDecimals, resolve, schema);
  return copyIn(work, { ...given, value }, patchDecimals, depth);
}

function objectIn(value: JsonObject, name: string, owner: Owner, context: ValueContext): JsonObject {
  const copy = broughtIn({ value, literal: undefined }, name, owner, context).value;
  return isObject(copy) ? copy : {};
}

function malformed(reason: string): FhirError {
  return badRequest('patch-format', `The FHIRPath Patch is malformed: in a value, ${reason}.`);
}

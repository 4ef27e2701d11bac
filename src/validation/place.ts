import type { Json, JsonObject } from '../fhir/json.ts';
import type { ElementDef, Schema } from '../fhir/schema.ts';
import { isObject } from './resolve.ts';
import type { Walk } from './walk.ts';

/** Where a walk is, as definitions name it. */
export type Place = {
  /** The element itself; of a primitive the object that holds its id and extensions. */
  readonly value: Json;
  /** Its type: `Patient`, `HumanName`, `date`, `Patient.contact`. */
  readonly type: string;
  /** From the innermost resource on: its type, then the elements down to the place. */
  readonly steps: readonly Step[];
};

type Step = { readonly type: string; readonly element?: ElementDef };

/**
 * Follows the first steps of a walk's path from the outermost resource. Walks keep no types on their way, as few places are
 * ever asked for.
 *
 * @param depth  how many steps of the path to follow
 * @returns      undefined if the path leads to nothing the schema knows
 */
export function placeAt(walk: Walk, depth: number, schema: Schema): Place | undefined {
  let value: Json = walk.resources[0] ?? null;
  let steps: Step[] = [{ type: resourceTypeOf(value) }];
  for (let at = 1; at < depth; at++) {
    const step = walk.path[at];
    if (typeof step === 'number') {
      if (Array.isArray(value)) value = value[step] ?? null;
    } else {
      if (!isObject(value) || step === undefined) return undefined;
      const element = elementAt(steps.at(-1)?.type ?? '', value, step, schema);
      if (element === undefined) return undefined;
      const isPrimitive = schema(element.type)?.kind === 'primitive';
      value = (isPrimitive ? value[`_${element.name}`] : value[element.name]) ?? null;
      steps.push({ type: element.type, element });
    }
    if (isObject(value) && schema(steps.at(-1)?.type ?? '')?.kind === 'resource') steps = [{ type: resourceTypeOf(value) }];
  }
  return { value, type: steps.at(-1)?.type ?? '', steps };
}

/** A type and all it derives from, the nearest first: `Patient`, `DomainResource`, `Resource`. */
export function ancestry(type: string, schema: Schema): readonly string[] {
  const names: string[] = [];
  for (let definition = schema(type); definition !== undefined; definition = schema(definition.base)) names.push(definition.name);
  return names;
}

/**
 * All names a definition may call the place by: `Patient.contact.name`, `HumanName`, `Element` for the name of a contact; paths
 * from the resource, from each datatype on the way, and from what these derive from.
 */
export function namesOf(place: Place, schema: Schema): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [from, { type }] of place.steps.entries()) {
    let rests = [''];
    for (const { element } of place.steps.slice(from + 1)) {
      if (element === undefined) continue;
      const own = element.element.endsWith('[x]') ? [element.element, element.element.slice(0, -3), element.name] : [element.name];
      rests = rests.flatMap((rest) => own.map((name) => `${rest}.${name}`));
    }
    for (const root of ancestry(type, schema)) for (const rest of rests) names.add(root + rest);
  }
  return names;
}

function elementAt(type: string, holder: JsonObject, step: string, schema: Schema): ElementDef | undefined {
  const definition = schema(type);
  const elements = (definition?.kind === 'primitive' ? schema('Element') : definition)?.elements;
  const named = elements?.get(step);
  if (named !== undefined || elements === undefined) return named;
  for (const element of elements.values()) {
    const present = holder[element.name] !== undefined || holder[`_${element.name}`] !== undefined;
    if (present && element.element === `${step}[x]`) return element;
  }
  return undefined;
}

/** The type a resource says it is of; empty if it says none. */
export function resourceTypeOf(resource: Json): string {
  return isObject(resource) && typeof resource.resourceType === 'string' ? resource.resourceType : '';
}

import type { Json, JsonObject } from '../../src/fhir/json.ts';
import type { Schema } from '../../src/fhir/schema.ts';
import type { ElementDefinition, StructureDefinition } from '../../src/fhir/structure-definition.ts';
import { isObject, type Mutation, nameOf, typeOf } from './mutate.ts';

/** One thing wrong by a profile's snapshot alone, of a resource that conforms to it: what the base type allows and the profile doesn't. */
export function profileMutationsOf(resource: JsonObject, profile: StructureDefinition, schema: Schema): Mutation[] {
  const elements = profile.snapshot?.element ?? [];
  return elements
    .flatMap((element) => [...drops(resource, element, schema), ...others(resource, element, schema)])
    .map((mutation) => ({
      ...mutation,
      title: `${nameOf(resource)} as ${profile.name}: ${mutation.title}`,
    }));
}

/** Where an element of the definition stands in a resource; items of arrays by their first. */
type Spot = { readonly holder: readonly (string | number)[]; readonly name: string; readonly path: string; readonly array: boolean };

/** What is required by the profile goes: an element, or all items that are sliced, one of which had to be there. */
function drops(resource: JsonObject, element: ElementDefinition, schema: Schema): Mutation[] {
  const slice = /:[^.]+$/.test(element.id ?? '');
  const steps = (element.id ?? '').split('.');
  const inSlice = steps.slice(0, -1).some((step) => step.includes(':'));
  if ((element.min ?? 0) < 1 || element.base?.min !== 0 || inSlice || steps.length === 1) return [];
  const spot = spotOf(resource, element.path, schema);
  if (spot === undefined || (slice && !spot.array)) return [];
  const copy = structuredClone(resource);
  const holder = holderAt(copy, spot.holder);
  delete holder[spot.name];
  delete holder[`_${spot.name}`];
  // An empty object would be a fault of its own: a CodeableConcept keeps a code, others are left alone.
  if (Object.keys(holder).length === 0 && spot.name === 'text') holder['coding'] = [{ system: 'http://example.org/other', code: 'other' }];
  if (Object.keys(holder).length === 0) return [];
  return [
    {
      title: `without ${slice ? element.id : element.path}`,
      kind: slice ? 'drops a slice' : 'drops',
      resource: copy,
      at: [`${spot.path}…`],
    },
  ];
}

/** What is fixed, or has a pattern, becomes something else. */
function others(resource: JsonObject, element: ElementDefinition, schema: Schema): Mutation[] {
  const [name, value] = Object.entries(element).find(([key]) => /^(?:fixed|pattern)[A-Z]/.test(key)) ?? [];
  const spot = (element.id ?? '').includes(':') ? undefined : spotOf(resource, element.path, schema);
  if (name === undefined || spot === undefined) return [];
  const copy = structuredClone(resource);
  const holder = holderAt(copy, spot.holder);
  const other: Json = typeof value === 'string' ? 'other' : { coding: [{ system: 'http://example.org/other', code: 'other' }] };
  if (typeof value !== 'string' && !name.endsWith('CodeableConcept')) return [];
  holder[spot.name] = spot.array ? [other] : other;
  return [{ title: `another ${element.path}`, kind: 'changes what is fixed', resource: copy, at: [`${spot.path}…`] }];
}

function spotOf(resource: JsonObject, path: string, schema: Schema): Spot | undefined {
  const [, ...names] = path.split('.');
  let at: Json = resource;
  let type = typeOf(resource);
  let place = type;
  const steps: (string | number)[] = [];
  for (const [index, name] of names.entries()) {
    if (!isObject(at)) return undefined;
    const object: JsonObject = at;
    const definition = [...(schema(type)?.elements.values() ?? [])].find(
      (each) => (each.element === name || each.name === name) && object[each.name] !== undefined,
    );
    if (definition === undefined) return undefined;
    place += `.${definition.element.replace('[x]', '')}`;
    if (index === names.length - 1) return { holder: steps, name: definition.name, path: place, array: definition.array };
    steps.push(definition.name);
    at = object[definition.name] ?? null;
    if (Array.isArray(at)) {
      if (at.length !== 1) return undefined; // Which of several a rule is about isn't for this generator to know.
      steps.push(0);
      place += '[0]';
      at = at[0] ?? null;
    }
    type = definition.type;
  }
  return undefined;
}

function holderAt(root: JsonObject, steps: readonly (string | number)[]): Record<string, Json> {
  return steps.reduce<Json>((value, step) => (value as Record<string | number, Json>)[step] ?? null, root) as Record<string, Json>;
}

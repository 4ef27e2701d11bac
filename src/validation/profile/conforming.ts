import type { Issue } from '../../fhir/error.ts';
import type { JsonObject } from '../../fhir/json.ts';
import { parseReference } from '../../fhir/references.ts';
import type { Schema } from '../../fhir/schema.ts';
import { resourceTypeOf } from '../place.ts';
import { isObject, objectsIn, resolveWithin } from '../resolve.ts';
import { isFault, type Walk } from '../walk.ts';
import type { CompiledProfile, Conforms, FindProfile } from './compiler.ts';
import { type Item, isA } from './items.ts';

export const STRUCTURES = 'http://hl7.org/fhir/StructureDefinition/';

/** Does something whose findings are only looked at, and leaves the walk as it was. */
export function attempt(walk: Walk, run: () => void): readonly Issue[] {
  const { issues, depth, full, told } = walk;
  const found: Issue[] = [];
  walk.issues = found;
  walk.full = false;
  walk.told = new Set();
  run();
  walk.issues = issues;
  walk.full = full;
  walk.told = told;
  walk.depth = depth;
  return found;
}

/** Whether something finds no fault; undefined if it finds none and yet not all could be told. */
export function passes(walk: Walk, run: () => void): boolean | undefined {
  const { doubts, trying } = walk;
  walk.trying = true;
  const found = attempt(walk, run);
  walk.trying = trying;
  if (found.some(isFault)) return false;
  return walk.doubts === doubts ? true : undefined;
}

/** Why something is not as it has to be: the first reason, and all places that have one. */
export function reasonsIn(found: readonly Issue[]): { readonly text: string; readonly places: readonly string[] } {
  const faults = found.filter(isFault);
  const text = faults[0]?.text ?? '';
  const places = [...new Set(faults.flatMap(({ expression = [] }) => expression))].slice(0, PLACES_MAX);
  return { text: text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text, places };
}

const PLACES_MAX = 12;
const TEXT_MAX = 1_200;

/** What is referred to is followed so far: who stands at the end of a longer chain is judged where he stands. */
const NESTED_MAX = 24;

/** References lead around in circles: what is being asked already is taken to hold, and what was learnt is kept while the walk lasts. */
export function makeConforms(schema: Schema, find: FindProfile): Conforms {
  const learnt: Learnt = new WeakMap();
  let nested = 0;
  return (walk, canonical, item) => {
    const type = typeNamed(schema, canonical);
    if (type !== undefined) return isA(schema, item.type, type);
    const profile = find(walk, canonical);
    if (profile === undefined || profile === 'absent') return undefined;
    if (!isA(schema, item.type, profile.type)) return false;
    if (!isObject(item.value)) return faultless(walk, profile, item);

    const verdicts = verdictsOn(learnt, walk, item.value);
    if (verdicts.has(canonical)) {
      const known = verdicts.get(canonical);
      if (known === undefined) walk.doubts++;
      return known;
    }
    if (nested >= NESTED_MAX) {
      walk.doubts++;
      return undefined;
    }
    verdicts.set(canonical, true);
    nested++;
    const verdict = faultless(walk, profile, item);
    nested--;
    verdicts.set(canonical, verdict);
    return verdict;
  };
}

/** The type that a canonical url of R4's own structures names: `Patient`; undefined for profiles. */
export function typeNamed(schema: Schema, canonical: string): string | undefined {
  const name = canonical.startsWith(STRUCTURES) ? canonical.slice(STRUCTURES.length).replace(/\|.*$/, '') : undefined;
  return name !== undefined && schema(name) !== undefined ? name : undefined;
}

/** Where a reference leads: what is at hand of the resource, its type by whatever tells it, and how it is referred to. */
export type Target = {
  readonly text: string | undefined;
  readonly resource?: JsonObject | undefined;
  readonly type?: string | undefined;
  readonly manner: 'contained' | 'bundled' | 'referenced';
};

export function targetOf(walk: Walk, reference: JsonObject): Target {
  const stated = typeof reference.type === 'string' ? reference.type.replace(STRUCTURES, '') : undefined;
  const text = typeof reference.reference === 'string' ? reference.reference : undefined;
  if (text === undefined) return { text, type: stated, manner: 'referenced' };
  const resource = resolveWithin(walk, text);
  const parsed = parseReference(text, '');
  const own = typeof resource?.resourceType === 'string' ? resource.resourceType : undefined;
  const type = own ?? ('type' in parsed ? parsed.type : undefined) ?? stated;
  return { text, resource, type, manner: text.startsWith('#') ? 'contained' : resource === undefined ? 'referenced' : 'bundled' };
}

/** Does something as if the walk had come to a reference's target: inside what contains it, or the Bundle it is an entry of. */
export function insideTarget(walk: Walk, { text, resource }: Target, inside: () => void): void {
  if (resource === undefined) return;
  const { contained } = walk;
  const before = walk.resources.slice();
  const isContained = text?.startsWith('#') === true;
  const root = before.length - (contained ? 2 : 1);
  const bundle = before.findLastIndex((outer) => outer.resourceType === 'Bundle');
  walk.resources.splice(isContained ? root + 1 : bundle + 1);
  if (walk.resources.at(-1) !== resource) walk.resources.push(resource);
  walk.contained = isContained && text !== '#';
  inside();
  walk.resources.splice(0, Infinity, ...before);
  walk.contained = contained;
}

/** `insideTarget`, the walk being where the target stands: in an entry of a Bundle, or contained. */
export function atTarget(walk: Walk, target: Target, inside: () => void): void {
  insideTarget(walk, target, () => {
    const { depth } = walk;
    const before = walk.path.slice(0, depth);
    const place = placeOf(walk.resources) ?? [...before, 'resolve()'];
    for (const [at, step] of place.entries()) walk.path[at] = step;
    walk.depth = place.length;
    inside();
    for (const [at, step] of before.entries()) walk.path[at] = step;
    walk.depth = depth;
  });
}

/** The path to the last of resources that stand in each other as entries or contained ones. */
function placeOf(resources: readonly JsonObject[]): (string | number)[] | undefined {
  const [first, ...others] = resources;
  if (first === undefined) return undefined;
  const path: (string | number)[] = [resourceTypeOf(first)];
  let outer = first;
  for (const inner of others) {
    const isBundle = outer.resourceType === 'Bundle';
    const list = isBundle ? objectsIn(outer.entry).map(({ resource }) => resource) : objectsIn(outer.contained);
    const at = list.indexOf(inner);
    if (at < 0) return undefined;
    path.push(isBundle ? 'entry' : 'contained', at, ...(isBundle ? ['resource'] : []));
    outer = inner;
  }
  return path;
}

/** A reference's target as an item of its own. */
export function targetItem(resource: JsonObject): Item {
  return { value: resource, holder: { resource }, key: 'resource', type: resourceTypeOf(resource), shadow: undefined, index: undefined };
}

function faultless(walk: Walk, profile: CompiledProfile, item: Item): boolean | undefined {
  return passes(walk, () => profile.check(walk, item.value ?? null, item.holder, item.key));
}

type Verdicts = Map<string, boolean | undefined>;
type Learnt = WeakMap<Walk, Map<object, Verdicts>>;

function verdictsOn(learnt: Learnt, walk: Walk, value: object): Verdicts {
  const ofWalk = learnt.get(walk) ?? new Map<object, Verdicts>();
  learnt.set(walk, ofWalk);
  const verdicts: Verdicts = ofWalk.get(value) ?? new Map();
  ofWalk.set(value, verdicts);
  return verdicts;
}

import type { Json, JsonObject } from '../fhir/json.ts';
import { breakAt, severityOf, standardRule } from './invariants.ts';
import type { ObjectRule } from './objects.ts';
import { isObject, objectsIn } from './resolve.ts';
import type { ValidationOptions } from './rules.ts';
import { note, report, reportChild, type Walk } from './walk.ts';

/**
 * What only contained resources have to keep; the walk's path ends with `contained[n]`.
 *
 * @see https://hl7.org/fhir/R4/references.html#contained, invariants dom-2, dom-4 and dom-5
 */
export function checkContained(walk: Walk, resource: JsonObject): void {
  if (resource.id === undefined) {
    const sentence = 'is required of a contained resource and missing: add it, and refer to it by "#" and this id.';
    reportChild(walk, 'id', 'required', 'shape-contained', sentence);
  }
  if (resource.contained !== undefined) {
    const sentence = 'stands within a contained resource: move it to the contained of the outermost resource.';
    breakAt(walk, 'dom-2', 'DomainResource', ['contained'], sentence, AROUND);
  }
  const { meta } = resource;
  if (!isObject(meta)) return;
  if (meta.versionId !== undefined || meta.lastUpdated !== undefined) {
    const sentence = 'has a version or a time of update, which only the resource around it has: leave them out.';
    breakAt(walk, 'dom-4', 'DomainResource', ['meta'], sentence, AROUND);
  }
  if (meta.security !== undefined) {
    const sentence = 'has security labels, which only the resource around it has: move them there.';
    breakAt(walk, 'dom-5', 'DomainResource', ['meta'], sentence, AROUND);
  }
}

/** From a contained resource to the one around it, which states what it may be. */
const AROUND = -2;

/**
 * Each contained resource has an id of its own, and is referred to from the resource around it, or refers to that.
 *
 * @see https://hl7.org/fhir/R4/domainresource.html, invariant dom-3
 */
export const containerRule: ObjectRule = (walk, resource) => {
  const contained = objectsIn(resource.contained);
  if (contained.length === 0) return;
  const named = new Set<string>();
  gatherFragments(resource, named);
  const seen = new Set<string>();
  for (const [index, inner] of contained.entries()) {
    const { id } = inner;
    if (typeof id !== 'string') continue;
    if (seen.has(id)) {
      walk.path[walk.depth] = 'contained';
      walk.path[walk.depth + 1] = index;
      walk.depth += 2;
      report(walk, 'duplicate', 'contained-duplicate', 'has the id of another contained resource: give each its own.');
      walk.depth -= 2;
    }
    seen.add(id);
    if (named.has(`#${id}`) || refersToContainer(inner)) continue;
    const sentence = 'is contained, yet nothing refers to it: refer to it by "#" and its id, or leave it out.';
    breakAt(walk, 'dom-3', 'DomainResource', ['contained', index], sentence);
  }
};

function refersToContainer(contained: JsonObject): boolean {
  const named = new Set<string>();
  gatherFragments(contained, named);
  return named.has('#');
}

/** Whatever is written like a reference within the resource: in `reference`, a canonical, a url or a uri. */
function gatherFragments(value: Json, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.startsWith('#')) found.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) gatherFragments(item, found);
  } else if (value !== null && typeof value === 'object') {
    for (const name in value) gatherFragments(value[name] ?? null, found);
  }
}

/** dom-6: that there is a narrative is best practice; contained resources should have none. */
export function narrativeWanted(options: ValidationOptions): ObjectRule[] {
  const severity = severityOf({ key: 'dom-6', severity: 'warning', bestPractice: true }, options);
  if (severity === 'ignore') return [];
  return [
    (walk, { text }) => {
      if (walk.contained || (isObject(text) && typeof text.div === 'string')) return;
      const sentence = 'has no narrative: add text.div, which says to people what the resource says.';
      note(walk, severity, 'invariant', 'invariant-dom-6', sentence, standardRule('DomainResource', 'dom-6'));
    },
  ];
}

import type { Json, JsonObject } from '../fhir/json.ts';

/**
 * Finds what a reference in the last of the resources points to, among what is at hand: `#id` in `contained`, `#` as the resource
 * that contains, anything else among the entries of the Bundles it stands in.
 *
 * @param resources  those that stand in each other, outermost first
 * @param contained  whether the last is contained in the one before
 * @see https://hl7.org/fhir/R4/references.html#contained, https://hl7.org/fhir/R4/bundle.html#references
 */
export function resolveWithin(resources: readonly JsonObject[], contained: boolean, reference: string): JsonObject | undefined {
  const root = resources[resources.length - (contained ? 2 : 1)];
  if (root === undefined) return undefined;
  if (reference.startsWith('#')) return reference === '#' ? root : containedIn(root, reference.slice(1));
  for (let at = resources.length - 1; at >= 0; at--) {
    const bundle = resources[at];
    if (bundle?.resourceType !== 'Bundle') continue;
    const found = entryOf(bundle, reference, resources[at + 1]);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function containedIn(root: JsonObject, id: string): JsonObject | undefined {
  return objectsIn(root.contained).find((resource) => resource.id === id);
}

/**
 * An absolute reference names a fullUrl; a relative one is taken from the base of the entry it stands in, and where that has none
 * (a urn, or none at all) finds the only entry whose resource has this type and id.
 */
function entryOf(bundle: JsonObject, reference: string, from: JsonObject | undefined): JsonObject | undefined {
  const entries = objectsIn(bundle.entry);
  const plain = reference.replace(/\/_history\/[^/]*$/, '');
  if (/^[a-z][a-z0-9+.-]*:/i.test(plain)) return resourceIn(entries.find(({ fullUrl }) => fullUrl === plain));
  const [type, id] = plain.split('/');
  const own = entries.find(({ resource }) => resource !== undefined && resource === from)?.fullUrl;
  const base = typeof own === 'string' ? /^(https?:\/\/.+\/)[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(own)?.[1] : undefined;
  if (base !== undefined) {
    const found = entries.find(({ fullUrl }) => fullUrl === base + plain);
    if (found !== undefined) return resourceIn(found);
  }
  const [match, other] = entries.filter((entry) => {
    const resource = resourceIn(entry);
    return resource?.resourceType === type && resource?.id === id && (base === undefined || entry.fullUrl === undefined);
  });
  return other === undefined ? resourceIn(match) : undefined;
}

function resourceIn(entry: JsonObject | undefined): JsonObject | undefined {
  const resource = entry?.resource;
  return isObject(resource) ? resource : undefined;
}

export function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Json, JsonObject } from '../fhir/json.ts';

/** The resources that stand in each other, outermost first, and whether the last is contained in the one before. */
export type Standing = { readonly resources: readonly JsonObject[]; readonly contained: boolean; readonly entries: EntryIndexes };

/** By Bundle. */
export type EntryIndexes = Map<JsonObject, EntryIndex>;

type EntryIndex = {
  readonly byUrl: ReadonlyMap<string, JsonObject>;
  /** By `Type/id`; undefined where several have it. */
  readonly byId: ReadonlyMap<string, JsonObject | undefined>;
  /** What stands before `Type/id` in the entry's own url, by the entry's resource. */
  readonly bases: ReadonlyMap<JsonObject, string>;
};

/**
 * Finds what a reference in the last of the resources points to, among what is at hand: `#id` in `contained`, `#` as the resource
 * that contains, anything else among the entries of the Bundles it stands in.
 *
 * @see https://hl7.org/fhir/R4/references.html#contained, https://hl7.org/fhir/R4/bundle.html#references
 */
export function resolveWithin({ resources, contained, entries }: Standing, reference: string): JsonObject | undefined {
  const at = resources.length - (contained ? 2 : 1);
  const root = resources[at];
  if (root === undefined) return undefined;
  if (reference.startsWith('#')) return reference === '#' ? root : containedIn(root, reference.slice(1));
  for (let around = at - 1; around >= 0; around--) {
    const bundle = resources[around];
    const from = resources[around + 1];
    if (bundle?.resourceType !== 'Bundle' || from === undefined) continue;
    const found = entryOf(indexOf(bundle, entries), reference, from);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function containedIn({ contained }: JsonObject, id: string): JsonObject | undefined {
  if (!Array.isArray(contained)) return undefined;
  if (contained.length <= unindexedMax) return objectsIn(contained).find((resource) => resource.id === id);
  const index =
    containedById.get(contained) ??
    new Map(
      objectsIn(contained)
        .toReversed()
        .map((resource) => [resource.id, resource]),
    );
  containedById.set(contained, index);
  return index.get(id);
}

/** Of so few, looking through them is as fast. Among many, each of many references would. */
const unindexedMax = 16;
const containedById = new WeakMap<readonly Json[], ReadonlyMap<Json | undefined, JsonObject>>();

/**
 * An absolute reference names a fullUrl; a relative one is taken from the base of the entry it stands in, and where that has none
 * (a urn, or no fullUrl at all) finds the only entry whose resource has this type and id.
 */
function entryOf(index: EntryIndex, reference: string, from: JsonObject): JsonObject | undefined {
  const plain = reference.replace(/\/_history\/[^/]*$/, '');
  const exact = index.byUrl.get(plain);
  if (exact !== undefined || ABSOLUTE.test(plain)) return exact;
  const base = index.bases.get(from);
  return (base === undefined ? undefined : index.byUrl.get(base + plain)) ?? index.byId.get(plain);
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const RESTFUL = /^(https?:\/\/.+\/)[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/;

function indexOf(bundle: JsonObject, known: EntryIndexes): EntryIndex {
  const before = known.get(bundle);
  if (before !== undefined) return before;
  const byUrl = new Map<string, JsonObject>();
  const byId = new Map<string, JsonObject | undefined>();
  const bases = new Map<JsonObject, string>();
  for (const { fullUrl, resource } of objectsIn(bundle.entry)) {
    if (!isObject(resource)) continue;
    const { resourceType, id } = resource;
    if (typeof resourceType === 'string' && typeof id === 'string') {
      const name = `${resourceType}/${id}`;
      byId.set(name, byId.has(name) ? undefined : resource);
    }
    if (typeof fullUrl !== 'string') continue;
    if (!byUrl.has(fullUrl)) byUrl.set(fullUrl, resource);
    const [, base] = RESTFUL.exec(fullUrl) ?? [];
    if (base !== undefined) bases.set(resource, base);
  }
  const index = { byUrl, byId, bases };
  known.set(bundle, index);
  return index;
}

export function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
